import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.outcome import Status
from chalicelib.domain.rollup import Summary, shown_status, summarise

from .builders import DEGRADED, DOWN, UP


@pytest.mark.parametrize(
    ("shown", "overall"),
    [
        ([], "unknown"),
        ([None, None], "unknown"),
        ([UP], "operational"),
        ([UP, None], "operational"),
        ([UP, DEGRADED], "degraded"),
        ([DEGRADED], "degraded"),
        ([UP, DOWN], "partial_outage"),
        ([DEGRADED, DOWN], "partial_outage"),
        ([DOWN], "major_outage"),
        ([DOWN, DOWN, None], "major_outage"),
    ],
)
def test_the_worst_of_what_is_known_gives_the_word(shown: list[Status | None], overall: str) -> None:
    assert summarise(shown).overall == overall


def test_every_monitor_is_counted_once() -> None:
    shown = [UP, UP, UP, DOWN, DOWN, DEGRADED, None, None]
    assert summarise(shown) == Summary("partial_outage", total=8, up=3, down=2, degraded=1, unknown=2)


@given(st.lists(st.none() | st.sampled_from(Status)))
def test_the_counts_add_up(shown: list[Status | None]) -> None:
    summary = summarise(shown)
    assert summary.up + summary.down + summary.degraded + summary.unknown == summary.total == len(shown)


@pytest.mark.parametrize("status", [None, *Status])
def test_a_disabled_monitor_is_unknown(status: Status | None) -> None:
    assert shown_status(status, is_enabled=True) is status
    assert shown_status(status, is_enabled=False) is None
