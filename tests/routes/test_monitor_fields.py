"""The table of fields of section 3.3, at each bound and one past it, on create and on update."""

from typing import Any

import pytest

from tests.routes.bounds import NO_BOOLEAN, NO_INTEGER, NO_STRING, id_of, pairs
from tests.routes.client import MINIMAL, Api

LONG_URL = "https://example.com/"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
HINTS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"]

GOOD: dict[str, list[Any]] = {
    "name": ["a", "a" * 255, "😀" * 255, " ", "é", 'a"b\\c', "a\nb", "\x00"],
    "url": [
        "http://example.com",
        "https://example.com/",
        "HTTPS://EXAMPLE.COM/",
        "https://example.com:1/",
        "https://example.com:65535/a?b=c#d",
        "https://192.0.2.1/",
        "https://[2001:db8::1]:8443/",
        "https://münchen.example/straße?q=ü",
        "http://localhost/",
        "http://127.0.0.1/",
        LONG_URL + "a" * (2048 - len(LONG_URL)),
    ],
    "method": METHODS,
    "expectedStatus": [100, 599],
    "intervalSeconds": [60, 61, 3600],
    "degradedAfterMs": [1000, 30000],
    "timeoutSeconds": [1, 60],
    "locationHint": HINTS,
    "sslMonitoringEnabled": [True, False],
    "sslExpiryWarningDays": [1, 365],
    "enabled": [True, False],
    "public": [True, False],
    "confirmations": [1, 10],
    "recoveryConfirmations": [1, 10],
    "retryIntervalSeconds": [60, 61, 3600, None],
}
BAD: dict[str, list[Any]] = {
    "name": ["", "a" * 256, "😀" * 256, *NO_STRING],
    "url": [
        "",
        "example.com",
        "/path",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https:/example.com",
        "https://",
        "https:///path",
        "https://:443/",
        "https://?query",
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://@example.com/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:abc/",
        "https://[::1/",
        "https://[nonsense]/",
        "https://exa mple.com/",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://example.com/\r\nHost: other",
        "https://example.com/\t",
        "https://example.com/\x00",
        "https://example.com/\x7f",
        "https://example.com\\@evil.example/",
        " https://example.com/",
        "https://example.com/ ",
        "https://-a.example/",
        "https://a..b/",
        "https://0177.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        LONG_URL + "a" * (2049 - len(LONG_URL)),
        *NO_STRING,
    ],
    "method": ["get", "OPTIONS", "TRACE", "", "GET ", *NO_STRING],
    "expectedStatus": [99, 600, 0, -200, *NO_INTEGER],
    "intervalSeconds": [59, 3601, 0, -60, *NO_INTEGER],
    "degradedAfterMs": [999, 30001, 0, *NO_INTEGER],
    "timeoutSeconds": [0, 61, -1, *NO_INTEGER],
    "locationHint": ["", "us-east-1", "WNAM", *NO_STRING],
    "sslMonitoringEnabled": NO_BOOLEAN,
    "sslExpiryWarningDays": [0, 366, *NO_INTEGER],
    "enabled": NO_BOOLEAN,
    "public": NO_BOOLEAN,
    "confirmations": [0, 11, *NO_INTEGER],
    "recoveryConfirmations": [0, 11, *NO_INTEGER],
    "retryIntervalSeconds": [59, 3601, 0, -60, *(value for value in NO_INTEGER if value is not None)],
}
DEFAULTS = {
    "method": "HEAD",
    "expectedStatus": 200,
    "intervalSeconds": 60,
    "degradedAfterMs": 5000,
    "timeoutSeconds": 10,
    "locationHint": "wnam",
    "sslMonitoringEnabled": False,
    "sslExpiryWarningDays": 30,
    "public": False,
    "confirmations": 1,
    "recoveryConfirmations": 1,
    "retryIntervalSeconds": None,
}
RESPONSE_KEYS = {
    *("id", "name", "url", "method", "expectedStatus", "intervalSeconds", "degradedAfterMs"),
    *("timeoutSeconds", "locationHint", "sslMonitoringEnabled", "sslExpiryWarningDays", "status"),
    *("lastCheckedAt", "createdAt", "updatedAt", "enabledAt"),
    *("sslExpiresAt", "sslIssuer", "sslStatus", "sslLastCheckedAt"),
    *("public", "headerNames", "hasBody", "confirmations", "recoveryConfirmations", "retryIntervalSeconds"),
}
UNTOUCHABLE: dict[str, Any] = {
    "id": "mon_" + "f" * 32,
    "status": "down",
    "lastCheckedAt": "2020-01-01T00:00:00Z",
    "createdAt": "2020-01-01T00:00:00Z",
    "updatedAt": "2020-01-01T00:00:00Z",
    "enabledAt": None,
    "sslExpiresAt": "2020-01-01T00:00:00Z",
    "sslIssuer": "me",
    "sslStatus": "valid",
    "sslLastCheckedAt": "2020-01-01T00:00:00Z",
    "headerNames": ["x"],
    "hasBody": True,
    "teamId": "team_1",
    "team_id": "team_1",
    "interval_seconds": 3600,
    "expected_status": "nonsense",
    "contentChecks": 5,
    "": {"deep": [None]},
}


@pytest.mark.parametrize(("field", "value"), pairs(GOOD), ids=id_of)
def test_a_value_inside_its_bounds_is_taken_on_create_and_on_update(
    owner: Api, field: str, value: Any
) -> None:
    shown = "enabledAt" if field == "enabled" else field
    created = owner.create(**{field: value})
    updated = owner.put(f"/v1/monitors/{owner.create()['id']}", {field: value})
    assert updated.status == 200
    for monitor in (created, updated.data):
        if field == "enabled":
            assert (monitor["enabledAt"] is not None) is value
        else:
            assert monitor[shown] == value
        assert owner.get(f"/v1/monitors/{monitor['id']}").data == monitor


@pytest.mark.parametrize(("field", "value"), pairs(BAD), ids=id_of)
def test_a_value_outside_its_bounds_is_400_on_its_field_on_create_and_on_update(
    owner: Api, field: str, value: Any
) -> None:
    assert owner.post("/v1/monitors", {**MINIMAL, field: value}).fields == [field]
    assert owner.get("/v1/monitors").data == []
    created = owner.create()
    path = f"/v1/monitors/{created['id']}"
    assert owner.put(path, {field: value}).fields == [field]
    assert owner.get(path).data == created


@pytest.mark.parametrize("field", ["name", "url"])
def test_a_required_field_that_is_missing_is_400_on_create_only(owner: Api, field: str) -> None:
    body = {name: value for name, value in MINIMAL.items() if name != field}
    assert owner.post("/v1/monitors", body).fields == [field]


def test_all_bad_and_missing_fields_are_named_at_once(owner: Api) -> None:
    bad = {field: values[-1] for field, values in BAD.items()}
    assert owner.post("/v1/monitors", bad).fields == sorted(bad)
    missing = {**bad, "headers": {"Host": "x"}}
    del missing["name"]
    assert owner.post("/v1/monitors", missing).fields == sorted({*bad, "headers.Host"})
    path = f"/v1/monitors/{owner.create()['id']}"
    assert owner.put(path, bad).fields == sorted(bad)


def test_the_smallest_body_gets_the_defaults(owner: Api) -> None:
    monitor = owner.create()
    assert {field: monitor[field] for field in DEFAULTS} == DEFAULTS
    assert monitor["enabledAt"] == monitor["createdAt"]


def test_a_response_has_exactly_the_keys_of_the_contract(owner: Api) -> None:
    created = owner.create()
    path = f"/v1/monitors/{created['id']}"
    for monitor in (
        created,
        owner.get(path).data,
        owner.put(path, {"name": "b"}).data,
        *owner.get("/v1/monitors").data,
    ):
        assert set(monitor) == RESPONSE_KEYS
    for answer in (owner.get(path), owner.get("/v1/monitors")):
        assert set(answer.json) == {"data"}


def test_a_new_monitor_is_pending_and_knows_nothing_of_its_certificate(owner: Api) -> None:
    monitor = owner.create()
    expected: dict[str, object] = {
        "status": "pending",
        "lastCheckedAt": None,
        "sslStatus": "unknown",
        "sslExpiresAt": None,
        "sslIssuer": None,
        "sslLastCheckedAt": None,
        "headerNames": [],
        "hasBody": False,
    }
    assert {field: monitor[field] for field in expected} == expected


def test_unknown_and_read_only_keys_are_ignored_on_create(owner: Api) -> None:
    plain, odd = owner.create(), owner.create(**UNTOUCHABLE)
    assert odd == {**plain, "id": odd["id"]}
    assert odd["id"] != UNTOUCHABLE["id"]


def test_unknown_and_read_only_keys_are_ignored_on_update(owner: Api) -> None:
    created = owner.create()
    path = f"/v1/monitors/{created['id']}"
    assert owner.put(path, UNTOUCHABLE).data == created
    assert owner.get(path).data == created
