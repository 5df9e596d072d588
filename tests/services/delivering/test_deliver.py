"""What is told, when, at which price, and what one alert's trouble means for the others."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.alert import FAILURES_TO_DISABLE, Alert, Health
from chalicelib.domain.alert_event import EventStatus, Skip
from chalicelib.domain.event_type import EventType
from chalicelib.domain.heartbeat import Caller, place_of
from chalicelib.domain.incident import SSL, OutboxRow
from chalicelib.domain.lateness import Kind, Rules
from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.recurrence import Schedule
from chalicelib.services import cron_jobs
from chalicelib.services.delivering.nudging import nudge
from chalicelib.services.delivering.run import LOOKS, ROWS, deliver
from chalicelib.services.monitors import Change, update_monitor
from chalicelib.services.pinging_jobs import Ping, ping_job
from tests.fakes import BEFORE

from .world import (
    DEGRADED,
    DOWN,
    HOUR,
    MINUTE,
    OTHERS,
    SECOND,
    SPEC,
    START,
    TEAM,
    UP,
    Throttled,
    World,
    away,
    deaf,
    enable,
    failing,
)

CALLER = Caller("198.51.100.7", "curl/8.5.0", "GET", "")
WITH_CERTIFICATE = {
    **SPEC,
    "url": "https://example.com/",
    "sslMonitoringEnabled": True,
    "sslExpiryWarningDays": 30,
}
DOWN_, DEGRADED_, UP_ = EventType.DOWN, EventType.DEGRADED, EventType.UP


@pytest.fixture
def world() -> World:
    return World()


def minutes_of(world: World, alert: Alert, about: str | None = None) -> list[int]:
    """When it was told, in minutes from 12:00 on."""
    return [round((at - START) / MINUTE) for _, at in world.arrived(alert, about)]


def watched(world: World, **fields: Any) -> tuple[str, Alert]:
    """A monitor that is up, and an alert about it. From 12:03 on anything may happen."""
    monitor_id, alert = world.monitor(), world.alert(**fields)
    world.minute(2)
    return monitor_id, alert


def put_row(world: World, monitor_id: str, seq: int, status: Status, **fields: Any) -> OutboxRow:
    values: dict[str, Any] = {
        "shard": world.shard(monitor_id),
        "monitor_id": monitor_id,
        "team_id": TEAM,
        "kind": "http",
        "opened_seq": 1,
        "before": Status.UP,
        "slot": int(world.at.timestamp()),
        "at": int(world.at.timestamp()),
        "reason": Reason.TIMEOUT,
        "status_code": 0,
        "response_ms": 0,
    }
    row = OutboxRow(seq=seq, after=status, **{**values, **fields})
    world.store.write(("outbox", (row.subject, row.seq), row))
    return row


# A day


def test_down_for_a_day_it_is_told_every_hour_and_then_once_that_it_is_over(world: World) -> None:
    monitor_id, alert = watched(world)
    world.goes(DOWN, monitor_id)
    world.minute(24 * 60)
    world.goes(UP, monitor_id)
    world.minute(2)
    assert world.words(alert) == [*[DOWN_] * 24, UP_]
    assert minutes_of(world, alert) == [*range(3, 24 * 60, 60), 24 * 60 + 3]
    last = world.sink.arrivals[-1].notice
    assert (last.sent, last.held_back, last.at - last.since) == (24, 24 * 60 - 24, 24 * HOUR)
    held = [record for record in world.records if record.skip is Skip.COOLDOWN]
    assert [(record.skipped, record.until) for record in held] == [(24 * 60 - 24, last.at)]
    assert len(world.sink.arrivals) == 25
    world.check_quiet()


@pytest.mark.parametrize(("cooldown", "every"), [(0, 5), (5, 5), (7, 7), (90, 90)])
def test_it_is_repeated_after_the_cooldown_or_five_minutes(world: World, cooldown: int, every: int) -> None:
    monitor_id, alert = watched(world, cooldown_minutes=cooldown)
    world.goes(DOWN, monitor_id)
    world.minute(181)
    assert minutes_of(world, alert) == list(range(3, 184, every))


def test_a_check_every_few_minutes_is_told_of_by_the_same_clock(world: World) -> None:
    monitor_id, alert = world.monitor(interval_seconds=300), world.alert(cooldown_minutes=10)
    world.minute(6)
    world.goes(DOWN, monitor_id)
    world.minute(60)
    first, *later = minutes_of(world, alert)
    assert later == list(range(first + 10, 67, 10))


def test_degraded_and_then_down_are_both_told_at_once(world: World) -> None:
    monitor_id, alert = watched(world)
    for outcome in (DEGRADED, DOWN, DEGRADED, DOWN, UP):
        world.goes(outcome, monitor_id)
        world.minute()
    assert world.arrived(alert) == [
        (DEGRADED_, START + 3 * MINUTE),
        (DOWN_, START + 4 * MINUTE),
        (UP_, START + 7 * MINUTE),
    ]


# What an alert hears


def test_what_happened_before_an_alert_was_made_is_not_told_by_it(world: World) -> None:
    monitor_id, older = watched(world)
    world.goes(DOWN, monitor_id)
    world.minute(2)
    newer = world.alert()
    world.minute(70)
    assert world.words(newer) == []
    world.goes(UP, monitor_id)
    world.minute(2)
    assert world.words(newer) == []
    world.goes(DEGRADED, monitor_id)
    world.minute()
    assert world.words(newer) == [DEGRADED_]
    assert world.words(older)[-1] is DEGRADED_


def test_a_row_from_before_an_alert_was_made_is_not_heard_by_it_afterwards(world: World) -> None:
    monitor_id, _ = watched(world)
    put_row(world, monitor_id, 1, Status.DOWN)
    world.at += 2 * SECOND
    newer = world.alert()
    deliver(world.container(), world.shard(monitor_id))
    assert world.words(newer) == []
    assert not world.store.items["outbox"]


def test_a_teams_alert_hears_of_every_monitor_of_the_team_and_a_bound_one_of_its_own(world: World) -> None:
    first, of_all = watched(world)
    second, foreign = world.monitor(), world.monitor(OTHERS)
    of_first = world.alert(monitor_id=first)
    world.goes(DOWN, first, second, foreign)
    world.minute(3)
    assert {a.notice.monitor_id for a in world.first_arrivals(of_all)} == {first, second}
    assert {a.notice.monitor_id for a in world.first_arrivals(of_first)} == {first}


def test_a_monitor_and_its_certificate_are_told_of_apart(world: World) -> None:
    monitor_id, alert = world.monitor(spec=WITH_CERTIFICATE), world.alert()
    world.minute(2)
    seq = int(world.at.timestamp())
    put_row(world, monitor_id, seq, Status.DEGRADED, kind=SSL, opened_seq=seq, status_code=14)
    world.goes(DOWN, monitor_id)
    world.minute()
    world.goes(UP, monitor_id)
    world.minute(130)
    certificate = f"{SSL}#{monitor_id}"
    assert world.words(alert, monitor_id) == [DOWN_, UP_]
    assert world.words(alert, certificate) == [DEGRADED_]
    put_row(world, monitor_id, seq + 1, Status.UP, kind=SSL, opened_seq=seq, at=int(world.at.timestamp()))
    world.minute()
    assert world.words(alert, certificate) == [DEGRADED_, UP_]


@pytest.mark.parametrize(("alert_on_late", "expected"), [(True, [DEGRADED_, DOWN_]), (False, [DOWN_])])
def test_a_job_that_is_late_is_told_of_where_that_is_wanted(
    world: World, alert_on_late: bool, expected: list[EventType]
) -> None:
    alert = world.alert()
    rules = Rules(Schedule("cron", "0 * * * *"), grace_seconds=300)
    draft = cron_jobs.Draft("Nightly", rules, alert_on_late=alert_on_late)
    job = cron_jobs.create_job(world.deps, TEAM, draft)
    ping_job(world.container(), place_of(job.ping_token), Ping(Kind.SUCCESS, CALLER))
    world.minute(122)
    assert world.words(alert) == expected
    world.minute(180)
    assert world.words(alert) == [*expected, DOWN_, DOWN_, DOWN_]


# Prices


def test_a_transition_that_nobody_is_to_hear_of_costs_one_query(world: World) -> None:
    monitor_id = world.monitor()
    shard = world.shard(monitor_id)
    put_row(world, monitor_id, 1, Status.DOWN)
    calls = world.count(lambda: deliver(world.container(), shard))
    assert calls == {"outbox.of_shard": 1, "alerts.of_team": 1, "outbox.remove": 1, "courses.due": 1}
    assert not world.store.items["outbox"]


def test_what_one_notification_costs(world: World) -> None:
    monitor_id, _ = watched(world)
    shard = world.shard(monitor_id)
    put_row(world, monitor_id, 1, Status.DOWN)
    assert world.count(lambda: deliver(world.container(), shard)) == {
        "outbox.of_shard": 1,
        "alerts.of_team": 1,
        "maintenance.of_team": 1,
        "courses.healths": 1,
        "monitors.get": 1,
        "courses.get": 2,
        "courses.save": 2,
        "outbox.remove": 1,
        "courses.due": 1,
        "channels.send": 1,
    }


def test_what_a_repeat_costs(world: World) -> None:
    monitor_id, alert = watched(world)
    world.goes(DOWN, monitor_id)
    world.minute()
    world.at += HOUR
    assert world.count(lambda: deliver(world.container(), world.shard(monitor_id))) == {
        "outbox.of_shard": 1,
        "courses.due": 1,
        "courses.get": 3,
        "alerts.of_team": 1,
        "maintenance.of_team": 1,
        "courses.healths": 1,
        "monitors.get": 1,
        "states.get": 1,
        "ticks.newest": 1,
        "courses.save": 2,
        "channels.send": 1,
    }
    assert minutes_of(world, alert) == [3, 63]


def test_what_a_minute_in_a_window_costs(world: World) -> None:
    monitor_id, alert = watched(world)
    world.window(10 * MINUTE)
    world.goes(DOWN, monitor_id)
    world.minute(2)
    world.at += MINUTE
    calls = world.count(lambda: deliver(world.container(), world.shard(monitor_id)))
    assert calls["courses.save"] == 1
    assert calls["courses.get"] == 2
    assert "channels.send" not in calls
    assert minutes_of(world, alert) == []


def test_a_minute_in_which_nothing_is_due_costs_two_reads(world: World) -> None:
    monitor_id, _ = watched(world)
    world.goes(DOWN, monitor_id)
    world.minute(2)
    calls = world.count(lambda: deliver(world.container(), world.shard(monitor_id)))
    assert calls == {"outbox.of_shard": 1, "courses.due": 1}


def test_more_rows_than_one_run_takes_are_announced(world: World) -> None:
    monitor_id, alert = watched(world)
    for seq in range(1, ROWS + 11):
        status = Status.UP if seq % 2 == 0 else Status.DOWN
        put_row(world, monitor_id, seq, status, opened_seq=(seq + 1) // 2 * 2 - 1)
    deliver(world.container(), world.shard(monitor_id))
    assert world.messages.shards == [world.shard(monitor_id)]
    assert len(world.store.items["outbox"]) == 10
    world.drain()
    world.quiet()
    assert not world.store.items["outbox"]
    assert world.words(alert)[:2] == [DOWN_, UP_]
    world.check_quiet()


def test_more_looks_than_one_run_takes_are_announced(world: World) -> None:
    monitors = [world.monitor() for _ in range(11)]
    alerts = [world.alert() for _ in range(10)]
    world.minute(2)
    world.goes(DOWN, *monitors)
    world.minute()
    assert [len(world.first_arrivals(alert)) for alert in alerts] == [11] * 10
    world.at += HOUR
    assert deliver(world.container(), world.shard(monitors[0])) == LOOKS
    assert world.messages.shards == [world.shard(monitors[0])]
    world.drain()
    assert [len(world.first_arrivals(alert)) for alert in alerts] == [22] * 10


# Trouble


def test_a_sink_that_is_away_for_an_hour_gets_everything_in_order_by_the_sweeps_alone(world: World) -> None:
    first, alert = watched(world, cooldown_minutes=0)
    second = world.monitor()
    world.minute(2)
    world.is_sent = lambda shard: shard in swept
    swept = {world.shard(first)}
    world.sink.answers[alert.id] = away
    for outcome in (DOWN, UP, DEGRADED, DOWN, UP, DOWN):
        world.goes(outcome, first)
        world.goes(DOWN if outcome is UP else UP, second)
        world.minute(10)
    assert world.sink.arrivals == []
    del world.sink.answers[alert.id]
    world.minute(70)
    words = world.words(alert, first)
    assert words[:7] == [DOWN_, UP_, DEGRADED_, DOWN_, UP_, DOWN_, DOWN_]
    assert world.words(alert, second)[:4] == [DOWN_, UP_, DOWN_, UP_]
    world.check()
    assert {record.status for record in world.records if record.skip is None} == {EventStatus.DELIVERED}


def test_a_channel_in_trouble_delays_no_other(world: World) -> None:
    monitor_id, good = watched(world)
    broken, lossy = world.alert(), world.alert()
    world.sink.answers[broken.id] = failing()
    world.sink.answers[lossy.id] = away
    for outcome in (DOWN, UP, DOWN):
        world.goes(outcome, monitor_id)
        world.minute()
        assert world.arrived(good)[-1][1] == world.at
    assert world.words(good) == [DOWN_, UP_, DOWN_]
    assert world.words(broken) == world.words(lossy) == []


def test_what_arrives_without_an_answer_is_sent_again_under_the_same_id(world: World) -> None:
    monitor_id, alert = watched(world)
    world.sink.answers[alert.id] = deaf
    world.goes(DOWN, monitor_id)
    world.minute(5)
    ids = [a.notice.event_id for a in world.sink.arrivals]
    assert len(ids) > 1
    assert len(set(ids)) == 1
    record = world.store.items["event"][ids[0]]
    assert (record.status, record.problem, record.attempts) == (EventStatus.FAILED, "timeout", len(ids))
    world.quiet()
    assert world.store.items["event"][ids[0]].status is EventStatus.DELIVERED


def test_what_is_heard_while_something_is_being_sent_is_left_to_its_sender(world: World) -> None:
    monitor_id, alert = watched(world)
    world.goes(DOWN, monitor_id)

    def recover(verb: str, phase: str) -> None:
        if (verb, phase) == ("channels.send", BEFORE):
            world.store.on_call = lambda verb, phase: None
            put_row(
                world, monitor_id, world.rows[-1].seq + 1, Status.UP, opened_seq=world.rows[-1].opened_seq
            )
            deliver(world.container(), world.shard(monitor_id))

    world.store.on_call = recover
    world.minute()
    assert [a.notice.event for a in world.sink.arrivals] == [DOWN_, UP_]
    assert world.words(alert) == [DOWN_, UP_]


def test_failing_for_good_five_times_disables_an_alert_and_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    monitor_id, alert = watched(world, cooldown_minutes=5)
    waiting = world.monitor()
    world.minute(2)
    world.sink.answers[alert.id] = away
    world.goes(DOWN, waiting)
    world.minute()
    world.sink.answers[alert.id] = lambda notice: (
        failing()(notice) if notice.monitor_id == monitor_id else away(notice)
    )
    world.goes(DOWN, monitor_id)
    with caplog.at_level(logging.ERROR):
        world.minute(80)
    assert [r.message for r in caplog.records] == [f"alert {alert.id} is disabled: gone"]
    health = world.deps.courses.healths([alert.id])[alert.id]
    assert health.failures > FAILURES_TO_DISABLE  # so many came in the first eight minutes
    assert health.problem == "gone"
    attempts = world.sink.attempts
    world.minute(70)
    assert world.sink.attempts == attempts
    [left] = [record for record in world.records if record.monitor_id == waiting]
    assert (left.status, left.problem) == (EventStatus.FAILED, "the alert is disabled")

    world.sink.answers.clear()
    enable(world, alert)
    nudge(world.deps, alert.id)
    world.drain()
    assert world.words(alert, monitor_id) == [DOWN_]
    assert world.words(alert, waiting) == [DOWN_]
    world.goes(UP, monitor_id, waiting)
    world.minute()
    assert world.words(alert, monitor_id) == world.words(alert, waiting) == [DOWN_, UP_]


def test_disabled_in_the_middle_of_a_batch_nothing_more_is_begun(world: World) -> None:
    alert, monitors = world.alert(), [world.monitor() for _ in range(7)]
    world.minute(2)
    world.sink.answers[alert.id] = failing()
    long_ago = world.at - 2 * HOUR
    world.deps.courses.save_health(alert.id, Health(FAILURES_TO_DISABLE - 1, failing_since=long_ago))
    world.goes(DOWN, *monitors)
    world.minute()
    attempts = world.sink.attempts
    assert attempts == 7  # they were on their way together
    world.goes(UP, *monitors)
    world.minute(3)
    assert world.sink.attempts == attempts


def test_pages_of_rows_and_looks_that_fail_hold_up_nobody_behind_them(world: World) -> None:
    bad, good = sorted(world.monitor() for _ in range(2))
    alert, shard = world.alert(), world.shard(bad)
    world.minute(2)
    made = world.container()

    class Courses(type(made.courses)):  # type: ignore[misc]
        def get(self, alert_id: str, subject: str) -> object:
            if subject == bad:
                raise Throttled
            return super().get(alert_id, subject)

    made.courses = Courses(world.store)
    for seq in range(1, ROWS + 11):
        put_row(world, bad, seq, Status.DOWN)
    put_row(world, good, 1, Status.DOWN)
    with pytest.raises(ExceptionGroup):
        deliver(made, shard)
    assert world.words(alert) == [DOWN_]
    second = int(world.at.timestamp())
    for number in range(LOOKS + 5):
        world.store.write(("look", (shard, second, f"alt_{number:03d}", bad), True))
    made.at += HOUR
    with pytest.raises(ExceptionGroup):
        deliver(made, shard)
    assert world.store.items["course"][alert.id, good].next_at > made.at


def test_an_error_in_one_alerts_course_stops_no_other_and_is_raised_at_the_end(world: World) -> None:
    monitor_id, alert = watched(world)
    other, shard = world.alert(), world.shard(monitor_id)
    get = world.deps.courses.get
    bad = {alert.id}

    def container() -> Any:
        made = world.container()

        class Courses(type(made.courses)):  # type: ignore[misc]
            def get(self, alert_id: str, subject: str) -> object:
                if alert_id in bad:
                    raise Throttled
                return get(alert_id, subject)

        made.courses = Courses(world.store)
        return made

    put_row(world, monitor_id, 1, Status.DOWN)
    with pytest.raises(ExceptionGroup):
        deliver(container(), shard)
    assert (world.words(alert), world.words(other)) == ([], [DOWN_])
    assert len(world.store.items["outbox"]) == 1
    bad.clear()
    deliver(container(), shard)
    assert (world.words(alert), world.words(other)) == ([DOWN_], [DOWN_])

    world.goes(DOWN, monitor_id)
    bad.add(alert.id)
    world.at += HOUR
    with pytest.raises(ExceptionGroup):
        deliver(container(), shard)
    assert (len(world.words(alert)), len(world.words(other))) == (1, 1)


@pytest.mark.parametrize("verb", ["outbox.of_shard", "courses.due", "outbox.remove"])
def test_what_cannot_be_read_or_removed_keeps_nothing_else_from_being_told(world: World, verb: str) -> None:
    first, alert = watched(world)
    world.goes(DOWN, first)
    world.minute()
    world.at += HOUR
    second = world.monitor()
    put_row(world, second, 1, Status.DOWN)

    def refuse(called: str, phase: str) -> None:
        if called == verb:
            raise Throttled

    world.store.on_call = refuse
    with pytest.raises(ExceptionGroup):
        deliver(world.container(), world.shard(first))
    world.store.on_call = lambda verb, phase: None
    assert len(world.words(alert, first)) == (1 if verb == "courses.due" else 2)
    assert len(world.words(alert, second)) == (0 if verb == "outbox.of_shard" else 1)


def test_what_cannot_be_said_keeps_nothing_else_from_being_sent(world: World) -> None:
    first, alert = watched(world)
    bad = world.monitor(spec={"url": "https://example.com/"})
    put_row(world, bad, 1, Status.DOWN)
    put_row(world, first, 1, Status.DOWN)
    deliver(world.container(), world.shard(first))
    assert world.words(alert, first) == [DOWN_]
    [record] = [record for record in world.records if record.monitor_id == bad]
    assert (record.status, record.problem) == (EventStatus.FAILED, "internal error")


# What has changed meanwhile


def test_a_window_that_has_begun_holds_back_and_its_end_lets_go(world: World) -> None:
    monitor_id, alert = watched(world, cooldown_minutes=5)
    world.goes(DOWN, monitor_id)
    world.minute(2)
    world.window(10 * MINUTE)
    world.minute(30)
    assert minutes_of(world, alert) == [3, 14, 19, 24, 29, 34]
    [skip] = [record for record in world.records if record.skip is Skip.MAINTENANCE]
    assert skip.status is EventStatus.SKIPPED
    assert skip.until == START + 14 * MINUTE


def test_a_recovery_in_another_shard_that_is_heard_before_its_down_leaves_no_false_alarm(
    world: World,
) -> None:
    """A monitor that has moved may have rows in two shards, each of which is delivered by itself."""
    monitor_id, alert = watched(world)
    put_row(world, monitor_id, 1, Status.DOWN)
    put_row(world, monitor_id, 2, Status.UP, shard="home.slow.000")
    deliver(world.container(), "home.slow.000")
    deliver(world.container(), world.shard(monitor_id))
    world.minute(70)
    world.check_quiet()
    assert world.words(alert) == []


def test_disabled_and_enabled_again_it_is_told_that_it_is_still_down(world: World) -> None:
    monitor_id, alert = watched(world, cooldown_minutes=5)
    world.goes(DOWN, monitor_id)
    world.minute()
    update_monitor(world.deps, TEAM, "http", monitor_id, Change(is_enabled=False))
    world.minute(30)
    assert minutes_of(world, alert) == [3]
    update_monitor(world.deps, TEAM, "http", monitor_id, Change(is_enabled=True))
    world.minute(60)
    assert world.words(alert)[:2] == [DOWN_, DOWN_]


def test_of_a_monitor_that_is_gone_nothing_is_told_and_nothing_is_left(world: World) -> None:
    monitor_id, _ = watched(world)
    row = put_row(world, monitor_id, 1, Status.DOWN)
    world.store.items["monitor"].pop(monitor_id)
    assert deliver(world.container(), row.shard) == 0
    assert not world.store.items["outbox"]
    assert not world.courses


def test_the_last_second_before_an_alert_was_made_counts_as_after_it(world: World) -> None:
    """Some transitions are dated in whole seconds."""
    monitor_id = world.monitor()
    world.minute(2)
    world.at = world.at.replace(microsecond=400_000)
    alert = world.alert()
    row = put_row(world, monitor_id, 1, Status.DOWN, at=int(world.at.timestamp()))
    assert datetime.fromtimestamp(row.at, UTC) < alert.created_at
    deliver(world.container(), world.shard(monitor_id))
    assert world.words(alert) == [DOWN_]
