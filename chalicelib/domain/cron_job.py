"""A cron job as its team configures it."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from chalicelib.domain.alarm import Turn
from chalicelib.domain.heartbeat import Heartbeat
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


CronHeartbeat = Heartbeat[Rules, Pulse]


@dataclass(frozen=True, slots=True)
class CronJobWrite:
    """One transaction over teams and checks. `before` None creates, `after` None deletes.

    `read` is the heartbeat as read, whose version is a condition; `heartbeat` the one to be put, in another
    place when the ping token has changed. `turn` is what the change makes of the alarm.
    """

    before: CronJob | None
    after: CronJob | None
    read: CronHeartbeat | None
    heartbeat: CronHeartbeat | None
    turn: Turn | None = None
