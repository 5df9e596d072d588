"""API keys (contract, section 3.11)."""

from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, ConfigDict, Field, RootModel
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from chalicelib.domain.api_key import SCOPE_ALIASES, SCOPES, expand_scopes
from chalicelib.routes.schemas.fields import Instant, Name255, RequestModel, ResponseModel, Timestamp

Scope = TypeAliasType("Scope", Literal[SCOPES])  # type: ignore[valid-type]
ScopeOrAlias = Annotated[str, Field(json_schema_extra={"enum": [*SCOPES, *SCOPE_ALIASES]})]


def _canonical(names: list[str]) -> list[str]:
    try:
        return list(expand_scopes(names))
    except ValueError as unknown:
        raise PydanticCustomError("scopes", "{reason}", {"reason": str(unknown)}) from None


class ApiKeyCreate(RequestModel):
    """`scopes` comes out canonical: aliases expanded, duplicates collapsed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "deploy", "scopes": ["monitors:read", "monitors:write"]}]}
    )

    name: Name255
    scopes: Annotated[
        list[ScopeOrAlias],
        Field(
            min_length=1,
            description="Each must be held by the calling key. `team:read` and `team:write` stand for the "
            "pairs of `teams:…` and `invites:…`.",
        ),
        AfterValidator(_canonical),
    ]
    expires_at: Annotated[Instant, Field(description="In the future. Without it the key never expires.")] = (
        cast(Any, None)
    )


class ApiKey(ResponseModel):
    id: Annotated[
        str, Field(pattern=r"^key_[a-zA-Z0-9]+$", examples=["key_01a1fc2271b273d6b489ba60da14284e"])
    ]
    name: Name255
    scopes: Annotated[list[Scope], Field(min_length=1)]
    created_at: Timestamp
    last_used_at: Timestamp | None
    expires_at: Timestamp | None
    key_prefix: Annotated[str, Field(pattern=r"^uptime_[a-zA-Z0-9]+$", examples=["uptime_806b2b30"])]


class MintedApiKey(ApiKey):
    key: Annotated[
        str,
        Field(
            pattern=r"^uptime_[a-zA-Z0-9]+$",
            description="The key itself, shown this once.",
            examples=[f"uptime_{'806b2b30' * 8}"],
        ),
    ]


class ApiKeyList(RootModel[list[ApiKey]]):
    """Newest first."""
