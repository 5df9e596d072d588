"""API keys (contract, section 3.11)."""

from typing import Any

from chalicelib.domain.api_key import ApiKey
from chalicelib.routes.presenting.instant import timestamp
from chalicelib.services.keys import MintedKey


def present_key(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "createdAt": timestamp(key.created_at),
        "lastUsedAt": timestamp(key.last_used_at),
        "expiresAt": timestamp(key.expires_at),
        "keyPrefix": key.prefix,
    }


def present_minted(minted: MintedKey) -> dict[str, Any]:
    """The one answer that ever holds the key itself."""
    return {**present_key(minted.key), "key": minted.plaintext}
