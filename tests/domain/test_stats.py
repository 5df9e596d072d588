"""Rolling windows, uptime and counts, by result and by tick."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.maintenance import Span, Stretches, Window, merged
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.stats import MonitorStats, StatusCounts, Tally, Windows, count_statuses
from chalicelib.domain.tick import MAIN, Tick, build_tick
from tests.domain.builders import DEGRADED, DOWN, UP, outcomes

NOW = datetime(2026, 3, 31, 12, 0, 0, tzinfo=UTC)
SECOND, MILLISECOND = timedelta(seconds=1), timedelta(milliseconds=1)


def counted(windows: Windows) -> list[int]:
    return [tally.total for tally in windows.tallies()]


@pytest.mark.parametrize(
    ("age", "inside"),
    [
        (-SECOND, [1, 1, 1]),
        (timedelta(0), [1, 1, 1]),
        (timedelta(days=1) - SECOND, [1, 1, 1]),
        (timedelta(days=1) - MILLISECOND, [1, 1, 1]),
        (timedelta(days=1), [0, 1, 1]),
        (timedelta(days=1) + SECOND, [0, 1, 1]),
        (timedelta(days=7) - SECOND, [0, 1, 1]),
        (timedelta(days=7), [0, 0, 1]),
        (timedelta(days=30) - SECOND, [0, 0, 1]),
        (timedelta(days=30) - MILLISECOND, [0, 0, 1]),
        (timedelta(days=30), [0, 0, 0]),
        (timedelta(days=400), [0, 0, 0]),
    ],
    ids=str,
)
@pytest.mark.parametrize("status", Status)
def test_a_result_is_inside_when_it_is_younger_than_the_window(
    age: timedelta, inside: list[int], status: Status
) -> None:
    windows = Windows(NOW)
    assert windows.add(status, NOW - age) is bool(inside[2])
    assert counted(windows) == inside


def test_a_check_a_minute_is_never_more_than_1440_in_a_day() -> None:
    for shift in (0, 1, 59_999):
        windows = Windows(NOW)
        for minute in range(3000):
            windows.add(UP, NOW - shift * MILLISECOND - timedelta(minutes=minute))
        assert counted(windows)[0] == 1440


@pytest.mark.parametrize(
    ("tally", "uptime"),
    [
        (Tally(), 100.0),
        (Tally(up=3), 100.0),
        (Tally(degraded=3), 100.0),
        (Tally(down=3), 0.0),
        (Tally(up=1, degraded=1, down=1), 66.67),
        (Tally(up=1, down=2), 33.33),
        (Tally(up=43_199, down=1), 100.0),
        (Tally(up=9_999, down=1), 99.99),
        (Tally(up=15, down=1), 93.75),
    ],
    ids=str,
)
def test_uptime_is_the_share_that_is_not_down_in_two_decimals(tally: Tally, uptime: float) -> None:
    assert tally.uptime == uptime
    assert isinstance(tally.uptime, float)


def at_edge(days: int, seconds: float, results: dict[int, Outcome]) -> Tick:
    """A tick whose run began so long after an edge (or before it)."""
    began_at = NOW - timedelta(days=days) + timedelta(seconds=seconds)
    slot = int(began_at.timestamp()) // 60 * 60
    return build_tick(slot, MAIN, began_at, results)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 7, 29, 30]),
            st.floats(-130, 130).map(lambda s: round(s, 3)),
            st.dictionaries(st.integers(0, 40), outcomes, min_size=1, max_size=12),
        ),
        max_size=8,
    ),
    st.sets(st.integers(0, 40)).map(lambda positions: sum(1 << p for p in positions)),
)
def test_a_tick_counts_as_its_results_one_by_one(
    rows: list[tuple[int, float, dict[int, Outcome]]], wanted: int
) -> None:
    at_once, one_by_one = Windows(NOW), Windows(NOW)
    for days, seconds, results in rows:
        tick = at_edge(days, seconds, results)
        at_once.add_tick(tick, wanted)
        for position, outcome in tick.outcomes():
            if wanted >> position & 1:
                one_by_one.add(outcome.status, tick.checked_at(position))
    assert at_once.tallies() == one_by_one.tallies()


SPANS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 7, 30]),
        st.floats(-130, 130).map(lambda s: round(s, 3)),
        st.sampled_from([0.001, 1, 60, 3600, 10 * 86400]),
    ),
    max_size=4,
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 7, 29, 30]),
            st.floats(-130, 130).map(lambda s: round(s, 3)),
            st.dictionaries(st.integers(0, 40), outcomes, min_size=1, max_size=12),
        ),
        max_size=8,
    ),
    st.sets(st.integers(0, 40)).map(lambda positions: sum(1 << p for p in positions)),
    SPANS,
)
def test_what_is_in_maintenance_is_left_out_of_a_tick_as_one_by_one(
    rows: list[tuple[int, float, dict[int, Outcome]]],
    wanted: int,
    drawn: list[tuple[int, float, float]],
) -> None:
    begins = [(NOW - timedelta(days=days) + seconds * SECOND, length) for days, seconds, length in drawn]
    spans = [Span(begin, begin + length * SECOND) for begin, length in begins]
    windows = [Window("mnt_1", "team_1", "x", *span, NOW, NOW) for span in spans]
    stretches = Stretches(merged(windows))
    at_once, one_by_one, rest = Windows(NOW), Windows(NOW), Windows(NOW)
    for days, seconds, results in rows:
        tick = at_edge(days, seconds, results)
        at_once.add_tick(tick, wanted)
        at_once.leave_out_of_tick(tick, wanted, stretches)
        for position, outcome in tick.outcomes():
            if wanted >> position & 1:
                at = tick.checked_at(position)
                one_by_one.add(outcome.status, at)
                if any(begin <= at < end for begin, end in spans):
                    one_by_one.leave_out(outcome.status, at)
                else:
                    rest.add(outcome.status, at)
    assert at_once.tallies() == one_by_one.tallies()
    assert [tally.uptime for tally in at_once.tallies()] == [tally.uptime for tally in rest.tallies()]


def test_what_is_in_maintenance_counts_but_for_the_uptime() -> None:
    """Its response times, too."""
    stats = MonitorStats(Windows(NOW), maintenance=Stretches([Span(NOW - SECOND, NOW)]))
    for status, at in ((DOWN, NOW - SECOND), (UP, NOW), (DOWN, NOW - 2 * SECOND), (UP, NOW - MILLISECOND)):
        stats.add(Outcome(status, Reason.NONE, 200, 10), at)
    for tally in stats.windows.tallies():
        assert tally == Tally(up=2, down=2, left_out=2, left_out_down=1)
        assert tally.uptime == 50.0
    assert stats.response_times.count == 4


def test_a_window_over_everything_leaves_full_uptime() -> None:
    assert Tally(up=1, down=2, left_out=3, left_out_down=2).uptime == 100.0


def test_an_edge_may_run_through_a_tick() -> None:
    tick = at_edge(1, -2, {p: Outcome(UP, Reason.NONE, 200, 5, offset_ms=p * 1000) for p in range(5)})
    windows = Windows(NOW)
    windows.add_tick(tick, 0b11111)
    assert counted(windows) == [2, 5, 5]


def test_response_times_are_those_of_30_days_that_got_a_response() -> None:
    stats = MonitorStats(Windows(NOW))
    stats.add(Outcome(UP, Reason.NONE, 200, 10), NOW)
    stats.add(Outcome(DEGRADED, Reason.SLOW, 200, 6_000), NOW - timedelta(days=29))
    stats.add(Outcome(DOWN, Reason.WRONG_STATUS, 503, 40), NOW)
    stats.add(Outcome(DOWN, Reason.TIMEOUT, 0, 10_000), NOW)
    stats.add(Outcome(UP, Reason.NONE, 200, 9_000), NOW - timedelta(days=30))
    times = stats.response_times
    assert (times.count, times.min_ms, times.max_ms, times.sum_ms) == (3, 10, 6_000, 6_050)
    assert stats.windows.tallies()[2] == Tally(up=1, degraded=1, down=2)


def test_pending_and_disabled_monitors_count_in_the_total_only() -> None:
    statuses = [UP, None, DOWN, UP, None, DEGRADED]
    assert count_statuses(statuses) == StatusCounts(total=6, up=2, degraded=1, down=1)
    assert count_statuses([]) == StatusCounts(0, 0, 0, 0)
