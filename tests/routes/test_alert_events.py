"""/v1/alerts/{id}/events, …/test and /v1/monitors/{id}/alert-events (contract, section 3.7)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.alert_event import AlertEvent, EventStatus, Skip
from chalicelib.domain.course import trial
from chalicelib.domain.event_type import EventType
from chalicelib.services.alerts import get_alert
from chalicelib.services.deps import Deps
from tests.fakes import FakeDeps
from tests.routes.alerting import EVENT_FIELDS, PATH, UNKNOWN, events, make, path_of, refused
from tests.routes.client import START, Api, People
from tests.routes.kinds import DNS, TCP

NOW = "2026-03-01T12:00:00Z"


def event_id(number: int) -> str:
    return f"evt_{number:032x}"


def record(deps: Deps, alert_id: str, number: int, at: datetime, **fields: Any) -> AlertEvent:
    """As the delivery leaves it."""
    alert = get_alert(deps, fields.pop("team_id"), alert_id)
    course, event = trial(alert, event_id(number), at)
    event = replace(event, **{"is_test": False, "event": EventType.DOWN, **fields})
    assert deps.courses.save(None, replace(course, subject=f"test#{number}"), [event])
    return event


def test_events_of_an_alert_and_of_a_monitor(deps: FakeDeps, owner: Api) -> None:
    monitor = owner.create()
    one, two = make(owner, monitorId=monitor["id"]), make(owner)
    team, minute = {"team_id": owner.team_id}, timedelta(minutes=1)
    about = {**team, "monitor_id": monitor["id"]}
    record(deps, one["id"], 1, START, **about, status=EventStatus.DELIVERED, sent_at=START + minute)
    record(deps, two["id"], 2, START + minute, **about, kind="ssl", event=EventType.DEGRADED)
    record(
        deps,
        two["id"],
        3,
        START + 2 * minute,
        **team,
        monitor_id="tcpm_" + "7" * 32,
        kind="tcp",
        event=EventType.UP,
        status=EventStatus.FAILED,
        problem="HTTP status 500",
        attempts=3,
        next_attempt_at=START + 9 * minute,
    )
    digits = monitor["id"].removeprefix("mon_")
    assert events(owner, f"{path_of(one)}/events") == [
        {
            "id": event_id(1),
            "alertId": one["id"],
            "monitorId": monitor["id"],
            "resourceId": monitor["id"],
            "monitorType": "http",
            "type": "triggered",
            "eventType": "down",
            "status": "delivered",
            "sentAt": "2026-03-01T12:01:00Z",
            "errorMessage": None,
            "attempts": 0,
            "nextAttemptAt": None,
            "isTest": False,
            "skipReason": None,
            "skippedCount": 0,
            "until": None,
            "createdAt": NOW,
        }
    ]
    newest, oldest = events(owner, f"{path_of(two)}/events")
    assert newest == {
        **oldest,
        "id": event_id(3),
        "monitorId": "mon_" + "7" * 32,
        "resourceId": "tcpm_" + "7" * 32,
        "monitorType": "tcp",
        "type": "recovered",
        "eventType": "up",
        "status": "failed",
        "errorMessage": "HTTP status 500",
        "attempts": 3,
        "nextAttemptAt": "2026-03-01T12:09:00Z",
        "createdAt": "2026-03-01T12:02:00Z",
    }
    assert (oldest["monitorType"], oldest["type"], oldest["monitorId"]) == (
        "ssl",
        "triggered",
        f"mon_{digits}",
    )
    path = f"/v1/monitors/{monitor['id']}/alert-events"
    assert [event["alertId"] for event in events(owner, path)] == [two["id"], one["id"]]
    assert events(owner, path, {"limit": 1}) == [oldest]
    owner.delete(path_of(one))
    assert events(owner, path) == [oldest]


def test_skips_are_shown_only_when_asked_for(deps: FakeDeps, owner: Api) -> None:
    monitor = owner.create()
    alert = make(owner)
    record(
        deps,
        alert["id"],
        1,
        START,
        team_id=owner.team_id,
        monitor_id=monitor["id"],
        status=EventStatus.SKIPPED,
        skip=Skip.MAINTENANCE,
        skipped=7,
        until=START + timedelta(minutes=30),
    )
    for path in (f"{path_of(alert)}/events", f"/v1/monitors/{monitor['id']}/alert-events"):
        assert events(owner, path) == events(owner, path, {"includeSkipped": "false"}) == []
        (shown,) = events(owner, path, {"includeSkipped": "true"})
        told = {"status": "skipped", "skipReason": "maintenance", "skippedCount": 7}
        assert shown == {**shown, **told, "until": "2026-03-01T12:30:00Z"}


@pytest.mark.parametrize("value", ["", "1", "True", "yes", ["true", "true"], ["true", "false"]])
def test_what_is_asked_for_is_said_plainly(owner: Api, value: Any) -> None:
    path = f"{path_of(make(owner))}/events"
    assert owner.get(path, {"includeSkipped": value}).fields == ["includeSkipped"]
    assert owner.get(path, {"includeSkipped": value, "limit": 0}).fields == ["includeSkipped", "limit"]


@pytest.mark.parametrize(("limit", "count"), [(None, 50), (1, 1), (200, 60)])
def test_a_limit_is_1_to_200_and_50_if_absent(
    deps: FakeDeps, owner: Api, limit: int | None, count: int
) -> None:
    monitor = owner.create()
    alert = make(owner)
    for n in range(60):
        at = START + timedelta(seconds=n)
        fields = {"team_id": owner.team_id, "monitor_id": monitor["id"]}
        record(deps, alert["id"], n, at, **fields)
    deps.at += timedelta(minutes=2)
    for path in (f"{path_of(alert)}/events", f"/v1/monitors/{monitor['id']}/alert-events"):
        found = events(owner, path, None if limit is None else {"limit": limit})
        assert len(found) == count
        assert found[0]["id"] == event_id(59)
        for bad in ("0", "201", "-1", "x", "1.0", ""):
            assert owner.get(path, {"limit": bad}).fields == ["limit"]


def test_a_test_is_pending_marked_and_about_the_bound_monitor_or_none(deps: FakeDeps, owner: Api) -> None:
    monitor = owner.create()
    for bound_to, shown_as in ((monitor["id"], monitor["id"]), (None, UNKNOWN)):
        alert = make(owner, monitorId=bound_to)
        answer = owner.send("POST", f"{path_of(alert)}/test")
        assert answer.status == 202
        event = answer.json
        assert set(event) == EVENT_FIELDS
        assert (event["isTest"], event["status"], event["alertId"]) == (True, "pending", alert["id"])
        assert (event["monitorId"], event["resourceId"]) == (shown_as, bound_to)
        assert events(owner, f"{path_of(alert)}/events") == [event]
    assert len(deps.deliveries.shards) == 2


def test_an_eleventh_test_in_a_minute_is_429(deps: FakeDeps, people: People) -> None:
    path = f"{path_of(make(people.owner))}/test"
    deps.at += timedelta(seconds=10)
    assert {people.owner.send("POST", path).status for _ in range(10)} == {202}
    answer = people.owner.send("POST", path)
    assert refused(answer) == (429, "RATE_LIMITED")
    assert answer.headers["retry-after"] == "50"
    assert (answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"]) == ("10", "0")
    assert "50" in answer.json["error"]["message"]
    assert people.owner.get(PATH).status == 200
    assert people.stranger.send("POST", f"{path_of(make(people.stranger))}/test").status == 202


def test_alert_events_are_of_http_monitors_alone(owner: Api) -> None:
    for kind in (DNS, TCP):
        id = kind.make(owner)["id"]
        for spelled in (id, f"mon_{id.partition('_')[2]}"):
            assert refused(owner.get(f"/v1/monitors/{spelled}/alert-events")) == (404, "NOT_FOUND")
