"""When a window is active, what it covers, and when any of many is."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.maintenance import Phase, Span, Stretches, Window, covers, merged

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, HOUR, MILLISECOND = timedelta(seconds=1), timedelta(hours=1), timedelta(milliseconds=1)


def window(
    begin: float = 0, end: float = 3600, ended: float | None = None, monitor_id: str | None = None
) -> Window:
    """Of seconds after AT."""
    early = None if ended is None else AT + ended * SECOND
    starts_at, ends_at = AT + begin * SECOND, AT + end * SECOND
    return Window("mnt_1", "team_1", "x", starts_at, ends_at, AT, AT, monitor_id, ended_early_at=early)


@pytest.mark.parametrize(
    ("ended", "second", "phase"),
    [
        (None, -1, Phase.UPCOMING),
        (None, -0.001, Phase.UPCOMING),
        (None, 0, Phase.ACTIVE),
        (None, 3599.999, Phase.ACTIVE),
        (None, 3600, Phase.PAST),
        (None, 9999, Phase.PAST),
        (60, 59.999, Phase.ACTIVE),
        (60, 60, Phase.PAST),
        (60, 3000, Phase.PAST),
        (0, 0, Phase.PAST),
        (-60, -30, Phase.PAST),  # ended, and then moved into the future
        (-60, 30, Phase.PAST),
    ],
)
def test_the_start_belongs_to_a_window_and_the_end_does_not(
    ended: float | None, second: float, phase: Phase
) -> None:
    assert window(ended=ended).phase(AT + second * SECOND) is phase


def test_a_window_covers_its_monitor_or_everything() -> None:
    assert covers(window(), "mon_1")
    assert covers(window(), "tcpm_1")
    assert covers(window(monitor_id="mon_1"), "mon_1")
    assert not covers(window(monitor_id="mon_1"), "mon_2")
    assert not covers(window(monitor_id="mon_1"), "mon_11")


def spans(*windows: Window) -> list[tuple[float, float]]:
    found = merged(windows)
    return [((s.begins_at - AT) / SECOND, (s.ends_at - AT) / SECOND) for s in found]


def test_windows_merge_where_they_touch_or_overlap() -> None:
    assert spans() == []
    assert spans(window(50, 60), window(0, 10)) == [(0, 10), (50, 60)]
    assert spans(window(0, 10), window(10, 20), window(21, 22)) == [(0, 20), (21, 22)]
    assert spans(window(0, 100), window(10, 20), window(90, 110)) == [(0, 110)]


def test_an_ended_window_reaches_to_its_end_and_an_empty_one_nowhere() -> None:
    assert spans(window(0, 100, ended=30), window(40, 50)) == [(0, 30), (40, 50)]
    assert spans(window(0, 100, ended=0), window(10, 20, ended=5)) == []


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.none() | st.integers(0, 40)), max_size=8)
)
def test_merged_spans_are_where_any_window_is_active(drawn: list[tuple[int, int, int | None]]) -> None:
    windows = [window(begin, begin + length, ended) for begin, length, ended in drawn]
    found = merged(windows)
    assert found == sorted(found)
    assert all(before.ends_at < after.begins_at for before, after in pairwise(found))
    stretches = Stretches(found)
    assert bool(stretches) is bool(found)
    active = []
    for half in range(-2, 170):
        at = AT + half * SECOND / 2
        active.append(any(w.phase(at) is Phase.ACTIVE for w in windows))
        assert (int(at.timestamp() * 1000) in stretches) is active[-1]
    first, last = AT - SECOND, AT + 10 * SECOND
    has_any = any(active[: (last - first) // (SECOND / 2) + 1])
    assert stretches.meets(int(first.timestamp() * 1000), int(last.timestamp() * 1000)) is has_any
    for length in (0, 1, 5, 20):
        first, last = AT + 10 * SECOND, AT + (10 + length) * SECOND
        has_all = all(active[(first - AT) // (SECOND / 2) + 2 : (last - AT) // (SECOND / 2) + 3])
        assert stretches.holds(int(first.timestamp() * 1000), int(last.timestamp() * 1000)) is has_all


def test_stretches_are_true_to_the_millisecond() -> None:
    stretches = Stretches([Span(AT, AT + HOUR)])
    ms = int(AT.timestamp() * 1000)
    assert [ms + n in stretches for n in (-1, 0, 3_599_999, 3_600_000)] == [False, True, True, False]
    assert not stretches.meets(ms - 10, ms - 1)
    assert stretches.meets(ms - 10, ms)
    assert stretches.meets(ms - 10, ms + 10**9)
    assert not stretches.meets(ms + 3_600_000, ms + 10**9)
    assert 0 not in Stretches()
