"""Writing a course: on what was read, until nobody was faster. It knows no rule, and is soon loaded."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.course import Course, Step
from chalicelib.errors import Contended
from chalicelib.services.deps import Deps
from chalicelib.services.retrying import TRIES, pause


def still_due(course: Course, now: datetime) -> Course:
    """Nobody has looked yet as whoever has nudged it wanted. Looks are found by the second, this one too."""
    return replace(course, next_at=now.replace(microsecond=0))


def was_nudged(leased: Course) -> bool:
    """Whether a nudge came while it was being sent: by itself it is looked at when its lease is over."""
    return leased.next_at != leased.leased_until


def write(deps: Deps, alert_id: str, key: str, step: Callable[[Course | None], Step | None]) -> Course | None:
    """Read, step and save until nobody was faster; the course as this write has left it.

    None when there was nothing to write: the step was None or changed nothing. Raises Contended.
    """
    token = f"{deps.random_bits(64):016x}"
    for attempt in range(TRIES):
        pause(deps, attempt)
        before = deps.courses.get(alert_id, key)
        if before is not None and before.token == token:
            return before
        made = step(before)
        if made is None or made.course == before:
            return None
        version = before.version + 1 if before is not None else 1
        after = replace(made.course, version=version, token=token)
        if save(deps, before, after, made):
            return after
    raise Contended("course")


def save(deps: Deps, before: Course | None, after: Course | None, made: Step) -> bool:
    """False when it was lost, collided with another, or its answer was."""
    try:
        return deps.courses.save(before, after, made.events)
    except Contended:
        return False
