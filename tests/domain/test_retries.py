"""When a monitor whose change is unconfirmed is due outside its rhythm."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.confirmation import NO_STREAK, Streak, retry_seconds
from chalicelib.domain.member import Member
from chalicelib.domain.state import Entry, is_retry

from .builders import DOWN, SLOT, UP, member

OPEN = Streak(1, DOWN)


def retried(interval: int = 600, retry: int | None = 60, needed: tuple[int, int] = (3, 1)) -> Member:
    spec = {"confirmations": needed[0], "recoveryConfirmations": needed[1], "retryIntervalSeconds": retry}
    return replace(member(1, interval_seconds=interval), spec=spec)


def entry(slot: int, streak: Streak = OPEN, **fields: Any) -> Entry:
    return replace(Entry(UP, SLOT - 3600, slot, streak=streak), **fields)


def due(one: Member, known: Entry | None, slot_seconds: int = 60, slots: int = 12) -> list[int]:
    """Seconds after SLOT."""
    offsets = range(0, slots * slot_seconds, slot_seconds)
    return [offset for offset in offsets if is_retry(one, known, SLOT + offset, slot_seconds)]


@pytest.mark.parametrize(
    ("interval", "retry", "found"),
    [
        (600, 60, [60, 120, 180, 240, 300, 360, 420, 480, 540, 660]),
        (600, 61, [120, 180, 240, 300, 360, 420, 480, 540, 660]),
        (600, 240, [240, 300, 360, 420, 480, 540, 660]),
        (600, 540, [540, 660]),
        (600, 541, []),
        (600, 600, []),
        (600, 3600, []),
        (600, None, []),
        (60, 60, []),
        (90, 60, [120, 300, 480, 660]),
    ],
)
def test_it_is_due_once_that_long_after_the_newest_result_and_in_no_slot_of_its_rhythm(
    interval: int, retry: int | None, found: list[int]
) -> None:
    assert due(retried(interval, retry), entry(SLOT)) == found


def test_a_fast_shard_counts_in_slots_of_its_own() -> None:
    fast = retried(50, 25)
    assert due(fast, entry(SLOT), slot_seconds=10) == [30, 40, 60, 70, 80, 90, 110]
    assert due(retried(50, 41), entry(SLOT), slot_seconds=10) == []


def test_the_newest_result_counts_and_not_the_first_of_the_streak() -> None:
    assert due(retried(600, 120), entry(SLOT + 120, Streak(2, DOWN)))[0] == 240


def test_a_recovery_is_retried_like_a_failure() -> None:
    recovering = entry(SLOT, Streak(1, UP), status=DOWN, seq=1, opened_seq=1)
    assert due(retried(needed=(1, 2)), recovering)[:2] == [60, 120]


@pytest.mark.parametrize(
    "known", [None, entry(SLOT, NO_STREAK), entry(SLOT, NO_STREAK, status=DOWN)], ids=["new", "up", "down"]
)
def test_without_a_streak_there_is_nothing_to_confirm(known: Entry | None) -> None:
    assert due(retried(), known) == []


def test_a_monitor_that_needs_no_confirmation_any_more_is_not_retried() -> None:
    assert due(retried(needed=(1, 1)), entry(SLOT)) == []


def test_a_disabled_monitor_is_never_retried() -> None:
    assert due(replace(retried(), is_enabled=False), entry(SLOT)) == []


def test_no_slot_before_the_anchor_is_a_retry() -> None:
    moved = replace(retried(), anchor=SLOT + 180)
    assert due(moved, entry(SLOT))[0] == 240


def test_a_streak_from_before_the_enable_is_not_retried() -> None:
    assert due(replace(retried(), enabled_slot=SLOT), entry(SLOT - 60)) == []
    assert due(replace(retried(), enabled_slot=SLOT), entry(SLOT)) != []


def test_a_slot_that_a_newer_result_has_overtaken_is_no_retry() -> None:
    assert due(retried(), entry(SLOT + 3600)) == []


@given(st.integers(10, 86_400), st.integers(10, 86_400), st.sampled_from([10, 60]), st.integers(0, 10**6))
def test_a_retry_never_lies_in_the_rhythm_and_never_comes_too_soon(
    interval: int, retry: int, slot_seconds: int, at: int
) -> None:
    one, slot = retried(interval, retry), SLOT + at // slot_seconds * slot_seconds
    for newest in (slot - slot_seconds, slot - retry, slot - retry - slot_seconds, slot):
        if is_retry(one, entry(newest), slot, slot_seconds):
            assert not one.is_due(slot, slot_seconds)
            assert slot - newest >= retry_seconds(one.spec, interval, slot_seconds) >= retry
            assert retry < interval
