"""The certificates of a shard as they were last read: what is kept, when to read again, what is shown."""

import hashlib
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from chalicelib.domain.certificate import TROUBLE, CertificateReading, SslStatus, ssl_status
from chalicelib.domain.monitor import Spec
from chalicelib.domain.ssl_alarm import UNJUDGED, SslAlarm, SslTurn, judge
from chalicelib.domain.target import BadTarget, parse_url

RENEWAL_SECONDS: Final = 20 * 3600
SPREAD_SECONDS: Final = 3 * 3600
"""A reading lasts 20 to 23 hours, by position: at least daily, and not all of a shard's in one minute."""
RETRY_SECONDS: Final = 3600
"""How long an error or the end of a certificate lasts unseen: somebody may be mending it."""
TROUBLE_SECONDS: Final = 48 * 3600
"""For so long a target that cannot be reached keeps what was last found."""
GONE_SECONDS: Final = 48 * 3600
"""How long what was read of a position without a member is kept: a run with an older pack knows nothing of a
monitor that is new, or has moved here with its reading."""
MOST_PER_RUN: Final = 30
MOST_TURNS: Final = 49
"""Of one save. Readings that would make more are left to the next run."""

_DIGEST_LENGTH: Final = 4
_GOLDEN_SECTION: Final = 6675
"""Of the spread, so that neighbours lie far apart."""
_RIPE: Final = 0.85
"""Readings this near their end are renewed together with one that is due: a write pays for all of them."""


class CertificateTarget(NamedTuple):
    """Whose certificate is read."""

    host: str
    port: int

    @property
    def digest(self) -> bytes:
        return hashlib.blake2b(f"{self.host}:{self.port}".encode(), digest_size=_DIGEST_LENGTH).digest()


@dataclass(frozen=True, slots=True)
class SslReading:
    """What is kept of one position. `tried_at` is later than `checked_at` while its target is in trouble."""

    target: bytes
    found: CertificateReading
    checked_at: int
    tried_at: int
    alarm: SslAlarm = UNJUDGED


@dataclass(frozen=True, slots=True)
class SslReadings:
    """Those of a shard, by position. Version 0 is nothing stored."""

    version: int = 0
    by_position: Mapping[int, SslReading] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Merged:
    """What is to be kept, and by position the stages that were entered."""

    readings: Mapping[int, SslReading]
    turns: Mapping[int, SslTurn]


@dataclass(frozen=True, slots=True)
class Ssl:
    """What is shown of a monitor's certificate."""

    status: SslStatus = "unknown"
    expires_at: datetime | None = None
    issuer: str | None = None
    checked_at: datetime | None = None


SSL_UNKNOWN: Final = Ssl()


def certificate_target(spec: Spec) -> CertificateTarget | None:
    """None when no certificate is wanted, or the URL has none."""
    url: Any = spec.get("url")
    if not spec.get("sslMonitoringEnabled") or not isinstance(url, str):
        return None
    try:
        target = parse_url(url)
    except BadTarget:
        return None
    return CertificateTarget(target.host, target.port) if target.scheme == "https" else None


def choose_due(
    readings: Mapping[int, SslReading], targets: Mapping[int, CertificateTarget], now: datetime
) -> list[int]:
    """The positions to read now, at most MOST_PER_RUN: those without a reading of this target first, then
    those whose reading is the oldest for its kind. None at all unless one of them is due."""
    ages = {
        position: _age(position, _reading_of(readings.get(position), target), now)
        for position, target in targets.items()
    }
    if max(ages.values(), default=0.0) < 1.0:
        return []
    ripe = sorted((position for position, age in ages.items() if age >= _RIPE), key=lambda p: -ages[p])
    return ripe[:MOST_PER_RUN]


def merge(
    readings: Mapping[int, SslReading],
    targets: Mapping[int, CertificateTarget],
    found: Mapping[int, CertificateReading],
    warning_days: Mapping[int, int],
    members: Container[int],
    now: datetime,
) -> Merged:
    """What is to be kept. `targets` are those of all members that want to be read: other members drop out.

    A reading that is kept of another target starts over. One that is as new as what was found stays: another
    run has judged it, and no second holds two stages of one certificate.
    """
    seconds = int(now.timestamp())
    merged = {
        position: reading
        for position, reading in readings.items()
        if position not in members and seconds - reading.tried_at < GONE_SECONDS
    }
    turns: dict[int, SslTurn] = {}
    for position, target in sorted(targets.items()):
        before = reading = _reading_of(readings.get(position), target)
        if position in found and (before is None or before.tried_at < seconds):
            reading = _follow(before, SslReading(target.digest, found[position], seconds, seconds))
            alarm = before.alarm if before else UNJUDGED
            alarm, turn = judge(alarm, reading.found, warning_days[position], now)
            reading = replace(reading, alarm=alarm)
            if turn is not None and len(turns) == MOST_TURNS:
                reading = before
            elif turn is not None:
                turns[position] = turn
        if reading is not None:
            merged[position] = reading
    return Merged(merged, turns)


def shown(spec: Spec, reading: SslReading | None, now: datetime) -> Ssl:
    """`expiring` and `expired` come with time, not with a new reading."""
    target = certificate_target(spec)
    reading = _reading_of(reading, target) if target else None
    if reading is None:
        return SSL_UNKNOWN
    return Ssl(
        status=ssl_status(reading.found, now, spec["sslExpiryWarningDays"]),
        expires_at=reading.found.not_after,
        issuer=reading.found.issuer,
        checked_at=datetime.fromtimestamp(reading.checked_at, UTC),
    )


def _reading_of(reading: SslReading | None, target: CertificateTarget) -> SslReading | None:
    """What was read of another host says nothing."""
    return reading if reading is not None and reading.target == target.digest else None


def _age(position: int, reading: SslReading | None, now: datetime) -> float:
    """As a part of a reading's life: 1 is due."""
    if reading is None:
        return float("inf")
    is_bad = ssl_status(reading.found, now, warning_days=0) in ("error", "expired")
    if is_bad or reading.tried_at != reading.checked_at:
        lasts = RETRY_SECONDS
    else:
        lasts = RENEWAL_SECONDS + position * _GOLDEN_SECTION % SPREAD_SECONDS
    return (now.timestamp() - reading.tried_at) / lasts


def _follow(before: SslReading | None, after: SslReading) -> SslReading:
    if (
        before is not None
        and not before.found.fault
        and after.found.fault in TROUBLE
        and after.tried_at - before.checked_at < TROUBLE_SECONDS
    ):
        return replace(before, tried_at=after.tried_at)
    return after
