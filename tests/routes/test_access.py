"""Who may call what, and in which order a request is refused (contract, section 1)."""

import json
import re
from typing import Any

import pytest

from app import app
from chalicelib.domain.api_key import SCOPES
from tests.fakes import FakeDeps
from tests.routes.client import MINIMAL, Api, People, caller, invoke, lambda_event, vouched

PUBLIC_ROUTES = {
    ("GET", "/api/badge/{id}/status"),
    ("HEAD", "/api/badge/{id}/status"),
    ("GET", "/v1/openapi.json"),
    ("GET", "/docs"),
    *(
        (method, "/api/push/{token}")
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    ),
    *(
        (method, prefix + form)
        for method in ("GET", "HEAD", "POST")
        for prefix in ("/hb", "/ping")
        for form in ("/{code}", "/{code}/{part}", "/{code}/{part}/{suffix}")
    ),
}
SCOPE_OF = {
    ("GET", "/v1/monitors"): "monitors:read",
    ("POST", "/v1/monitors"): "monitors:write",
    ("GET", "/v1/monitors/{id}"): "monitors:read",
    ("PUT", "/v1/monitors/{id}"): "monitors:write",
    ("DELETE", "/v1/monitors/{id}"): "monitors:write",
    ("GET", "/v1/monitors/{id}/results"): "monitors:read",
    ("GET", "/v1/monitors/stats"): "monitors:read",
    ("GET", "/v1/monitors/{id}/stats"): "monitors:read",
    ("GET", "/v1/status"): "monitors:read",
    ("GET", "/v1/monitors/{id}/content-checks"): "monitors:read",
    ("POST", "/v1/monitors/{id}/content-checks"): "monitors:write",
    ("PUT", "/v1/monitors/{id}/content-checks/{check_id}"): "monitors:write",
    ("DELETE", "/v1/monitors/{id}/content-checks/{check_id}"): "monitors:write",
    ("GET", "/v1/dns-monitors"): "dns-monitors:read",
    ("POST", "/v1/dns-monitors"): "dns-monitors:write",
    ("GET", "/v1/dns-monitors/{id}"): "dns-monitors:read",
    ("PUT", "/v1/dns-monitors/{id}"): "dns-monitors:write",
    ("DELETE", "/v1/dns-monitors/{id}"): "dns-monitors:write",
    ("GET", "/v1/dns-monitors/{id}/results"): "dns-monitors:read",
    ("GET", "/v1/tcp-monitors"): "tcp-monitors:read",
    ("POST", "/v1/tcp-monitors"): "tcp-monitors:write",
    ("GET", "/v1/tcp-monitors/{id}"): "tcp-monitors:read",
    ("PUT", "/v1/tcp-monitors/{id}"): "tcp-monitors:write",
    ("DELETE", "/v1/tcp-monitors/{id}"): "tcp-monitors:write",
    ("GET", "/v1/tcp-monitors/{id}/results"): "tcp-monitors:read",
    ("GET", "/v1/cron-jobs"): "cron-jobs:read",
    ("POST", "/v1/cron-jobs"): "cron-jobs:write",
    ("GET", "/v1/cron-jobs/{id}"): "cron-jobs:read",
    ("PUT", "/v1/cron-jobs/{id}"): "cron-jobs:write",
    ("DELETE", "/v1/cron-jobs/{id}"): "cron-jobs:write",
    ("POST", "/v1/cron-jobs/{id}/rotate-ping-url"): "cron-jobs:write",
    ("POST", "/v1/cron-jobs/{id}/ping"): "cron-jobs:ping",
    ("GET", "/v1/cron-jobs/{id}/ping"): "cron-jobs:read",
    ("GET", "/v1/cron-jobs/{id}/ping/{ping_id}/body"): "cron-jobs:read",
    ("GET", "/v1/push-monitors"): "cron-jobs:read",
    ("POST", "/v1/push-monitors"): "cron-jobs:write",
    ("GET", "/v1/push-monitors/{id}"): "cron-jobs:read",
    ("PUT", "/v1/push-monitors/{id}"): "cron-jobs:write",
    ("DELETE", "/v1/push-monitors/{id}"): "cron-jobs:write",
    ("GET", "/v1/push-monitors/{id}/results"): "cron-jobs:read",
    ("GET", "/v1/ping-key"): "cron-jobs:write",
    ("POST", "/v1/ping-key"): "cron-jobs:write",
    ("POST", "/v1/ping"): "ping:trigger",
    ("GET", "/v1/alerts"): "alerts:read",
    ("POST", "/v1/alerts"): "alerts:write",
    ("GET", "/v1/alerts/{id}"): "alerts:read",
    ("PUT", "/v1/alerts/{id}"): "alerts:write",
    ("DELETE", "/v1/alerts/{id}"): "alerts:write",
    ("POST", "/v1/alerts/{id}/test"): "alerts:write",
    ("GET", "/v1/alerts/{id}/events"): "alerts:read",
    ("GET", "/v1/monitors/{id}/alert-events"): "alerts:read",
    ("GET", "/v1/maintenance"): "maintenance:read",
    ("POST", "/v1/maintenance"): "maintenance:write",
    ("GET", "/v1/maintenance/{id}"): "maintenance:read",
    ("PUT", "/v1/maintenance/{id}"): "maintenance:write",
    ("DELETE", "/v1/maintenance/{id}"): "maintenance:write",
    ("POST", "/v1/maintenance/{id}/end"): "maintenance:write",
    ("GET", "/v1/api-keys"): "api-keys:read",
    ("POST", "/v1/api-keys"): "api-keys:write",
    ("DELETE", "/v1/api-keys/{id}"): "api-keys:write",
}
ALL_ROUTES = sorted((method, path) for path, methods in app.routes.items() for method in methods)
PROTECTED = [route for route in ALL_ROUTES if route not in PUBLIC_ROUTES]
UNKNOWN_ID = "mon_" + "0" * 32

STRANGE_CONTEXTS: dict[str, dict[str, Any]] = {
    "auth none": {"authorizer": {"auth": "none"}},
    "empty": {"authorizer": {}},
    "null": {"authorizer": None},
    "missing": {},
    "auth none with rights": {
        "authorizer": {"auth": "none", "team": "team_1", "key": "key_1", "scopes": " ".join(SCOPES)}
    },
    "rights without auth": {"authorizer": {"team": "team_1", "scopes": " ".join(SCOPES)}},
    "no team": {"authorizer": {"auth": "ok", "scopes": " ".join(SCOPES)}},
    "empty team": {"authorizer": {"auth": "ok", "team": "", "scopes": " ".join(SCOPES)}},
    "another spelling": {"authorizer": {"auth": "OK", "team": "team_1", "scopes": " ".join(SCOPES)}},
}


def send(api: Api, method: str, path: str, raw: bytes = b"{}") -> Any:
    path = re.sub(r"\{\w+\}", UNKNOWN_ID, path)
    return api.send(method, path, raw if method in ("POST", "PUT") else b"")


def test_every_route_of_the_application_is_in_these_tables() -> None:
    assert set(PROTECTED) == set(SCOPE_OF)
    assert set(ALL_ROUTES) >= PUBLIC_ROUTES


def test_every_route_under_v1_but_its_description_has_the_authorizer_and_no_other_has() -> None:
    for path, methods in app.routes.items():
        for entry in methods.values():
            is_private = path.startswith("/v1/") and path != "/v1/openapi.json"
            assert (entry.authorizer is not None) is is_private


@pytest.mark.parametrize("context", STRANGE_CONTEXTS.values(), ids=STRANGE_CONTEXTS)
@pytest.mark.parametrize(("method", "path"), PROTECTED)
@pytest.mark.usefixtures("people")
def test_what_the_authorizer_did_not_vouch_for_is_401(
    method: str, path: str, context: dict[str, Any]
) -> None:
    answer = invoke(lambda_event(method, path, context))
    assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_no_authorization_header_is_401(people: People, method: str, path: str) -> None:
    answer = send(Api(), method, path)
    assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer uptime_",
        "Bearer uptime_" + "g" * 64,
        "Bearer uptime_" + "A" * 64,
        "Bearer uptime_" + "0" * 63,
        "Bearer uptime_" + "0" * 65,
        "Bearer uptime_" + "0" * 64 + " x",
        "Basic uptime_" + "0" * 64,
        "uptime_" + "0" * 64,
        "Bearer uptime_" + "0" * 64,
    ],
)
def test_malformed_and_unknown_keys_get_the_same_401(people: People, header: str) -> None:
    answer = Api(header).get("/v1/monitors")
    missing = Api().get("/v1/monitors")
    assert (answer.status, answer.json) == (401, missing.json)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_may_be_in_any_case(people: People, scheme: str) -> None:
    _, key = str(people.owner.authorization).split()
    assert Api(f"{scheme} {key}").get("/v1/monitors").status == 200


@pytest.mark.parametrize(("route", "scope"), SCOPE_OF.items(), ids=[f"{m} {p}" for m, p in SCOPE_OF])
def test_every_scope_but_the_right_one_is_403_and_the_message_names_it(
    deps: FakeDeps, people: People, route: tuple[str, str], scope: str
) -> None:
    method, path = route
    team = people.owner.team_id
    lacking = caller(deps, team, [other for other in SCOPES if other != scope])
    answer = send(lacking, method, path)
    assert (answer.status, answer.code) == (403, "FORBIDDEN")
    assert scope in answer.json["error"]["message"]
    assert send(caller(deps, team, [scope]), method, path).status not in (401, 403)


def test_a_scope_is_a_whole_word_and_not_a_part_of_another(people: People) -> None:
    context = vouched("team_1", ["dns-monitors:read", "monitors:reader", "xmonitors:read"])
    assert invoke(lambda_event("GET", "/v1/monitors", context)).status == 403


def test_the_teammate_with_a_read_only_key_reads_and_never_writes(people: People) -> None:
    monitor = people.owner.create()
    path = f"/v1/monitors/{monitor['id']}"
    assert people.teammate.get("/v1/monitors").data == [monitor]
    assert people.teammate.get(path).data == monitor
    assert people.teammate.get("/v1/status").status == 200
    assert people.teammate.get(f"{path}/results").status == 200
    assert people.teammate.post("/v1/monitors", MINIMAL).code == "FORBIDDEN"
    assert people.teammate.put(path, {"name": "Mine"}).code == "FORBIDDEN"
    assert people.teammate.delete(path).code == "FORBIDDEN"
    assert people.owner.get(path).data == monitor


def test_the_stranger_sees_nothing_of_another_team(people: People) -> None:
    people.owner.create()
    assert people.stranger.get("/v1/monitors").json == {"data": []}
    assert people.stranger.get("/v1/status").json["monitors"] == []


# The order of refusals: 404/405 of the route, 401, 403, 413, 404 of the id, 400 of body or query.

TOO_LARGE = b" " * (256 * 1024 + 1)


def test_an_unknown_path_is_404_also_without_a_key(people: People) -> None:
    assert Api().get("/v1/nothing").status == 404
    assert Api("Bearer nonsense").post("/v1/nothing/at/all", {}).status == 404


def test_a_wrong_method_is_405_also_without_a_key(people: People) -> None:
    assert Api().send("PATCH", "/v1/monitors").status == 405


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/monitors"), ("PUT", "/v1/monitors/{id}")])
def test_401_comes_before_403_and_413_and_404_and_400(people: People, method: str, path: str) -> None:
    assert send(Api(), method, path, TOO_LARGE).status == 401
    assert invoke(lambda_event(method, path, {"authorizer": {"auth": "none"}}, "x" * 300_000)).status == 401


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/monitors"), ("PUT", "/v1/monitors/{id}")])
def test_403_comes_before_413_and_404_and_400(people: People, method: str, path: str) -> None:
    assert send(people.teammate, method, path, TOO_LARGE).status == 403
    assert send(people.teammate, method, path, b"not json").status == 403


def test_413_comes_before_the_404_of_the_id(people: People) -> None:
    assert send(people.owner, "PUT", "/v1/monitors/{id}", TOO_LARGE).code == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize("raw", [b"not json", b"{}", json.dumps({"name": ""}).encode()])
def test_the_404_of_the_id_comes_before_the_400_of_the_body(people: People, raw: bytes) -> None:
    assert send(people.owner, "PUT", "/v1/monitors/{id}", raw).code == "NOT_FOUND"


def test_the_404_of_the_id_comes_before_the_400_of_the_query(people: People) -> None:
    answer = people.owner.get(f"/v1/monitors/{UNKNOWN_ID}/results", {"limit": "abc"})
    assert answer.code == "NOT_FOUND"


def test_400_of_the_body_comes_before_the_limit(deps: FakeDeps, people: People) -> None:
    for number in range(deps.settings.monitors_per_team):
        people.owner.create(name=str(number))
    assert people.owner.post("/v1/monitors", {}).fields == ["name", "url"]
    assert people.owner.post("/v1/monitors", MINIMAL).code == "LIMIT_EXCEEDED"
