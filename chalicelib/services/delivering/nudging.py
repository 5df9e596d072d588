"""Nudging: have an alert's courses looked at now, since the alert is not what it was."""

import logging
from dataclasses import replace

from chalicelib.domain.course import Course
from chalicelib.domain.telling import Step
from chalicelib.errors import Contended
from chalicelib.services.announcing import announce
from chalicelib.services.delivering.steps import still_due, write
from chalicelib.services.deps import Deps

log = logging.getLogger(__name__)


def nudge(deps: Deps, alert_id: str) -> None:
    """A course that is being sent is looked at afterwards, and one that is due already is written too: who
    is about to look may have read the alert before. What fails here is logged: such courses keep their time.
    """
    try:
        _nudge(deps, alert_id)
    except Exception:
        log.exception("alert %s is not told at once that it has changed", alert_id)


def _nudge(deps: Deps, alert_id: str) -> None:
    now = deps.now()

    def step(stored: Course | None) -> Step | None:
        is_idle = stored is None or (stored.incident is None and not stored.waiting)
        return None if stored is None or is_idle else Step(replace(still_due(stored, now), token=""))

    shards = set()
    for course in deps.courses.of_alert(alert_id):
        try:
            if write(deps, alert_id, course.subject, step) is not None:
                shards.add(course.shard)
        except Contended:
            log.warning("alert %s is not told at once that it has changed", alert_id)
    announce(deps, shards)
