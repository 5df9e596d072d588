"""API keys: format, digest, scopes (contract, section 2)."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

GATEWAY_PATTERN = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +(uptime_[0-9a-f]{64}) *")
"""What the gateway lets through to the authorizer; all else it answers 401 by itself."""
PREFIX_LENGTH = 15
MAX_KEYS_PER_TEAM = 10

_PAIRED = (
    "monitors",
    "dns-monitors",
    "tcp-monitors",
    "cron-jobs",
    "alerts",
    "status-pages",
    "maintenance",
    "teams",
    "invites",
    "team-domains",
    "api-keys",
)
SCOPES: tuple[str, ...] = (
    *(f"{name}:{verb}" for name in _PAIRED for verb in ("read", "write")),
    "cron-jobs:ping",
    "ping:trigger",
)
"""All 24, none implying another."""

SCOPE_ALIASES = {
    "team:read": ("teams:read", "invites:read"),
    "team:write": ("teams:write", "invites:write"),
}
"""Accepted when a key is made and expanded before storing (contract R9)."""


def expand_scopes(names: Iterable[str]) -> tuple[str, ...]:
    """Canonical scopes in their canonical order, each once. Raises ValueError naming unknown ones."""
    wanted: set[str] = set()
    unknown: list[str] = []
    for name in names:
        if name in SCOPES:
            wanted.add(name)
        elif name in SCOPE_ALIASES:
            wanted.update(SCOPE_ALIASES[name])
        else:
            unknown.append(name)
    if unknown:
        raise ValueError(f"unknown scope: {', '.join(unknown)}")
    return tuple(scope for scope in SCOPES if scope in wanted)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is stored of a key: never the key itself, only its digest and prefix."""

    id: str
    team_id: str
    name: str
    digest: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    created_by: str | None = None
    last_used_at: datetime | None = None


def key_text(random_bytes: bytes) -> str:
    """The plaintext key of 32 random bytes; shown once, stored nowhere."""
    if len(random_bytes) != 32:
        raise ValueError("a key has 32 random bytes")
    return f"uptime_{random_bytes.hex()}"


def key_digest(key: str) -> str:
    """SHA-256 of the whole key: 256 random bits need no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()


def key_from_header(header: str | None) -> str | None:
    """The key of an `Authorization` header, or None when it has not exactly the documented form."""
    match = GATEWAY_PATTERN.fullmatch(header or "")
    return match.group(1) if match else None


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A valid key after its request was counted in its minute window."""

    key_id: str
    team_id: str
    scopes: tuple[str, ...]
    used_in_window: int
    window_ends_at: int
