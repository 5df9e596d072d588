"""What a public badge may say of a monitor. Costs the locator and STATE, never the teams table."""

import re

from chalicelib.domain.outcome import Status
from chalicelib.services.deps import Deps
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
    status = read_status(deps, locator.placements[-1])
    return PENDING if status is None else _WORDS[status]


_WORDS = {Status.UP: "up", Status.DEGRADED: "degraded", Status.DOWN: "down"}
