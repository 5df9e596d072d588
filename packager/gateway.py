"""What API Gateway answers without asking any function, in the one error shape of the API."""

import json
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.errors import Detail
from chalicelib.routes.replies import error_body


@dataclass(frozen=True, slots=True)
class Answer:
    """The contract's status and code; `field` names the bad field where the code wants one."""

    status: int
    code: str
    message: str
    field: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


_NO_KEY = Answer(
    401, "UNAUTHORIZED", "The API key is missing or not valid.", headers=(("WWW-Authenticate", "Bearer"),)
)
_NO_PATH = Answer(404, "NOT_FOUND", "There is no such path.")
_REFUSED = Answer(403, "FORBIDDEN", "This request is not allowed.")
_MALFORMED = Answer(400, "VALIDATION_ERROR", "The request is not valid.", field="body")
_TOO_LARGE = Answer(413, "PAYLOAD_TOO_LARGE", "The body is too large.")
_TOO_MANY = Answer(
    429, "RATE_LIMITED", "Too many requests. Try again in 1 second.", headers=(("Retry-After", "1"),)
)
_CRASHED = Answer(500, "INTERNAL_ERROR", "Something went wrong on our side. Request id: $context.requestId")

# The three of signatures are how API Gateway calls a path or a method that it does not know.
ANSWERS: Final = {
    "ACCESS_DENIED": _REFUSED,
    "API_CONFIGURATION_ERROR": _CRASHED,
    "AUTHORIZER_CONFIGURATION_ERROR": _CRASHED,
    "AUTHORIZER_FAILURE": _CRASHED,
    "BAD_REQUEST_BODY": _MALFORMED,
    "BAD_REQUEST_PARAMETERS": _MALFORMED,
    "DEFAULT_4XX": _MALFORMED,
    "DEFAULT_5XX": _CRASHED,
    "EXPIRED_TOKEN": _NO_PATH,
    "INTEGRATION_FAILURE": _CRASHED,
    "INTEGRATION_TIMEOUT": _CRASHED,
    "INVALID_API_KEY": _REFUSED,
    "INVALID_SIGNATURE": _NO_PATH,
    "MISSING_AUTHENTICATION_TOKEN": _NO_PATH,
    "QUOTA_EXCEEDED": _TOO_MANY,
    "REQUEST_TOO_LARGE": _TOO_LARGE,
    "RESOURCE_NOT_FOUND": _NO_PATH,
    "THROTTLED": _TOO_MANY,
    "UNAUTHORIZED": _NO_KEY,
    "UNSUPPORTED_MEDIA_TYPE": _MALFORMED,
    "WAF_FILTERED": _REFUSED,
}

_HEADERS: Final = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))


def gateway_responses() -> dict[str, Any]:
    """The value of `x-amazon-apigateway-gateway-responses`."""
    return {kind: _response(answer) for kind, answer in ANSWERS.items()}


def _response(answer: Answer) -> dict[str, Any]:
    details = [Detail(answer.field, "not readable")] if answer.field else []
    body = error_body(answer.code, answer.message, details)
    return {
        "statusCode": str(answer.status),
        "responseParameters": {
            f"gatewayresponse.header.{name}": f"'{value}'" for name, value in (*_HEADERS, *answer.headers)
        },
        "responseTemplates": {"application/json": json.dumps(body, separators=(",", ":"))},
    }
