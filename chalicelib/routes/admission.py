"""Who may pass: the contract's order is 401, key bucket 429, scope 403, body size 413."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.domain.rate import Bucket
from chalicelib.errors import AppError, Forbidden, TooMany, Unauthenticated
from chalicelib.services.deps import Deps
from chalicelib.services.limits import count_address


@dataclass(frozen=True, slots=True)
class Admission:
    """What the authorizer vouched for, and why the request is turned away if it is. All empty on public
    routes. `bucket` is the one that the request was counted in."""

    team_id: str = ""
    key_id: str = ""
    scopes: frozenset[str] = frozenset()
    bucket: Bucket | None = None
    refusal: AppError | None = None


def admit(deps: Deps, context: Mapping[str, Any], scope: str) -> Admission:
    """Default deny: only `auth=ok` with a team passes. `context` is the event's request context."""
    now = deps.now()
    caller = context.get("authorizer") or {}
    team_id = str(caller.get("team") or "")
    if caller.get("auth") != "ok" or not team_id:
        return _without_key(deps, context, now)
    bucket = _key_bucket(caller)
    scopes = frozenset(str(caller.get("scopes") or "").split())
    return Admission(
        team_id=team_id,
        key_id=str(caller["key"]),
        scopes=scopes,
        bucket=bucket,
        refusal=_over(bucket, now) or _lacking(scopes, scope),
    )


def _without_key(deps: Deps, context: Mapping[str, Any], now: datetime) -> Admission:
    source_ip = str((context.get("identity") or {}).get("sourceIp") or "")
    bucket = count_address(deps, source_ip, now)
    unknown = Unauthenticated("The API key is missing or not valid.")
    return Admission(bucket=bucket, refusal=_over(bucket, now) or unknown)


def _key_bucket(caller: Mapping[str, Any]) -> Bucket:
    """As the authorizer has counted it; the gateway delivers strings."""
    limit, remaining = int(caller["limit"]), int(caller["remaining"])
    is_over = caller["limited"] != "false"
    return Bucket(limit, limit + 1 if is_over else limit - remaining, int(caller["reset"]))


def _over(bucket: Bucket, now: datetime) -> AppError | None:
    return TooMany(bucket.retry_after_seconds(now)) if bucket.is_exceeded else None


def _lacking(scopes: frozenset[str], scope: str) -> AppError | None:
    return None if scope in scopes else Forbidden(f"The API key lacks the scope {scope}.")
