"""The alarm of a certificate: the stage it has entered, and what that leaves behind (contract 4.3)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from chalicelib.domain.certificate import TROUBLE, CertificateReading, SslStatus, days_left, ssl_status
from chalicelib.domain.incident import SSL, OutboxRow
from chalicelib.domain.outcome import Reason, Status

THRESHOLDS: Final = (30, 14, 7, 1)
"""Days left that are told of beside the monitor's own, where they are fewer."""

_MEANINGS: Final[dict[SslStatus, tuple[Status, Reason]]] = {
    "valid": (Status.UP, Reason.NONE),
    "expiring": (Status.DEGRADED, Reason.EXPIRING),
    "expired": (Status.DOWN, Reason.EXPIRED),
    "error": (Status.DOWN, Reason.UNREADABLE),
}


@dataclass(frozen=True, slots=True)
class SslAlarm:
    """The stage that was entered last: `status`, and while it is expiring the threshold in days.

    `opened_seq` is the seq that opened the current incident; 0 when there is none. `ends_at` is the latest
    notAfter of the incident in seconds of the epoch, None when none was seen.
    """

    status: SslStatus = "unknown"
    threshold: int = 0
    opened_seq: int = 0
    ends_at: int | None = None


UNJUDGED: Final = SslAlarm()
VALID: Final = SslAlarm("valid")


@dataclass(frozen=True, slots=True)
class SslTurn:
    """The entry of a stage. Its seq is the second in which it is written."""

    before: SslAlarm
    after: SslAlarm
    days_left: int
    at: int

    @property
    def seq(self) -> int:
        return self.at

    @property
    def opened_seq(self) -> int:
        """Of the incident that it opens, changes or ends."""
        return self.before.opened_seq or self.after.opened_seq


def judge(
    alarm: SslAlarm, found: CertificateReading, warning_days: int, now: datetime
) -> tuple[SslAlarm, SslTurn | None]:
    """The alarm after a reading, and the stage that it enters, if any. That all is well is news only after
    something else. A notAfter later than any of the incident starts over; an earlier one does not, or hosts
    that take turns would tell of every turn.
    """
    at = int(now.timestamp())
    status = ssl_status(found, now, warning_days)
    if alarm == UNJUDGED and found.fault in TROUBLE:
        return UNJUDGED, None  # nothing was ever known of it, and its monitor says that it is down
    if status == "valid":
        is_news = alarm.status not in ("valid", "unknown")
        return VALID, SslTurn(alarm, VALID, 0, at) if is_news else None
    ends_at = None if found.not_after is None else int(found.not_after.timestamp())
    left = days_left(found.not_after, now) if status == "expiring" and found.not_after else 0
    threshold = _threshold(left, warning_days) if status == "expiring" else 0
    latest = max((end for end in (alarm.ends_at, ends_at) if end is not None), default=None)
    starts_over = alarm.ends_at is not None and latest != alarm.ends_at
    if status == alarm.status and threshold >= alarm.threshold and not starts_over:
        return replace(alarm, ends_at=latest), None
    after = SslAlarm(status, threshold, alarm.opened_seq or at, latest)
    return after, SslTurn(alarm, after, left, at)


def _threshold(days: int, warning_days: int) -> int:
    """The one entered last with so many days left, of which the monitor's own is the first."""
    return min(t for t in (warning_days, *THRESHOLDS) if days <= t <= warning_days)


def ssl_row_of(shard: str, monitor_id: str, team_id: str, turn: SslTurn) -> OutboxRow:
    """`status_code` is the whole days left while it is expiring."""
    before = _MEANINGS.get(turn.before.status)
    after, reason = _MEANINGS[turn.after.status]
    return OutboxRow(
        shard=shard,
        monitor_id=monitor_id,
        team_id=team_id,
        kind=SSL,
        seq=turn.seq,
        opened_seq=turn.opened_seq,
        before=before[0] if before else None,
        after=after,
        slot=turn.at,
        at=turn.at,
        reason=reason,
        status_code=turn.days_left,
        response_ms=0,
    )
