"""One step of one course, made from what is stored and written on it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chalicelib.domain.alert import Alert
from chalicelib.domain.alert_event import AlertEvent
from chalicelib.domain.course import Course, Step
from chalicelib.domain.telling import News, Policy, Scene, hear, look
from chalicelib.services.delivering.writing import still_due, write
from chalicelib.services.deps import Deps

if TYPE_CHECKING:  # they know monitors, whose changes nudge courses
    from chalicelib.services.delivering.audience import Audience
    from chalicelib.services.delivering.subjects import Subject


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt that was written down before it is made: the first of `course.waiting` is to be sent.

    `subject` is None for a trial, which is about no monitor.
    """

    course: Course
    alert: Alert
    audience: "Audience"
    scene: Scene
    subject: "Subject | None"

    @property
    def policy(self) -> Policy:
        """With the alert's health as the run knows it by now. A trial is made of a disabled one, too."""
        policy = self.audience.policy(self.alert, self.course.kind)
        return policy if self.subject is not None else replace(policy, is_muted=False)


def advance(
    deps: Deps,
    audience: "Audience",
    alert: Alert,
    subject: "Subject",
    at: tuple[str, str],
    scene: Scene,
    news: Sequence[News],
    is_overtaken: Callable[[Course | None], bool],
) -> Begun | None:
    """Let the course hear the news and look; what is to be sent now, if anything. `at` is its subject and
    shard.

    One that is leased hears, and is left to look to who holds it. One that is overtaken may have been nudged
    since its alert was read, and stays due for whoever reads the alert anew. Raises Contended.
    """
    key, shard = at
    policy = audience.policy(alert, subject.kind)
    is_begun = False

    def step(stored: Course | None) -> Step:
        nonlocal is_begun
        course = stored or _new_course(alert, subject, key, shard)
        events: list[AlertEvent] = []
        for each in news:
            heard = hear(course, policy, each, scene)
            course = heard.course
            events.extend(heard.events)
        is_begun = False
        if not course.is_leased(scene.now):
            looked = look(course, policy, scene)
            course = looked.course
            is_begun = course.is_leased(scene.now)
            events.extend(looked.events)
            if is_overtaken(stored):
                course = still_due(course, scene.now)
        return Step(course, tuple(events))

    course = write(deps, alert.id, key, step)
    return Begun(course, alert, audience, scene, subject) if course is not None and is_begun else None


def _new_course(alert: Alert, subject: "Subject", key: str, shard: str) -> Course:
    return Course(
        alert_id=alert.id,
        subject=key,
        team_id=alert.team_id,
        monitor_id=subject.monitor_id,
        kind=subject.kind,
        shard=shard,
    )
