"""The one rule of push monitors: what a heartbeat makes of one, and what its silence does (Uptime Kuma 2).

Time is continuous here: what a monitor is at an instant follows from its last heartbeat alone, whoever looks
and however often. The minute's run only makes durable what has come true.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from chalicelib.domain.alarm import QUIET, Alarm, turned
from chalicelib.domain.known_time import UNKNOWN, KnownTime, counted, stopped
from chalicelib.domain.outcome import Reason, Status

LEEWAY: Final = timedelta(seconds=1)
"""What Kuma grants beyond the interval after a heartbeat that was up."""


class PushStatus(IntEnum):
    """The numbers are the storage format (4 bits of a beat): never reuse one. They are not Kuma's."""

    UP = 0
    DOWN = 1
    PENDING = 2


class Saying(IntEnum):
    """Where the words of the newest beat are. The numbers are the storage format: never reuse one."""

    NOTHING = 0
    DEFAULT = 1
    OWN = 2
    SILENCE = 3


@dataclass(frozen=True, slots=True)
class Rules:
    """`retries` is how many failures in a row leave a monitor pending. After one that silence has made, the
    next comes in `retry_interval_seconds` (None: the interval) while it is pending."""

    interval_seconds: int = 60
    retries: int = 0
    retry_interval_seconds: int | None = None
    is_upside_down: bool = False
    is_enabled: bool = True

    @property
    def interval(self) -> timedelta:
        return timedelta(seconds=self.interval_seconds)

    @property
    def retry_interval(self) -> timedelta:
        seconds = self.retry_interval_seconds
        return self.interval if seconds is None else timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is known of a monitor. `failures` counts those since it was up. `due_at` is the last instant at
    which it is not silent yet, None while it is disabled. `tallied_hour` is that of the newest stored tally.
    """

    status: PushStatus = PushStatus.PENDING
    reason: Reason = Reason.NONE
    failures: int = 0
    due_at: datetime | None = None
    changed_at: datetime | None = None
    last_push_at: datetime | None = None
    last_ping_ms: int | None = None
    saying: Saying = Saying.NOTHING
    known: KnownTime = UNKNOWN
    tallied_hour: int = 0
    alarm: Alarm = QUIET


@dataclass(frozen=True, slots=True)
class Push:
    """A heartbeat as it came in, to the millisecond. Its words are stored elsewhere, unless they are those
    that everybody has."""

    is_up: bool
    at: datetime
    ping_ms: int | None = None
    has_words: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """A failure by silence, when it was due. Only a change is told as a beat: that of the status, or the
    first that is known of the monitor."""

    at: datetime
    pulse: Pulse
    is_change: bool


def begin(rules: Rules, pulse: Pulse, now: datetime) -> Pulse:
    """A monitor that is created or enabled: nothing is held against it but what comes from now on. What was
    told of it before stands until it pushes that it is up."""
    pulse = replace(pulse, reason=Reason.NONE, failures=0, due_at=now + rules.interval)
    if pulse.status is not PushStatus.PENDING:
        pulse = replace(pulse, status=PushStatus.PENDING, changed_at=now)
    return pulse


def reschedule(rules: Rules, pulse: Pulse, now: datetime) -> Pulse:
    """After a change of the rules, one interval from now, as Kuma starts a changed monitor anew."""
    return replace(pulse, due_at=now + rules.interval)


def stop(pulse: Pulse, now: datetime) -> Pulse:
    """A monitor that is disabled is expected no more. Its status stays what it was, and is not known."""
    if pulse.known.until is None:
        return replace(pulse, due_at=None)
    known = stopped(counted(pulse.known, now, was_up=pulse.status is PushStatus.UP))
    return replace(pulse, due_at=None, known=known)


def deadline(rules: Rules, pulse: Pulse) -> datetime | None:
    """The last instant at which silence has changed nothing yet; None when it never will."""
    final = PushStatus.UP if rules.is_upside_down else PushStatus.DOWN
    return None if pulse.status is final or not rules.is_enabled else pulse.due_at


def silences(rules: Rules, pulse: Pulse, now: datetime) -> Iterator[Silence]:
    """What time alone has made of the monitor by `now`, failure by failure."""
    while (at := deadline(rules, pulse)) is not None and now > at:
        before = pulse
        pulse = _rise(pulse, at) if rules.is_upside_down else _fail(rules, pulse, at, Reason.SILENT)
        wait = rules.retry_interval if pulse.status is PushStatus.PENDING else rules.interval
        pulse = replace(pulse, due_at=at + wait)
        is_change = pulse.status is not before.status or before.known.until is None
        if is_change:
            pulse = replace(pulse, saying=Saying.SILENCE)
        yield Silence(at, pulse, is_change)


def judge(rules: Rules, pulse: Pulse, now: datetime) -> Pulse:
    """What time alone has made of the monitor by `now`."""
    for silence in silences(rules, pulse, now):
        pulse = silence.pulse
    return pulse


def hear(rules: Rules, pulse: Pulse, push: Push) -> Pulse:
    """What a heartbeat makes of the monitor, once silence has been judged."""
    pulse = judge(rules, pulse, push.at)
    if push.is_up is rules.is_upside_down:
        pulse = _fail(rules, pulse, push.at, Reason.PUSHED_DOWN)
    else:
        pulse = _rise(pulse, push.at)
    leeway = LEEWAY if pulse.status is PushStatus.UP else timedelta(0)
    return replace(
        pulse,
        due_at=push.at + rules.interval + leeway,
        last_push_at=push.at,
        last_ping_ms=push.ping_ms,
        saying=Saying.OWN if push.has_words else Saying.DEFAULT,
    )


def known_until(pulse: Pulse, until: datetime) -> KnownTime:
    """Of a judged pulse, the known time up to this instant, which is not before the last change."""
    if pulse.known.until is None:
        return pulse.known
    return counted(pulse.known, until, was_up=pulse.status is PushStatus.UP)


def _fail(rules: Rules, pulse: Pulse, at: datetime, reason: Reason) -> Pulse:
    is_final = pulse.status is PushStatus.DOWN or pulse.failures >= rules.retries
    status = PushStatus.DOWN if is_final else PushStatus.PENDING
    return _become(replace(pulse, failures=pulse.failures + 1, reason=reason), status, at)


def _rise(pulse: Pulse, at: datetime) -> Pulse:
    return _become(replace(pulse, failures=0, reason=Reason.NONE), PushStatus.UP, at)


def _become(pulse: Pulse, status: PushStatus, at: datetime) -> Pulse:
    was_up = pulse.status is PushStatus.UP
    pulse = replace(pulse, known=counted(pulse.known, at, was_up=was_up))
    if status is not pulse.status:
        pulse = replace(pulse, status=status, changed_at=at)
    if status is PushStatus.PENDING:
        return pulse
    word = Status.UP if status is PushStatus.UP else Status.DOWN
    return replace(pulse, alarm=turned(pulse.alarm, word, at))
