"""The API-key authorizer. It never denies: the default-deny wrapper of the routes answers.

A gateway's denial cannot tell 401 from 403 or carry our shape, so the policy always allows and the context
says who is calling. This module imports neither routes nor pydantic nor PynamoDB: it runs before every
request.
"""

from chalice.app import AuthRequest, AuthResponse, Blueprint

from chalicelib.services.authentication import Caller, authenticate
from chalicelib.services.deps import Deps
from chalicelib.wiring import deps

bp = Blueprint(__name__)


@bp.authorizer(ttl_seconds=0, name="authorize")
def authorize(request: AuthRequest) -> AuthResponse:
    """ttl 0: a revoked key is refused on the very next request."""
    caller = run(deps(), request.token)
    return AuthResponse(
        routes=["*"], principal_id=caller.key_id if caller else "none", context=context_of(caller)
    )


def run(deps: Deps, header: str | None) -> Caller | None:
    return authenticate(deps, header, deps.now())


def context_of(caller: Caller | None) -> dict[str, str]:
    """Strings only: the gateway delivers every context value as one."""
    if caller is None:
        return {"auth": "none"}
    return {
        "auth": "ok",
        "key": caller.key_id,
        "team": caller.team_id,
        "scopes": " ".join(sorted(caller.scopes)),
        "limit": str(caller.bucket.limit),
        "remaining": str(caller.bucket.remaining),
        "reset": str(caller.bucket.ends_at),
        "limited": "true" if caller.bucket.is_exceeded else "false",
    }
