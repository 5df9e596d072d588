"""The alarm of what reports in by itself: how bad it is as alerts see it, and which incident is open."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from chalicelib.domain.outcome import Reason, Status


@dataclass(frozen=True, slots=True)
class Alarm:
    """`since` is when it was due to turn. `seq` counts the turns of the job's life; `opened_seq` is the one
    that opened the current incident, at `opened_at`; 0 when there is none."""

    status: Status = Status.UP
    since: datetime | None = None
    seq: int = 0
    opened_seq: int = 0
    opened_at: datetime | None = None


QUIET: Final = Alarm()


@dataclass(frozen=True, slots=True)
class Turn:
    """One change of an alarm as it is written: one incident and one outbox row. Between the two several may
    lie, when nobody looked for a while; their incident opened when it was due."""

    before: Alarm
    after: Alarm
    reason: Reason

    @property
    def opened_seq(self) -> int:
        """Of the incident that it opens, changes or ends."""
        return self.before.opened_seq or self.after.opened_seq


def turned(alarm: Alarm, status: Status, at: datetime) -> Alarm:
    """The alarm at another status; itself at its own."""
    if status is alarm.status:
        return alarm
    seq = alarm.seq + 1
    after = replace(alarm, status=status, since=at, seq=seq)
    if status.is_healthy:
        return replace(after, opened_seq=0, opened_at=None)
    if alarm.opened_seq:
        return after
    return replace(after, opened_seq=seq, opened_at=at)


def turn_between(before: Alarm, after: Alarm, reason: Reason) -> Turn | None:
    return None if before.status is after.status else Turn(before, after, reason)
