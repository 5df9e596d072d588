"""`headers` and `body` of HTTP monitors, which are written and never read (contract, section 3.3, R29)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.declared import DOCUMENT
from tests.fakes import BEFORE, UP, FakeDeps
from tests.routes.bounds import id_of
from tests.routes.client import MINIMAL, Answer, Api, People, RealEdges
from tests.routes.kinds import HTTP, live

POST = {"method": "POST"}
SECRET = "s3cr3t-t0ken"
DENIED = [
    *("Host", "host", "Content-Length", "CONNECTION", "Transfer-Encoding", "Expect", "TE", "Trailer"),
    *("Upgrade", "Keep-Alive", "HTTP2-Settings", "Proxy-Authorization", "proxy-anything"),
]
BAD_NAMES = [" ", "A B", "A:", "A\n", "é", "A\x00", "A\r\nHost", "(A)", "a" * 257, "A,", "😀"]
BAD_VALUES: list[Any] = [
    *("a\nb", "a\r\nHost: x", "\x00", "\x7f", "\x85", "a\u2028b", "a" * 8193),
    *(None, 1, True, [], {}),
]
GOOD_HEADERS: list[dict[str, str]] = [
    {},
    {"Authorization": f"Bearer {SECRET}"},
    {"X-A": "", "X-B": " ", "X-C": "\ta\t", "X-D": "é 😀"},
    {"a" * 256: "a" * 8192},
    {f"X-{number}": "a" for number in range(50)},
    {"X-A": "a" * 8189, "X-B": "b" * 8189},
    {"!#$%&'*+.^_`|~09": "x", "User-Agent": "me", "Accept-Encoding": "gzip", "Cookie": "a=b"},
]


def extras_of(deps: FakeDeps, monitor: Any) -> Any:
    """What the monitor's next check is given beside its spec."""
    live(deps, monitor, [UP] * 2)
    return next(iter(deps.checks.extras[-1].values()), {})


@pytest.mark.parametrize("headers", GOOD_HEADERS, ids=id_of)
def test_headers_are_taken_sent_and_told_by_name(deps: FakeDeps, owner: Api, headers: dict[str, str]) -> None:
    made = owner.create(headers=headers)
    updated = owner.put(HTTP.path_of(owner.create()), {"headers": headers}).data
    for monitor in (made, updated):
        assert monitor["headerNames"] == list(headers)
        assert owner.get(HTTP.path_of(monitor)).data == monitor
        owner.put(HTTP.path_of(monitor), {"enabled": False})
    owner.put(HTTP.path_of(made), {"enabled": True})
    assert extras_of(deps, made) == ({"headers": headers} if headers else {})


@pytest.mark.parametrize("name", DENIED, ids=id_of)
def test_the_document_tells_which_names_may_not_be_sent(name: str) -> None:
    for model in ("HttpMonitorCreate", "HttpMonitorUpdate", "HttpPing"):
        schema = DOCUMENT["components"]["schemas"][model]["properties"]["headers"]
        assert not Draft202012Validator(schema).is_valid({name: "1"})
        assert all(Draft202012Validator(schema).is_valid(headers) for headers in GOOD_HEADERS)


@pytest.mark.parametrize(
    ("given", "is_told"),
    [
        ({"method": "GET", "body": "a"}, False),
        ({"method": "HEAD", "body": "a"}, False),
        ({"method": "HEAD", "body": ""}, True),
        ({"method": "POST", "body": "a"}, True),
        ({"method": "GET"}, True),
        ({}, True),
    ],
)
def test_the_document_tells_that_reads_send_no_body(given: dict[str, str], is_told: bool) -> None:
    whole = {**MINIMAL, "type": "http", **given}
    for model in ("HttpMonitorCreate", "HttpMonitorUpdate", "HttpPing"):
        told = DOCUMENT["components"]["schemas"][model]["dependentSchemas"]
        assert Draft202012Validator({"dependentSchemas": told}).is_valid(whole) is is_told


def test_the_document_tells_that_a_body_alone_is_that_of_a_read_or_of_what_is_stored() -> None:
    for model, is_told in (("HttpMonitorCreate", False), ("HttpMonitorUpdate", True), ("HttpPing", False)):
        told = DOCUMENT["components"]["schemas"][model]["dependentSchemas"]
        assert Draft202012Validator({"dependentSchemas": told}).is_valid({"body": "a"}) is is_told


@pytest.mark.parametrize("name", [*DENIED, *BAD_NAMES], ids=id_of)
def test_a_name_that_may_not_be_sent_is_400_under_its_own_name(owner: Api, name: str) -> None:
    headers = {"X-Good": "1", name: "1"}
    assert owner.post(HTTP.path, {**MINIMAL, "headers": headers}).fields == [f"headers.{name}"]
    assert owner.put(HTTP.path_of(owner.create()), {"headers": headers}).fields == [f"headers.{name}"]


@pytest.mark.parametrize("value", BAD_VALUES, ids=id_of)
def test_a_value_that_may_not_be_sent_is_400_under_its_name(owner: Api, value: Any) -> None:
    headers = {"X-Good": "1", "X-Bad": value}
    refused = owner.post(HTTP.path, {**MINIMAL, "headers": headers})
    assert refused.fields == ["headers.X-Bad"]
    assert owner.put(HTTP.path_of(owner.create()), {"headers": headers}).fields == ["headers.X-Bad"]


@pytest.mark.parametrize(
    "headers",
    [
        *(None, "X-A: 1", 1, [], ["X-A"], True),
        {"": "1"},
        {f"X-{number}": "a" for number in range(51)},
        {"X-A": "a" * 8190, "X-B": "b" * 8189},
        {"X-A": "é" * 4096, "X-B": "é" * 4094},
    ],
    ids=id_of,
)
def test_what_is_wrong_with_all_of_them_is_400_on_headers(owner: Api, headers: Any) -> None:
    assert owner.post(HTTP.path, {**MINIMAL, "headers": headers}).fields == ["headers"]
    assert owner.put(HTTP.path_of(owner.create()), {"headers": headers}).fields == ["headers"]


def test_every_bad_header_is_named_and_so_is_a_second_spelling(owner: Api) -> None:
    headers = {"Host": "a", "X-A": "1", "x-a": "2", "B B": "1"}
    refused = owner.post(HTTP.path, {**MINIMAL, "headers": headers, "method": 5})
    assert refused.fields == ["headers.B B", "headers.Host", "headers.x-a", "method"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("body", ["a", "a" * 10_000, "😀" * 10_000, "{}", "\x00"], ids=id_of)
def test_a_body_is_taken_sent_and_never_shown(deps: FakeDeps, owner: Api, method: str, body: str) -> None:
    updated = owner.put(HTTP.path_of(owner.create(method=method)), {"body": body}).data
    owner.delete(HTTP.path_of(updated))
    made = owner.create(method=method, body=body)
    assert (made["hasBody"], updated["hasBody"]) == (True, True)
    assert owner.get(HTTP.path_of(made)).data == made
    assert extras_of(deps, made) == {"body": body}


@pytest.mark.parametrize("body", [None, 1, True, [], {}, "a" * 10_001, "😀" * 10_001], ids=id_of)
def test_a_body_that_is_none_or_too_long_is_400(owner: Api, body: Any) -> None:
    assert owner.post(HTTP.path, {**MINIMAL, **POST, "body": body}).fields == ["body"]
    assert owner.put(HTTP.path_of(owner.create(**POST)), {"body": body}).fields == ["body"]


@pytest.mark.parametrize("fields", [{}, {"method": "HEAD"}, {"method": "GET"}], ids=str)
def test_get_and_head_the_default_take_no_body(owner: Api, fields: Any) -> None:
    assert owner.post(HTTP.path, {**MINIMAL, **fields, "body": "x"}).fields == ["body"]
    assert owner.create(**fields, body="")["hasBody"] is False
    made = owner.create(**fields)
    path = HTTP.path_of(made)
    assert owner.put(path, {"body": "x"}).fields == ["body"]
    assert owner.put(path, {**fields, "body": "x"}).fields == ["body"]
    assert owner.put(path, {**POST, "body": "x"}).data["hasBody"] is True


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_update_cannot_make_a_stored_body_illegal(owner: Api, method: str) -> None:
    made = owner.create(**POST, body="x")
    path = HTTP.path_of(made)
    assert owner.put(path, {"method": method}).fields == ["method"]
    assert owner.put(path, {"method": method, "body": "y"}).fields == ["body"]
    assert owner.get(path).data == made
    assert owner.put(path, {"method": "PATCH"}).data["hasBody"] is True
    cleared = owner.put(path, {"method": method, "body": ""}).data
    assert (cleared["method"], cleared["hasBody"]) == (method, False)
    assert owner.put(path, {"method": "POST"}).data["hasBody"] is False


@pytest.mark.parametrize(
    ("mine", "others", "field"),
    [({"method": "GET"}, {"body": "x"}, "method"), ({"body": "x"}, {"method": "GET"}, "body")],
    ids=str,
)
def test_two_updates_at_once_cannot_make_it_illegal_either(
    deps: FakeDeps, owner: Api, mine: dict[str, str], others: dict[str, str], field: str
) -> None:
    made = owner.create(**POST)
    path = HTTP.path_of(made)
    answers: list[Answer] = []

    def overtake(verb: str, phase: str) -> None:
        if (verb, phase) == ("monitors.write", BEFORE) and not answers:
            deps.store.on_call = lambda verb, phase: None
            answers.append(owner.put(path, others))

    deps.store.on_call = overtake
    assert owner.put(path, mine).fields == [field]
    assert [answer.status for answer in answers] == [200]
    assert owner.get(path).data == answers[0].data


def test_an_update_replaces_all_headers_or_leaves_them(deps: FakeDeps, owner: Api) -> None:
    made = owner.create(**POST, headers={"X-A": "1", "X-B": "2"}, body="x")
    path = HTTP.path_of(made)
    assert owner.put(path, {"name": "Other"}).data["headerNames"] == ["X-A", "X-B"]
    assert extras_of(deps, made) == {"headers": {"X-A": "1", "X-B": "2"}, "body": "x"}
    changed = owner.put(path, {"headers": {"X-B": "3"}}).data
    assert (changed["headerNames"], changed["hasBody"]) == (["X-B"], True)
    assert extras_of(deps, made) == {"headers": {"X-B": "3"}, "body": "x"}
    cleared = owner.put(path, {"headers": {}, "body": ""}).data
    assert (cleared["headerNames"], cleared["hasBody"]) == ([], False)
    assert extras_of(deps, made) == {}


def test_updated_at_moves_when_a_value_changes_that_is_not_shown(deps: FakeDeps, owner: Api) -> None:
    made = owner.create(**POST, headers={"X-A": "1"}, body="x")
    path = HTTP.path_of(made)
    deps.at += timedelta(minutes=1)
    assert owner.put(path, {"headers": {"X-A": "1"}, "body": "x"}).data == made
    changed = owner.put(path, {"headers": {"X-A": "2"}}).data
    assert changed == {**made, "updatedAt": "2026-03-01T12:01:00Z"}
    deps.at += timedelta(minutes=1)
    changed = owner.put(path, {"body": "y"}).data
    assert changed == {**made, "updatedAt": "2026-03-01T12:02:00Z"}


def test_neither_value_nor_body_is_in_any_answer_or_log(
    edges: RealEdges, real: People, caplog: pytest.LogCaptureFixture
) -> None:
    """On the real stores."""
    owner = real.owner
    parts = {"headers": {"Authorization": SECRET}, "body": SECRET}
    raw = json.dumps({**MINIMAL, **POST, **parts}).encode()
    keyed = {"Idempotency-Key": "one"}
    first = owner.send("POST", HTTP.path, raw, headers=keyed)
    made = first.data
    answers = [
        first,
        owner.send("POST", HTTP.path, raw, headers=keyed),
        owner.get(HTTP.path),
        owner.get(HTTP.path_of(made)),
        owner.put(HTTP.path_of(made), parts),
        owner.put(HTTP.path_of(made), {"timeoutSeconds": 60}),
        owner.put(HTTP.path_of(made), {"headers": {"Host": SECRET}, "body": SECRET * 5000}),
        owner.put(HTTP.path_of(made), {"headers": {"X-A": SECRET + "\n"}, "body": [SECRET]}),
        owner.get("/v1/status"),
    ]
    live(edges, made, [UP] * 2)
    answers += [owner.get(HTTP.path_of(made)), HTTP.results(owner, made), owner.delete(HTTP.path_of(made))]
    assert [answer.status for answer in answers] == [201, 201, *[200] * 4, 400, 400, *[200] * 3, 204]
    assert not [answer for answer in answers if SECRET.encode() in answer.raw]
    assert SECRET not in caplog.text
    (given,) = edges.fake_checks.extras[-1].values()
    assert given == {"headers": {"Authorization": SECRET}, "body": SECRET}
