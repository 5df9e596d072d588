"""Sending: all attempts that were begun, at a time, and after each what became of it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.domain.alert import HEALTHY, failed_once_more
from chalicelib.domain.alert_event import EventStatus, event_id
from chalicelib.domain.course import Course, Step, Waiting
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import OUR_FAULT, Verdict, failed
from chalicelib.domain.notice import Notice
from chalicelib.domain.snapshot import HttpSnapshot
from chalicelib.domain.telling import Scene, look, settle
from chalicelib.services.delivering.steps import Begun
from chalicelib.services.delivering.writing import still_due, was_nudged, write
from chalicelib.services.deps import Deps

log = logging.getLogger(__name__)

AT_A_TIME: Final = 250
LEFT_OF_A_LEASE: Final = timedelta(seconds=30)
"""With less, what came of an attempt might be written when somebody else has begun it again."""
NOBODY: Final = "mon_" + "0" * 32
"""What a test is about, when its alert is about no monitor."""


def send_all(deps: Deps, begun: Sequence[Begun], errors: list[Exception]) -> int:
    """Send, and what then comes next in the same courses; the number of attempts."""
    attempts = 0
    waiting = list(begun)
    while waiting:
        batch, waiting = waiting[:AT_A_TIME], waiting[AT_A_TIME:]
        batch = [each for each in batch if _has_time(deps, each)]
        verdicts = _send(deps, batch) if batch else []
        attempts += len(batch)
        for each, verdict in zip(batch, verdicts, strict=True):
            try:
                following = _settled(deps, each, verdict)
            except Exception as error:  # its lease ends, and it is sent again with the same id
                log.exception("what became of %s was not written", each.course.waiting[0].event_id)
                errors.append(error)
                continue
            waiting.extend([following] if following else [])
    return attempts


def _has_time(deps: Deps, begun: Begun) -> bool:
    """Else it is left to who finds its lease over."""
    until = begun.course.leased_until
    return until is not None and until - deps.now() > LEFT_OF_A_LEASE


def _send(deps: Deps, batch: Sequence[Begun]) -> list[Verdict]:
    """What cannot even be put in words has failed for good, and keeps nothing else from being sent."""
    now = deps.now()
    verdicts: dict[int, Verdict] = {}
    wanted: dict[int, tuple[str, Mapping[str, Any], Notice]] = {}
    for number, each in enumerate(batch):
        try:
            wanted[number] = (each.alert.strategy, each.alert.config, _notice(each, now))
        except Exception:
            log.exception("what is to be told of %s cannot be said", each.course.subject)
            verdicts[number] = failed(OUR_FAULT)
    verdicts |= zip(wanted, deps.channels.send([*wanted.values()]), strict=True)
    return [verdicts[number] for number in range(len(batch))]


def _settled(deps: Deps, begun: Begun, verdict: Verdict) -> Begun | None:
    """Write what became of an attempt, and begin the next one of the same course, if one is due."""
    id, lease = begun.course.waiting[0].event_id, begun.course.leased_until
    scene = replace(begun.scene, now=deps.now())
    chance = deps.random_bits(16) / 0x10000
    outcome: list[EventStatus] = []

    def step(stored: Course | None) -> Step | None:
        outcome.clear()
        if stored is None or stored.leased_until != lease or stored.waiting[0].event_id != id:
            return None  # somebody thought us dead, and has sent it again
        after = settle(stored, begun.policy, verdict, scene, chance)
        is_over = not any(waiting.event_id == id for waiting in after.course.waiting)
        outcome.append(after.events[0].status if is_over else EventStatus.PENDING)
        looked = look(after.course, begun.policy, _scene_after(after.course, scene))
        events = (*after.events, *looked.events)
        return Step(still_due(looked.course, scene.now) if was_nudged(stored) else looked.course, events)

    course = write(deps, begun.course.alert_id, begun.course.subject, step)
    if course is None:
        return None
    is_excused = begun.subject is None or verdict.problem == OUR_FAULT
    if outcome and not (is_excused and outcome[0] is EventStatus.FAILED):
        _note_health(deps, begun, outcome[0], verdict)
    is_begun = course.is_leased(scene.now)
    return replace(begun, course=course, scene=scene) if is_begun else None


def _scene_after(course: Course, scene: Scene) -> Scene:
    """What is wrong is what was heard last: nobody has looked since."""
    return replace(scene, current=None if course.incident is None else course.incident.finding)


def _note_health(deps: Deps, begun: Begun, outcome: EventStatus, verdict: Verdict) -> None:
    """Count what failed for good; the one that makes too many in a row disables the alert."""
    before = begun.audience.health(begun.alert)
    if outcome is EventStatus.DELIVERED and before.disabled_at is None:
        health = HEALTHY
    elif outcome is EventStatus.FAILED and before.disabled_at is None:
        health = failed_once_more(before, verdict.problem, deps.now())
    else:
        return
    if health == before:
        return
    if health.disabled_at is not None:
        log.error("alert %s is disabled: %s", begun.alert.id, verdict.problem)
    deps.courses.save_health(begun.alert.id, health)
    begun.audience.healths[begun.alert.id] = health


def _notice(begun: Begun, now: datetime) -> Notice:
    waiting, subject = begun.course.waiting[0], begun.subject
    if subject is None:
        return _sample(begun, waiting, now)
    finding = waiting.finding
    return Notice(
        event_id=waiting.event_id,
        thread_id=event_id(begun.alert.id, begun.course.subject, 0, "thread"),
        monitor_id=subject.monitor_id,
        name=subject.name,
        event=finding.event,
        snapshot=subject.notice_snapshot(finding),
        since=waiting.since,
        at=finding.at,
        attempted_at=now,
        reason=subject.reason(finding),
        sent=waiting.sent,
        held_back=waiting.held_back,
        link=subject.link,
        flips=waiting.flips,
    )


def _sample(begun: Begun, waiting: Waiting, now: datetime) -> Notice:
    return Notice(
        event_id=waiting.event_id,
        thread_id=waiting.event_id,
        monitor_id=begun.course.monitor_id or NOBODY,
        name="Test notification",
        event=EventType.DOWN,
        snapshot=HttpSnapshot(503, 123, 200, "https://example.com/"),
        since=waiting.since,
        at=waiting.finding.at,
        attempted_at=now,
        reason=f"Nothing is down: this is a test of the alert {begun.alert.name}",
        is_test=True,
    )
