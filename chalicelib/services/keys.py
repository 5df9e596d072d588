"""API keys of a team: list, mint, revoke."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.api_key import PREFIX_LENGTH, ApiKey, key_digest, key_text
from chalicelib.domain.origin import Origin
from chalicelib.errors import Forbidden, NotFound, QuotaReached
from chalicelib.services.deps import Deps
from chalicelib.services.idempotency import fresh_origin
from chalicelib.services.retrying import retried


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key with its plaintext, which exists nowhere else and is shown once."""

    key: ApiKey
    plaintext: str

    def __repr__(self) -> str:
        return f"MintedKey({self.key.id})"


def list_keys(deps: Deps, team_id: str) -> list[ApiKey]:
    return deps.keys.of_team(team_id)


def revoke_key(deps: Deps, team_id: str, key_id: str) -> None:
    """Effective on the very next request. A key may revoke itself. Raises NotFound."""
    attempts = 0

    def revoke() -> bool:
        nonlocal attempts
        attempts += 1
        return deps.keys.revoke(team_id, key_id) or attempts > 1  # gone by a try whose answer was lost

    if not retried(deps, revoke):
        raise NotFound("There is no such API key.")


def refuse_escalation(held: Collection[str], wanted: Sequence[str]) -> None:
    """A key hands on only what it holds. Raises Forbidden, which names what is missing."""
    missing = [scope for scope in wanted if scope not in held]
    if missing:
        raise Forbidden(f"The API key cannot grant scopes it does not hold: {', '.join(missing)}.")


def mint_key(
    deps: Deps,
    team_id: str,
    name: str,
    scopes: Sequence[str],
    *,
    expires_at: datetime | None = None,
    created_by: str | None = None,
    origin: Origin | None = None,
    secret: bytes | None = None,
) -> MintedKey:
    """Raises QuotaReached when the team has its ten keys.

    Tries of the same origin mint one key, so they must have the same `secret` (32 bytes) too.
    """
    if secret is None:
        if origin is not None:
            raise ValueError("an origin needs its secret")
        secret = deps.random_bits(256).to_bytes(32)
    origin = origin or fresh_origin(deps)
    plaintext = key_text(secret)
    key = ApiKey(
        id=origin.new_id("key"),
        team_id=team_id,
        name=name,
        digest=key_digest(plaintext),
        prefix=plaintext[:PREFIX_LENGTH],
        scopes=tuple(scopes),
        created_at=origin.at,
        expires_at=expires_at,
        created_by=created_by,
    )
    if not retried(deps, lambda: deps.keys.mint(key)):
        raise QuotaReached("A team has at most 10 API keys.")
    return MintedKey(key, plaintext)
