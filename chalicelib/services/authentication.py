"""Who is calling: one function for the authorizer and for public routes that ask for a key themselves."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.api_key import key_digest, key_from_header
from chalicelib.services.deps import Deps


@dataclass(frozen=True, slots=True)
class Caller:
    """A valid key's identity and rights, with its minute window after this request."""

    key_id: str
    team_id: str
    scopes: frozenset[str]
    limit: int
    remaining: int
    window_ends_at: int


def authenticate(deps: Deps, header: str | None, now: datetime) -> Caller | None:
    """The caller behind an `Authorization` header; counts and stamps the key.

    None is one answer for a missing, malformed, unknown, deleted and expired key.
    """
    key = key_from_header(header)
    if key is None:
        return None
    use = deps.key_uses.use(key_digest(key), now)
    if use is None:
        return None
    limit = deps.settings.requests_per_minute
    return Caller(
        key_id=use.key_id,
        team_id=use.team_id,
        scopes=frozenset(use.scopes),
        limit=limit,
        remaining=max(0, limit - use.used_in_window),
        window_ends_at=use.window_ends_at,
    )
