"""The certificates of a shard as they were last read: what is kept, when to read again, what is shown.

Layout (little-endian), about 21 bytes a monitor:

    u8 version, u8 length of bitmap, bitmap of positions
    4 bytes digest of the target, u8 fault, u8 verify reason, i40 end of the certificate in seconds of the
    epoch, u32 when this was found, u32 when it was last looked for, u16 which issuer: a row for each
    position, in the order of the bitmap
    issuers: u16 length, text
"""

import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from chalicelib.domain import positions
from chalicelib.domain.certificate import CertificateReading, SslStatus, ssl_status
from chalicelib.domain.monitor import Spec
from chalicelib.domain.outcome import Reason
from chalicelib.domain.target import BadTarget, parse_url

RENEWAL_SECONDS: Final = 20 * 3600
SPREAD_SECONDS: Final = 3 * 3600
"""A reading lasts 20 to 23 hours, by position: at least daily, and not all of a shard's in one minute."""
RETRY_SECONDS: Final = 3600
"""How long an error or the end of a certificate lasts unseen: somebody may be mending it."""
TROUBLE_SECONDS: Final = 48 * 3600
"""For so long a target that cannot be reached keeps what was last found."""
MOST_PER_RUN: Final = 30
MAX_ISSUER_LENGTH: Final = 64
"""What X.520 allows for the names that are shown; more would be paid for every minute."""

_TROUBLE: Final = frozenset(
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

_ROW: Final = struct.Struct("<4sBB5sIIH")
_VERSION: Final = 1
_DIGEST_LENGTH: Final = 4
_NO_END: Final = -(1 << 39)
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


@dataclass(frozen=True, slots=True)
class SslReadings:
    """Those of a shard, by position. Version 0 is nothing stored."""

    version: int = 0
    by_position: Mapping[int, SslReading] = field(default_factory=dict)


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
    now: datetime,
) -> dict[int, SslReading]:
    """What is to be kept. `targets` are those of all members that want to be read: others drop out."""
    seconds = int(now.timestamp())
    merged: dict[int, SslReading] = {}
    for position, target in targets.items():
        reading = _reading_of(readings.get(position), target)
        if position in found:
            reading = _follow(reading, SslReading(target.digest, found[position], seconds, seconds))
        if reading is not None:
            merged[position] = reading
    return merged


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
        and after.found.fault in _TROUBLE
        and after.tried_at - before.checked_at < TROUBLE_SECONDS
    ):
        return replace(before, tried_at=after.tried_at)
    return after


def encode_ssl_readings(readings: Mapping[int, SslReading]) -> bytes:
    order = sorted(readings)
    bitmap = positions.to_bytes(positions.to_bitmap(order))
    issuers: dict[str, int] = {}
    for position in order:
        issuers.setdefault(_issuer(readings[position]), len(issuers))
    rows = (_pack(readings[position], issuers[_issuer(readings[position])]) for position in order)
    return b"".join((bytes((_VERSION, len(bitmap))), bitmap, *rows, *_pack_texts(issuers)))


def decode_ssl_readings(data: bytes) -> dict[int, SslReading]:
    begin = 2 + data[1]
    bitmap = positions.from_bytes(data[2:begin])
    end = begin + _ROW.size * bitmap.bit_count()
    issuers = _unpack_texts(data[end:])
    rows = _ROW.iter_unpack(data[begin:end])
    return {
        position: _unpack(row, issuers) for position, row in zip(positions.members(bitmap), rows, strict=True)
    }


def _issuer(reading: SslReading) -> str:
    return (reading.found.issuer or "")[:MAX_ISSUER_LENGTH]


def _pack(reading: SslReading, issuer: int) -> bytes:
    found = reading.found
    end = _NO_END if found.not_after is None else int(found.not_after.timestamp())
    return _ROW.pack(
        reading.target,
        found.fault,
        found.verify_reason,
        end.to_bytes(5, "little", signed=True),
        reading.checked_at,
        reading.tried_at,
        issuer,
    )


def _unpack(row: tuple[Any, ...], issuers: list[str]) -> SslReading:
    target, fault, verify_reason, end, checked_at, tried_at, issuer = row
    seconds = int.from_bytes(end, "little", signed=True)
    found = CertificateReading(
        fault=Reason(fault),
        not_after=None if seconds == _NO_END else datetime.fromtimestamp(seconds, UTC),
        issuer=issuers[issuer] or None,
        verify_reason=Reason(verify_reason),
    )
    return SslReading(target, found, checked_at, tried_at)


def _pack_texts(texts: Iterable[str]) -> Iterable[bytes]:
    for text in texts:
        data = text.encode(errors="replace")
        yield struct.pack("<H", len(data)) + data


def _unpack_texts(data: bytes) -> list[str]:
    texts, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<H", data, at)
        texts.append(data[at + 2 : at + 2 + length].decode())
        at += 2 + length
    return texts
