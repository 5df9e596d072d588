"""API keys (contract, section 3.11)."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.routes.http import Call, route
from chalicelib.routes.schemas.api_key import parse_key, present_key, present_minted
from chalicelib.services.keys import list_keys, mint_key, refuse_escalation, revoke_key

bp = Blueprint(__name__)


@route(bp, ["GET"], "/v1/api-keys", "api-keys:read")
def list_api_keys(call: Call) -> Any:
    return [present_key(key) for key in list_keys(call.deps, call.team_id)]


@route(bp, ["POST"], "/v1/api-keys", "api-keys:write", status=201)
def create_api_key(call: Call) -> Any:
    wanted = parse_key(call.body(), call.deps.now())
    refuse_escalation(call.scopes, wanted.scopes)
    minted = mint_key(call.deps, call.team_id, wanted.name, wanted.scopes, expires_at=wanted.expires_at)
    return present_minted(minted)


@route(bp, ["DELETE"], "/v1/api-keys/{id}", "api-keys:write")
def delete_api_key(call: Call, id: str) -> Any:
    revoke_key(call.deps, call.team_id, id)
    return {"deleted": True}
