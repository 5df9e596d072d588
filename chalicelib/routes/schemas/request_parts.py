"""Headers and body that a check sends (contract, sections 3.2 and 3.3). Write-only: no answer shows them."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from chalicelib.domain.request_headers import (
    DENIED_NAMES,
    DENIED_PREFIX,
    MAX_HEADERS,
    MAX_NAME_LENGTH,
    MAX_VALUE_LENGTH,
    METHODS_WITHOUT_BODY,
    header_problems,
)

_WITH_BODY = {"properties": {"method": {"enum": ["POST", "PUT", "PATCH", "DELETE"]}}}
_NO_BODY = {"properties": {"body": {"maxLength": 0}}}
NO_BODY_OF_READS: dict[str, Any] = {
    "dependentSchemas": {"body": {"anyOf": [_NO_BODY, {"required": ["method"], **_WITH_BODY}]}}
}
NO_BODY_OF_READS_GIVEN: dict[str, Any] = {"dependentSchemas": {"body": {"anyOf": [_NO_BODY, _WITH_BODY]}}}


def _in_any_case(name: str) -> str:
    """As a pattern: those of JSON Schema have no flags."""
    return "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in name)


_NAME_PATTERN = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
_DENIED_PATTERN = "^({}|{}.*)$".format(
    *("|".join(map(_in_any_case, sorted(DENIED_NAMES))), _in_any_case(DENIED_PREFIX))
)
_VALUE_PATTERN = r"^[^\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]*$"


def _sendable(headers: dict[str, str]) -> dict[str, str]:
    """Every bad header is named by itself, as `headers.X-Name`."""
    problems = header_problems(headers)
    if problems:
        raise ValidationError.from_exception_data(
            "headers",
            [
                InitErrorDetails(
                    type=PydanticCustomError("header", "{reason}", {"reason": reason}),
                    loc=(name,) if name else (),
                    input=None,
                )
                for name, reason in problems.items()
            ],
        )
    return headers


def refuse_body_of_reads(body: str, info: ValidationInfo) -> str:
    """For a field that stands behind `method`: GET and HEAD send no body."""
    if body and info.data.get("method") in METHODS_WITHOUT_BODY:
        raise PydanticCustomError("body", "GET and HEAD send no body")
    return body


RequestHeaders = Annotated[
    dict[str, str],
    Field(
        description="What the request carries beside our headers; not what frames a message (`Host`, "
        "`Content-Length`, `Connection`, …).",
        json_schema_extra={
            "maxProperties": MAX_HEADERS,
            "propertyNames": {
                "pattern": _NAME_PATTERN,
                "maxLength": MAX_NAME_LENGTH,
                "not": {"pattern": _DENIED_PATTERN},
            },
            "additionalProperties": {
                "type": "string",
                "maxLength": MAX_VALUE_LENGTH,
                "pattern": _VALUE_PATTERN,
            },
        },
    ),
    AfterValidator(_sendable),
]
RequestBody = Annotated[str, Field(max_length=10_000, description="Not with GET and HEAD.")]


def pairs_of(headers: Any) -> Any:
    """As services take them; None stays None."""
    return None if headers is None else tuple(headers.items())
