"""A cron job as its team configures it."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from chalicelib.domain.heartbeat import Heartbeat, Place, place_of
from chalicelib.domain.heartbeat_write import HeartbeatWrite
from chalicelib.domain.lateness import Pulse, Rules

KIND: Final = "cron"
SLUG = re.compile(r"[a-z0-9_-]{1,100}")
TOKEN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

CREATED_PERIOD_SECONDS: Final = 86_400
CREATED_GRACE_SECONDS: Final = 3_600
"""Of a job that its first ping has created, as Healthchecks has it."""


@dataclass(frozen=True, slots=True)
class CronJob:
    """`ping_token` is the secret of its ping URL, never its id. `slug` is empty when it has none; several
    jobs may have the same. `token` is that of the write that made this revision."""

    id: str
    team_id: str
    name: str
    rules: Rules
    created_at: datetime
    updated_at: datetime
    ping_token: str = field(repr=False)
    description: str | None = None
    slug: str = ""
    alert_on_late: bool = False
    is_public: bool = False
    enabled_at: datetime | None = None
    rev: int = 1
    token: str = ""

    @property
    def is_enabled(self) -> bool:
        return self.rules.is_enabled

    @property
    def place(self) -> Place:
        return place_of(self.ping_token)

    @property
    def partitions(self) -> tuple[str, ...]:
        """A new token is always of the same one."""
        return (self.place.name,)


CronHeartbeat = Heartbeat[Rules, Pulse]
CronJobWrite = HeartbeatWrite[CronJob]
