"""What a certificate that was read means for a monitor (contract, section 4.3)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from chalicelib.domain.outcome import Reason

SslStatus = Literal["unknown", "valid", "expiring", "expired", "error"]

TROUBLE: Final = frozenset(
    {
        Reason.TIMEOUT,
        Reason.NAME_NOT_FOUND,
        Reason.NAME_FAILED,
        Reason.REFUSED,
        Reason.UNREACHABLE,
        Reason.CLOSED,
    }
)
"""What says nothing of a certificate: the target, or the way to it, was down."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CertificateReading:
    """What reading a certificate came to. `fault` says why there is none.

    `verify_reason` is why it is not accepted: only TLS_WRONG_HOST makes an error of it, since a certificate
    that nobody vouches for has its dates all the same.
    """

    fault: Reason = Reason.NONE
    not_after: datetime | None = None
    issuer: str | None = None
    verify_reason: Reason = Reason.NONE


def ssl_status(reading: CertificateReading | None, now: datetime, warning_days: int) -> SslStatus:
    """Without any reading `unknown`. One that reached no certificate, for whatever reason, is an `error`."""
    if reading is None:
        return "unknown"
    if reading.fault or reading.verify_reason is Reason.TLS_WRONG_HOST or reading.not_after is None:
        return "error"
    left = days_left(reading.not_after, now)
    if left < 0:
        return "expired"
    return "expiring" if left <= warning_days else "valid"


def days_left(not_after: datetime, now: datetime) -> int:
    """Whole days, rounded down: 0 on the last day, negative from the instant after the end."""
    return (not_after - now) // _DAY
