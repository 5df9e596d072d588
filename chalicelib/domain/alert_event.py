"""What an alert has told, tries to tell, or has held back: the records behind `/v1/alerts/{id}/events`."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from chalicelib.domain.event_type import EventType

PREFIX: Final = "evt"
LIFE: Final = timedelta(days=90)


class EventStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    SKIPPED = "skipped"


class Skip(StrEnum):
    """Why something was not told."""

    MAINTENANCE = "maintenance"
    COOLDOWN = "cooldown"
    LATE = "late"
    FLAPPING = "flapping"
    BACKLOG = "backlog"


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One notification with all its attempts, or what was skipped of an incident for one reason.

    The id is the same whoever makes the record, and however often. Of a skip, `skipped` counts from
    `created_at` to `until`, which is None while it goes on. `problem` is a short word of ours.
    """

    id: str
    alert_id: str
    monitor_id: str
    kind: str
    event: EventType
    status: EventStatus
    created_at: datetime
    sent_at: datetime | None = None
    problem: str = ""
    attempts: int = 0
    next_attempt_at: datetime | None = None
    is_test: bool = False
    skip: Skip | None = None
    skipped: int = 0
    until: datetime | None = None


def event_id(alert_id: str, subject: str, opened_seq: int, *what: object) -> str:
    """Of the same things the same id, so that what is told twice can be told to be the same."""
    text = "|".join(map(str, (alert_id, subject, opened_seq, *what)))
    return f"{PREFIX}_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
