"""Field types that the contract's tables are written in."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    RootModel,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError
from typing_extensions import TypeAliasType

from chalicelib.domain.confirmation import MAX_CONFIRMATIONS
from chalicelib.domain.target import MAX_URL_LENGTH, BadTarget, parse_url
from chalicelib.errors import Detail, InvalidInput

Model = TypeVar("Model", bound=BaseModel)


def _whole_number(value: Any) -> Any:
    """60.0 is a JSON integer; 60.5, "60" and true are not."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _http_url(value: str) -> str:
    try:
        parse_url(value)
    except BadTarget as bad:
        raise PydanticCustomError("url", "{reason}", {"reason": str(bad)}) from None
    return value


WHOLE = BeforeValidator(_whole_number)
"""Stands behind the bounds: before them, pydantic would keep them from the JSON schema."""
Name255 = Annotated[str, Field(min_length=1, max_length=255)]
HttpUrl = Annotated[
    str,
    Field(
        max_length=MAX_URL_LENGTH,
        description="An absolute `http` or `https` URL with a host and without credentials.",
        json_schema_extra={"format": "uri"},
    ),
    AfterValidator(_http_url),
]
# Named types stand once in the document, so that generated clients have one of each.
HttpMethod = TypeAliasType("HttpMethod", Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
LocationHint = TypeAliasType(
    "LocationHint", Literal["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"]
)
StatusCode = Annotated[int, Field(ge=100, le=599), WHOLE]


_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _instant(value: Any) -> datetime:
    """RFC 3339 with Z or an offset, as UTC. Naive, date-only and impossible values are refused."""
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        with suppress(ValueError, OverflowError):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    raise PydanticCustomError("timestamp", "must be an RFC 3339 date-time with Z or an offset")


Instant = Annotated[
    datetime,
    BeforeValidator(
        _instant, json_schema_input_type=Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    ),
]

Timestamp = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$",
        description="RFC 3339, UTC, whole seconds.",
        examples=["2026-02-14T12:00:00Z"],
        json_schema_extra={"format": "date-time"},
    ),
]
RecordType = TypeAliasType("RecordType", Literal["A", "AAAA", "CNAME", "MX", "TXT", "NS"])
Public = Annotated[bool, Field(description="Whether its badges may be seen by anyone.")]
Confirmed = Annotated[
    int,
    Field(
        ge=1,
        le=MAX_CONFIRMATIONS,
        description="How many results in a row must be worse than the status before it changes, to the "
        "mildest of them. The results themselves are listed and counted as they are.",
    ),
    WHOLE,
]
RecoveryConfirmed = Annotated[
    int,
    Field(
        ge=1,
        le=MAX_CONFIRMATIONS,
        description="How many results in a row must be better than the status before it changes, to the "
        "worst of them.",
    ),
    WHOLE,
]
RETRIES = (
    "Seconds from one check to the next while a change of the status waits for confirmation, where that is "
    "less than `intervalSeconds`. `null`: as ever."
)
Retries = Annotated[
    Annotated[int, Field(ge=60, le=3600), WHOLE] | None,
    Field(description=f"{RETRIES} Counted in whole minutes, rounded up."),
]
Count = Annotated[int, Field(ge=0)]
MonitorId = Annotated[
    str, Field(pattern=r"^mon_[a-zA-Z0-9]+$", examples=["mon_01a1fb8928a5711391f17038010f5997"])
]


class RequestModel(BaseModel):
    """A body: camelCase keys, strict types, unknown keys ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", alias_generator=to_camel, defer_build=True)

    @classmethod
    def problems(cls, body: Mapping[str, Any]) -> Sequence[Detail]:
        """What is wrong with several fields taken together, whatever each may be by itself."""
        return ()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Without our stand-in for an absent field, which would read as `null` being the default."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        for field in schema.get("properties", {}).values():
            if field.get("default", ...) is None:
                del field["default"]
        return schema


class ResponseModel(BaseModel):
    """An answer: camelCase keys. Every field is always there unless its description says otherwise."""

    model_config = ConfigDict(alias_generator=to_camel, defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Without defaults, which here only say that a field may be absent."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        for field in schema.get("properties", {}).values():
            field.pop("default", None)
        return schema


class Pagination(ResponseModel):
    total: Annotated[Count, Field(description="How many there are in all.")]
    limit: int
    offset: Count


class Deleted(ResponseModel):
    deleted: Literal[True]


class ErrorDetail(ResponseModel):
    field: Annotated[
        str,
        Field(
            description="The JSON key (dotted when nested), the name of the query parameter or header, "
            "or `body` when the document itself is at fault."
        ),
    ]
    message: str


class Error(ResponseModel):
    code: Annotated[str, Field(description="Stable: programs branch on it.", examples=["NOT_FOUND"])]
    message: Annotated[str, Field(description="For humans; its wording may change.")]
    details: Annotated[
        list[ErrorDetail],
        Field(
            min_length=1,
            description="Every bad field at once. There on every VALIDATION_ERROR, and nowhere else.",
        ),
    ] = []


class ErrorAnswer(ResponseModel):
    """The one shape of every error."""

    error: Error


def _field(error: ErrorDetails, *, is_union: bool) -> str:
    """Pydantic puts the tag of a union before the field, and is silent about the field of the tag itself."""
    if error["type"].startswith("union_tag"):
        return str(error["ctx"]["discriminator"]).strip("'")
    location = error["loc"][1:] if is_union else error["loc"]
    return ".".join(map(str, location)) or "body"


def validate(model: type[Model], body: Mapping[str, Any], also: Sequence[Detail] = ()) -> Model:
    """The typed body; otherwise every bad field at once, those found by the caller (`also`) included."""
    if issubclass(model, RequestModel):
        also = [*model.problems(body), *also]
    try:
        parsed = model.model_validate(body)
    except ValidationError as error:
        is_union = issubclass(model, RootModel)
        found = [Detail(_field(e, is_union=is_union), e["msg"]) for e in error.errors()]
        raise InvalidInput([*found, *also]) from None
    if also:
        raise InvalidInput(also)
    return parsed
