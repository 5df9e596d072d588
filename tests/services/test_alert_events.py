"""A test notification: one record and one message, whatever is lost."""

from datetime import timedelta

import pytest

from chalicelib.domain.alert import Alert
from chalicelib.domain.alert_event import EventStatus
from chalicelib.errors import Contended, NotFound, TooMany
from chalicelib.services.alert_events import events_of_alert, send_test
from chalicelib.services.alerts import Draft, create_alert, delete_alert
from tests.fakes import AFTER, BEFORE, FakeDeps

TEAM = "team-1"
DRAFT = Draft("On call", "email", {"email": "ops@example.com"})


@pytest.fixture
def deps() -> FakeDeps:
    return FakeDeps()


@pytest.fixture
def alert(deps: FakeDeps) -> Alert:
    return create_alert(deps, TEAM, DRAFT)


def test_a_test_is_recorded_waits_and_is_handed_over(deps: FakeDeps, alert: Alert) -> None:
    event = send_test(deps, TEAM, alert.id)
    assert (event.status, event.is_test, event.monitor_id, event.created_at) == (
        EventStatus.PENDING,
        True,
        "",
        deps.at,
    )
    assert events_of_alert(deps, alert, 50, with_skipped=False) == [event]
    (course,) = deps.courses.of_alert(alert.id)
    assert [waiting.event_id for waiting in course.waiting] == [event.id]
    assert deps.deliveries.shards == [course.shard]
    assert deps.outbox.is_anything_due(course.shard, deps.at)


@pytest.mark.parametrize("phase", [BEFORE, AFTER])
def test_a_collision_or_a_lost_answer_leaves_one_test(deps: FakeDeps, alert: Alert, phase: str) -> None:
    left = [1]

    def on_call(verb: str, at: str) -> None:
        if (verb, at) == ("courses.save", phase) and left:
            left.pop()
            raise Contended(verb)

    deps.store.on_call = on_call
    event = send_test(deps, TEAM, alert.id)
    assert not left
    assert len(deps.courses.of_alert(alert.id)) == 1
    assert events_of_alert(deps, alert, 50, with_skipped=False) == [event]


def test_ten_a_minute_are_the_whole_teams(deps: FakeDeps, alert: Alert) -> None:
    other = create_alert(deps, TEAM, DRAFT)
    strangers = create_alert(deps, "team-2", DRAFT)
    deps.at += timedelta(seconds=20)
    for n in range(10):
        send_test(deps, TEAM, (alert, other)[n % 2].id)
    with pytest.raises(TooMany) as refusal:
        send_test(deps, TEAM, other.id)
    assert refusal.value.retry_after_seconds == 40
    send_test(deps, "team-2", strangers.id)
    assert len(deps.deliveries.shards) == 11
    deps.at += timedelta(seconds=40)
    send_test(deps, TEAM, alert.id)


def test_of_an_alert_that_is_not_the_teams_nothing_is_tested_or_counted(deps: FakeDeps, alert: Alert) -> None:
    for team, id in (("team-2", alert.id), (TEAM, "alt_1")):
        with pytest.raises(NotFound):
            send_test(deps, team, id)
    delete_alert(deps, TEAM, alert.id)
    with pytest.raises(NotFound):
        send_test(deps, TEAM, alert.id)
    assert (deps.deliveries.shards, deps.store.items["bucket"]) == ([], {})
