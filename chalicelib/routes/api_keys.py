"""API keys (contract, section 3.11)."""

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.api_key import key_text
from chalicelib.errors import Detail, InvalidInput, QuotaReached
from chalicelib.routes.http import Call, Id, Secret, route
from chalicelib.routes.presenting.api_key import present_key, present_minted
from chalicelib.services.keys import list_keys, mint_key, refuse_escalation, revoke_key

bp = Blueprint(__name__)

_KEY = {"id": Id("key", "API key")}


def _hidden(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "key"}


def _shown(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "key": key_text(call.secret())}


@route(bp, ["GET"], "/v1/api-keys", "api-keys:read", answer="api_key:ApiKeyList")
def list_api_keys(call: Call) -> Any:
    """List the team's API keys, newest first."""
    return [present_key(key) for key in list_keys(call.deps, call.team_id)]


@route(
    bp,
    ["POST"],
    "/v1/api-keys",
    "api-keys:write",
    status=201,
    body="api_key:ApiKeyCreate",
    answer="api_key:MintedApiKey",
    errors=[QuotaReached],
    secret=Secret(_hidden, _shown),
)
def create_api_key(call: Call) -> Any:
    """Create an API key. The answer is the only one that ever shows the key itself.

    A key can hand on only scopes that it holds itself; a team has at most ten keys.
    """
    wanted = call.body()
    if wanted.expires_at is not None and wanted.expires_at <= call.deps.now():
        raise InvalidInput([Detail("expiresAt", "must be in the future")])
    refuse_escalation(call.scopes, wanted.scopes)
    return present_minted(
        mint_key(
            call.deps,
            call.team_id,
            wanted.name,
            wanted.scopes,
            expires_at=wanted.expires_at,
            origin=call.origin,
            secret=call.secret(),
        )
    )


@route(
    bp,
    ["DELETE"],
    "/v1/api-keys/{id}",
    "api-keys:write",
    answer="fields:Deleted",
    ids=_KEY,
)
def delete_api_key(call: Call, id: str) -> Any:
    """Revoke an API key: it is refused from the next request on. A key may revoke itself."""
    revoke_key(call.deps, call.team_id, id)
    return {"deleted": True}
