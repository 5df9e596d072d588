"""Who is calling: one function for the authorizer and for public routes that ask for a key themselves."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.api_key import key_digest, key_from_header
from chalicelib.domain.rate import Bucket
from chalicelib.services.deps import Deps


@dataclass(frozen=True, slots=True)
class Caller:
    """A valid key's identity and rights, with its bucket after this request."""

    key_id: str
    team_id: str
    scopes: frozenset[str]
    bucket: Bucket


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
    return Caller(
        key_id=use.key_id,
        team_id=use.team_id,
        scopes=frozenset(use.scopes),
        bucket=Bucket(deps.settings.requests_per_minute, use.used_in_window, use.window_ends_at),
    )
