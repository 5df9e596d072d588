"""The course of an alert about a monitor: what it has told of it, and has to tell yet.

There is one for each alert and each monitor (or certificate), changed by the rules of `telling` alone. Words:
an *incident* is the monitor's; *told* is what was decided to be told, whether or not it has arrived.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.domain.alert import Alert
from chalicelib.domain.alert_event import AlertEvent, EventStatus, Skip
from chalicelib.domain.event_type import EventType
from chalicelib.domain.finding import Finding
from chalicelib.domain.heartbeat import place_of


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notification on its way. `number` counts those of its event type in the incident from 0."""

    event_id: str
    opened_seq: int
    finding: Finding
    since: datetime
    created_at: datetime
    number: int = 0
    sent: int = 0
    held_back: int = 0
    flips: int = 0
    attempts: int = 0
    began_at: datetime | None = None
    retry_at: datetime | None = None
    is_test: bool = False

    @property
    def is_recovery(self) -> bool:
        return self.finding.event is EventType.UP


@dataclass(frozen=True, slots=True)
class Told:
    """Of one event type in an incident; `failures` in a row that were for good."""

    count: int = 0
    succeeded_at: datetime | None = None
    failures: int = 0
    failed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not told for one reason; from `open_from` on it goes on."""

    event: EventType
    began_at: datetime
    count: int = 0
    open_from: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """The one that is open. `finding` is its newest transition, which may be untold yet; `sent` is what has
    arrived. A recovery is owed from before when that of the last incident was overtaken by this one."""

    opened_seq: int
    since: datetime
    finding: Finding
    every_seconds: int
    told: Mapping[EventType, Told] = field(default_factory=dict)
    is_untold: bool = False
    is_recovery_owed: bool = False
    sent: int = 0
    skips: Mapping[Skip, Skipped] = field(default_factory=dict)

    @property
    def decided(self) -> int:
        return sum(told.count for told in self.told.values())

    @property
    def owes_recovery(self) -> bool:
        return bool(self.told) or self.is_recovery_owed

    @property
    def every(self) -> timedelta:
        return timedelta(seconds=self.every_seconds)


@dataclass(frozen=True, slots=True)
class Course:
    """`next_at` is when to look again. `token` is that of the write that made this version. `flips` are the
    times of the transitions of the last day, oldest first."""

    alert_id: str
    subject: str
    team_id: str
    monitor_id: str
    kind: str
    shard: str
    version: int = 0
    token: str = ""
    heard_seq: int = 0
    incident: Incident | None = None
    waiting: tuple[Waiting, ...] = ()
    recovered_at: datetime | None = None
    sent_at: datetime | None = None
    flips: tuple[datetime, ...] = ()
    is_flapping_told: bool = False
    next_at: datetime | None = None
    leased_until: datetime | None = None
    kept_until: datetime | None = None

    def is_leased(self, now: datetime) -> bool:
        return self.leased_until is not None and now < self.leased_until


@dataclass(frozen=True, slots=True)
class Step:
    """A course after something happened, and the records that changed with it, the newest of an id last."""

    course: Course
    events: tuple[AlertEvent, ...] = ()


def trial(alert: Alert, id: str, now: datetime) -> tuple[Course, AlertEvent]:
    """A course of its own for one notification that is marked as a test."""
    finding = Finding(EventType.DOWN, now)
    waiting = Waiting(id, 0, finding, since=now, created_at=now, is_test=True)
    course = Course(
        alert_id=alert.id,
        subject=f"test#{id}",
        team_id=alert.team_id,
        monitor_id=alert.monitor_id or "",
        kind="http",
        shard=place_of(alert.id).name,
        version=1,
        waiting=(waiting,),
        next_at=now.replace(microsecond=0),  # looks are found by the second: in this one already
    )
    return course, record_of(course, waiting)


def record_of(
    course: Course, waiting: Waiting, status: EventStatus = EventStatus.PENDING, problem: str = ""
) -> AlertEvent:
    return AlertEvent(
        id=waiting.event_id,
        alert_id=course.alert_id,
        monitor_id=course.monitor_id,
        kind=course.kind,
        event=waiting.finding.event,
        status=status,
        created_at=waiting.created_at,
        problem=problem,
        attempts=waiting.attempts,
        next_attempt_at=waiting.retry_at,
        is_test=waiting.is_test,
    )
