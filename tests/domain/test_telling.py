"""When an alert tells what: the rules of the contract (section 4.8), case by case."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from chalicelib.domain.alert_event import EventStatus, Skip
from chalicelib.domain.message import DELIVERED, failed, retry
from chalicelib.domain.telling import KEPT

from .teller import DAY, DEGRADED, DOWN, MINUTE, NOON, UP, Teller, every, minutes_of

# First notifications


@pytest.mark.parametrize("cooldown", [0, 1, 5, 60, 1440])
def test_every_incident_is_told_at_once_whatever_the_cooldown(cooldown: int) -> None:
    teller = Teller(every(cooldown, tells_recovery=False))
    for _ in range(3):
        teller.turn(DOWN)
        teller.wait(1)
        teller.turn(UP)
        teller.wait(1)
    assert teller.told == ["0 down", "2 down", "4 down"]


def test_each_event_type_has_a_first_notification_of_its_own() -> None:
    teller = Teller()
    for event in (DEGRADED, DOWN, DEGRADED, DOWN, UP):
        teller.turn(event)
        teller.wait(1)
    assert teller.told == ["0 degraded", "1 down", "4 up"]


def test_each_event_type_is_repeated_by_its_own_cooldown() -> None:
    teller = Teller(every(10))
    teller.turn(DEGRADED)
    teller.wait(4)
    teller.turn(DOWN)
    teller.wait(4)
    teller.turn(DEGRADED)
    teller.wait(12)
    assert teller.told == ["0 degraded", "4 down", "10 degraded", "20 degraded"]


def test_an_end_of_what_was_never_heard_of_is_not_told() -> None:
    teller = Teller()
    teller.turn(UP)
    teller.wait(5)
    assert teller.tried == []
    assert teller.records == {}


def test_what_is_heard_twice_is_told_once() -> None:
    teller = Teller()
    news = [teller.turn(DOWN), teller.turn(UP), teller.turn(DOWN)]
    before = teller.course
    for each in (*news, *news):
        teller.hear(each)
    assert teller.told == ["0 down", "0 up", "0 down"]
    assert replace(teller.course, version=0) == replace(before, version=0)


def test_what_is_heard_late_is_told_all_the_same() -> None:
    teller = Teller()
    news = [teller.unheard(DOWN)]
    teller.wait(30)
    news.append(teller.unheard(UP))
    teller.wait(30)
    teller.hear(*news)
    assert teller.told == ["60 down", "60 up"]


# Repeats


@pytest.mark.parametrize(
    ("cooldown", "distance"), [(0, 5), (1, 5), (5, 5), (6, 6), (60, 60), (61, 61), (1440, 1440)]
)
def test_repeats_of_a_day_have_no_cap_and_keep_their_distance(cooldown: int, distance: int) -> None:
    teller = Teller(every(cooldown))
    teller.turn(DOWN)
    teller.wait(DAY)
    assert minutes_of(teller.told, DOWN) == list(range(0, DAY + 1, distance))


def test_a_first_notification_amid_a_minute_is_repeated_in_the_minute_after_its_cooldown_is_over() -> None:
    teller = Teller()
    teller.now += timedelta(seconds=7, microseconds=123_456)
    teller.turn(DOWN)
    teller.wait(DAY)
    assert minutes_of(teller.told[1:], DOWN) == list(range(61, DAY + 1, 60))


def test_repeats_tell_what_is_found_now() -> None:
    teller = Teller()
    teller.turn(DOWN)
    assert teller.current is not None
    teller.current = replace(teller.current, status_code=503)
    teller.wait(60)
    repeat = teller.delivered[-1].waiting
    assert (repeat.finding.status_code, repeat.finding.at) == (503, teller.now)
    assert (repeat.since, repeat.sent, repeat.held_back, repeat.number) == (NOON, 1, 59, 1)


def test_nothing_is_repeated_of_what_has_ended_unheard() -> None:
    teller = Teller(every(5))
    teller.turn(DOWN)
    news = teller.unheard(UP)
    teller.wait(30)
    assert teller.told == ["0 down"]
    teller.hear(news)
    assert teller.told == ["0 down", "30 up"]


def test_a_change_on_its_way_is_waited_for() -> None:
    teller = Teller(every(5))
    teller.turn(DEGRADED)
    teller.wait(4)
    news = teller.unheard(DOWN)
    teller.wait(2)
    assert teller.told == ["0 degraded"]
    teller.hear(news)
    assert teller.told == ["0 degraded", "6 down"]


def test_nothing_is_repeated_while_no_run_is_overdue() -> None:
    """A `late` that a late ping has left behind."""
    teller = Teller(every(5))
    teller.turn(DEGRADED)
    teller.quiet_until = NOON + 30 * MINUTE
    teller.wait(30)
    assert teller.told == ["0 degraded"]
    teller.quiet_until = None
    teller.wait(10)
    assert teller.told == ["0 degraded", "31 degraded", "36 degraded"]


# Recoveries


def test_one_recovery_says_how_many_were_sent_and_held_back() -> None:
    teller = Teller()
    teller.turn(DOWN)
    teller.wait(90)
    teller.turn(UP)
    assert teller.told == ["0 down", "60 down", "90 up"]
    recovery = teller.delivered[-1].waiting
    assert (recovery.sent, recovery.held_back, recovery.since) == (2, 88, NOON)
    assert teller.skips() == {Skip.COOLDOWN: [88]}
    teller.wait(DAY)
    assert len(teller.attempts) == 3


def test_a_slow_monitor_has_few_evaluations() -> None:
    teller = Teller(every_seconds=600)
    teller.turn(DOWN)
    teller.wait(90)
    teller.turn(UP)
    recovery = teller.delivered[-1].waiting
    assert (recovery.sent, recovery.held_back) == (2, 9 - 2)


def test_nothing_is_held_back_of_one_unhealthy_check() -> None:
    teller = Teller()
    teller.turn(DOWN)
    teller.wait(1)
    teller.turn(UP)
    recovery = teller.delivered[-1].waiting
    assert (recovery.sent, recovery.held_back) == (1, 0)
    assert teller.skips() == {}


def test_no_recovery_is_told_where_none_is_wanted() -> None:
    teller = Teller(every(60, tells_recovery=False))
    teller.turn(DOWN)
    teller.turn(UP)
    teller.wait(DAY)
    assert teller.told == ["0 down"]


def test_an_attempt_is_enough_for_a_recovery() -> None:
    teller = Teller()
    teller.answer = lambda waiting, at: (
        failed("HTTP status 404") if waiting.finding.event is DOWN else DELIVERED
    )
    teller.turn(DOWN)
    teller.turn(UP)
    assert teller.told == ["0 up"]
    assert teller.delivered[0].waiting.sent == 0


@pytest.mark.parametrize(("cooldown", "second_at"), [(0, 2), (10, 11), (60, 61)])
def test_recoveries_keep_the_cooldown_to_one_another(cooldown: int, second_at: int) -> None:
    """And not the floor of repeats. A held one is sent when its time comes, if all is still well."""
    teller = Teller(every(cooldown))
    teller.turn(DOWN)
    teller.wait(1)
    teller.turn(UP)
    teller.turn(DOWN)
    teller.wait(1)
    teller.turn(UP)
    teller.wait(DAY)
    assert teller.told == ["0 down", "1 up", "1 down", f"{second_at} up"]


def test_a_held_recovery_is_dropped_when_a_new_incident_begins_and_is_then_owed() -> None:
    teller = Teller(every(60))
    for event in (DOWN, UP, DOWN, UP, DOWN):
        teller.turn(event)
        teller.wait(1)
    assert teller.told == ["0 down", "1 up", "2 down", "4 down"]
    (dropped,) = teller.with_status(EventStatus.SKIPPED)
    assert (dropped.event, dropped.skip, dropped.skipped) == (UP, Skip.COOLDOWN, 1)
    teller.turn(UP)
    teller.wait(DAY)
    assert teller.told[4:] == ["61 up"]


def test_a_recovery_is_owed_though_the_incident_that_overtook_it_was_not_told() -> None:
    teller = Teller(every(60))
    for event in (DOWN, UP, DOWN, UP):
        teller.turn(event)
        teller.wait(1)
    teller.is_suppressed = True
    teller.turn(DOWN)
    teller.wait(1)
    teller.turn(UP)
    teller.is_suppressed = False
    teller.wait(DAY)
    assert teller.told == ["0 down", "1 up", "2 down", "61 up"]


def test_a_held_recovery_does_not_keep_the_next_incident_from_being_told() -> None:
    """The next began in a window, while the down before the recovery was still being retried."""
    teller = Teller(every(1440))
    for event in (DOWN, UP):
        teller.turn(event)
    teller.answer = lambda waiting, at: retry("timeout")
    teller.wait(1)
    teller.turn(DOWN)
    teller.turn(UP)
    teller.is_suppressed = True
    teller.turn(DOWN)
    teller.wait(10)
    teller.is_suppressed, teller.answer = False, lambda waiting, at: DELIVERED
    teller.wait(3)
    assert teller.told[2:] == ["12 down", "12 down"]


def test_a_recovery_is_owed_of_an_incident_whose_end_was_never_heard() -> None:
    teller = Teller()
    teller.turn(DOWN)
    teller.unheard(UP)
    teller.turn(DEGRADED, Skip.LATE)
    teller.turn(UP)
    assert teller.told == ["0 down", "0 up"]


# The course at rest


def test_a_course_at_rest_is_kept_longer_than_what_it_has_heard() -> None:
    teller = Teller()
    kept: list[datetime | None] = []
    for event in (DOWN, UP, DOWN):
        teller.turn(event)
        kept.append(teller.course.kept_until)
        assert (teller.course.next_at is None) is (event is UP)
    assert kept == [None, NOON + KEPT, None]
    assert timedelta(days=7) < KEPT


def test_the_ids_of_a_long_incident_are_all_different() -> None:
    teller = Teller(every(5))
    for event in (DEGRADED, DOWN, DEGRADED, DOWN, UP, DEGRADED, DOWN, UP):
        teller.turn(event)
        teller.wait(20)
    ids = [attempt.waiting.event_id for attempt in teller.delivered]
    assert len(ids) == len(set(ids)) > 12
    assert all(before.minute <= after.minute for before, after in pairwise(teller.delivered))
