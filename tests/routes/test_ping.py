"""POST /v1/ping (contract, sections 1 and 3.2)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.api_key import SCOPES
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.settings import Settings
from tests.fakes import BEFORE, FakeAdhoc, FakeDeps
from tests.routes.bounds import NO_BOOLEAN, NO_INTEGER, NO_STRING, id_of
from tests.routes.client import START, Answer, Api, People, caller
from tests.routes.conftest import generous

PATH = "/v1/ping"
HTTP: dict[str, Any] = {"type": "http", "url": "https://example.com/"}
DNS: dict[str, Any] = {"type": "dns", "domain": "example.com"}
TCP: dict[str, Any] = {"type": "tcp", "host": "example.com", "port": 993}
KINDS = {"http": HTTP, "dns": DNS, "tcp": TCP}
RULE = {"type": "contains", "value": "a"}
HINTS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"]
TOO_LARGE = b" " * (256 * 1024 + 1)
WINDOW_END = int(START.timestamp()) + 60

GOOD: dict[str, dict[str, list[Any]]] = {
    "http": {
        "url": ["http://a", "https://example.com/" + "a" * 2028],
        "method": ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"],
        "expectedStatus": [100, 599],
        "timeoutSeconds": [1, 60],
        "degradedAfterMs": [1, 2**53],
        "region": HINTS,
        "headers": [{}, {"X-A": "1"}],
        "body": [""],
        "contentChecks": [[], [RULE], [RULE] * 100],
    },
    "dns": {
        "domain": ["a", "a" * 255],
        "recordType": ["A", "AAAA", "CNAME", "MX", "TXT", "NS"],
        "expectedValue": ["", "a" * 1000, "a, b"],
    },
    "tcp": {"host": ["a", "a" * 255, "::1"], "port": [1, 65535], "timeoutMs": [100, 60000]},
}
BAD: dict[str, dict[str, list[Any]]] = {
    "http": {
        "url": ["", "ftp://a/", "https://u:p@a/", "https://example.com/" + "a" * 2029, *NO_STRING],
        "method": ["get", "OPTIONS", *NO_STRING],
        "expectedStatus": [99, 600, *NO_INTEGER],
        "timeoutSeconds": [0, 61, *NO_INTEGER],
        "degradedAfterMs": [0, *NO_INTEGER],
        "region": ["", "us-east-1", *NO_STRING],
        "headers": [None, "a", []],
        "body": ["x", "a" * 10_001, *NO_STRING],
        "contentChecks": [None, {}, "a", [RULE] * 101],
    },
    "dns": {
        "domain": ["", "a" * 256, *NO_STRING],
        "recordType": ["a", "SOA", *NO_STRING],
        "expectedValue": ["a" * 1001, *NO_STRING],
    },
    "tcp": {
        "host": ["", "a" * 256, *NO_STRING],
        "port": [0, 65536, *NO_INTEGER],
        "timeoutMs": [99, 60001, *NO_INTEGER],
    },
}
BAD_RULES: list[tuple[Any, list[str]]] = [
    ({}, ["contentChecks.0.type", "contentChecks.0.value"]),
    (5, ["contentChecks.0"]),
    ({**RULE, "type": "equals"}, ["contentChecks.0.type"]),
    ({**RULE, "value": ""}, ["contentChecks.0.value"]),
    ({**RULE, "value": "a" * 1001}, ["contentChecks.0.value"]),
    ({"type": "regex", "value": "("}, ["contentChecks.0.value"]),
    *(({**RULE, "caseSensitive": value}, ["contentChecks.0.caseSensitive"]) for value in NO_BOOLEAN),
    ({**RULE, "isEnabled": True}, ["contentChecks.0.isEnabled"]),
    ({**RULE, "x": 1, "value": 5}, ["contentChecks.0.value", "contentChecks.0.x"]),
]


@dataclass
class Meanwhile(FakeAdhoc):
    """Something happens during the ping."""

    meanwhile: Callable[[], object] = lambda: None

    def ping(self, kind: str, spec: Mapping[str, Any], extras: Mapping[str, Any]) -> Outcome | None:
        self.meanwhile()
        return super().ping(kind, spec, extras)


def cases(table: dict[str, dict[str, list[Any]]]) -> list[tuple[str, str, Any]]:
    return [
        (kind, f, value) for kind, fields in table.items() for f, values in fields.items() for value in values
    ]


def ping(api: Api, least: dict[str, Any], **fields: Any) -> Answer:
    return api.post(PATH, {**least, **fields})


def shown(deps: FakeDeps, api: Api, body: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    """`data.ping` without what every one has."""
    deps.adhoc.outcome = outcome
    answer = ping(api, body)
    assert answer.status == 200
    assert set(answer.json) == {"data", "meta"}
    assert set(answer.data) == {"ping"}
    found: dict[str, Any] = dict(answer.data["ping"])
    assert re.fullmatch("ping_[0-9a-f]{32}", found.pop("id"))
    assert (found.pop("type"), found.pop("checkedAt")) == (body["type"], "2026-03-01T12:00:00Z")
    return found


def bucket(answer: Answer) -> tuple[int, int, int]:
    """Limit, remaining, reset."""
    names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
    limit, remaining, reset = (int(answer.headers[name]) for name in names)
    return limit, remaining, reset


@pytest.fixture
def deps() -> FakeDeps:
    settings = generous(Settings())
    return FakeDeps(settings=replace(settings, pings_per_minute=100_000))


@pytest.fixture
def limited(deps: FakeDeps) -> FakeDeps:
    """With the limits that a deployment has by default."""
    deps.settings = Settings()
    return deps


# What is asked of the function that checks.


def test_the_smallest_bodies_get_the_defaults(deps: FakeDeps, owner: Api) -> None:
    for body in KINDS.values():
        assert ping(owner, body).status == 200
    http = {
        "url": "https://example.com/",
        "method": "GET",
        "expectedStatus": 200,
        "degradedAfterMs": 5000,
        "timeoutSeconds": 10,
    }
    dns = {"domain": "example.com", "recordType": "A", "expectedValue": None}
    tcp = {"host": "example.com", "port": 993, "timeoutMs": 5000}
    assert deps.adhoc.asked == [("http", http, {}), ("dns", dns, {}), ("tcp", tcp, {})]


def test_everything_that_is_given_is_handed_on(deps: FakeDeps, owner: Api) -> None:
    rules: list[dict[str, Any]] = [RULE, {"type": "regex", "value": "a+", "caseSensitive": True}]
    parts = {"headers": {"Authorization": "Bearer x"}, "body": "text"}
    spec = {"method": "POST", "expectedStatus": 599, "degradedAfterMs": 1, "timeoutSeconds": 25}
    assert ping(owner, HTTP, **spec, **parts, contentChecks=rules, region="me").status == 200
    assert ping(owner, DNS, recordType="MX", expectedValue="a, b").status == 200
    assert ping(owner, TCP, timeoutMs=100.0).status == 200
    given: list[dict[str, Any]] = [{"caseSensitive": False, **rule, "isEnabled": True} for rule in rules]
    assert deps.adhoc.asked == [
        ("http", {"url": HTTP["url"], **spec}, {**parts, "contentChecks": given}),
        ("dns", {"domain": "example.com", "recordType": "MX", "expectedValue": "a, b"}, {}),
        ("tcp", {"host": "example.com", "port": 993, "timeoutMs": 100}, {}),
    ]
    assert type(deps.adhoc.asked[2][1]["timeoutMs"]) is int


@pytest.mark.parametrize(("given", "asked"), [(1, 1), (24, 24), (25, 25), (26, 25), (60, 25)])
def test_25_seconds_at_most_are_waited(deps: FakeDeps, owner: Api, given: int, asked: int) -> None:
    ping(owner, HTTP, timeoutSeconds=given)
    ping(owner, TCP, timeoutMs=given * 1000)
    (_, http, _), (_, tcp, _) = deps.adhoc.asked
    assert (http["timeoutSeconds"], tcp["timeoutMs"]) == (asked, asked * 1000)


@pytest.mark.parametrize(("kind", "field", "value"), cases(GOOD), ids=id_of)
def test_a_value_inside_its_bounds_is_taken(owner: Api, kind: str, field: str, value: Any) -> None:
    assert ping(owner, KINDS[kind], **{field: value}).status == 200


@pytest.mark.parametrize(("kind", "field", "value"), cases(BAD), ids=id_of)
def test_a_value_outside_its_bounds_is_400_on_its_field(
    deps: FakeDeps, owner: Api, kind: str, field: str, value: Any
) -> None:
    assert ping(owner, KINDS[kind], **{field: value}).fields == [field]
    assert deps.adhoc.asked == []


@pytest.mark.parametrize("body", ["a", "a" * 10_000], ids=id_of)
def test_a_body_goes_with_every_method_but_get_and_head(owner: Api, body: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert ping(owner, HTTP, method=method, body=body).status == 200
    for fields in ({}, {"method": "GET"}, {"method": "HEAD"}):
        assert ping(owner, HTTP, **fields, body=body).fields == ["body"]


@pytest.mark.parametrize("name", ["Host", "content-length", "A B"])
def test_a_header_that_may_not_be_sent_is_400_under_its_name(owner: Api, name: str) -> None:
    assert ping(owner, HTTP, headers={"X-A": "1", name: "1"}).fields == [f"headers.{name}"]
    assert ping(owner, HTTP, headers={"X-A": "a\nb"}).fields == ["headers.X-A"]


@pytest.mark.parametrize(("rule", "fields"), BAD_RULES, ids=id_of)
def test_a_bad_content_check_is_400_by_its_number(owner: Api, rule: Any, fields: list[str]) -> None:
    assert ping(owner, HTTP, contentChecks=[rule]).fields == fields
    second = [field.replace(".0", ".1") for field in fields]
    assert ping(owner, HTTP, contentChecks=[RULE, rule]).fields == second


@pytest.mark.parametrize("body", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("key", ["x", "id", "name", "timeout_ms", "Type", "teamId"])
def test_an_unknown_key_is_400(owner: Api, body: Any, key: str) -> None:
    assert ping(owner, body, **{key: None}).fields == [key]


def test_a_key_of_another_type_is_unknown(owner: Api) -> None:
    assert ping(owner, TCP, url="https://a/", timeoutSeconds=1).fields == ["timeoutSeconds", "url"]
    assert ping(owner, DNS, port=53).fields == ["port"]
    assert ping(owner, HTTP, host="a", timeoutMs=100).fields == ["host", "timeoutMs"]


@pytest.mark.parametrize("type", ["", "HTTP", "icmp", *NO_STRING])
def test_an_unknown_type_is_400_on_it_alone(owner: Api, type: Any) -> None:
    assert ping(owner, HTTP, type=type, x=1).fields == ["type"]


def test_missing_fields_are_named_at_once(owner: Api) -> None:
    assert owner.post(PATH, {}).fields == ["type"]
    assert owner.post(PATH, {"type": "http", "method": 5}).fields == ["method", "url"]
    assert owner.post(PATH, {"type": "dns"}).fields == ["domain"]
    assert owner.post(PATH, {"type": "tcp", "x": 1}).fields == ["host", "port", "x"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"type":"tcp","type":"tcp"}', b"null"])
def test_what_is_no_object_is_400_on_the_body(owner: Api, raw: bytes) -> None:
    assert owner.send("POST", PATH, raw).fields == ["body"]


# What is answered.


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome(Status.UP, Reason.NONE, 200, 21), ("up", 200, 21, True, False)),
        (Outcome(Status.UP, Reason.NONE, 204, 0), ("up", 204, 0, True, False)),
        (Outcome(Status.DEGRADED, Reason.SLOW, 200, 5001), ("degraded", 200, 5001, True, False)),
        (Outcome(Status.DOWN, Reason.WRONG_STATUS, 503, 40), ("down", 503, 40, True, False)),
        (
            Outcome(Status.DOWN, Reason.WRONG_STATUS, 503, 40, content_passed=False),
            ("down", 503, 40, False, False),
        ),
        (
            Outcome(Status.DOWN, Reason.CONTENT, 200, 40, content_passed=False),
            ("down", 200, 40, False, False),
        ),
        (Outcome(Status.DOWN, Reason.TIMEOUT, 0, 10_003), ("down", None, None, True, True)),
        (
            Outcome(Status.DOWN, Reason.REFUSED, 0, 3, content_passed=False),
            ("down", None, None, False, True),
        ),
        (Outcome(Status.DOWN, Reason.BLOCKED), ("down", None, None, True, True)),
    ],
    ids=lambda value: value.reason.name if isinstance(value, Outcome) else "",
)
def test_an_http_answer(deps: FakeDeps, owner: Api, outcome: Outcome, expected: tuple[Any, ...]) -> None:
    status, code, milliseconds, has_passed, has_message = expected
    found = shown(deps, owner, HTTP, outcome)
    assert (found.pop("errorMessage") is not None) is has_message
    assert found == {
        "status": status,
        "responseStatus": code,
        "responseTimeMs": milliseconds,
        "contentChecksPassed": has_passed,
    }


@pytest.mark.parametrize(
    ("outcome", "status", "value", "milliseconds"),
    [
        (Outcome(Status.UP, response_ms=9, text="192.0.2.1, 192.0.2.2"), "ok", "192.0.2.1, 192.0.2.2", 9),
        (Outcome(Status.UP, response_ms=9, text=""), "ok", "", 9),
        (Outcome(Status.DEGRADED, Reason.CHANGED, response_ms=0, text="a"), "changed", "a", 0),
        (Outcome(Status.DOWN, Reason.NAME_NOT_FOUND, response_ms=9), "error", None, None),
        (Outcome(Status.DOWN, Reason.TIMEOUT, response_ms=10_001), "error", None, None),
        (Outcome(Status.DOWN, Reason.NO_RECORDS, response_ms=9), "error", None, None),
    ],
    ids=lambda value: value.reason.name if isinstance(value, Outcome) else "",
)
def test_a_dns_answer(
    deps: FakeDeps, owner: Api, outcome: Outcome, status: str, value: str | None, milliseconds: int | None
) -> None:
    found = shown(deps, owner, DNS, outcome)
    assert (found.pop("errorMessage") is None) is (status != "error")
    assert found == {"status": status, "resolvedValue": value, "responseTimeMs": milliseconds}


@pytest.mark.parametrize(
    ("outcome", "status", "milliseconds"),
    [
        (Outcome(Status.UP, response_ms=9), "up", 9),
        (Outcome(Status.UP, response_ms=0), "up", 0),
        (Outcome(Status.DOWN, Reason.REFUSED, response_ms=9), "down", None),
        (Outcome(Status.DOWN, Reason.NAME_FAILED, response_ms=9), "down", None),
        (Outcome(Status.DOWN, Reason.BLOCKED), "down", None),
        (Outcome(Status.DOWN, Reason.TIMEOUT, response_ms=5001), "timeout", None),
    ],
    ids=lambda value: value.reason.name if isinstance(value, Outcome) else "",
)
def test_a_tcp_answer(
    deps: FakeDeps, owner: Api, outcome: Outcome, status: str, milliseconds: int | None
) -> None:
    found = shown(deps, owner, TCP, outcome)
    assert (found.pop("errorMessage") is None) is (status == "up")
    assert found == {"status": status, "responseTimeMs": milliseconds}


def test_meta_tells_the_request_and_when_it_was_answered(deps: FakeDeps, owner: Api) -> None:
    def take_seven_seconds() -> None:
        deps.at += timedelta(seconds=7)

    deps.adhoc = Meanwhile(meanwhile=take_seven_seconds)
    answers = [ping(owner, HTTP).json for _ in range(5)]
    assert (answers[0]["data"]["ping"]["checkedAt"], answers[0]["meta"]["timestamp"]) == (
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:07Z",
    )
    assert all(set(answer["meta"]) == {"requestId", "timestamp"} for answer in answers)
    assert len({answer["meta"]["requestId"] for answer in answers}) == 5
    assert len({answer["data"]["ping"]["id"] for answer in answers}) == 5


def test_nothing_is_stored_but_the_buckets(deps: FakeDeps, owner: Api) -> None:
    written: list[Any] = []
    called: list[str] = []
    deps.store.on_write = lambda changes: written.extend(kind for kind, *_ in changes)
    deps.store.on_call = lambda verb, phase: called.append(verb) if phase == BEFORE else None
    for body in KINDS.values():
        assert ping(owner, body).status == 200
    assert set(written) == {"key_use", "key_used_at", "bucket"}
    assert set(called) == {"key_uses.use", "buckets.count"}
    assert deps.queue.sent == []


def test_an_idempotency_key_means_nothing_here(deps: FakeDeps, owner: Api) -> None:
    raw = b'{"type":"dns","domain":"example.com"}'
    answers = [owner.send("POST", PATH, raw, headers={"Idempotency-Key": key}) for key in ("a", "a", '"')]
    assert [answer.status for answer in answers] == [200] * 3
    assert len(deps.adhoc.asked) == 3


@pytest.mark.parametrize("body", KINDS.values(), ids=KINDS)
def test_a_check_that_failed_inside_our_code_is_500(deps: FakeDeps, owner: Api, body: Any) -> None:
    deps.adhoc.outcome = None
    answer = ping(owner, body)
    assert (answer.status, answer.code) == (500, "INTERNAL_ERROR")
    assert bucket(answer)[1] == 99_999


def test_another_function_that_cannot_be_reached_is_500_and_tells_nothing(deps: FakeDeps, owner: Api) -> None:
    def fail() -> None:
        raise RuntimeError("arn:aws:lambda:secret")

    deps.adhoc = Meanwhile(meanwhile=fail)
    answer = ping(owner, HTTP)
    assert (answer.status, answer.code) == (500, "INTERNAL_ERROR")
    assert b"secret" not in answer.raw


# The limit of its own, and the order of refusals: 401, key bucket 429, 403, 413, ping bucket 429, 400.


def test_a_key_has_60_a_minute_which_the_headers_describe(limited: FakeDeps, people: People) -> None:
    answers = [ping(people.owner, HTTP) for _ in range(60)]
    assert {answer.status for answer in answers} == {200}
    assert [bucket(answer) for answer in answers] == [(60, left, WINDOW_END) for left in range(59, -1, -1)]
    limited.at += timedelta(seconds=18)
    refused = ping(people.owner, HTTP)
    assert (refused.status, refused.code) == (429, "RATE_LIMIT_EXCEEDED")
    assert (bucket(refused), refused.headers["retry-after"]) == ((60, 0, WINDOW_END), "42")
    assert " 42 second" in refused.json["error"]["message"]
    assert len(limited.adhoc.asked) == 60
    assert bucket(people.owner.get("/v1/status")) == (100, 38, WINDOW_END)
    other = caller(limited, people.owner.team_id, ["ping:trigger"])
    assert bucket(ping(other, HTTP)) == (60, 59, WINDOW_END)
    limited.at += timedelta(seconds=42)
    assert bucket(ping(people.owner, HTTP)) == (60, 59, WINDOW_END + 60)


def test_a_deployment_may_set_the_limit(limited: FakeDeps, owner: Api) -> None:
    limited.settings = replace(limited.settings, pings_per_minute=1)
    assert [ping(owner, HTTP).status for _ in range(3)] == [200, 429, 429]


def test_refused_bodies_and_failures_of_ours_count(limited: FakeDeps, owner: Api) -> None:
    assert bucket(ping(owner, HTTP, x=1)) == (60, 59, WINDOW_END)
    assert bucket(owner.send("POST", PATH, b"{")) == (60, 58, WINDOW_END)
    limited.adhoc.outcome = None
    assert bucket(ping(owner, HTTP)) == (60, 57, WINDOW_END)


def test_429_comes_before_the_400_of_the_body(limited: FakeDeps, owner: Api) -> None:
    for _ in range(60):
        ping(owner, HTTP)
    for raw in (b"{", b"{}", b""):
        assert owner.send("POST", PATH, raw).code == "RATE_LIMIT_EXCEEDED"


def test_403_and_413_come_before_it_and_do_not_count_in_it(limited: FakeDeps, people: People) -> None:
    lacking = caller(limited, people.owner.team_id, [s for s in SCOPES if s != "ping:trigger"])
    refused = lacking.send("POST", PATH, TOO_LARGE)
    assert (refused.status, refused.code) == (403, "FORBIDDEN")
    assert "ping:trigger" in refused.json["error"]["message"]
    assert bucket(refused) == (100, 99, WINDOW_END)
    large = people.owner.send("POST", PATH, TOO_LARGE)
    assert (large.code, bucket(large)) == ("PAYLOAD_TOO_LARGE", (100, 99, WINDOW_END))
    assert bucket(ping(people.owner, HTTP)) == (60, 59, WINDOW_END)
    for _ in range(60):
        ping(people.owner, HTTP)
    assert people.owner.send("POST", PATH, TOO_LARGE).code == "PAYLOAD_TOO_LARGE"


def test_the_general_limit_comes_first_and_describes_itself(limited: FakeDeps, owner: Api) -> None:
    for _ in range(60):
        ping(owner, HTTP)
    for _ in range(40):
        owner.get("/v1/status")
    refused = ping(owner, HTTP)
    assert (refused.status, refused.code) == (429, "RATE_LIMITED")
    assert bucket(refused) == (100, 0, WINDOW_END)


def test_without_a_valid_key_it_is_the_addresss_bucket(limited: FakeDeps, people: People) -> None:
    refused = ping(Api("Bearer uptime_" + "0" * 64), HTTP)
    assert (refused.status, refused.code) == (401, "UNAUTHORIZED")
    assert bucket(refused) == (100, 99, WINDOW_END)
    assert ping(Api(), HTTP).status == 401


def test_one_scope_is_enough_and_no_other_grants_it(deps: FakeDeps, people: People) -> None:
    team = people.owner.team_id
    assert ping(caller(deps, team, ["ping:trigger"]), TCP).status == 200
    assert ping(caller(deps, team, ["cron-jobs:ping", "monitors:write"]), TCP).status == 403
    assert ping(people.teammate, TCP).status == 403


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_405(owner: Api, method: str) -> None:
    answer = owner.send(method, PATH)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
