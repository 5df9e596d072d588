"""When an alert tells what: cron jobs, certificates, tests, and what is disabled."""

from datetime import timedelta

import pytest

from chalicelib.domain.alert import Alert
from chalicelib.domain.alert_event import EventStatus, Skip
from chalicelib.domain.course import trial
from chalicelib.domain.message import DELIVERED, retry
from chalicelib.domain.telling import Policy

from .teller import DAY, DEGRADED, DOWN, NOON, UP, Teller, every

# Cron jobs


def test_a_late_job_is_silent_where_nobody_asked_and_missed_is_told() -> None:
    teller = Teller(every(5))
    teller.turn(DEGRADED, Skip.LATE)
    teller.wait(20)
    assert teller.tried == []
    assert teller.skips() == {Skip.LATE: [1]}
    teller.turn(DOWN)
    teller.wait(5)
    teller.turn(UP)
    assert teller.told == ["20 down", "25 down", "25 up"]
    assert all(event.until is not None for event in teller.with_status(EventStatus.SKIPPED))


def test_a_late_job_that_comes_is_not_told_at_all() -> None:
    teller = Teller()
    teller.turn(DEGRADED, Skip.LATE)
    teller.wait(1)
    teller.turn(UP)
    teller.wait(DAY)
    assert teller.tried == []


def test_a_silent_late_in_a_window_is_late_and_nothing_else() -> None:
    teller = Teller()
    teller.is_suppressed = True
    teller.turn(DEGRADED, Skip.LATE)
    teller.wait(30)
    assert teller.skips() == {Skip.LATE: [1]}


# Certificates

STAGES = Policy(timedelta(minutes=60), is_repeating=False)


def test_each_stage_of_a_certificate_is_told_once_and_never_again() -> None:
    teller = Teller(STAGES)
    for event in (DEGRADED, DEGRADED, DOWN):
        teller.turn(event)
        teller.wait(2 * DAY)
    teller.turn(UP)
    teller.wait(DAY)
    assert teller.told == ["0 degraded", "2880 degraded", "5760 down", "8640 up"]
    assert len({attempt.waiting.event_id for attempt in teller.delivered}) == 4
    assert [attempt.waiting.held_back for attempt in teller.delivered] == [0, 0, 0, 0]
    assert [attempt.waiting.sent for attempt in teller.delivered] == [0, 1, 2, 3]
    assert teller.with_status(EventStatus.SKIPPED) == []


def test_a_stage_that_comes_in_a_window_is_told_once_when_it_ends() -> None:
    teller = Teller(STAGES)
    teller.turn(DEGRADED)
    teller.is_suppressed = True
    teller.wait(10)
    teller.turn(DEGRADED)
    teller.wait(50)
    teller.is_suppressed = False
    teller.wait(DAY)
    assert teller.told == ["0 degraded", "61 degraded"]
    assert teller.skips() == {Skip.MAINTENANCE: [1]}


def test_a_told_certificate_is_not_looked_at() -> None:
    teller = Teller(STAGES)
    teller.turn(DEGRADED)
    assert teller.course.next_at is None


# Alerts and monitors that are not at work


def test_a_disabled_alert_hears_and_tells_nothing() -> None:
    teller = Teller(every(5, is_muted=True))
    teller.turn(DOWN)
    teller.wait(60)
    assert teller.tried == []
    assert teller.records == {}
    teller.policy = every(5)
    teller.look()
    assert teller.told == ["60 down"]


def test_what_waits_when_an_alert_is_disabled_has_failed_for_good() -> None:
    teller = Teller(every(5))
    teller.answer = lambda waiting, at: retry("timeout")
    teller.turn(DOWN)
    teller.policy = every(5, is_muted=True)
    teller.wait(60)
    (record,) = teller.records.values()
    assert (record.status, record.problem) == (EventStatus.FAILED, "the alert is disabled")
    assert len(teller.attempts) == 1
    teller.policy, teller.answer = every(5), lambda waiting, at: DELIVERED
    teller.look()
    assert teller.told == ["60 down"]
    assert teller.attempts[0].waiting.event_id != teller.delivered[0].waiting.event_id


@pytest.mark.parametrize("cooldown", [5, 1440])
def test_nothing_is_told_of_a_monitor_that_is_disabled(cooldown: int) -> None:
    """Enabled again, it is told within the hour if it is still down, whatever the cooldown."""
    teller = Teller(every(cooldown))
    teller.turn(DOWN)
    teller.is_watched = False
    teller.wait(2 * DAY)
    assert teller.told == ["0 down"]
    teller.is_watched = True
    teller.wait(60)
    assert len(teller.told) > 1
    teller.turn(UP)
    assert teller.delivered[-1].waiting.is_recovery


def test_what_is_heard_of_a_disabled_monitor_is_told_when_it_is_back_and_still_down() -> None:
    teller = Teller(every(1440))
    teller.is_watched = False
    teller.turn(DOWN)
    teller.wait(DAY)
    assert teller.tried == []
    teller.is_watched = True
    teller.wait(60)
    assert len(teller.told) == 1


def test_a_trial_is_sent_whatever_the_monitors_are_like() -> None:
    alert = Alert("alt_1", "team_1", "Chat", "slack", {}, NOON, NOON)
    course, record = trial(alert, "evt_1", NOON)
    assert (record.status, record.is_test, record.monitor_id) == (EventStatus.PENDING, True, "")
    teller = Teller()
    teller.course, teller.is_suppressed, teller.is_watched = course, True, False
    answers = iter([retry("timeout"), DELIVERED])
    teller.answer = lambda waiting, at: next(answers)
    teller.look()
    teller.wait(2)
    assert [attempt.waiting.event_id for attempt in teller.attempts] == ["evt_1", "evt_1"]
    assert teller.records["evt_1"].status is EventStatus.DELIVERED
    assert teller.course.next_at is None
    assert teller.course.kept_until is not None


def test_whoever_was_told_is_told_the_end_when_the_alert_is_enabled_again() -> None:
    teller = Teller(every(60))
    teller.turn(DOWN)
    teller.policy = every(60, is_muted=True)
    teller.wait(5)
    teller.turn(UP)
    teller.wait(5)
    assert teller.told == ["0 down"]
    teller.policy = every(60)
    teller.look()
    assert teller.told == ["0 down", "10 up"]


def test_a_stage_that_came_while_the_alert_was_disabled_is_told_thereafter() -> None:
    muted = Policy(timedelta(minutes=60), is_repeating=False, is_muted=True)
    teller = Teller(muted)
    teller.turn(DOWN)
    teller.wait(5)
    teller.policy = STAGES
    teller.look()
    assert teller.told == ["5 down"]
