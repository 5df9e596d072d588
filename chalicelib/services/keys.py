"""Minting API keys."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.api_key import PREFIX_LENGTH, ApiKey, key_digest, key_text
from chalicelib.domain.identifier import new_uuid, with_prefix
from chalicelib.errors import Conflict
from chalicelib.services.deps import Deps
from chalicelib.services.retrying import retried


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key with its plaintext, which exists nowhere else and is shown once."""

    key: ApiKey
    plaintext: str

    def __repr__(self) -> str:
        return f"MintedKey({self.key.id})"


def mint_key(
    deps: Deps, team_id: str, name: str, scopes: Sequence[str], created_by: str | None = None
) -> MintedKey:
    """Raises Conflict when the team has its ten keys."""
    now = deps.now()
    plaintext = key_text(deps.random_bits(256).to_bytes(32))
    key = ApiKey(
        id=with_prefix("key", new_uuid(now, deps.random_bits(74))),
        team_id=team_id,
        name=name,
        digest=key_digest(plaintext),
        prefix=plaintext[:PREFIX_LENGTH],
        scopes=tuple(scopes),
        created_at=now,
        created_by=created_by,
    )
    if not retried(deps, lambda: deps.keys.mint(key)):
        raise Conflict("A team has at most 10 API keys.")
    return MintedKey(key, plaintext)
