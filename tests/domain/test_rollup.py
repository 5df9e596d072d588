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
        ([DOWN, DOWN], "major_outage"),
        ([DOWN, None], "partial_outage"),
    ],
)
@pytest.mark.parametrize("disabled", [[], [DOWN, UP, None]])
def test_the_worst_of_the_enabled_ones_gives_the_word(
    shown: list[Status | None], overall: str, disabled: list[Status | None]
) -> None:
    rows = [*((status, True) for status in shown), *((status, False) for status in disabled)]
    assert summarise(rows).overall == overall


def test_every_monitor_is_counted_once() -> None:
    shown = [(status, True) for status in (UP, UP, UP, DOWN, DOWN, DEGRADED, None)]
    assert summarise([*shown, (UP, False)]) == Summary(
        "partial_outage", total=8, up=3, down=2, degraded=1, unknown=2
    )


@given(st.lists(st.tuples(st.none() | st.sampled_from(Status), st.booleans())))
def test_the_counts_add_up(shown: list[tuple[Status | None, bool]]) -> None:
    summary = summarise(shown)
    assert summary.up + summary.down + summary.degraded + summary.unknown == summary.total == len(shown)


@pytest.mark.parametrize("status", [None, *Status])
def test_a_disabled_monitor_is_unknown(status: Status | None) -> None:
    assert shown_status(status, is_enabled=True) is status
    assert shown_status(status, is_enabled=False) is None
