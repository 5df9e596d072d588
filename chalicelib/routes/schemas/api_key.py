"""API keys (contract, section 3.11)."""

from datetime import datetime
from typing import Annotated, Any, cast

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from chalicelib.domain.api_key import ApiKey, expand_scopes
from chalicelib.errors import Detail, InvalidInput
from chalicelib.routes.schemas.fields import (
    Instant,
    Name255,
    RequestModel,
    ResponseModel,
    timestamp,
    validate,
)
from chalicelib.services.keys import MintedKey


def _known_scopes(names: list[str]) -> list[str]:
    try:
        return list(expand_scopes(names))
    except ValueError as unknown:
        raise PydanticCustomError("scopes", "{reason}", {"reason": str(unknown)}) from None


class ApiKeyCreate(RequestModel):
    """`scopes` comes out canonical: aliases expanded, duplicates collapsed."""

    name: Name255
    scopes: Annotated[list[str], Field(min_length=1), AfterValidator(_known_scopes)]
    expires_at: Instant = cast(Any, None)


class ApiKeyResponse(ResponseModel):
    id: str
    name: str
    scopes: list[str]
    created_at: str
    last_used_at: str | None
    expires_at: str | None
    key_prefix: str


def parse_key(body: dict[str, Any], now: datetime) -> ApiKeyCreate:
    """Raises InvalidInput; an expiry must lie ahead."""
    model = validate(ApiKeyCreate, body)
    if model.expires_at is not None and model.expires_at <= now:
        raise InvalidInput([Detail("expiresAt", "must be in the future")])
    return model


def present_key(key: ApiKey) -> dict[str, Any]:
    return ApiKeyResponse(
        id=key.id,
        name=key.name,
        scopes=list(key.scopes),
        created_at=timestamp(key.created_at) or "",
        last_used_at=timestamp(key.last_used_at),
        expires_at=timestamp(key.expires_at),
        key_prefix=key.prefix,
    ).model_dump(by_alias=True)


def present_minted(minted: MintedKey) -> dict[str, Any]:
    """The one answer that ever holds the key itself."""
    return {**present_key(minted.key), "key": minted.plaintext}
