"""/v1/alerts: who is told what, by which channel (contract, sections 3.7 and 4.8)."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chalicelib.channels import CHANNELS
from chalicelib.domain.alert import HEALTHY, Health
from chalicelib.domain.api_key import SCOPES
from chalicelib.services.alerts import get_alert
from tests.fakes import FakeDeps
from tests.routes.alerting import (
    EMAIL,
    FIELDS,
    HOOK,
    MINIMAL,
    PATH,
    UNKNOWN,
    body,
    events,
    listed,
    make,
    path_of,
    refused,
)
from tests.routes.client import START, Answer, Api, People, RealEdges, caller
from tests.routes.kinds import DNS, HTTP, KINDS, TCP, Kind

NOW = "2026-03-01T12:00:00Z"


def test_the_defaults(owner: Api) -> None:
    made = make(owner)
    assert made.pop("id").startswith("alt_")
    assert made == {
        "name": "On call",
        "strategy": "email",
        "notifyOnRecovery": True,
        "cooldownMinutes": 60,
        "monitorId": None,
        "flappingAfter": None,
        "enabled": True,
        "disabledReason": None,
        "createdAt": NOW,
        "updatedAt": NOW,
    }


@pytest.mark.parametrize("strategy", CHANNELS)
def test_nothing_of_any_channel_is_shown_but_its_kind(deps: FakeDeps, owner: Api, strategy: str) -> None:
    made = make(owner, strategy)
    assert set(made) == FIELDS
    assert made["strategy"] == strategy
    assert get_alert(deps, owner.team_id, made["id"]).config == MINIMAL[strategy]
    seen = [
        owner.get(path_of(made)),
        owner.get(PATH),
        owner.put(path_of(made), MINIMAL[strategy]),
        owner.post(f"{path_of(made)}/test", {}),
        owner.get(f"{path_of(made)}/events"),
    ]
    assert [answer.status for answer in seen] == [200, 200, 200, 202, 200]
    for answer in seen:
        assert not [value for value in MINIMAL[strategy].values() if value in answer.raw.decode()]
    assert seen[0].json == seen[2].json == made
    assert owner.delete(path_of(made)).status == 204


def test_a_put_changes_what_it_names_and_moves_the_time_only_then(deps: FakeDeps, owner: Api) -> None:
    made = make(owner)
    deps.at += timedelta(minutes=1)
    for same in ({}, {"name": made["name"]}, {**EMAIL, "monitorId": None}, {"enabled": True}):
        assert owner.put(path_of(made), same).json == made
    changed = owner.put(path_of(made), {"cooldownMinutes": 5}).json
    assert changed == {**made, "cooldownMinutes": 5, "updatedAt": "2026-03-01T12:01:00Z"}
    assert owner.put(path_of(made), {"flappingAfter": 4}).json["flappingAfter"] == 4
    assert owner.put(path_of(made), {"flappingAfter": None}).json["flappingAfter"] is None


def test_alerts_are_listed_newest_first(deps: FakeDeps, owner: Api) -> None:
    made = []
    for name in "bca":
        made.append(make(owner, name=name))
        deps.at += timedelta(milliseconds=1)
    assert listed(owner) == made[::-1]


def test_a_deleted_alert_is_gone(owner: Api) -> None:
    made = make(owner)
    answer = owner.delete(path_of(made))
    assert (answer.status, answer.raw) == (204, b"")
    assert listed(owner) == []
    path = path_of(made)
    for answer in (
        owner.get(path),
        owner.put(path, {}),
        owner.delete(path),
        owner.post(f"{path}/test", {}),
        owner.get(f"{path}/events"),
    ):
        assert refused(answer) == (404, "NOT_FOUND")


def test_a_disabled_alert_says_so_and_is_enabled_by_a_put(deps: FakeDeps, owner: Api) -> None:
    made = make(owner)
    for change in ({"enabled": True}, {"email": "new@example.com"}, {"email": "new@example.com"}):
        deps.courses.save_health(made["id"], Health(5, deps.at, "HTTP status 404"))
        shown = {"enabled": False, "disabledReason": "HTTP status 404"}
        assert owner.get(path_of(made)).json == {**made, **shown}
        assert listed(owner) == [{**made, **shown}]
        assert owner.put(path_of(made), {"cooldownMinutes": 60}).json == {**made, **shown}
        assert owner.put(path_of(made), change).json == made
        assert owner.get(path_of(made)).json == made
        assert deps.courses.healths([made["id"]]).get(made["id"], HEALTHY) == HEALTHY


def test_an_alert_that_fails_now_and_then_is_enabled(deps: FakeDeps, owner: Api) -> None:
    made = make(owner)
    deps.courses.save_health(made["id"], Health(4))
    assert owner.get(path_of(made)).json == made


def test_an_alert_is_bound_to_an_http_monitor_and_freed_again(owner: Api) -> None:
    one, two = owner.create()["id"], owner.create()["id"]
    made = make(owner, monitorId=one)
    assert made["monitorId"] == one
    assert owner.put(path_of(made), {"name": "x"}).json["monitorId"] == one
    assert owner.put(path_of(made), {"monitorId": two}).json["monitorId"] == two
    assert owner.put(path_of(made), {"monitorId": None}).json["monitorId"] is None


def unknown_ids(people: People) -> Iterator[str]:
    mine = people.owner.create()["id"]
    gone = people.owner.create()["id"]
    assert people.owner.delete(f"/v1/monitors/{gone}").status == 204
    yield from (UNKNOWN, gone, people.stranger.create()["id"], make(people.owner)["id"])
    yield from (kind.make(people.owner)["id"] for kind in (DNS, TCP))
    yield people.owner.make("/v1/cron-jobs", {"name": "x", "cronExpression": "@daily"})["id"]
    yield from ("", "mon_", "x", mine.upper(), f"{mine}0", f"{mine}\n", "mon_" + "0" * 5000, "\0")


def test_what_is_no_http_monitor_of_the_team_is_404(people: People) -> None:
    made = make(people.owner)
    ids = list(unknown_ids(people))
    before = listed(people.owner)
    for id in ids:
        for answer in (
            people.owner.post(PATH, {**EMAIL, "monitorId": id}),
            people.owner.put(path_of(made), {"monitorId": id}),
        ):
            assert refused(answer) == (404, "NOT_FOUND"), id
    assert listed(people.owner) == before


def test_the_order_of_refusals(owner: Api) -> None:
    made = [make(owner) for _ in range(10)]
    unknown = {"monitorId": UNKNOWN}
    assert owner.post(PATH, {**EMAIL, **unknown, "email": ""}).fields == ["email"]
    assert refused(owner.post(PATH, {**EMAIL, **unknown})) == (404, "NOT_FOUND")
    assert refused(owner.post(PATH, EMAIL)) == (409, "LIMIT_EXCEEDED")
    assert owner.put(path_of(made[0]), {**unknown, "url": HOOK}).fields == ["url"]
    nowhere = f"{PATH}/alt_{'0' * 32}"
    assert owner.put(nowhere, {"name": ""}).code == "NOT_FOUND"
    assert owner.get(f"{nowhere}/events", {"limit": "x"}).code == "NOT_FOUND"


def test_an_eleventh_alert_is_409_and_a_deleted_one_frees_its_place(people: People) -> None:
    owner = people.owner
    made = [make(owner) for _ in range(10)]
    assert refused(owner.post(PATH, EMAIL)) == (409, "LIMIT_EXCEEDED")
    make(people.stranger)
    owner.delete(path_of(made[3]))
    make(owner)
    assert refused(owner.post(PATH, EMAIL)) == (409, "LIMIT_EXCEEDED")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.prefix)
def test_alerts_go_with_their_monitor_and_no_others(owner: Api, kind: Kind) -> None:
    monitor, other = kind.make(owner), HTTP.make(owner)
    kept = [make(owner), make(owner, monitorId=other["id"])]
    doomed = [make(owner, monitorId=monitor["id"]) for _ in range(3 * (kind is HTTP))]
    assert owner.delete(kind.path_of(monitor)).status == 204
    assert {alert["id"] for alert in listed(owner)} == {alert["id"] for alert in kept}
    for alert in doomed:
        assert refused(owner.get(path_of(alert))) == (404, "NOT_FOUND")
        assert refused(owner.put(path_of(alert), {"monitorId": None})) == (404, "NOT_FOUND")
    for _ in range(8):
        make(owner)
    assert refused(owner.post(PATH, EMAIL)) == (409, "LIMIT_EXCEEDED")


def test_a_repeated_create_is_one_alert(owner: Api) -> None:
    def send() -> Answer:
        return owner.send("POST", PATH, json.dumps(EMAIL).encode(), headers={"Idempotency-Key": "k"})

    first, again = send(), send()
    assert (first.status, again.status, again.raw) == (201, 201, first.raw)
    assert again.headers["idempotency-replayed"] == "true"
    assert listed(owner) == [first.json]


def test_the_stranger_sees_changes_and_tests_nothing(people: People) -> None:
    monitor = people.owner.create()
    made = make(people.owner, monitorId=monitor["id"])
    stranger = people.stranger
    assert listed(stranger) == []
    for answer in (
        stranger.get(path_of(made)),
        stranger.put(path_of(made), {"email": "mine@example.com"}),
        stranger.delete(path_of(made)),
        stranger.post(f"{path_of(made)}/test", {}),
        stranger.get(f"{path_of(made)}/events"),
        stranger.get(f"/v1/monitors/{monitor['id']}/alert-events"),
        stranger.post(PATH, {**EMAIL, "monitorId": monitor["id"]}),
    ):
        assert refused(answer) == (404, "NOT_FOUND")
    assert listed(people.owner) == [made]


def test_reading_and_writing_are_two_scopes(deps: FakeDeps, people: People) -> None:
    monitor = people.owner.create()
    made = make(people.owner)
    reader = caller(deps, people.owner.team_id, ["alerts:read"])
    writer = caller(deps, people.owner.team_id, ["alerts:write"])
    about = f"/v1/monitors/{monitor['id']}/alert-events"
    assert listed(reader) == [made]
    assert events(reader, about) == []
    for answer in (
        reader.post(f"{path_of(made)}/test", {}),
        writer.get(path_of(made)),
        caller(deps, people.owner.team_id, [s for s in SCOPES if s != "alerts:read"]).get(about),
    ):
        assert refused(answer) == (403, "FORBIDDEN")
    assert writer.post(f"{path_of(made)}/test", {}).status == 202


def test_thirty_concurrent_creators_end_with_exactly_ten(real: People) -> None:
    monitor = real.owner.create()

    def send(number: int) -> int:
        return real.owner.post(PATH, {**EMAIL, "monitorId": (None, monitor["id"])[number % 2]}).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(send, range(30)))
    assert (statuses.count(201), statuses.count(409)) == (10, 20)
    assert len(listed(real.owner)) == 10


def test_on_the_real_stores_it_is_made_told_and_deleted_with_all_that_it_told(
    edges: RealEdges, real: People
) -> None:
    monitor = real.owner.create()
    made = make(real.owner, "webhook", monitorId=monitor["id"], secret="s3cret", flappingAfter=4)
    assert real.owner.put(path_of(made), {"name": "Other"}).json["name"] == "Other"
    event = real.owner.send("POST", f"{path_of(made)}/test").json
    for path in (f"{path_of(made)}/events", f"/v1/monitors/{monitor['id']}/alert-events"):
        assert events(real.owner, path) == [event]
    edges.courses.save_health(made["id"], Health(5, START, "HTTP status 404"))
    assert listed(real.owner)[0]["disabledReason"] == "HTTP status 404"
    assert real.owner.delete(f"/v1/monitors/{monitor['id']}").status == 204
    assert listed(real.owner) == []
    assert edges.courses.events(made["id"], 50, edges.at, with_skipped=True) == []
    assert edges.courses.healths([made["id"]]) == {}
    assert edges.monitors.leftovers(real.owner.team_id) == []


def test_what_reading_costs(edges: RealEdges, real: People) -> None:
    """With the key's own call; an alert takes few bytes."""
    monitor = real.owner.create()
    made = [make(real.owner, "webhook", monitorId=monitor["id"]) for _ in range(8)]
    path = path_of(made[0])
    for target, calls, units in (
        (path, 4, 3.0),
        (PATH, 3, 8 * 0.5 + 0.5),
        (f"{path}/events", 4, 3.0),
        (f"/v1/monitors/{monitor['id']}/alert-events", 3, 2.0),
    ):
        edges.meter.reset()
        assert real.owner.get(target).status == 200
        assert len(edges.meter.calls) <= calls, edges.meter.calls
        assert edges.meter.read_units <= units, target
        assert edges.meter.write_units == 1


def test_a_secret_is_in_no_log(real: People, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "chalicelib")
    made = make(real.owner, "webhook", secret="s3cret")
    real.owner.put(path_of(made), {"secret": "s3cret" * 100})
    real.owner.post(PATH, body("webhook", url="https://user:s3cret@x/"))
    assert "s3cret" not in caplog.text
    assert HOOK not in caplog.text
