"""An alert about one monitor through its days: transitions, minutes and what its channel answers.

It does what the delivery does around the rules, on a course that is stored and read again at each step.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from chalicelib.domain.alert_event import AlertEvent, EventStatus, Skip
from chalicelib.domain.course import Course, Step, Waiting
from chalicelib.domain.course_json import decode_course, encode_course
from chalicelib.domain.event_type import EventType
from chalicelib.domain.finding import Finding
from chalicelib.domain.message import DELIVERED, Verdict
from chalicelib.domain.telling import News, Policy, Scene, hear, look, sent_next, settle

DOWN, DEGRADED, UP = EventType.DOWN, EventType.DEGRADED, EventType.UP
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = 24 * 60
HOURLY = Policy(timedelta(minutes=60))


def every(minutes: int, **fields: object) -> Policy:
    return replace(HOURLY, cooldown=timedelta(minutes=minutes), **fields)  # type: ignore[arg-type]


def new_course() -> Course:
    return Course("alt_1", "mon_1", "team_1", "mon_1", "http", "enam.normal.00001")


def stored(course: Course) -> Course:
    """As it is read after it was written."""
    text = encode_course(course)
    return decode_course(course.alert_id, course.subject, course.version, course.kept_until, text)


@dataclass(frozen=True)
class Attempt:
    minute: float
    waiting: Waiting

    @property
    def word(self) -> str:
        return f"{self.minute:g} {self.waiting.finding.event}"


class Teller:
    """`answer` is the channel's, to an attempt at this time. Minutes count from the start."""

    def __init__(self, policy: Policy = HOURLY, every_seconds: int = 60) -> None:
        self.policy, self.every_seconds = policy, every_seconds
        self.now = NOON
        self.course = new_course()
        self.answer: Callable[[Waiting, datetime], Verdict] = lambda waiting, at: DELIVERED
        self.chance = 0.5
        self.is_suppressed, self.is_watched = False, True
        self.current: Finding | None = None
        self.quiet_until: datetime | None = None
        self.seq = self.opened_seq = 0
        self.dies = ""
        """Whether the next attempt's process ends "before" or "after" it has sent."""
        self.attempts: list[Attempt] = []
        self.delivered: list[Attempt] = []
        self.records: dict[str, AlertEvent] = {}

    # What happens

    def turn(self, event: EventType, skip: Skip | None = None) -> News:
        """A transition of the monitor, now; the alert hears of it."""
        news = self.unheard(event, skip)
        self.hear(news)
        return news

    def unheard(self, event: EventType, skip: Skip | None = None) -> News:
        self.seq += 1
        opened = self.opened_seq or self.seq
        self.opened_seq = 0 if event is UP else opened
        finding = Finding(event, self.now.replace(microsecond=0))
        self.current = None if event is UP else finding
        return News(self.seq, opened, finding, self.every_seconds, skip)

    def hear(self, *news: News) -> None:
        for each in news:
            self.take(hear(self.course, self.policy, each, self.scene))
        if not self.course.is_leased(self.now):
            self.look()

    def look(self) -> None:
        self.take(look(self.course, self.policy, self.scene))
        while (waiting := sent_next(self.course, self.now)) is not None:
            if self.dies != "before":
                verdict = self.send(waiting)
            if self.dies:
                self.dies = ""
                return
            self.settle(verdict)

    def send(self, waiting: Waiting) -> Verdict:
        attempt = Attempt((self.now - NOON) / MINUTE, waiting)
        self.attempts.append(attempt)
        verdict = self.answer(waiting, self.now)
        if verdict == DELIVERED:
            self.delivered.append(attempt)
        return verdict

    def settle(self, verdict: Verdict) -> None:
        self.take(settle(self.course, self.policy, verdict, self.scene, self.chance))
        self.take(look(self.course, self.policy, self.scene))

    def take(self, step: Step) -> None:
        self.course = stored(replace(step.course, version=self.course.version + 1))
        self.records |= {event.id: event for event in step.events}

    def is_due(self) -> bool:
        next_at = self.course.next_at
        return next_at is not None and math.ceil(next_at.timestamp()) <= self.now.timestamp()

    def wait(self, minutes: int) -> None:
        """The sweep looks at each whole minute, and finds nothing where nothing is due."""
        end = self.now.replace(second=0, microsecond=0) + minutes * MINUTE
        while (minute := self.next_sweep()) is not None and minute <= end:
            self.now = minute
            self.look()
        self.now = end

    def next_sweep(self) -> datetime | None:
        """The first that finds the course due."""
        if self.course.next_at is None:
            return None
        due_at = max(self.course.next_at, self.now + timedelta(microseconds=1))
        return due_at + (NOON - due_at) % MINUTE

    @property
    def scene(self) -> Scene:
        current = replace(self.current, at=self.now) if self.current and self.is_watched else None
        return Scene(self.now, self.is_suppressed, self.is_watched, current, self.quiet_until)

    # What became of it

    @property
    def told(self) -> list[str]:
        """Minute and event of what has arrived."""
        return [attempt.word for attempt in self.delivered]

    @property
    def tried(self) -> list[str]:
        return [attempt.word for attempt in self.attempts]

    def with_status(self, status: EventStatus) -> list[AlertEvent]:
        return [event for event in self.records.values() if event.status is status]

    def skips(self) -> dict[Skip | None, list[int]]:
        """The counts of what was skipped, by reason."""
        found: dict[Skip | None, list[int]] = {}
        for event in self.with_status(EventStatus.SKIPPED):
            found.setdefault(event.skip, []).append(event.skipped)
        return found


def minutes_of(words: Sequence[str], event: EventType) -> list[int]:
    return [int(word.split()[0]) for word in words if word.endswith(f" {event}")]
