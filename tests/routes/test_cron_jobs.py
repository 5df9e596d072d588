"""Cron jobs: create, read, change, delete, and what is shown of one as time goes by (contract 3.6, 4.7)."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.api_key import SCOPES
from chalicelib.domain.heartbeat import place_of
from tests.fakes import FakeDeps
from tests.routes.client import START, Api, People, RealEdges, caller

PATH = "/v1/cron-jobs"
HOURLY = {"name": "Backup", "cronExpression": "0 * * * *"}
UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def path_of(job: Any) -> str:
    return f"{PATH}/{job['id']}"


def ping(api: Api, job: Any) -> Any:
    answer = api.send("POST", f"{path_of(job)}/ping")
    assert answer.status == 201, answer.raw
    return answer.data


def status(api: Api, job: Any) -> tuple[str, str | None, str | None]:
    data = api.get(path_of(job)).data
    assert api.get(PATH).data == [data]
    return data["status"], data["statusReason"], data["nextExpectedAt"]


def at(deps: FakeDeps, clock: str) -> None:
    hour, minute, second = map(int, clock.split(":"))
    deps.at = START.replace(hour=hour, minute=minute, second=second)


def test_the_list_is_newest_first_and_empty_at_first(deps: FakeDeps, owner: Api) -> None:
    assert owner.get(PATH).raw == b'{"data":[]}'
    made = []
    for number in range(4):
        deps.at += timedelta(seconds=number % 2, milliseconds=1)
        made.append(owner.make(PATH, {**HOURLY, "name": str(number)}))
    assert owner.get(PATH).json == {"data": made[::-1]}


def test_ids_and_urls_have_their_forms(owner: Api) -> None:
    made = owner.make(PATH, {**HOURLY, "slug": "backup"})
    assert re.fullmatch(r"cron_[0-9a-f]{32}", made["id"])
    assert re.fullmatch(rf"http://localhost/hb/{UUID4}", made["pingUrl"])
    assert re.fullmatch(r"http://localhost/hb/[a-z0-9]{22}/backup", made["slugUrl"])


def test_an_update_of_nothing_changes_nothing(deps: FakeDeps, owner: Api) -> None:
    made = owner.make(PATH, {**HOURLY, "slug": "x"})
    deps.at += timedelta(minutes=5)
    for body in ({}, HOURLY, {"enabled": True, "cronExpression": " 0  * * * *", "timezone": "UTC"}):
        assert owner.put(path_of(made), body).json == {"data": made}


def test_an_update_leaves_every_other_field(deps: FakeDeps, owner: Api) -> None:
    made = owner.make(PATH, {**HOURLY, "slug": "x", "description": "d"})
    deps.at += timedelta(minutes=5)
    changed = owner.put(path_of(made), {"name": "Other"}).data
    assert changed == {**made, "name": "Other", "updatedAt": "2026-03-01T12:05:00Z"}
    assert owner.get(path_of(made)).data == changed


def test_deleting_is_204_and_then_404_and_its_history_goes(deps: FakeDeps, owner: Api) -> None:
    made, other = owner.make(PATH, HOURLY), owner.make(PATH, HOURLY)
    ping(owner, made)
    answer = owner.delete(path_of(made))
    assert (answer.status, answer.raw) == (204, b"")
    for again in (
        owner.get(path_of(made)),
        owner.put(path_of(made), {}),
        owner.delete(path_of(made)),
        owner.get(f"{path_of(made)}/ping"),
        owner.send("POST", f"{path_of(made)}/ping"),
        owner.post(f"{path_of(made)}/rotate-ping-url", {}),
    ):
        assert (again.status, again.code) == (404, "NOT_FOUND")
    assert owner.get(PATH).data == [other]
    kept = [kind for kind, items in deps.store.items.items() if made["id"] in str(items)]
    assert set(kept) <= {"bucket"}
    assert not deps.store.items["caller", made["id"]]


def test_ping_urls_are_shown_only_to_who_may_ping_or_write(deps: FakeDeps, people: People) -> None:
    made = people.owner.make(PATH, {**HOURLY, "slug": "x"})
    urls = {"pingUrl": made["pingUrl"], "slugUrl": made["slugUrl"]}
    assert None not in urls.values()
    for scope, is_shown in (("cron-jobs:write", True), ("cron-jobs:ping", True), ("monitors:write", False)):
        api = caller(deps, people.owner.team_id, ["cron-jobs:read", scope])
        expected = urls if is_shown else dict.fromkeys(urls)
        for data in (api.get(path_of(made)).data, *api.get(PATH).data):
            assert {name: data[name] for name in urls} == expected


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"Host": "127.0.0.1:8000"}, "http://127.0.0.1:8000/hb"),
        ({"Host": "up.example.com", "X-Forwarded-Proto": "https"}, "https://up.example.com/hb"),
        ({"Host": "up.example.com", "X-Forwarded-Proto": "javascript"}, "http://up.example.com/hb"),
    ],
)
def test_ping_urls_lie_where_the_caller_has_reached_us(
    owner: Api, headers: dict[str, str], base: str
) -> None:
    made = owner.make(PATH, HOURLY)
    for answer in (owner.get(path_of(made), headers=headers), owner.get(PATH, headers=headers)):
        data = answer.data if isinstance(answer.data, dict) else answer.data[0]
        assert data["pingUrl"].rpartition("/")[0] == base


def test_a_deployment_may_say_where_ping_urls_lie(deps: FakeDeps, owner: Api) -> None:
    deps.settings = replace(deps.settings, ping_url="https://hb.example.com/hb")
    made = owner.make(PATH, {**HOURLY, "slug": "x"})
    assert made["pingUrl"].startswith("https://hb.example.com/hb/")
    assert made["slugUrl"].startswith("https://hb.example.com/hb/")


def test_what_is_secret_is_never_logged(deps: FakeDeps, owner: Api, caplog: pytest.LogCaptureFixture) -> None:
    made = owner.make(PATH, {**HOURLY, "slug": "x"})

    def fail(verb: str, phase: str) -> None:
        if verb == "heartbeats.get":
            raise RuntimeError(verb)

    deps.store.on_call = fail
    assert owner.get(path_of(made)).status == 500
    assert owner.put(path_of(made), {"name": "x"}).status == 500
    assert caplog.text
    for url in (made["pingUrl"], made["slugUrl"]):
        assert url.split("/hb/")[1].partition("/")[0] not in caplog.text
    (job,) = deps.store.items["cron_job"].values()
    assert made["pingUrl"].rpartition("/")[2] not in repr(job)


def test_a_new_ping_url_takes_the_place_of_the_old_one(deps: FakeDeps, owner: Api) -> None:
    made = owner.make(PATH, {**HOURLY, "slug": "x"})
    ping(owner, made)
    before = owner.get(path_of(made)).data
    deps.at += timedelta(minutes=1)
    rotated = owner.post(f"{path_of(made)}/rotate-ping-url", {}).data
    assert rotated["pingUrl"] != made["pingUrl"]
    unchanged = {**before, "pingUrl": rotated["pingUrl"], "updatedAt": rotated["updatedAt"]}
    assert rotated == unchanged == owner.get(path_of(made)).data
    old, new = (place_of(url.rpartition("/")[2]) for url in (made["pingUrl"], rotated["pingUrl"]))
    assert deps.heartbeats.get(old, consistent=True) is None
    assert deps.heartbeats.get(new, consistent=True) is not None
    assert old.partition == new.partition
    ping(owner, made)
    assert owner.get(f"{path_of(made)}/ping").json["pagination"]["total"] == 2


def test_a_job_is_new_until_its_first_ping_and_never_missed(deps: FakeDeps, owner: Api) -> None:
    made = owner.make(PATH, HOURLY)
    at(deps, "23:05:00")
    assert status(owner, made) == ("new", None, "2026-03-01T13:00:00Z")
    assert ping(owner, made)["status"] == "on_time"
    assert status(owner, made) == ("healthy", None, "2026-03-02T00:00:00Z")


def test_status_is_right_to_the_second_though_nobody_has_looked(deps: FakeDeps, owner: Api) -> None:
    made = owner.make(PATH, HOURLY)
    ping(owner, made)
    for clock, expected in (
        ("13:05:00", ("healthy", None, "2026-03-01T13:00:00Z")),
        ("13:05:01", ("late", "late", "2026-03-01T13:00:00Z")),
        ("13:59:59", ("late", "late", "2026-03-01T13:00:00Z")),
        ("14:00:00", ("missed", "missed", "2026-03-01T14:00:00Z")),
        ("15:00:00", ("missed", "missed", "2026-03-01T15:00:00Z")),
    ):
        at(deps, clock)
        assert status(owner, made) == expected, clock
    assert ping(owner, made)["status"] == "on_time"
    assert status(owner, made) == ("healthy", None, "2026-03-01T16:00:00Z")
    at(deps, "16:05:01")
    assert ping(owner, made)["status"] == "late"
    assert status(owner, made) == ("late", "late", "2026-03-01T17:00:00Z")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"cronExpression": "30 * * * *"}, "2026-03-01T12:30:00Z"),
        ({"timezone": "Asia/Kolkata"}, "2026-03-01T12:30:00Z"),
        ({"periodSeconds": 300}, "2026-03-01T12:07:00Z"),
        ({"onCalendar": "*:45"}, "2026-03-01T12:45:00Z"),
        ({"gracePeriodSeconds": 60, "name": "x"}, "2026-03-01T13:00:00Z"),
    ],
)
def test_a_changed_schedule_counts_from_now(
    deps: FakeDeps, owner: Api, change: dict[str, Any], expected: str
) -> None:
    made = owner.make(PATH, HOURLY)
    at(deps, "12:02:00")
    assert owner.put(path_of(made), change).data["nextExpectedAt"] == expected
    assert status(owner, made) == ("new", None, expected)


def test_disabling_and_enabling(deps: FakeDeps, owner: Api) -> None:
    made = owner.make(PATH, {**HOURLY, "enabled": False})
    assert (made["enabledAt"], made["nextExpectedAt"], made["status"]) == (None, None, "new")
    owner.put(path_of(made), {"cronExpression": "5 * * * *"})
    assert status(owner, made) == ("new", None, None)
    deps.at += timedelta(seconds=30)
    enabled = owner.put(path_of(made), {"enabled": True}).data
    assert (enabled["enabledAt"], enabled["nextExpectedAt"]) == (
        "2026-03-01T12:00:30Z",
        "2026-03-01T12:05:00Z",
    )
    ping(owner, made)
    at(deps, "18:00:00")
    assert status(owner, made)[0] == "missed"
    stopped = owner.put(path_of(made), {"enabled": False}).data
    assert (stopped["status"], stopped["enabledAt"], stopped["nextExpectedAt"]) == ("missed", None, None)
    at(deps, "19:00:00")
    assert status(owner, made) == ("missed", "missed", None)
    again = owner.put(path_of(made), {"enabled": True}).data
    assert (again["status"], again["enabledAt"]) == ("healthy", "2026-03-01T19:00:00Z")
    assert again["nextExpectedAt"] == "2026-03-01T19:05:00Z"
    at(deps, "19:01:00")
    assert owner.put(path_of(made), {"enabled": True}).data == again


def test_a_change_tells_first_what_time_has_made_of_the_job(deps: FakeDeps, owner: Api) -> None:
    made = owner.make(PATH, HOURLY)
    ping(owner, made)
    at(deps, "14:00:00")
    owner.put(path_of(made), {"cronExpression": "30 * * * *"})
    (row,) = deps.store.items["outbox"].values()
    assert (row.monitor_id, row.after.name, row.reason.name) == (made["id"], "DOWN", "MISSED")
    (incident,) = deps.store.items["incident"].values()
    assert incident.at == int(START.replace(hour=13, minute=5).timestamp())
    assert status(owner, made) == ("missed", "missed", "2026-03-01T14:30:00Z")


def test_a_team_has_its_limit_and_deleting_frees_a_slot(deps: FakeDeps, people: People) -> None:
    assert deps.settings.cron_jobs_per_team == 100
    deps.settings = replace(deps.settings, cron_jobs_per_team=2)
    made = [people.owner.make(PATH, HOURLY) for _ in range(2)]
    refused = people.owner.post(PATH, HOURLY)
    assert (refused.status, refused.code) == (400, "LIMIT_EXCEEDED")
    assert people.owner.post(PATH, {}).code == "VALIDATION_ERROR"
    people.stranger.make(PATH, HOURLY)
    assert people.owner.delete(path_of(made[0])).status == 204
    assert [people.owner.post(PATH, HOURLY).status for _ in range(2)] == [201, 400]


def test_of_30_creates_at_once_exactly_20_succeed(edges: RealEdges, real: People) -> None:
    edges.settings = replace(edges.settings, cron_jobs_per_team=20)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: real.owner.post(PATH, HOURLY), range(30)))
    assert sorted(answer.status for answer in answers) == [201] * 20 + [400] * 10
    assert {answer.code for answer in answers if answer.status == 400} == {"LIMIT_EXCEEDED"}
    assert len(real.owner.get(PATH).data) == 20


def test_a_foreign_job_is_as_if_it_were_not_there(people: People) -> None:
    made, stranger = people.owner.make(PATH, HOURLY), people.stranger
    absent = f"{PATH}/cron_{'0' * 32}"
    for method, rest in (
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("GET", "/ping"),
        ("POST", "/ping"),
        ("POST", "/rotate-ping-url"),
        ("GET", f"/ping/ping_{'0' * 32}/body"),
    ):
        foreign, unknown = (stranger.send(method, f"{path}{rest}") for path in (path_of(made), absent))
        assert foreign.status == 404
        assert foreign.raw == unknown.raw
    assert people.owner.get(path_of(made)).data == made


def test_each_operation_takes_its_scope(deps: FakeDeps, people: People) -> None:
    made = people.owner.make(PATH, HOURLY)
    for method, path, scope in (
        ("GET", PATH, "cron-jobs:read"),
        ("GET", f"{path_of(made)}/ping", "cron-jobs:read"),
        ("PUT", path_of(made), "cron-jobs:write"),
        ("POST", f"{path_of(made)}/ping", "cron-jobs:ping"),
    ):
        lacking = caller(deps, people.owner.team_id, [other for other in SCOPES if other != scope])
        assert lacking.send(method, path, b"{}").code == "FORBIDDEN"
        holding = caller(deps, people.owner.team_id, [scope])
        assert holding.send(method, path, b"{}" if method == "PUT" else b"").status in (200, 201)


def test_everything_works_on_the_real_stores(edges: RealEdges, real: People) -> None:
    owner = real.owner
    made = owner.make(PATH, {**HOURLY, "slug": "x", "description": "", "public": True})
    assert owner.get(path_of(made)).data == made
    ping(owner, made)
    edges.at += timedelta(hours=2)
    assert owner.get(path_of(made)).data["status"] == "missed"
    assert owner.get(PATH).data == [owner.get(path_of(made)).data]
    changed = owner.put(path_of(made), {"onCalendar": "*:15", "slug": None, "description": None}).data
    assert (changed["onCalendar"], changed["slug"], changed["description"]) == ("*:15", None, None)
    rotated = owner.post(f"{path_of(made)}/rotate-ping-url", {}).data
    assert owner.get(path_of(made)).data == rotated
    ping(owner, made)
    assert owner.get(path_of(made)).data["status"] == "healthy"
    assert owner.get(f"{path_of(made)}/ping").json["pagination"]["total"] == 2
    stopped = owner.put(path_of(made), {"enabled": False}).data
    assert stopped == owner.get(path_of(made)).data
    assert owner.delete(path_of(made)).status == 204
    assert owner.get(PATH).data == []


def test_what_each_request_costs(edges: RealEdges, real: People) -> None:
    """Request units beside the one write of the key."""
    made = real.owner.make(PATH, HOURLY)
    edges.at += timedelta(minutes=5)
    for number, (method, path, body, reads, writes) in enumerate(
        [
            ("GET", path_of(made), b"", 2.0, 0.0),
            ("GET", PATH, b"", 1.0, 0.0),
            ("POST", f"{path_of(made)}/ping", b"", 2.0, 3.0),
            ("GET", f"{path_of(made)}/ping", b"", 3.0, 0.0),
        ]
    ):
        edges.meter.reset()
        assert real.owner.send(method, path, body).status < 300
        assert edges.meter.read_units <= reads, (number, edges.meter.calls)
        assert edges.meter.write_units - 1 <= writes, (number, edges.meter.calls)
