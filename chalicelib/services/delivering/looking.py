"""Looking: what is due by now of courses that are under way."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain.alert import Alert, is_about
from chalicelib.domain.alert_event import EventStatus
from chalicelib.domain.course import Course, Step, record_of
from chalicelib.domain.incident import SSL
from chalicelib.domain.telling import Scene, look
from chalicelib.services.delivering.audience import Audience, Audiences
from chalicelib.services.delivering.steps import Begun, advance
from chalicelib.services.delivering.subjects import Subject, find_subjects
from chalicelib.services.delivering.writing import save, write
from chalicelib.services.deps import Deps

log = logging.getLogger(__name__)

Look = tuple[str, str, int]


def look_again(
    deps: Deps, audiences: Audiences, shard: str, looks: Sequence[Look], errors: list[Exception]
) -> list[Begun]:
    """What is to be sent of the courses whose looks are due. What failed is added to `errors`, and its look
    stays due. `audiences` must not have been read before: who changes an alert nudges its courses after."""
    courses: defaultdict[str, list[Course]] = defaultdict(list)
    for alert_id, key, second in looks:
        try:
            course = deps.courses.get(alert_id, key)
            if course is None:
                deps.courses.drop_look(shard, alert_id, key, second)
                continue
        except Exception as error:
            log.exception("the course of alert %s about %s cannot be read", alert_id, key)
            errors.append(error)
            continue
        courses[course.team_id].append(course)
    begun: list[Begun] = []
    for team_id, its_courses in courses.items():
        try:
            begun.extend(_look_team(deps, audiences.of_team(team_id), its_courses, errors))
        except Exception as error:
            log.exception("the courses of team %s were not looked at", team_id)
            errors.append(error)
    return begun


def _look_team(
    deps: Deps, audience: Audience, courses: Sequence[Course], errors: list[Exception]
) -> list[Begun]:
    keys = {course.subject for course in courses if not _is_trial(course)}
    first = courses[0]
    subjects = find_subjects(deps, first.team_id, first.shard, keys, with_current=True) if keys else {}
    begun: list[Begun] = []
    for course in courses:
        try:
            told = _look(deps, audience, course, subjects.get(course.subject))
        except Exception as error:
            log.exception("the course of alert %s about %s failed", course.alert_id, course.subject)
            errors.append(error)
            continue
        begun.extend([told] if told else [])
    return begun


def _look(deps: Deps, audience: Audience, course: Course, subject: Subject | None) -> Begun | None:
    """State, windows and alert as they are now decide, whatever they were when it was heard."""
    alert, now = audience.alerts.get(course.alert_id), deps.now()
    if alert is not None and _is_trial(course):
        return _try_out(deps, audience, alert, course, Scene(now))
    if alert is None or subject is None or not is_about(alert, course.monitor_id):
        _give_up(deps, course)
        return None
    current = subject.current
    if subject.kind == SSL and course.incident is not None:
        current = course.incident.finding  # it is told once, and so is never looked for again
    scene = Scene(
        now=now,
        is_suppressed=audience.is_suppressed(course.monitor_id, now),
        is_watched=subject.is_enabled,
        current=current,
        quiet_until=subject.quiet_until,
    )

    def is_overtaken(stored: Course | None) -> bool:
        return stored is None or stored.version != course.version

    at = (course.subject, course.shard)
    return advance(deps, audience, alert, subject, at, scene, (), is_overtaken)


def _is_trial(course: Course) -> bool:
    return course.subject.startswith("test#")


def _try_out(deps: Deps, audience: Audience, alert: Alert, course: Course, scene: Scene) -> Begun | None:
    policy = replace(audience.policy(alert, course.kind), is_muted=False)

    def step(stored: Course | None) -> Step | None:
        is_free = stored is not None and not stored.is_leased(scene.now)
        return look(stored, policy, scene) if stored is not None and is_free else None

    after = write(deps, course.alert_id, course.subject, step)
    is_begun = after is not None and after.is_leased(scene.now)
    return Begun(after, alert, audience, scene, None) if after is not None and is_begun else None


def _give_up(deps: Deps, course: Course) -> None:
    """Nobody is to hear of it any more. Lost to another write, it is due again."""
    problem = "the alert is not about this monitor any more"
    waiting = [replace(each, retry_at=None) for each in course.waiting]
    events = [record_of(course, each, EventStatus.FAILED, problem) for each in waiting]
    save(deps, course, None, Step(course, tuple(events)))
