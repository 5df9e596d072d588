"""The check that holds every answer of the routes' tests against its declaration, does it bite?"""

import json
from typing import Any

import pytest
from jsonschema import ValidationError

from tests.declared import RATE_HEADERS, check_answer

HEADERS = {**dict.fromkeys(RATE_HEADERS, "1"), "content-type": "application/json"}
ROUTE = ("GET", "/v1/monitors/{id}/results")
RESULT = {
    "id": "chk_1",
    "monitorId": "mon_1",
    "status": "up",
    "statusCode": 200,
    "responseTimeMs": 3,
    "region": "enam",
    "checkedAt": "2026-03-01T12:00:00Z",
}
PAGE = {"total": 1, "limit": 20, "offset": 0}


def raw(**fields: Any) -> bytes:
    return json.dumps({"data": [{**RESULT, **fields}], "pagination": PAGE}).encode()


def error(code: str, **more: Any) -> bytes:
    return json.dumps({"error": {"code": code, "message": "no", **more}}).encode()


def test_what_is_declared_passes() -> None:
    check_answer(*ROUTE, 200, HEADERS, raw())
    check_answer(*ROUTE, 200, HEADERS, raw(error="Connection refused"))
    check_answer(*ROUTE, 404, HEADERS, error("NOT_FOUND"))
    check_answer("DELETE", "/v1/monitors/{id}", 204, HEADERS, b"")
    check_answer("GET", "/v1/nothing", 404, {}, error("NOT_FOUND"))


@pytest.mark.parametrize(
    "fields",
    [
        {"extra": 1},
        {"error": None},
        {"status": "UP"},
        {"statusCode": "200"},
        {"statusCode": True},
        {"responseTimeMs": -1},
        {"responseTimeMs": None},
        {"checkedAt": "2026-03-01T12:00:00.5Z"},
        {"checkedAt": "2026-03-01T12:00:00+00:00"},
        {"checkedAt": "2026-02-30T12:00:00Z"},
        {"monitorId": "tcpm_1"},
        {"region": "us-east-1"},
    ],
)
def test_a_field_that_is_not_as_declared_does_not_pass(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        check_answer(*ROUTE, 200, HEADERS, raw(**fields))


def test_a_missing_field_does_not_pass() -> None:
    for name in RESULT:
        without = {field: value for field, value in RESULT.items() if field != name}
        body = json.dumps({"data": [without], "pagination": PAGE}).encode()
        with pytest.raises(ValidationError):
            check_answer(*ROUTE, 200, HEADERS, body)


def test_an_undeclared_status_code_header_or_type_does_not_pass() -> None:
    for status, headers, body in (
        (418, HEADERS, error("TEAPOT")),
        (409, HEADERS, error("CONFLICT")),
        (404, HEADERS, error("CONFLICT")),
        (429, HEADERS, error("RATE_LIMITED")),
        (200, {"content-type": "application/json"}, raw()),
        (200, {**HEADERS, "content-type": "text/html"}, raw()),
    ):
        with pytest.raises(AssertionError):
            check_answer(*ROUTE, status, headers, body)
    with pytest.raises(AssertionError):
        check_answer("DELETE", "/v1/monitors/{id}", 204, HEADERS, b"{}")
    with pytest.raises(AssertionError):
        check_answer("GET", "/v1/nothing", 200, {}, error("NOT_FOUND"))


def test_errors_have_the_one_shape() -> None:
    for body in (
        error("NOT_FOUND", hint="x"),
        error("NOT_FOUND", details=[]),
        b'{"error":"no"}',
        b'{"message":"no"}',
    ):
        with pytest.raises(ValidationError):
            check_answer(*ROUTE, 404, HEADERS, body)
