"""What a public badge may say of a monitor or cron job. Costs the locator and STATE or a heartbeat, never the
teams table."""

import re
from collections.abc import Mapping
from typing import Any, Final

from chalicelib.domain.heartbeat import Place
from chalicelib.domain.lateness import JobStatus
from chalicelib.domain.outcome import Status
from chalicelib.domain.silence import PushStatus
from chalicelib.services.deps import Deps
from chalicelib.services.judging import judged
from chalicelib.services.readings import read_status

_MONITOR_ID = re.compile(r"[a-z]+_[0-9a-f]{32}")
PENDING = "pending"


def badge_state(deps: Deps, monitor_id: str) -> str | None:
    """`up`, `degraded`, `down` or `pending`; None when nobody may know: unknown and private are one.

    Disabled monitors show `pending`: what their last status was says nothing about now.
    """
    if not _MONITOR_ID.fullmatch(monitor_id):
        return None
    locator = deps.monitors.locator(monitor_id)
    if locator is None or not locator.is_public:
        return None
    if not locator.is_enabled:
        return PENDING
    if locator.place is not None:
        return _state_of_heartbeat(deps, locator.place)
    status = read_status(deps, locator.placements[-1])
    return PENDING if status is None else _WORDS[status]


def _state_of_heartbeat(deps: Deps, place: Place) -> str:
    """As it is now, whenever the scheduler has looked at it last."""
    heartbeat = deps.heartbeats.get(place, consistent=False)
    if heartbeat is None:
        return PENDING
    return _HEARTBEAT_WORDS[heartbeat.kind][judged(heartbeat, deps.now()).pulse.status]


_WORDS: Final = {Status.UP: "up", Status.DEGRADED: "degraded", Status.DOWN: "down"}
_HEARTBEAT_WORDS: Final[Mapping[str, Mapping[Any, str]]] = {
    "cron": {
        JobStatus.NEW: PENDING,
        JobStatus.HEALTHY: "up",
        JobStatus.LATE: "degraded",
        JobStatus.MISSED: "down",
    },
    "push": {PushStatus.UP: "up", PushStatus.DOWN: "down", PushStatus.PENDING: PENDING},
}
