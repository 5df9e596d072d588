"""Push monitors over `/v1`: their fields, their secrets, their results, what they cost."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.services.deadlines import find_deadlines
from tests.fakes import FakeDeps
from tests.routes.client import Answer, Api, Meter, People, RealEdges, caller

PATH = "/v1/push-monitors"
ANYBODY = Api()
MINIMAL = {"name": "Backup"}
NO_UPTIME = {"last24Hours": None, "last7Days": None, "last30Days": None}


def make(api: Api, **fields: Any) -> dict[str, Any]:
    return api.make(PATH, {**MINIMAL, **fields})


def push(made: Mapping[str, Any], **query: str) -> Answer:
    return ANYBODY.get(f"/api/push/{made['pushToken']}", query)


def shown(api: Api, made: Mapping[str, Any]) -> Any:
    return api.get(f"{PATH}/{made['id']}").data


def results(api: Api, made: Mapping[str, Any], **query: Any) -> list[Any]:
    return list(api.get(f"{PATH}/{made['id']}/results", query).data)


def test_a_new_monitor_has_kumas_defaults(owner: Api) -> None:
    made = make(owner)
    assert re.fullmatch(r"push_[0-9a-f]{32}", made.pop("id"))
    token = made.pop("pushToken")
    assert re.fullmatch(r"[A-Za-z0-9]{32}", token)
    url = urlsplit(made.pop("pushUrl"))
    assert url.path == f"/api/push/{token}"
    assert parse_qs(url.query, keep_blank_values=True) == {"status": ["up"], "msg": ["OK"], "ping": [""]}
    assert made == {
        "name": "Backup",
        "intervalSeconds": 60,
        "retries": 0,
        "retryIntervalSeconds": None,
        "upsideDown": False,
        "isEnabled": True,
        "public": False,
        "status": "pending",
        "lastPushAt": None,
        "lastStatusChangeAt": None,
        "lastMessage": None,
        "lastResponseTimeMs": None,
        "uptime": NO_UPTIME,
        "enabledAt": "2026-03-01T12:00:00Z",
        "createdAt": "2026-03-01T12:00:00Z",
        "updatedAt": "2026-03-01T12:00:00Z",
    }


GOOD: dict[str, list[Any]] = {
    "name": ["x", "x" * 255],
    "intervalSeconds": [20, 86400, 20.0],
    "retries": [0, 100],
    "retryIntervalSeconds": [None, 20, 86400],
    "upsideDown": [True],
    "isEnabled": [False],
    "public": [True],
    "pushToken": ["abcdefgh", "x" * 64, "A-z_09-_"],
}
BAD: dict[str, list[Any]] = {
    "name": ["", "x" * 256, None, 1],
    "intervalSeconds": [19, 86401, 20.5, "60", None, True, 2**53],
    "retries": [-1, 101, None, 0.5],
    "retryIntervalSeconds": [19, 86401, "20", False],
    "upsideDown": [None, 1, "true"],
    "isEnabled": [None, 1],
    "public": [None, "yes"],
    "pushToken": [
        "x" * 7,
        "x" * 65,
        "with space",
        "umläuts-x",
        "new-line\n",
        "",
        None,
        12345678,
    ],
    "pushtoken": ["abcdefgh"],
    "status": ["up"],
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, values in GOOD.items() for v in values])
def test_what_is_in_bounds_is_taken_and_shown(owner: Api, field: str, value: Any) -> None:
    assert make(owner, **{field: value})[field] == value
    made = make(owner)
    assert owner.put(f"{PATH}/{made['id']}", {field: value}).status == (409 if field == "pushToken" else 200)
    if field == "pushToken":
        value = value[::-1] if value != value[::-1] else value[:-1] + "y"
        assert owner.put(f"{PATH}/{made['id']}", {field: value}).status == 200
    assert shown(owner, made)[field] == value


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, values in BAD.items() for v in values])
def test_what_is_out_of_bounds_is_named(owner: Api, field: str, value: Any) -> None:
    raw = json.dumps({**MINIMAL, field: value}).encode()
    assert owner.send("POST", PATH, raw).fields == [field]
    made = make(owner)
    assert owner.send("PUT", f"{PATH}/{made['id']}", json.dumps({field: value}).encode()).fields == [field]
    assert shown(owner, made) == made


def test_an_update_changes_what_it_names_and_nothing_else(deps: FakeDeps, owner: Api) -> None:
    made = make(owner, retryIntervalSeconds=30)
    deps.at += timedelta(seconds=10)
    for same in ({}, {**MINIMAL, "pushToken": made["pushToken"], "retryIntervalSeconds": 30}):
        assert owner.put(f"{PATH}/{made['id']}", same).data == made
    changed = owner.put(f"{PATH}/{made['id']}", {"retryIntervalSeconds": None}).data
    assert changed == {**made, "retryIntervalSeconds": None, "updatedAt": "2026-03-01T12:00:10Z"}


def test_the_list_is_newest_first(deps: FakeDeps, owner: Api) -> None:
    made = []
    for _ in range(3):
        made.append(make(owner))
        deps.at += timedelta(milliseconds=1)
    assert owner.get(PATH).data == made[::-1]


def test_a_delete_ends_the_url(owner: Api) -> None:
    made = make(owner)
    assert owner.delete(f"{PATH}/{made['id']}").status == 204
    assert push(made).status == 404
    for again in (owner.get(f"{PATH}/{made['id']}"), owner.delete(f"{PATH}/{made['id']}")):
        assert again.code == "NOT_FOUND"
    assert owner.get(PATH).raw == b'{"data":[]}'


def test_a_token_is_one_monitors_in_the_whole_deployment(people: People) -> None:
    make(people.stranger, pushToken="from-an-old-kuma")
    refused = people.owner.post(PATH, {**MINIMAL, "pushToken": "from-an-old-kuma"})
    assert (refused.status, refused.code) == (409, "CONFLICT")
    made = make(people.owner)
    refused = people.owner.put(f"{PATH}/{made['id']}", {"pushToken": "from-an-old-kuma"})
    assert (refused.status, refused.code) == (409, "CONFLICT")
    job = people.stranger.make("/v1/cron-jobs", {"name": "x", "periodSeconds": 60})
    token = job["pingUrl"].rpartition("/")[2]
    assert people.owner.post(PATH, {**MINIMAL, "pushToken": token}).code == "CONFLICT"


def test_another_token_moves_the_url(owner: Api) -> None:
    made = make(owner)
    push(made, msg="before")
    moved = owner.put(f"{PATH}/{made['id']}", {"pushToken": "from-an-old-kuma"}).data
    assert "/api/push/from-an-old-kuma?" in moved["pushUrl"]
    assert (moved["status"], moved["lastMessage"]) == ("up", "before")
    assert push(made).status == 404
    assert push(moved).status == 200
    assert len(results(owner, made)) == 2


@pytest.mark.parametrize(
    ("scopes", "is_told"),
    [
        (["cron-jobs:read"], False),
        (["cron-jobs:read", "cron-jobs:write"], True),
        (["cron-jobs:read", "cron-jobs:ping"], True),
        (["cron-jobs:read", "monitors:write"], False),
    ],
)
def test_secrets_are_shown_to_those_who_may_know(
    deps: FakeDeps, people: People, scopes: list[str], is_told: bool
) -> None:
    made = make(people.owner)
    api = caller(deps, people.owner.team_id, scopes)
    for found in (api.get(PATH).data[0], shown(api, made)):
        secrets = (found["pushToken"], found["pushUrl"])
        assert secrets == ((made["pushToken"], made["pushUrl"]) if is_told else (None, None))
    assert (made["pushToken"] in api.get(PATH).raw.decode()) is is_told


@pytest.mark.parametrize("token", [None, "from-an-old-kuma"])
def test_a_repeated_create_is_one_monitor_and_its_secret_is_stored_nowhere_else(
    deps: FakeDeps, owner: Api, token: str | None
) -> None:
    raw = json.dumps({**MINIMAL, **({"pushToken": token} if token else {})}).encode()
    first, again = (owner.send("POST", PATH, raw, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status, again.raw) == (201, first.raw)
    assert again.headers["idempotency-replayed"] == "true"
    assert token is None or first.data["pushToken"] == token
    assert owner.get(PATH).data == [first.data]
    assert push(first.data).status == 200
    assert first.data["pushToken"] not in repr(dict(deps.store.items["request"]))


def test_a_setting_says_what_push_urls_begin_with(deps: FakeDeps, owner: Api) -> None:
    deps.settings = replace(deps.settings, push_url="https://push.example.com/kuma")
    assert make(owner)["pushUrl"].startswith("https://push.example.com/kuma/api/push/")


def test_each_team_has_its_limit(deps: FakeDeps, people: People) -> None:
    deps.settings = replace(deps.settings, push_monitors_per_team=2)
    made = [make(people.owner) for _ in range(2)]
    refused = people.owner.post(PATH, MINIMAL)
    assert (refused.status, refused.code) == (400, "LIMIT_EXCEEDED")
    make(people.stranger)
    people.owner.delete(f"{PATH}/{made[0]['id']}")
    make(people.owner)


def test_a_life_in_results(deps: FakeDeps, owner: Api) -> None:
    made = make(owner, retries=1, retryIntervalSeconds=30)
    push(made, msg="hällo", ping="12.5")
    deps.at += timedelta(seconds=92)
    assert find_deadlines(deps) == 1
    push(made, status="down", msg="still bad")
    push(made)
    told = [(r["status"], r["message"], r["responseTimeMs"], r["silent"]) for r in results(owner, made)]
    silence = "No heartbeat in the time window"
    assert told == [
        ("up", "OK", None, False),
        ("down", "still bad", None, False),
        ("down", silence, None, True),
        ("pending", silence, None, True),
        ("up", "hällo", 13, False),
    ]
    ats = [r["checkedAt"][-9:] for r in results(owner, made)]
    assert ats == ["12:01:32Z"[-9:], "12:01:32Z", "12:01:31Z", "12:01:01Z", "12:00:00Z"]
    deps.at += timedelta(seconds=61)
    found = shown(owner, made)
    assert (found["status"], found["lastMessage"], found["lastResponseTimeMs"]) == ("up", "OK", None)
    assert (found["lastPushAt"], found["lastStatusChangeAt"]) == ("2026-03-01T12:01:32Z",) * 2
    assert found["uptime"]["last24Hours"] == round(100 * (61 + 61) / 153, 2)


def test_a_monitor_that_never_pushes_is_down_after_an_interval(deps: FakeDeps, owner: Api) -> None:
    made = make(owner)
    deps.at += timedelta(seconds=60)
    assert shown(owner, made)["status"] == "pending"
    deps.at += timedelta(seconds=1)
    found = shown(owner, made)
    assert (found["status"], found["lastMessage"]) == ("down", "No heartbeat in the time window")
    assert found["uptime"]["last24Hours"] == 0


def test_a_disabled_monitor_takes_nothing_and_keeps_quiet(deps: FakeDeps, owner: Api) -> None:
    made = make(owner)
    push(made)
    off = owner.put(f"{PATH}/{made['id']}", {"isEnabled": False}).data
    assert (off["enabledAt"], off["status"]) == (None, "up")
    assert push(made).json == {"ok": False, "msg": "Monitor not found or not active."}
    deps.at += timedelta(days=2)
    assert find_deadlines(deps) == 0
    on = owner.put(f"{PATH}/{made['id']}", {"isEnabled": True}).data
    assert (on["status"], on["enabledAt"]) == ("pending", "2026-03-03T12:00:00Z")
    assert push(made).status == 200


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "offset=-1", "limit=1&limit=2", "limit=", "offset=1.5", "limit=%00"],
)
def test_pages_have_bounds(owner: Api, query: str) -> None:
    made = make(owner)
    assert owner.get(f"{PATH}/{made['id']}/results", query).fields == [query.partition("=")[0]]


def test_pages_are_of_twenty_with_the_exact_total(owner: Api) -> None:
    made = make(owner)
    for number in range(30):
        push(made, msg=str(number))
    page = owner.get(f"{PATH}/{made['id']}/results").json
    assert page["pagination"] == {"total": 30, "limit": 20, "offset": 0}
    assert [found["message"] for found in page["data"]] == [str(n) for n in range(29, 9, -1)]
    assert len({found["id"] for found in results(owner, made, limit=100)}) == 30
    assert [found["message"] for found in results(owner, made, limit=3, offset=28)] == ["1", "0"]


def test_a_public_monitor_has_a_badge(deps: FakeDeps, owner: Api) -> None:
    made = make(owner, public=True, retries=1)

    def word() -> str:
        svg = ANYBODY.get(f"/api/badge/{made['id']}/status").raw.decode()
        (*_, found) = re.findall(r">(Up|Down|Pending|N/A)<", svg)
        return str(found)

    assert word() == "Pending"
    push(made)
    assert word() == "Up"
    deps.at += timedelta(seconds=62)
    assert word() == "Pending"
    deps.at += timedelta(seconds=60)
    assert word() == "Down"
    owner.put(f"{PATH}/{made['id']}", {"isEnabled": False})
    assert word() == "Pending"
    owner.put(f"{PATH}/{made['id']}", {"public": False})
    assert word() == "N/A"


@pytest.fixture
def meter(edges: RealEdges) -> Meter:
    found = Meter()
    found.watch(edges.dynamodb)
    return found


def test_what_everything_costs(edges: RealEdges, real: People, meter: Meter) -> None:
    """A push: the caller's counter, the heartbeat, and its words if it has any."""
    made = make(real.owner, public=True)
    meter.reset()
    assert push(made).status == 200
    assert (meter.read_units, meter.write_units) == (1, 2)
    meter.reset()
    assert push(made, msg="x" * 300, ping="17").status == 200
    assert (meter.read_units, meter.write_units) == (1, 3)
    for _ in range(40):
        edges.at += timedelta(days=1)
        push(made)
        find_deadlines(edges)
    meter.reset()
    assert ANYBODY.get(f"/api/badge/{made['id']}/status").status == 200
    assert meter.read_units <= 1
    meter.reset()
    assert shown(real.owner, made)["status"] == "up"
    assert meter.read_units <= 6
    meter.reset()
    find_deadlines(edges)
    assert meter.write_units == 0
    meter.reset()
    assert real.owner.delete(f"{PATH}/{made['id']}").status == 204
    assert [call for call in meter.calls if call[0] == "Scan"] == []
