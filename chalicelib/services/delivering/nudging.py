"""Nudging: have courses looked at now, since an alert or a monitor is not what it was."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from chalicelib.domain.alert import is_about
from chalicelib.domain.course import Course, Step
from chalicelib.errors import Contended
from chalicelib.services.announcing import announce
from chalicelib.services.delivering.writing import still_due, write
from chalicelib.services.deps import Deps

log = logging.getLogger(__name__)


def nudge(deps: Deps, alert_id: str) -> None:
    """Those of an alert. One that is being sent is looked at afterwards, and one that is due already is
    written too: who is about to look may have read the alert before. What fails here is logged: such
    courses keep their time."""
    try:
        _nudge(deps, [(alert_id, course.subject) for course in deps.courses.of_alert(alert_id)])
    except Exception:
        log.exception("alert %s is not told at once that it has changed", alert_id)


def nudge_about(deps: Deps, team_id: str, monitor_id: str) -> None:
    """Those about a monitor, likewise. A read for each of the team's alerts."""
    try:
        alerts = deps.alerts.of_team(team_id, consistent=False)
        _nudge(deps, [(alert.id, monitor_id) for alert in alerts if is_about(alert, monitor_id)])
    except Exception:
        log.exception("nobody is told at once that monitor %s has changed", monitor_id)


def _nudge(deps: Deps, courses: Iterable[tuple[str, str]]) -> None:
    now = deps.now()

    def step(stored: Course | None) -> Step | None:
        if stored is None or (stored.incident is None and not stored.waiting):
            return None
        if stored.leased_until is not None and stored.is_leased(now):  # who sends it looks again thereafter
            return Step(replace(stored, token="", next_at=stored.leased_until + timedelta(seconds=1)))
        return Step(replace(still_due(stored, now), token=""))

    shards = set()
    for alert_id, subject in courses:
        try:
            course = write(deps, alert_id, subject, step)
        except Contended:
            log.warning("the course of alert %s about %s keeps its time", alert_id, subject)
            continue
        shards |= {course.shard} if course is not None else set()
    announce(deps, shards)
