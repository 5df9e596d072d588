"""The one rule of cron jobs: when they are late, when missed, and what a ping makes of it (contract 4.7).

Time is continuous here: what a job is at an instant follows from its last ping alone, whoever looks and
however often. The minute's run only makes durable what has come true. Words: N is `expected_at`, F the
occurrence after it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from chalicelib.domain.alarm import QUIET, Alarm, turned
from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.recurrence import Schedule, recurrence_of

LONGEST_RUN: Final = timedelta(hours=72)
"""A run that took longer is not timed, as Healthchecks has it: its end may be another's."""
_MILLISECOND: Final = timedelta(milliseconds=1)


class JobStatus(IntEnum):
    """The numbers are the storage format: never reuse one."""

    NEW = 0
    HEALTHY = 1
    LATE = 2
    MISSED = 3


class Kind(IntEnum):
    """What a ping says. The numbers are the storage format (4 bits): never reuse one."""

    SUCCESS = 0
    START = 1
    FAIL = 2
    LOG = 3
    IGNORED = 4
    """Of a disabled job: answered, listed, and without effect."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a job is judged by.

    `run_grace_seconds` is the time that a run may take from its start; None: the grace. With one of its own
    a start in time counts as having come. `failures_to_alarm` is how many missed or failed runs in a row
    make an alarm; `least_seconds_between` how soon after another a run may end.
    """

    schedule: Schedule
    grace_seconds: int
    run_grace_seconds: int | None = None
    failures_to_alarm: int = 1
    least_seconds_between: int | None = None
    is_enabled: bool = True

    @property
    def grace(self) -> timedelta:
        return timedelta(seconds=self.grace_seconds)


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has begun and not ended. `id` is the caller's own, empty when it has none."""

    started_at: datetime
    id: str = ""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is known of a job. `strikes` counts missed and failed runs since the last success."""

    status: JobStatus = JobStatus.NEW
    reason: Reason = Reason.NONE
    expected_at: datetime | None = None
    last_ping_at: datetime | None = None
    last_success_at: datetime | None = None
    run: Run | None = None
    strikes: int = 0
    alarm: Alarm = QUIET


@dataclass(frozen=True, slots=True)
class Signal:
    """A ping as it came in, to the millisecond."""

    kind: Kind
    at: datetime
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a ping made of the job, and what is to be told of the ping itself."""

    pulse: Pulse
    is_on_time: bool
    duration_ms: int | None


def begin(rules: Rules, pulse: Pulse, now: datetime) -> Pulse:
    """A job that is created or enabled: nothing is held against it but what comes from now on."""
    was_pinged = pulse.last_ping_at is not None
    status = JobStatus.HEALTHY if was_pinged else JobStatus.NEW
    fresh = replace(pulse, status=status, reason=Reason.NONE, run=None, strikes=0, last_success_at=None)
    return _alarmed(reschedule(rules, fresh, now), Status.UP, now)


def reschedule(rules: Rules, pulse: Pulse, now: datetime) -> Pulse:
    """N anew from now, after a change of the schedule."""
    return replace(pulse, expected_at=recurrence_of(rules.schedule).next_after(now))


def stop(pulse: Pulse) -> Pulse:
    """A job that is disabled is expected no more. Its status stays what it was."""
    return replace(pulse, expected_at=None, run=None)


def deadline(rules: Rules, pulse: Pulse) -> datetime | None:
    """The last instant at which nothing is wrong yet; None when there is none. A run must end within its
    grace, however far off N is."""
    due = None
    if pulse.expected_at is not None and pulse.status is not JobStatus.NEW:
        due = pulse.expected_at + rules.grace
    if pulse.run is None:
        return due
    ends = _run_deadline(rules, pulse.run)
    if due is None:
        return ends
    return ends if _has_come(rules, pulse.run, due) else min(due, ends)


def judge(rules: Rules, pulse: Pulse, now: datetime) -> Pulse:
    """What time alone has made of the job by `now`."""
    if not rules.is_enabled:
        return pulse
    limit = deadline(rules, pulse)
    if limit is None or now <= limit:
        return pulse
    if pulse.status in (JobStatus.NEW, JobStatus.HEALTHY):
        is_overrun = pulse.run is not None and limit == _run_deadline(rules, pulse.run)
        reason = Reason.OVERRUN if is_overrun else Reason.LATE
        pulse = replace(pulse, status=JobStatus.LATE, reason=reason)
        pulse = _alarmed(pulse, Status.DEGRADED, limit)
    return _miss(rules, pulse, now)


def is_overdue(rules: Rules, pulse: Pulse, now: datetime) -> bool:
    """Of a judged pulse, whether a run has not come that should have (contract 4.8, point 2).

    A late ping and a failure leave an alarm, and nothing overdue until the next run is; a missed run is
    overdue until a ping comes that ends one.
    """
    if not rules.is_enabled:
        return False
    limit = deadline(rules, pulse)
    if pulse.reason is Reason.MISSED or (limit is not None and now > limit):
        return True
    if pulse.status is not JobStatus.MISSED or pulse.expected_at is None or pulse.last_ping_at is None:
        return False
    # What has failed keeps its reason when more runs are missed: N has moved on then.
    before = pulse.expected_at - timedelta(seconds=1)
    return recurrence_of(rules.schedule).newest_until(before, pulse.last_ping_at) is not None


def hear(rules: Rules, pulse: Pulse, signal: Signal) -> Heard:
    """What a ping makes of the job as it was stored. N catches up first, and before a success N alone; what a
    start or a failure finds overdue is not undone by it."""
    caught_up = _caught_up(rules, pulse, signal.at)
    limit = deadline(rules, caught_up if pulse.status is not JobStatus.NEW else _known(caught_up))
    is_on_time = limit is None or signal.at <= limit
    duration_ms = _duration_ms(pulse.run, signal)
    if signal.kind is Kind.START:
        judged = judge(rules, pulse, signal.at)
        pulse = caught_up if judged.status is JobStatus.NEW else judged
        if is_on_time and _is_begun_again(rules, pulse, signal.at):
            pulse = reschedule(rules, pulse, signal.at)
        pulse = replace(pulse, run=Run(signal.at, signal.run_id))
    elif signal.kind is Kind.SUCCESS:
        pulse = _succeed(rules, _ended(rules, pulse, signal), pulse.last_success_at, is_on_time=is_on_time)
    elif signal.kind is Kind.FAIL:
        pulse = _fail(rules, _ended(rules, judge(rules, pulse, signal.at), signal), signal.at)
    return Heard(pulse, is_on_time, duration_ms)


def is_too_soon(rules: Rules, pulse: Pulse, now: datetime) -> bool:
    """Whether `/v1` refuses a ping (contract R17): the last is not a minute old, unless a run was due
    since."""
    last = pulse.last_ping_at
    if last is None or now - last >= timedelta(minutes=1):
        return False
    return recurrence_of(rules.schedule).newest_until(now, last) is None


def _known(pulse: Pulse) -> Pulse:
    return replace(pulse, status=JobStatus.HEALTHY)


def _run_deadline(rules: Rules, run: Run) -> datetime:
    seconds = rules.grace_seconds if rules.run_grace_seconds is None else rules.run_grace_seconds
    return run.started_at + timedelta(seconds=seconds)


def _miss(rules: Rules, pulse: Pulse, now: datetime) -> Pulse:
    """At F, or when N's deadline passes after it, the run of N is missed, and N moves to the newest
    occurrence. Each time is a strike."""
    recurrence = recurrence_of(rules.schedule)
    while pulse.expected_at is not None and pulse.status is not JobStatus.NEW:
        limit = _missed_after(rules, pulse, pulse.expected_at)
        if now <= limit:
            break
        following = recurrence.next_after(pulse.expected_at)
        if following is None or now < following:
            break
        if pulse.alarm.status is Status.DOWN:
            newest = recurrence.newest_until(now, pulse.expected_at)
            assert newest is not None
            before = recurrence.newest_until(newest - timedelta(seconds=1), pulse.expected_at)
            if before is not None and newest - before > rules.grace:
                # Whatever N was, the run before the newest one is overdue by now: no need to go through all.
                return replace(pulse, expected_at=newest)
        at = max(following, limit)
        pulse = replace(
            pulse,
            expected_at=recurrence.newest_until(at, pulse.expected_at),
            status=JobStatus.MISSED,
            reason=pulse.reason if pulse.status is JobStatus.MISSED else Reason.MISSED,
            strikes=pulse.strikes + 1,
        )
        pulse = _struck(rules, pulse, at)
    return pulse


def _missed_after(rules: Rules, pulse: Pulse, expected_at: datetime) -> datetime:
    """N's own deadline, or that of a run which counts as having come, if it is later: a run that takes too
    long is late, and not missed for it."""
    due = expected_at + rules.grace
    if pulse.run is None or not _has_come(rules, pulse.run, due):
        return due
    return max(due, _run_deadline(rules, pulse.run))


def _has_come(rules: Rules, run: Run, due: datetime) -> bool:
    return rules.run_grace_seconds is not None and run.started_at <= due


def _is_begun_again(rules: Rules, pulse: Pulse, at: datetime) -> bool:
    """Whether what has come by a start in time is replaced by a start that would not be."""
    if pulse.expected_at is None or pulse.run is None:
        return False
    due = pulse.expected_at + rules.grace
    return at > due and _has_come(rules, pulse.run, due)


def _caught_up(rules: Rules, pulse: Pulse, at: datetime) -> Pulse:
    judged = judge(rules, _known(pulse) if pulse.status is JobStatus.NEW else pulse, at)
    return replace(pulse, expected_at=judged.expected_at)


def _ended(rules: Rules, pulse: Pulse, signal: Signal) -> Pulse:
    expected_at = recurrence_of(rules.schedule).next_after(signal.at) if rules.is_enabled else None
    run = _run_after(pulse.run, signal)
    return replace(pulse, run=run, last_ping_at=signal.at, expected_at=expected_at)


def _succeed(rules: Rules, pulse: Pulse, before: datetime | None, *, is_on_time: bool) -> Pulse:
    at = pulse.last_ping_at
    assert at is not None
    pulse = replace(pulse, last_success_at=at, strikes=0)
    least = rules.least_seconds_between
    if least is not None and before is not None and at - before < timedelta(seconds=least):
        pulse = replace(pulse, status=JobStatus.MISSED, reason=Reason.TOO_OFTEN)
        return _alarmed(pulse, Status.DOWN, at)
    if is_on_time:
        return _alarmed(replace(pulse, status=JobStatus.HEALTHY, reason=Reason.NONE), Status.UP, at)
    return _alarmed(replace(pulse, status=JobStatus.LATE, reason=Reason.LATE), Status.DEGRADED, at)


def _fail(rules: Rules, pulse: Pulse, at: datetime) -> Pulse:
    pulse = replace(pulse, status=JobStatus.MISSED, reason=Reason.FAILED, strikes=pulse.strikes + 1)
    return _struck(rules, pulse, at)


def _struck(rules: Rules, pulse: Pulse, at: datetime) -> Pulse:
    return _alarmed(pulse, Status.DOWN, at) if pulse.strikes >= rules.failures_to_alarm else pulse


def _alarmed(pulse: Pulse, status: Status, at: datetime) -> Pulse:
    return replace(pulse, alarm=turned(pulse.alarm, status, at))


def _run_after(run: Run | None, signal: Signal) -> Run | None:
    """A success that names another run leaves this one open; anything else ends it (Healthchecks)."""
    if run is None or signal.run_id == run.id:
        return None
    return run if signal.kind is Kind.SUCCESS and signal.run_id else None


def _duration_ms(run: Run | None, signal: Signal) -> int | None:
    if run is None or signal.kind not in (Kind.SUCCESS, Kind.FAIL) or run.id != signal.run_id:
        return None
    took = signal.at - run.started_at
    return took // _MILLISECOND if timedelta(0) <= took <= LONGEST_RUN else None
