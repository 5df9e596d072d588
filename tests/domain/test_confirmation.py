from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.confirmation import (
    NO_STREAK,
    Confirmations,
    Streak,
    confirmations_of,
    follow,
    retry_seconds,
    shown_confirmations,
    without_defaults,
)
from chalicelib.domain.outcome import Status

from .builders import DEGRADED, DOWN, UP, statuses
from .confirmed import reference

URL = {"url": "https://example.com/"}
numbers = st.integers(1, 10)
WORDS = {"u": UP, "d": DEGRADED, "D": DOWN}


def states(told: Sequence[Status], needed: Confirmations) -> list[Status]:
    """From change to change."""
    status, streak = told[0], NO_STREAK
    found = [status]
    for result in told[1:]:
        after, streak = follow(status, streak, result, needed)
        if after is not status:
            found.append(after)
        status = after
    return found


@pytest.mark.parametrize(
    ("told", "worse", "better", "found"),
    [
        ("uD", 1, 1, "uD"),
        ("uDu", 2, 1, "u"),
        ("uDD", 2, 1, "uD"),
        ("uDdD", 3, 1, "ud"),
        ("uDdDDDD", 3, 1, "udD"),
        ("uDuDD", 2, 1, "uD"),
        ("uDDuDuu", 2, 2, "uDu"),
        ("uDDudu", 2, 3, "uDd"),
        ("uddDuDuDuDuu", 2, 2, "udu"),
        ("dDuDuD", 2, 2, "d"),
        ("DDD", 9, 9, "D"),
        ("DuD", 1, 2, "D"),
        ("Duu", 1, 2, "Du"),
    ],
)
def test_a_change_takes_so_many_results_in_a_row(told: str, worse: int, better: int, found: str) -> None:
    """u up, d degraded, D down."""
    results = [WORDS[word] for word in told]
    assert states(results, Confirmations(worse, better)) == [WORDS[word] for word in found]


@given(st.lists(statuses, min_size=1, max_size=60), numbers, numbers)
def test_any_results_are_followed_as_by_who_sees_them_all(
    told: list[Status], worse: int, better: int
) -> None:
    assert states(told, Confirmations(worse, better)) == reference(told, worse, better)


@given(st.lists(statuses, min_size=1, max_size=30))
def test_without_confirmation_every_change_of_the_results_is_one(told: list[Status]) -> None:
    changed = [told[0], *(b for a, b in pairwise(told) if a is not b)]
    assert reference(told, 1, 1) == states(told, Confirmations()) == changed


def test_a_streak_is_shorter_than_what_is_needed() -> None:
    needed = Confirmations(3, 2)
    assert follow(UP, NO_STREAK, DOWN, needed) == (UP, Streak(1, DOWN))
    assert follow(UP, Streak(1, DOWN), DEGRADED, needed) == (UP, Streak(2, DEGRADED))
    assert follow(UP, Streak(2, DEGRADED), DOWN, needed) == (DEGRADED, NO_STREAK)
    assert follow(DEGRADED, Streak(1, UP), DOWN, needed) == (DEGRADED, Streak(1, DOWN))


def test_a_number_lowered_below_a_streak_holds_from_the_next_result_on() -> None:
    assert follow(UP, Streak(7, DOWN), DOWN, Confirmations(2, 1)) == (DOWN, NO_STREAK)
    assert follow(UP, Streak(7, DOWN), UP, Confirmations(2, 1)) == (UP, NO_STREAK)


def test_where_one_result_is_enough_again_it_alone_decides() -> None:
    assert follow(UP, Streak(2, DEGRADED), DOWN, Confirmations(1, 3)) == (DOWN, NO_STREAK)
    assert follow(DOWN, Streak(2, DEGRADED), UP, Confirmations(3, 1)) == (UP, NO_STREAK)


def test_what_is_not_in_a_spec_is_one() -> None:
    assert confirmations_of(URL) == Confirmations(1, 1)
    assert not confirmations_of(URL).is_needed
    assert shown_confirmations(URL) == {
        "confirmations": 1,
        "recoveryConfirmations": 1,
        "retryIntervalSeconds": None,
    }


@pytest.mark.parametrize("key", ["confirmations", "recoveryConfirmations"])
def test_either_number_makes_a_monitor_confirm(key: str) -> None:
    assert confirmations_of({**URL, key: 2}).is_needed
    assert shown_confirmations({**URL, key: 2})[key] == 2


def test_defaults_are_not_stored_and_nothing_else_is_left_out() -> None:
    spec = {**URL, "port": 1, "flag": True, "nothing": None, "confirmations": 1, "recoveryConfirmations": 3}
    stored = {**URL, "port": 1, "flag": True, "nothing": None, "recoveryConfirmations": 3}
    assert without_defaults({**spec, "retryIntervalSeconds": None}) == stored
    assert without_defaults({**spec, "retryIntervalSeconds": 60}) == {**stored, "retryIntervalSeconds": 60}


@pytest.mark.parametrize(
    ("wanted", "interval", "slot", "found"),
    [
        (60, 600, 60, 60),
        (61, 600, 60, 120),
        (119, 600, 60, 120),
        (120, 600, 60, 120),
        (10, 600, 60, 60),
        (3600, 86400, 60, 3600),
        (540, 600, 60, 540),
        (541, 600, 60, 0),
        (600, 600, 60, 0),
        (3600, 600, 60, 0),
        (60, 60, 60, 0),
        (10, 60, 60, 0),
        (10, 61, 60, 60),
        (60, 90, 60, 60),
        (61, 90, 60, 0),
        (10, 59, 10, 10),
        (11, 59, 10, 20),
        (50, 59, 10, 50),
        (51, 59, 10, 0),
        (10, 10, 10, 0),
        (86400, 59, 10, 0),
        (None, 600, 60, 0),
    ],
)
def test_retries_come_in_whole_slots_and_only_sooner_than_the_interval(
    wanted: int | None, interval: int, slot: int, found: int
) -> None:
    assert retry_seconds({**URL, "retryIntervalSeconds": wanted}, interval, slot) == found
    if wanted is None:
        assert retry_seconds(URL, interval, slot) == found
