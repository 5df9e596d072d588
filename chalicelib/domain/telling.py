"""The rules of telling: when an alert says what about a monitor (contract, section 4.8).

A course hears the monitor's transitions in their order and keeps what is to be told in a queue that is sent
one by one, so that no recovery arrives before its down. Repeats, further attempts and the ends of windows are
nothing but looks at it. Every step is written on the version it was made from, and whatever is sent twice has
one id.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.domain.alert_event import AlertEvent, EventStatus, Skip, event_id
from chalicelib.domain.course import Course, Incident, Skipped, Step, Told, Waiting, record_of
from chalicelib.domain.event_type import EventType
from chalicelib.domain.finding import Finding
from chalicelib.domain.instant import whole_milliseconds
from chalicelib.domain.message import Fate, Verdict

FLOOR: Final = timedelta(minutes=5)
"""No repeat comes sooner, whatever the cooldown."""
UNWATCHED_PAUSE: Final = timedelta(hours=1)
"""Between looks at a monitor that is disabled: so late may the first be that finds it enabled again."""
RETRIED_FOR: Final = timedelta(hours=24)
LEAST_ATTEMPTS: Final = 8
"""However long a window has stood between them."""
FIRST_PAUSE_SECONDS: Final = 30
LONGEST_PAUSE_SECONDS: Final = 3600
LEASE: Final = timedelta(seconds=90)
"""Of an attempt: longer than one can take. Who finds it over may make the attempt again."""
MAX_WAITING: Final = 20
"""A channel that is away for long, of a monitor that flaps, is told no more than that."""
MAX_NEWS: Final = 20
"""Heard in one step, these and what comes of them fit into one transaction."""
KEPT: Final = timedelta(days=8)
"""A course at rest outlives the outbox rows it has heard, lest one be heard again."""
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the alert wants. A muted one is disabled: it hears, and tells nothing."""

    cooldown: timedelta
    tells_recovery: bool = True
    is_repeating: bool = True
    flapping_after: int | None = None
    is_muted: bool = False

    @property
    def floor(self) -> timedelta:
        return max(self.cooldown, FLOOR)


@dataclass(frozen=True, slots=True)
class Scene:
    """How things are at the moment of a look. `current` is what is wrong right now; None when nothing is, or
    nothing that would be repeated before `quiet_until`."""

    now: datetime
    is_suppressed: bool = False
    is_watched: bool = True
    current: Finding | None = None
    quiet_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class News:
    """A transition as an alert hears it; `skip` is why it is not for this one to tell."""

    seq: int
    opened_seq: int
    finding: Finding
    every_seconds: int
    skip: Skip | None = None


def hear(course: Course, policy: Policy, news: News, scene: Scene) -> Step:
    """Take a transition in; one that was heard before changes nothing. A look comes after it."""
    if news.seq <= course.heard_seq:
        return Step(course)
    desk = _Desk(replace(course, heard_seq=news.seq), policy, scene)
    desk.note_flip(news.finding.at)
    if news.finding.event is EventType.UP:
        desk.recover(news.finding)
    else:
        desk.worsen(news)
    return desk.step()


def look(course: Course, policy: Policy, scene: Scene) -> Step:
    """Decide what is to be told by now, begin the next attempt if one is due (then the course is leased, and
    the first of `waiting` is to be sent), and say when to look again."""
    desk = _Desk(replace(course, leased_until=None, next_at=None, kept_until=None), policy, scene)
    if policy.is_muted:
        desk.drop_all()
    else:
        desk.mind_window()
        desk.drop_overtaken()
        if not desk.course.waiting:
            desk.decide()
        if desk.course.waiting:
            desk.begin()
    if desk.course.incident is None and not desk.course.waiting:
        desk.change(kept_until=scene.now + KEPT)
    return desk.step()


def settle(course: Course, policy: Policy, verdict: Verdict, scene: Scene, chance: float) -> Step:
    """What became of the attempt that was begun. `chance`, from 0 to 1, spreads the pauses."""
    desk = _Desk(replace(course, leased_until=None), policy, scene)
    desk.settle(verdict, chance)
    return desk.step()


def sent_next(course: Course, now: datetime) -> Waiting | None:
    """What is to be sent by whoever has just begun the attempt."""
    return course.waiting[0] if course.waiting and course.is_leased(now) else None


class _Desk:
    """One step on its way: the course so far, and the records that go with it."""

    def __init__(self, course: Course, policy: Policy, scene: Scene) -> None:
        self.course = course
        self._policy = policy
        self._scene = scene
        self._now = whole_milliseconds(scene.now)
        self._events: list[AlertEvent] = []

    def step(self) -> Step:
        return Step(self.course, tuple(self._events))

    def change(self, **fields: Any) -> None:
        self.course = replace(self.course, **fields)

    # Hearing

    def note_flip(self, at: datetime) -> None:
        most = self._policy.flapping_after
        flips = (*self._recent_flips(), at)[-most:] if most else ()
        self.change(flips=flips, is_flapping_told=self.course.is_flapping_told and len(flips) == most)

    def worsen(self, news: News) -> None:
        incident = self.course.incident
        if incident is None or incident.opened_seq != news.opened_seq:
            incident = Incident(
                opened_seq=news.opened_seq,
                since=news.finding.at,
                finding=news.finding,
                every_seconds=news.every_seconds,
                is_recovery_owed=incident is not None and incident.owes_recovery,  # its end was not heard
            )
        self.change(incident=replace(incident, finding=news.finding))
        if news.skip is not None:
            self._skip_once(news.skip)
            return
        if self._policy.is_muted:
            self._change_incident(is_untold=True)
            return
        self._drop_held_recovery()
        if news.finding.event not in incident.told or not self._policy.is_repeating:
            self._tell_first(news.finding)

    def recover(self, finding: Finding) -> None:
        """One recovery, if anything of the incident was told."""
        incident = self.course.incident
        if incident is None:
            return
        held_back = self._held_back(incident, round((finding.at - incident.since) / incident.every))
        self._complete_skips(incident, finding.at, held_back)
        self.change(incident=None)
        # Whoever was told is told the end, if only when the alert is enabled again.
        is_wanted = self._policy.tells_recovery and (incident.sent > 0 or not self._policy.is_muted)
        if not is_wanted or not incident.owes_recovery:
            return
        self._enqueue(
            Waiting(
                event_id=self._id(incident, EventType.UP, 0),
                opened_seq=incident.opened_seq,
                finding=finding,
                since=incident.since,
                created_at=self._now,
                sent=incident.sent,
                held_back=held_back,
            )
        )

    def _tell_first(self, finding: Finding) -> None:
        """The first notification of its event type in the incident comes at once, whatever the cooldown."""
        self._change_incident(is_untold=True)
        if self._scene.is_suppressed:
            self._skip_from_now_on()
        elif not self._scene.is_watched:
            return
        elif len(self.course.waiting) >= MAX_WAITING:
            self._skip_once(Skip.BACKLOG)
        elif self._spaced_by_flapping() > self._now:
            self._skip_once(Skip.FLAPPING)
        else:
            self._tell(finding)

    def _drop_held_recovery(self) -> None:
        """A recovery that keeps its distance to the one before is overtaken by a new incident."""
        *rest, last = self.course.waiting or (None,)
        if last is None or rest or last.attempts or not last.is_recovery:
            return
        if self._spaced(last) > self._now:
            record = record_of(self.course, last, EventStatus.SKIPPED)
            self._events.append(replace(record, skip=Skip.COOLDOWN, skipped=1, until=self._now))
            self.change(waiting=())
            self._mark_again(last)
            self._change_incident(is_recovery_owed=True)

    # Looking

    def mind_window(self) -> None:
        """Count what a window keeps from being told, from the look that meets it to the first after it."""
        incident, scene = self.course.incident, self._scene
        if incident is None:
            return
        if scene.is_suppressed and scene.is_watched and self._is_to_be_told(incident):
            self._skip_from_now_on()
        else:
            self._end_suppression(incident)

    def drop_overtaken(self) -> None:
        """A recovery that came to be the last while the next incident waits to be told."""
        if self.course.incident is not None and self.course.incident.is_untold:
            self._drop_held_recovery()

    def decide(self) -> None:
        """What an incident that goes on needs: a first notification that had to wait, or a repeat."""
        incident, scene = self.course.incident, self._scene
        if incident is None or not self._is_to_be_told(incident):
            return
        if not scene.is_watched:
            self.change(next_at=self._now + min(self._policy.floor, UNWATCHED_PAUSE))
            return
        if scene.is_suppressed:
            self.change(next_at=_next_minute(self._now))
            return
        event = incident.finding.event
        told = incident.told.get(event) if self._policy.is_repeating else None
        if scene.current is None or (told is not None and scene.quiet_until is not None):
            quiet_until = scene.quiet_until or self._now + self._policy.floor
            self.change(next_at=max(quiet_until, _next_minute(self._now)))
        elif scene.current.event is not event:  # a transition that is on its way
            self.change(next_at=_next_minute(self._now))
        elif (due_at := self._due_at(told)) > self._now:
            self.change(next_at=due_at)
        else:
            self._tell(replace(scene.current, at=self._now) if told else incident.finding)

    def begin(self) -> None:
        """Lease the course for an attempt at the first that waits, or say when that may be."""
        first = self.course.waiting[0]
        ready_at = self._ready_at(first)
        if ready_at > self._now:
            self.change(next_at=ready_at)
            return
        begun = replace(
            first, attempts=first.attempts + 1, began_at=first.began_at or self._now, retry_at=None
        )
        until = self._now + LEASE
        self.change(waiting=(begun, *self.course.waiting[1:]), leased_until=until, next_at=until)

    def drop_all(self) -> None:
        """But for the recoveries of what has arrived."""
        kept = []
        for waiting in self.course.waiting:
            if waiting.is_recovery and waiting.sent:
                kept.append(waiting)
                continue
            lost = replace(waiting, retry_at=None)
            self._events.append(record_of(self.course, lost, EventStatus.FAILED, "the alert is disabled"))
            self._mark_again(waiting)
            if self.course.incident is not None and self.course.incident.opened_seq == waiting.opened_seq:
                self._change_incident(is_untold=True)
        self.change(waiting=tuple(kept))

    def _is_to_be_told(self, incident: Incident) -> bool:
        """Whether it will be told as it is now: for the first time, or again."""
        is_silent = Skip.LATE in incident.skips and incident.finding.event is EventType.DEGRADED
        return not is_silent and (self._policy.is_repeating or incident.is_untold)

    def _due_at(self, told: Told | None) -> datetime:
        due_at = self._spaced_by_flapping()
        if told is not None and told.succeeded_at is not None:
            due_at = max(due_at, told.succeeded_at + self._policy.floor)
        if told is not None and told.failed_at is not None:  # the next check tries again, ever later
            due_at = max(due_at, told.failed_at + timedelta(seconds=_pause_seconds(told.failures)))
        return due_at

    def _ready_at(self, waiting: Waiting) -> datetime:
        if waiting.is_test:
            return waiting.retry_at or self._now
        if not self._scene.is_watched:
            return self._now + min(self._policy.floor, UNWATCHED_PAUSE)
        if self._scene.is_suppressed:
            return _next_minute(self._now)
        if waiting.attempts:
            return waiting.retry_at or self._now
        return self._spaced(waiting) if waiting.is_recovery else self._now

    def _spaced(self, recovery: Waiting) -> datetime:
        """Recoveries keep the cooldown to one another, unless the next incident waits behind."""
        if len(self.course.waiting) > 1:
            return self._now
        before = self.course.recovered_at
        cooled_at = self._now if before is None else before + self._policy.cooldown
        return cooled_at if recovery.flips else max(cooled_at, self._spaced_by_flapping())

    # Settling

    def settle(self, verdict: Verdict, chance: float) -> None:
        first, *rest = self.course.waiting
        is_young = self._now - (first.began_at or self._now) < RETRIED_FOR or first.attempts < LEAST_ATTEMPTS
        if verdict.fate is Fate.RETRY and is_young:
            pause = _pause_seconds(first.attempts) * (0.5 + chance / 2)
            pause = max(pause, verdict.retry_after_seconds or 0)
            later = replace(first, retry_at=self._now + timedelta(seconds=pause))
            self.change(waiting=(later, *rest))
            self._events.append(record_of(self.course, later, EventStatus.FAILED, verdict.problem))
            return
        self.change(waiting=tuple(rest))
        if verdict.fate is Fate.DELIVERED:
            self._succeed(first)
        else:
            self._fail(first, verdict.problem)

    def _succeed(self, done: Waiting) -> None:
        self._events.append(replace(record_of(self.course, done, EventStatus.DELIVERED), sent_at=self._now))
        self.change(sent_at=self._now)
        if done.is_recovery:
            self.change(recovered_at=self._now)
            return
        self.change(waiting=tuple(_with_one_more(w, done.opened_seq) for w in self.course.waiting))
        incident = self.course.incident
        if incident is not None and incident.opened_seq == done.opened_seq:
            # A repeat is the evaluation of its minute: what it takes to send must not add up.
            is_repeat = done.number and done.attempts == 1 and done.began_at
            at = _minute_of(done.began_at) if is_repeat and done.began_at else self._now
            self._set_told(incident, done, succeeded_at=at, failures=0, failed_at=None, sent=1)

    def _fail(self, done: Waiting, problem: str) -> None:
        self._events.append(record_of(self.course, done, EventStatus.FAILED, problem))
        self._mark_again(done)
        incident = self.course.incident
        if incident is not None and incident.opened_seq == done.opened_seq and not done.is_recovery:
            failures = incident.told.get(done.finding.event, Told()).failures + 1
            self._set_told(incident, done, failures=failures, failed_at=self._now)

    # Parts

    def _tell(self, finding: Finding) -> None:
        incident = self.course.incident
        assert incident is not None
        told = incident.told.get(finding.event, Told())
        before = (self._now - incident.since) // incident.every
        held_back = self._held_back(incident, before) if told.count else 0
        waiting = Waiting(
            event_id=self._id(incident, finding.event, told.count),
            opened_seq=incident.opened_seq,
            finding=finding,
            since=incident.since,
            created_at=self._now,
            number=told.count,
            sent=incident.sent,
            held_back=held_back,
        )
        after = replace(told, count=told.count + 1)
        self._change_incident(told={**incident.told, finding.event: after}, is_untold=False)
        self._enqueue(waiting)

    def _held_back(self, incident: Incident, evaluations: int) -> int:
        """Of so many; what is not repeated holds nothing back."""
        return max(0, evaluations - incident.decided) if self._policy.is_repeating else 0

    def _enqueue(self, waiting: Waiting) -> None:
        if self._is_flapping and not self.course.is_flapping_told:
            waiting = replace(waiting, flips=len(self.course.flips))
            self.change(is_flapping_told=True)
        self.change(waiting=(*self.course.waiting, waiting))
        self._events.append(record_of(self.course, waiting))

    def _mark_again(self, lost: Waiting) -> None:
        """When the notice that says it is flapping never arrives, the next one says so."""
        if lost.flips:
            self.change(is_flapping_told=False)

    @property
    def _is_flapping(self) -> bool:
        most = self._policy.flapping_after
        return most is not None and len(self._recent_flips()) >= most

    def _recent_flips(self) -> tuple[datetime, ...]:
        return tuple(at for at in self.course.flips if self._now - at < _DAY)

    def _spaced_by_flapping(self) -> datetime:
        """From when on something may be told: at once, until the one notice that says it is flapping."""
        if not self._is_flapping or not self.course.is_flapping_told or self.course.sent_at is None:
            return self._now
        return self.course.sent_at + self._policy.floor

    def _change_incident(self, **fields: Any) -> None:
        assert self.course.incident is not None
        self.change(incident=replace(self.course.incident, **fields))

    def _set_told(self, incident: Incident, done: Waiting, *, sent: int = 0, **fields: Any) -> None:
        event = done.finding.event
        told = {**incident.told, event: replace(incident.told.get(event, Told()), **fields)}
        self.change(incident=replace(incident, told=told, sent=incident.sent + sent))

    def _id(self, incident: Incident, *what: object) -> str:
        return event_id(self.course.alert_id, self.course.subject, incident.opened_seq, *what)

    # Records

    def _skip_once(self, reason: Skip) -> None:
        incident = self.course.incident
        assert incident is not None
        skipped = incident.skips.get(reason) or Skipped(incident.finding.event, self._now)
        self._set_skipped(incident, reason, replace(skipped, count=skipped.count + 1), until=None)

    def _skip_from_now_on(self) -> None:
        """Count from here until the window is over: by the time, not by the looks."""
        incident = self.course.incident
        assert incident is not None
        skipped = incident.skips.get(Skip.MAINTENANCE)
        if skipped is not None and skipped.open_from is not None:
            return
        skipped = skipped or Skipped(incident.finding.event, self._now)
        self._set_skipped(incident, Skip.MAINTENANCE, replace(skipped, open_from=self._now), until=None)

    def _end_suppression(self, incident: Incident) -> None:
        skipped = incident.skips.get(Skip.MAINTENANCE)
        if skipped is not None and skipped.open_from is not None:
            over = self._stretch_over(skipped, incident, self._now)
            self._set_skipped(incident, Skip.MAINTENANCE, over, until=over.until)

    def _set_skipped(
        self, incident: Incident, reason: Skip, skipped: Skipped, until: datetime | None
    ) -> None:
        self.change(incident=replace(incident, skips={**incident.skips, reason: skipped}))
        self._events.append(self._skip_record(incident, reason, skipped, until))

    def _complete_skips(self, incident: Incident, at: datetime, held_back: int) -> None:
        rest = held_back
        for reason, skipped in incident.skips.items():
            over = self._stretch_over(skipped, incident, at)
            rest -= over.count
            self._events.append(self._skip_record(incident, reason, over, until=over.until or at))
        if incident.told and rest > 0:
            held = Skipped(incident.finding.event, incident.since, rest)
            self._events.append(self._skip_record(incident, Skip.COOLDOWN, held, until=at))

    def _stretch_over(self, skipped: Skipped, incident: Incident, at: datetime) -> Skipped:
        if skipped.open_from is None:
            return skipped
        evaluations = round((at - skipped.open_from) / incident.every) if self._policy.is_repeating else 1
        return replace(skipped, count=skipped.count + max(1, evaluations), open_from=None, until=at)

    def _skip_record(
        self, incident: Incident, reason: Skip, skipped: Skipped, until: datetime | None
    ) -> AlertEvent:
        return AlertEvent(
            id=self._id(incident, "skipped", reason),
            alert_id=self.course.alert_id,
            monitor_id=self.course.monitor_id,
            kind=self.course.kind,
            event=skipped.event,
            status=EventStatus.SKIPPED,
            created_at=skipped.began_at,
            skip=reason,
            skipped=skipped.count,
            until=until,
        )


def _with_one_more(waiting: Waiting, opened_seq: int) -> Waiting:
    """The notifications of an incident that are yet to come say how many have arrived."""
    return replace(waiting, sent=waiting.sent + 1) if waiting.opened_seq == opened_seq else waiting


def _minute_of(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _next_minute(now: datetime) -> datetime:
    return _minute_of(now) + _MINUTE


def _pause_seconds(attempts: int) -> float:
    return float(min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS << min(max(attempts, 1) - 1, 20)))
