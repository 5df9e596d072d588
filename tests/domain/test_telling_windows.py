"""When an alert tells what: maintenance windows that suppress."""

from datetime import timedelta

import pytest

from chalicelib.domain.alert_event import EventStatus, Skip
from chalicelib.domain.message import DELIVERED, retry

from .teller import DAY, DEGRADED, DOWN, MINUTE, NOON, UP, Teller, every


def test_nothing_is_told_in_a_window_and_the_first_comes_when_it_ends() -> None:
    teller = Teller()
    teller.is_suppressed = True
    teller.turn(DOWN)
    teller.wait(30)
    assert teller.tried == []
    (skip,) = teller.records.values()
    assert (skip.status, skip.skip, skip.until) == (EventStatus.SKIPPED, Skip.MAINTENANCE, None)
    teller.is_suppressed = False
    teller.wait(61)
    assert teller.told == ["31 down", "91 down"]
    assert teller.delivered[0].waiting.since == NOON


def test_what_begins_and_ends_in_a_window_is_not_told() -> None:
    teller = Teller()
    teller.is_suppressed = True
    teller.turn(DOWN)
    teller.wait(12)
    teller.turn(UP)
    teller.is_suppressed = False
    teller.wait(DAY)
    assert teller.tried == []
    (skip,) = teller.records.values()
    assert (skip.skip, skip.skipped, skip.created_at, skip.until) == (
        Skip.MAINTENANCE,
        12,
        NOON,
        NOON + 12 * MINUTE,
    )


@pytest.mark.parametrize(("every_seconds", "count"), [(10, 180), (60, 30), (300, 6), (86_400, 1)])
def test_what_is_skipped_is_counted_from_times_and_not_from_looks(every_seconds: int, count: int) -> None:
    teller = Teller(every_seconds=every_seconds)
    teller.is_suppressed = True
    teller.turn(DOWN)
    teller.wait(30)
    teller.turn(UP)
    assert teller.skips() == {Skip.MAINTENANCE: [count]}


def test_two_windows_in_an_incident_are_one_record_that_is_completed_at_its_end() -> None:
    teller = Teller(every(5))
    teller.turn(DOWN)
    for _ in range(2):
        teller.is_suppressed = True
        teller.wait(20)
        teller.is_suppressed = False
        teller.wait(20)
    (skip,) = (event for event in teller.with_status(EventStatus.SKIPPED) if event.skip is Skip.MAINTENANCE)
    told_at = [attempt.minute for attempt in teller.delivered]
    assert told_at == [0, 21, 26, 31, 36, 61, 66, 71, 76]
    assert skip.created_at == NOON + 5 * MINUTE
    assert skip.skipped == (21 - 5) + (61 - 41)
    teller.turn(UP)
    recovery = teller.delivered[-1].waiting
    assert (recovery.sent, recovery.held_back) == (9, 80 - 9)
    assert teller.skips() == {Skip.MAINTENANCE: [36], Skip.COOLDOWN: [80 - 9 - 36]}
    ends = {event.skip: event.until for event in teller.with_status(EventStatus.SKIPPED)}
    assert ends == {Skip.MAINTENANCE: NOON + 61 * MINUTE, Skip.COOLDOWN: teller.now}


def test_every_incident_has_a_record_of_its_own() -> None:
    teller = Teller()
    teller.is_suppressed = True
    for _ in range(3):
        teller.turn(DOWN)
        teller.wait(5)
        teller.turn(UP)
        teller.wait(5)
    assert teller.skips() == {Skip.MAINTENANCE: [5, 5, 5]}


def test_a_change_for_the_worse_in_a_window_is_told_when_it_ends() -> None:
    teller = Teller(every(1440))
    teller.turn(DEGRADED)
    teller.is_suppressed = True
    teller.wait(5)
    teller.turn(DOWN)
    teller.wait(5)
    teller.is_suppressed = False
    teller.wait(5)
    assert teller.told == ["0 degraded", "11 down"]
    assert teller.skips() == {Skip.MAINTENANCE: [6]}


def test_attempts_and_recoveries_wait_for_the_end_of_a_window() -> None:
    teller = Teller()
    teller.answer = lambda waiting, at: retry("timeout")
    teller.turn(DOWN)
    teller.is_suppressed, teller.answer = True, lambda waiting, at: DELIVERED
    teller.wait(10)
    teller.turn(UP)
    teller.wait(10)
    assert teller.tried == ["0 down"]
    teller.is_suppressed = False
    teller.wait(1)
    assert teller.told == ["21 down", "21 up"]


def test_a_window_is_recorded_though_an_attempt_is_under_way() -> None:
    teller = Teller()
    teller.answer = lambda waiting, at: retry("timeout")
    teller.turn(DOWN)
    teller.is_suppressed = True
    teller.wait(20)
    teller.is_suppressed = False
    teller.wait(40)
    (skip,) = teller.with_status(EventStatus.SKIPPED)
    assert (skip.created_at, skip.until) == (NOON + MINUTE, NOON + 21 * MINUTE)
    assert skip.skipped == 20


def test_a_recovery_that_had_to_wait_is_told_though_it_is_down_again_and_then_that() -> None:
    teller = Teller()
    teller.turn(DOWN)
    teller.is_suppressed = True
    teller.wait(1)
    teller.turn(UP)
    teller.wait(1)
    teller.turn(DOWN)
    teller.is_suppressed = False
    teller.wait(1)
    assert teller.told == ["0 down", "3 up", "3 down"]


def test_a_window_within_the_cooldown_keeps_nothing_from_being_told() -> None:
    teller = Teller()
    teller.turn(DOWN)
    teller.wait(10)
    teller.is_suppressed = True
    teller.wait(40)
    teller.is_suppressed = False
    teller.wait(10)
    teller.turn(UP)
    assert teller.told == ["0 down", "60 down", "60 up"]
    assert teller.skips() == {Skip.COOLDOWN: [58]}


def test_a_disabled_monitor_in_a_window_has_nothing_to_skip() -> None:
    teller = Teller(every(5))
    teller.turn(DOWN)
    teller.is_suppressed, teller.is_watched = True, False
    teller.wait(60)
    assert teller.with_status(EventStatus.SKIPPED) == []


def test_a_retry_after_ends_in_no_window() -> None:
    teller = Teller()
    teller.answer = lambda waiting, at: retry("HTTP status 503", 600) if at == NOON else DELIVERED
    teller.turn(DOWN)
    teller.wait(5)
    teller.is_suppressed = True
    teller.wait(30)
    assert teller.told == []
    teller.is_suppressed = False
    teller.wait(1)
    assert teller.told == ["36 down"]
    assert teller.delivered[0].waiting.created_at + timedelta(minutes=36) == teller.now
