"""A push monitor as its team configures it."""

import re
import string
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from chalicelib.domain.heartbeat import Heartbeat, Place, place_of
from chalicelib.domain.heartbeat_write import HeartbeatWrite
from chalicelib.domain.silence import Pulse, Rules

KIND: Final = "push"
TOKEN = re.compile(r"[A-Za-z0-9_-]{8,64}")
_ALPHABET: Final = string.ascii_letters + string.digits
_MADE_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class PushMonitor:
    """`push_token` is the secret of its push URL, never its id. `partitions` are all that its heartbeats
    ever lay in: a token that people bring along may lie anywhere. `token` is that of the write that made this
    revision."""

    id: str
    team_id: str
    name: str
    rules: Rules
    created_at: datetime
    updated_at: datetime
    push_token: str = field(repr=False)
    partitions: tuple[str, ...]
    is_public: bool = False
    enabled_at: datetime | None = None
    rev: int = 1
    token: str = ""

    @property
    def is_enabled(self) -> bool:
        return self.rules.is_enabled

    @property
    def place(self) -> Place:
        return place_of(self.push_token)


PushHeartbeat = Heartbeat[Rules, Pulse]
PushMonitorWrite = HeartbeatWrite[PushMonitor]


def push_token_of(random_bytes: bytes) -> str:
    """As Kuma makes them, of 32 bytes."""
    number, made = int.from_bytes(random_bytes), ""
    for _ in range(_MADE_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        made += _ALPHABET[digit]
    return made
