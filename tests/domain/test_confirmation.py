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
    shown_confirmations,
    without_single_confirmations,
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
    assert shown_confirmations(URL) == {"confirmations": 1, "recoveryConfirmations": 1}


@pytest.mark.parametrize("key", ["confirmations", "recoveryConfirmations"])
def test_either_number_makes_a_monitor_confirm(key: str) -> None:
    assert confirmations_of({**URL, key: 2}).is_needed
    assert shown_confirmations({**URL, key: 2})[key] == 2


def test_ones_are_not_stored_and_nothing_else_is_left_out() -> None:
    spec = {**URL, "port": 1, "flag": True, "confirmations": 1, "recoveryConfirmations": 3}
    stored = {**URL, "port": 1, "flag": True, "recoveryConfirmations": 3}
    assert without_single_confirmations(spec) == stored
