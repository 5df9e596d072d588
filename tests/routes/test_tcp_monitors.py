"""TCP monitors: their fields and results (contract, section 3.5)."""

import re
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.outcome import Outcome, Reason, Status
from tests.fakes import FakeDeps
from tests.routes.bounds import NO_BOOLEAN, NO_INTEGER, NO_STRING, id_of, pairs
from tests.routes.client import Api, People, RealEdges
from tests.routes.kinds import TCP, live

PATH, MINIMAL = TCP.path, TCP.minimal
GOOD: dict[str, list[Any]] = {
    "name": ["a", "a" * 255, "😀" * 255, " ", "\x00"],
    "host": ["a", "a" * 255, "example.com", "192.0.2.1", "2001:db8::1", "127.0.0.1", "münchen.example"],
    "port": [1, 65535],
    "timeoutMs": [100, 60000],
    "intervalSeconds": [10, 11, 60, 86400],
    "isEnabled": [True, False],
    "public": [True, False],
    "confirmations": [1, 10],
    "recoveryConfirmations": [1, 10],
    "retryIntervalSeconds": [10, 11, 60, 86400, None],
}
BAD: dict[str, list[Any]] = {
    "name": ["", "a" * 256, "😀" * 256, *NO_STRING],
    "host": ["", "a" * 256, *NO_STRING],
    "port": [0, 65536, -1, *NO_INTEGER],
    "timeoutMs": [99, 60001, 0, *NO_INTEGER],
    "intervalSeconds": [9, 86401, 0, *NO_INTEGER],
    "isEnabled": NO_BOOLEAN,
    "public": NO_BOOLEAN,
    "confirmations": [0, 11, *NO_INTEGER],
    "recoveryConfirmations": [0, 11, *NO_INTEGER],
    "retryIntervalSeconds": [9, 86401, 0, -10, *(value for value in NO_INTEGER if value is not None)],
}
DEFAULTS = {
    "timeoutMs": 5000,
    "intervalSeconds": 60,
    "isEnabled": True,
    "public": False,
    "confirmations": 1,
    "recoveryConfirmations": 1,
    "retryIntervalSeconds": None,
}
NOTHING_YET = {"lastCheckedAt": None, "lastStatus": None, "lastResponseTimeMs": None}
RESULT_KEYS = {"id", "status", "responseTimeMs", "checkedAt"}
UNKNOWN_KEYS = [
    *("id", "lastStatus", "lastCheckedAt", "lastResponseTimeMs", "createdAt", "updatedAt"),
    *("enabled", "url", "timeout_ms", "Port", "", "teamId"),
]

UP = Outcome(Status.UP, response_ms=21)
REFUSED = Outcome(Status.DOWN, Reason.REFUSED, response_ms=3)
TIMEOUT = Outcome(Status.DOWN, Reason.TIMEOUT, response_ms=5001)


def fields_of(monitor: Any, *names: str) -> tuple[Any, ...]:
    return tuple(monitor[name] for name in names)


@pytest.mark.parametrize(("field", "value"), pairs(GOOD), ids=id_of)
def test_a_value_inside_its_bounds_is_taken_on_create_and_on_update(
    owner: Api, field: str, value: Any
) -> None:
    made = TCP.make(owner, **{field: value})
    updated = owner.put(TCP.path_of(TCP.make(owner)), {field: value})
    assert updated.status == 200
    for monitor in (made, updated.data):
        assert monitor[field] == value
        assert owner.get(TCP.path_of(monitor)).data == monitor


@pytest.mark.parametrize(("field", "value"), pairs(BAD), ids=id_of)
def test_a_value_outside_its_bounds_is_400_on_its_field_on_create_and_on_update(
    owner: Api, field: str, value: Any
) -> None:
    assert owner.post(PATH, {**MINIMAL, field: value}).fields == [field]
    assert owner.get(PATH).data == []
    made = TCP.make(owner)
    assert owner.put(TCP.path_of(made), {field: value}).fields == [field]
    assert owner.get(TCP.path_of(made)).data == made


@pytest.mark.parametrize("field", ["port", "timeoutMs", "intervalSeconds"])
def test_a_whole_number_may_be_written_with_a_fraction_of_nothing(owner: Api, field: str) -> None:
    raw = f'{{"name":"a","host":"a","port":1,"{field}":1000.0}}'.replace('"port":1,"port"', '"port"')
    assert owner.send("POST", PATH, raw.encode()).data[field] == 1000
    made = TCP.make(owner)
    answer = owner.send("PUT", TCP.path_of(made), f'{{"{field}":2e3}}'.encode())
    assert (answer.data[field], b"2000.0" in answer.raw) == (2000, False)


def test_all_bad_missing_and_unknown_fields_are_named_at_once(owner: Api) -> None:
    bad = {field: values[0] for field, values in BAD.items()} | {"x": 1, "y": None}
    del bad["host"]
    assert owner.post(PATH, bad).fields == sorted({*bad, "host"})
    assert owner.put(TCP.path_of(TCP.make(owner)), bad).fields == sorted(bad)


def test_the_smallest_body_gets_the_defaults(owner: Api) -> None:
    made = TCP.make(owner)
    assert owner.post(PATH, {}).fields == ["host", "name", "port"]
    own = {"id", "createdAt", "updatedAt"}
    assert {k: v for k, v in made.items() if k not in own} == {**MINIMAL, **DEFAULTS, **NOTHING_YET}


@pytest.mark.parametrize("key", UNKNOWN_KEYS)
def test_an_unknown_or_read_only_key_is_400_on_create_and_on_update(owner: Api, key: str) -> None:
    field = key or "body"
    assert owner.post(PATH, {**MINIMAL, key: None}).fields == [field]
    made = TCP.make(owner)
    assert owner.put(TCP.path_of(made), {"name": "b", key: 1}).fields == [field]
    assert owner.get(TCP.path_of(made)).data == made


@pytest.mark.parametrize(
    ("outcome", "word", "shown_ms", "has_error"),
    [
        (UP, "up", 21, False),
        (REFUSED, "down", None, True),
        (TIMEOUT, "timeout", None, True),
        (Outcome(Status.DOWN, Reason.BLOCKED), "down", None, True),
        (Outcome(Status.DOWN, Reason.NAME_NOT_FOUND, response_ms=9), "down", None, True),
        (Outcome(Status.DOWN, Reason.NAME_FAILED, response_ms=9), "down", None, True),
        (Outcome(Status.DOWN, Reason.UNREACHABLE, response_ms=9), "down", None, True),
        (Outcome(Status.UP, response_ms=0), "up", 0, False),
    ],
    ids=lambda value: value.reason.name if isinstance(value, Outcome) else "",
)
def test_a_result_has_a_time_when_up_and_an_error_when_not(
    deps: FakeDeps, owner: Api, outcome: Outcome, word: str, shown_ms: int | None, has_error: bool
) -> None:
    made = TCP.make(owner)
    live(deps, made, [outcome])
    (result,) = TCP.results(owner, made).data
    assert set(result) - {"error"} == RESULT_KEYS
    assert fields_of(result, "status", "responseTimeMs", "checkedAt") == (
        word,
        shown_ms,
        "2026-03-01T12:01:00Z",
    )
    assert ("error" in result) is has_error
    assert isinstance(result.get("error", ""), str)
    assert len(result.get("error", "a text")) > 5
    for shown in (owner.get(TCP.path_of(made)).data, *owner.get(PATH).data):
        assert fields_of(shown, "lastStatus", "lastResponseTimeMs", "lastCheckedAt") == (
            word,
            shown_ms,
            "2026-03-01T12:01:00Z",
        )


def test_a_page_is_50_results_newest_first_and_200_at_most(deps: FakeDeps, owner: Api) -> None:
    made = TCP.make(owner)
    assert TCP.results(owner, made).json == {
        "data": [],
        "pagination": {"total": 0, "limit": 50, "offset": 0},
    }
    live(deps, made, [REFUSED, *[UP] * 57, TIMEOUT, UP])
    whole = TCP.results(owner, made, {"limit": "200"}).json
    assert whole["pagination"] == {"total": 60, "limit": 200, "offset": 0}
    assert [r["status"] for r in whole["data"]] == ["up", "timeout", *["up"] * 57, "down"]
    assert len({r["id"] for r in whole["data"]}) == 60
    assert all(re.fullmatch("tcpr_[0-9a-f]{32}", r["id"]) for r in whole["data"])
    page = TCP.results(owner, made).json
    assert page == {"data": whole["data"][:50], "pagination": {"total": 60, "limit": 50, "offset": 0}}
    page = TCP.results(owner, made, {"limit": "1", "offset": "59"}).json
    assert page == {"data": whole["data"][59:], "pagination": {"total": 60, "limit": 1, "offset": 59}}


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=", "offset=-1", "offset=1.0"])
def test_a_query_outside_its_bounds_is_400(owner: Api, query: str) -> None:
    assert TCP.results(owner, TCP.make(owner), query).fields == [query.partition("=")[0]]


def test_a_disabled_monitor_keeps_its_last_status(deps: FakeDeps, owner: Api) -> None:
    made = TCP.make(owner)
    live(deps, made, [UP, TIMEOUT])
    disabled = owner.put(TCP.path_of(made), {"isEnabled": False}).data
    assert fields_of(disabled, "isEnabled", "lastStatus") == (False, "timeout")
    live(deps, made, [UP] * 20)
    shown = owner.get(TCP.path_of(made)).data
    assert fields_of(shown, "lastStatus", "lastCheckedAt") == ("timeout", "2026-03-01T12:02:00Z")


def test_one_of_ten_seconds_has_six_results_a_minute(deps: FakeDeps, owner: Api) -> None:
    made = TCP.make(owner, intervalSeconds=10)
    deps.at += timedelta(seconds=20)
    live(deps, made, [UP, REFUSED, UP, TIMEOUT, UP, UP], seconds=10)
    results = TCP.results(owner, made).data
    assert [r["status"] for r in results] == ["up", "up", "timeout", "up", "down", "up"]
    assert [r["checkedAt"][-3:-1] for r in results] == ["20", "10", "00", "50", "40", "30"]
    assert owner.get(TCP.path_of(made)).data["lastStatus"] == "up"


def test_a_monitor_on_the_real_stores_reads_back_as_it_was_written(edges: RealEdges, real: People) -> None:
    fields = {
        "name": 'Post 🎉 \u0000 " \\',
        "host": "münchen.example",
        "port": 65535,
        "timeoutMs": 60000,
        "intervalSeconds": 86400,
        "isEnabled": True,
        "public": True,
    }
    made = TCP.make(real.owner, **fields)
    assert {name: made[name] for name in fields} == fields
    assert real.owner.get(TCP.path_of(made)).data == made
    edges.at += timedelta(seconds=90)
    changed = real.owner.put(TCP.path_of(made), {"timeoutMs": 100, "intervalSeconds": 10}).data
    assert changed == {**made, "timeoutMs": 100, "intervalSeconds": 10, "updatedAt": "2026-03-01T12:01:30Z"}
    assert real.owner.get(PATH).data == [changed]
    live(edges, made, [TIMEOUT] * 3)
    shown = real.owner.get(TCP.path_of(made)).data
    assert fields_of(shown, "lastStatus", "lastResponseTimeMs") == ("timeout", None)
