"""Field types that the contract's tables are written in."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from chalicelib.domain.target import BadTarget, parse_url
from chalicelib.errors import Detail, InvalidInput

Model = TypeVar("Model", bound="RequestModel")


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


Whole = Annotated[int, BeforeValidator(_whole_number)]
Name255 = Annotated[str, Field(min_length=1, max_length=255)]
HttpUrl = Annotated[str, Field(max_length=2048), AfterValidator(_http_url)]
HttpMethod = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
LocationHint = Literal["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"]
StatusCode = Annotated[Whole, Field(ge=100, le=599)]


_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _instant(value: Any) -> datetime:
    """RFC 3339 with Z or an offset, as UTC. Naive, date-only and impossible values are refused."""
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        with suppress(ValueError, OverflowError):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    raise PydanticCustomError("timestamp", "must be an RFC 3339 date-time with Z or an offset")


Instant = Annotated[datetime, BeforeValidator(_instant, json_schema_input_type=str)]


class RequestModel(BaseModel):
    """A body: camelCase keys, strict types, unknown keys ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", alias_generator=to_camel, defer_build=True)


class ResponseModel(BaseModel):
    """An answer: camelCase keys."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, defer_build=True)


def validate(model: type[Model], body: Mapping[str, Any], also: Sequence[Detail] = ()) -> Model:
    """The typed body; otherwise every bad field at once, those found by the caller (`also`) included."""
    try:
        parsed = model.model_validate(body)
    except ValidationError as error:
        found = [Detail(".".join(map(str, e["loc"])) or "body", e["msg"]) for e in error.errors()]
        raise InvalidInput([*found, *also]) from None
    if also:
        raise InvalidInput(also)
    return parsed


def timestamp(at: datetime | None) -> str | None:
    """RFC 3339 UTC, whole seconds, literal Z."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
