"""An alert: who is to hear of what, and by which channel (contract, sections 3.7 and 4.8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

PREFIX: Final = "alt"
MAX_ALERTS_PER_TEAM: Final = 10
KIND: Final = "alert"
"""Of its team's limit."""
FAILURES_TO_DISABLE: Final = 5
DISABLED_AFTER: Final = timedelta(hours=1)
"""So many notifications in a row that could not be delivered, for good, and for so long, disable an alert: a
receiver that is being deployed refuses everything for a while."""


@dataclass(frozen=True, slots=True)
class Alert:
    """`config` is the channel's own, as a caller gave it: a secret. `monitor_id` None is the whole team.

    `flapping_after`: how many changes of a monitor in a day make it flapping; None: nothing does.
    `token` is that of the write that made this revision.
    """

    id: str
    team_id: str
    name: str
    strategy: str
    config: Mapping[str, Any] = field(repr=False)
    created_at: datetime
    updated_at: datetime
    monitor_id: str | None = None
    notifies_on_recovery: bool = True
    cooldown_minutes: int = 60
    flapping_after: int | None = None
    rev: int = 1
    token: str = ""

    @property
    def cooldown(self) -> timedelta:
        return timedelta(minutes=self.cooldown_minutes)


@dataclass(frozen=True, slots=True)
class Health:
    """How an alert's channel is doing: `failures` in a row, the first at `failing_since`, and since when it
    is disabled for them."""

    failures: int = 0
    disabled_at: datetime | None = None
    problem: str = ""
    failing_since: datetime | None = None


HEALTHY: Final = Health()


def failed_once_more(health: Health, problem: str, now: datetime) -> Health:
    failures, since = health.failures + 1, health.failing_since or now
    is_enough = failures >= FAILURES_TO_DISABLE and now - since >= DISABLED_AFTER
    return Health(failures, now if is_enough else None, problem, since)


def is_about(alert: Alert, monitor_id: str) -> bool:
    """Whether an alert is about this monitor, of whatever kind: a certificate's is its HTTP monitor's."""
    return alert.monitor_id is None or alert.monitor_id == monitor_id


def hears(alert: Alert, monitor_id: str, at: datetime) -> bool:
    """Only what has happened after its creation, dated in whole seconds as some transitions are."""
    return is_about(alert, monitor_id) and at >= alert.created_at.replace(microsecond=0)
