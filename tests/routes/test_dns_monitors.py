"""DNS monitors: their fields and results (contract, sections 3.4 and 4.5)."""

import re
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.outcome import Outcome, Reason, Status
from tests.fakes import FakeDeps
from tests.routes.bounds import NO_BOOLEAN, NO_INTEGER, NO_STRING, id_of, pairs
from tests.routes.client import Api, People, RealEdges
from tests.routes.kinds import DNS, live

PATH = DNS.path
MINIMAL = {"name": "Zone", "domain": "example.com", "recordType": "A"}
GOOD: dict[str, list[Any]] = {
    "name": ["a", "a" * 255, "😀" * 255, " "],
    "domain": ["a", "a" * 255, "münchen.example", "_dmarc.example.com", "example.com."],
    "recordType": ["A", "AAAA", "CNAME", "MX", "TXT", "NS"],
    "expectedValue": ["", "a", "😀" * 1024, "192.0.2.1, 192.0.2.2", " , "],
    "intervalSeconds": [60, 3601, 86400],
    "isEnabled": [True, False],
    "public": [True, False],
    "confirmations": [1, 10],
    "recoveryConfirmations": [1, 10],
    "retryIntervalSeconds": [60, 61, 3600, None],
}
BAD: dict[str, list[Any]] = {
    "name": ["", "a" * 256, *NO_STRING],
    "domain": ["", "a" * 256, *NO_STRING],
    "recordType": ["a", "SOA", "ANY", "", *NO_STRING],
    "expectedValue": ["a" * 1025, *(value for value in NO_STRING if value is not None)],
    "intervalSeconds": [59, 86401, 0, *NO_INTEGER],
    "isEnabled": NO_BOOLEAN,
    "public": NO_BOOLEAN,
    "confirmations": [0, 11, *NO_INTEGER],
    "recoveryConfirmations": [0, 11, *NO_INTEGER],
    "retryIntervalSeconds": [59, 3601, 0, -60, *(value for value in NO_INTEGER if value is not None)],
}
DEFAULTS = {
    "expectedValue": None,
    "intervalSeconds": 3600,
    "isEnabled": True,
    "public": False,
    "confirmations": 1,
    "recoveryConfirmations": 1,
    "retryIntervalSeconds": None,
}
NOTHING_YET = {"lastCheckedAt": None, "lastStatus": None, "lastValue": None}
UNTOUCHABLE: dict[str, Any] = {
    "id": "dns_" + "f" * 32,
    "lastStatus": "error",
    "lastValue": "192.0.2.66",
    "lastCheckedAt": "2020-01-01T00:00:00Z",
    "createdAt": "2020-01-01T00:00:00Z",
    "updatedAt": None,
    "teamId": "team_1",
    "enabled": False,
    "record_type": "nonsense",
    "timeoutSeconds": "nonsense",
    "": {"deep": [None]},
}

OK = Outcome(Status.UP, response_ms=12, text="192.0.2.1, 192.0.2.2")
CHANGED = Outcome(Status.DEGRADED, Reason.CHANGED, response_ms=15, text="192.0.2.66")
ERROR = Outcome(Status.DOWN, Reason.NAME_NOT_FOUND, response_ms=8)


def fields_of(monitor: Any, *names: str) -> tuple[Any, ...]:
    return tuple(monitor[name] for name in names)


@pytest.mark.parametrize(("field", "value"), pairs(GOOD), ids=id_of)
def test_a_value_inside_its_bounds_is_taken_on_create_and_on_update(
    owner: Api, field: str, value: Any
) -> None:
    made = DNS.make(owner, **{field: value})
    updated = owner.put(DNS.path_of(DNS.make(owner)), {field: value})
    assert updated.status == 200
    for monitor in (made, updated.data):
        assert monitor[field] == value
        assert owner.get(DNS.path_of(monitor)).data == monitor


@pytest.mark.parametrize(("field", "value"), pairs(BAD), ids=id_of)
def test_a_value_outside_its_bounds_is_400_on_its_field_on_create_and_on_update(
    owner: Api, field: str, value: Any
) -> None:
    assert owner.post(PATH, {**MINIMAL, field: value}).fields == [field]
    assert owner.get(PATH).data == []
    made = DNS.make(owner)
    assert owner.put(DNS.path_of(made), {field: value}).fields == [field]
    assert owner.get(DNS.path_of(made)).data == made


def test_a_whole_number_may_be_written_with_a_fraction_of_nothing(owner: Api) -> None:
    made = DNS.make(owner)
    answer = owner.send("PUT", DNS.path_of(made), b'{"intervalSeconds":120.0}')
    assert (answer.data["intervalSeconds"], b"120.0" in answer.raw) == (120, False)


def test_all_bad_and_missing_fields_are_named_at_once(owner: Api) -> None:
    bad = {field: values[0] for field, values in BAD.items() if field != "domain"}
    assert owner.post(PATH, bad).fields == sorted(BAD)
    assert owner.put(DNS.path_of(DNS.make(owner)), bad).fields == sorted(bad)


def test_the_smallest_body_gets_the_defaults(owner: Api) -> None:
    made = owner.make(PATH, MINIMAL)
    assert owner.post(PATH, {}).fields == ["domain", "name", "recordType"]
    own = {"id", "createdAt", "updatedAt"}
    assert {k: v for k, v in made.items() if k not in own} == {**MINIMAL, **DEFAULTS, **NOTHING_YET}


def test_null_clears_the_expected_value_and_is_no_value_on_create(deps: FakeDeps, owner: Api) -> None:
    assert owner.post(PATH, {**MINIMAL, "expectedValue": None}).fields == ["expectedValue"]
    made = DNS.make(owner, expectedValue="192.0.2.1")
    path = DNS.path_of(made)
    deps.at += timedelta(minutes=1)
    assert owner.put(path, {}).data == made
    cleared = owner.put(path, {"expectedValue": None}).data
    assert cleared == {**made, "expectedValue": None, "updatedAt": "2026-03-01T12:01:00Z"}
    deps.at += timedelta(minutes=1)
    assert owner.put(path, {"expectedValue": None}).data == cleared
    assert owner.put(path, {"expectedValue": "x"}).data["expectedValue"] == "x"


def test_unknown_and_read_only_keys_are_ignored(owner: Api) -> None:
    plain, odd = DNS.make(owner), DNS.make(owner, **UNTOUCHABLE)
    assert odd == {**plain, "id": odd["id"]}
    assert owner.put(DNS.path_of(plain), UNTOUCHABLE).data == plain


@pytest.mark.parametrize(
    ("outcome", "word", "value", "has_message"),
    [
        (OK, "ok", "192.0.2.1, 192.0.2.2", False),
        (CHANGED, "changed", "192.0.2.66", False),
        (ERROR, "error", None, True),
        (Outcome(Status.DOWN, Reason.NAME_FAILED, response_ms=9), "error", None, True),
        (Outcome(Status.DOWN, Reason.NO_RECORDS, response_ms=9), "error", None, True),
        (Outcome(Status.DOWN, Reason.TIMEOUT, response_ms=10_001), "error", None, True),
        (Outcome(Status.UP, response_ms=0, text="é 😀"), "ok", "é 😀", False),
    ],
    ids=lambda value: value.reason.name if isinstance(value, Outcome) else "",
)
def test_an_answer_has_a_value_and_an_error_a_message(
    deps: FakeDeps, owner: Api, outcome: Outcome, word: str, value: str | None, has_message: bool
) -> None:
    made = DNS.make(owner)
    live(deps, made, [outcome])
    (result,) = DNS.results(owner, made).data
    assert set(result) == {"id", "status", "value", "responseTimeMs", "errorMessage", "checkedAt"}
    shown = fields_of(result, "status", "value", "responseTimeMs", "checkedAt")
    assert shown == (word, value, outcome.response_ms, "2026-03-01T12:01:00Z")
    assert (result["errorMessage"] is not None) is has_message
    assert len(result["errorMessage"] or "a text") > 5
    for monitor in (owner.get(DNS.path_of(made)).data, *owner.get(PATH).data):
        last = fields_of(monitor, "lastStatus", "lastValue", "lastCheckedAt")
        assert last == (word, value, "2026-03-01T12:01:00Z")


def test_results_are_the_newest_50_and_200_at_most_without_pages(deps: FakeDeps, owner: Api) -> None:
    made = DNS.make(owner)
    assert DNS.results(owner, made).json == {"data": []}
    live(deps, made, [ERROR, *[OK] * 57, CHANGED, OK])
    whole = DNS.results(owner, made, {"limit": "200"}).json
    assert set(whole) == {"data"}
    assert [r["status"] for r in whole["data"]] == ["ok", "changed", *["ok"] * 57, "error"]
    assert len({r["id"] for r in whole["data"]}) == 60
    assert all(re.fullmatch("res_[0-9a-f]{32}", r["id"]) for r in whole["data"])
    assert DNS.results(owner, made).json == {"data": whole["data"][:50]}
    assert DNS.results(owner, made, {"limit": "2"}).json == {"data": whole["data"][:2]}
    assert DNS.results(owner, made, {"offset": "x"}).json == {"data": whole["data"][:50]}


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "", "1.0"])
def test_a_limit_outside_its_bounds_is_400(owner: Api, limit: str) -> None:
    assert DNS.results(owner, DNS.make(owner), {"limit": limit}).fields == ["limit"]


def test_each_monitor_shows_its_own_value(deps: FakeDeps, owner: Api) -> None:
    one, other = DNS.make(owner), DNS.make(owner)
    deps.checks.outcomes[other["id"]] = CHANGED
    live(deps, one, [OK])
    assert [m["lastValue"] for m in owner.get(PATH).data] == [CHANGED.text, OK.text]


def test_a_disabled_monitor_keeps_its_last_value(deps: FakeDeps, owner: Api) -> None:
    made = DNS.make(owner)
    live(deps, made, [OK, CHANGED])
    owner.put(DNS.path_of(made), {"isEnabled": False})
    live(deps, made, [OK] * 20)
    shown = owner.get(DNS.path_of(made)).data
    assert fields_of(shown, "lastStatus", "lastValue") == ("changed", "192.0.2.66")


def test_a_monitor_on_the_real_stores_reads_back_as_it_was_written(edges: RealEdges, real: People) -> None:
    fields = {
        "name": 'Zone 🎉 \u0000 " \\',
        "domain": "münchen.example",
        "recordType": "TXT",
        "expectedValue": 'v=spf1 "é", -all',
        "intervalSeconds": 60,
        "isEnabled": True,
        "public": True,
    }
    made = DNS.make(real.owner, **fields)
    assert {name: made[name] for name in fields} == fields
    assert real.owner.get(DNS.path_of(made)).data == made
    long = Outcome(Status.DEGRADED, Reason.CHANGED, response_ms=4, text="é" * 2000)
    live(edges, made, [OK, long, ERROR, long])
    assert [r["value"] for r in DNS.results(real.owner, made).data] == [long.text, None, long.text, OK.text]
    assert fields_of(real.owner.get(DNS.path_of(made)).data, "lastStatus", "lastValue") == (
        "changed",
        long.text,
    )
    edges.at += timedelta(seconds=30)
    changed = real.owner.put(DNS.path_of(made), {"expectedValue": None}).data
    assert (changed["expectedValue"], changed["lastValue"]) == (None, long.text)
    assert real.owner.get(PATH).data == [changed]
