"""What the gateway answers by itself: the contract's statuses, codes and shape."""

import json
from typing import Any

import pytest

from packager.gateway import ANSWERS, gateway_responses

CODES = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    413: "PAYLOAD_TOO_LARGE",
    429: "RATE_LIMITED",
    500: "INTERNAL_ERROR",
}


def error_of(response: dict[str, Any]) -> dict[str, Any]:
    body = json.loads(response["responseTemplates"]["application/json"])
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    return error


@pytest.mark.parametrize("kind", ANSWERS)
def test_each_has_the_contracts_shape(kind: str) -> None:
    response = gateway_responses()[kind]
    error = error_of(response)
    assert error["code"] == CODES[int(response["statusCode"])]
    assert error["message"]
    assert ("details" in error) == (error["code"] == "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("UNAUTHORIZED", "401"),
        ("ACCESS_DENIED", "403"),
        ("MISSING_AUTHENTICATION_TOKEN", "404"),
        ("INVALID_SIGNATURE", "404"),
        ("RESOURCE_NOT_FOUND", "404"),
        ("REQUEST_TOO_LARGE", "413"),
        ("THROTTLED", "429"),
        ("UNSUPPORTED_MEDIA_TYPE", "400"),
        ("DEFAULT_4XX", "400"),
        ("DEFAULT_5XX", "500"),
        ("INTEGRATION_TIMEOUT", "500"),
    ],
)
def test_the_statuses(kind: str, status: str) -> None:
    assert gateway_responses()[kind]["statusCode"] == status


def test_a_missing_key_is_asked_for() -> None:
    headers = gateway_responses()["UNAUTHORIZED"]["responseParameters"]
    assert headers["gatewayresponse.header.WWW-Authenticate"] == "'Bearer'"


def test_a_throttled_caller_hears_when_to_come_back() -> None:
    response = gateway_responses()["THROTTLED"]
    assert response["responseParameters"]["gatewayresponse.header.Retry-After"] == "'1'"
    assert "1 second" in error_of(response)["message"]
