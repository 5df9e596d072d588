"""How the certificates of a shard are stored.

Layout (little-endian), about 21 bytes a monitor:

    u8 version, u8 length of bitmap, bitmap of positions
    4 bytes digest of the target, u8 fault, u8 verify reason, i40 end of the certificate in seconds of the
    epoch, u32 when this was found, u32 when it was last looked for, u16 which issuer: a row for each
    position, in the order of the bitmap
    u8 length of bitmap, bitmap of those positions whose alarm is not simply that all is well
    u16 stage (days of the threshold; 0 and from 1000 on the others), u32 seq that opened the incident, i40
    the latest end in the incident: a row for each of these
    issuers: u16 length, text

Version 1 had no alarms: all of them are unjudged.
"""

import struct
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from chalicelib.domain import positions
from chalicelib.domain.certificate import CertificateReading, SslStatus
from chalicelib.domain.outcome import Reason
from chalicelib.domain.ssl_alarm import UNJUDGED, VALID, SslAlarm
from chalicelib.domain.ssl_readings import SslReading

MAX_ISSUER_LENGTH: Final = 64
"""What X.520 allows for the names that are shown; more would be paid for every minute."""

_ROW: Final = struct.Struct("<4sBB5sIIH")
_ALARM: Final = struct.Struct("<HI5s")
_VERSION_WITHOUT_ALARMS: Final = 1
_VERSION: Final = 2
_STAGES: Final[Mapping[int, SslStatus]] = {0: "unknown", 1000: "valid", 1001: "expired", 1002: "error"}
_STAGE_NUMBERS: Final = {status: number for number, status in _STAGES.items()}
_NO_END: Final = -(1 << 39)


def encode_ssl_readings(readings: Mapping[int, SslReading]) -> bytes:
    order = sorted(readings)
    alarms = {p: readings[p].alarm for p in order if readings[p].alarm != VALID}
    issuers: dict[str, int] = {}
    for position in order:
        issuers.setdefault(_issuer(readings[position]), len(issuers))
    rows = (_pack(readings[position], issuers[_issuer(readings[position])]) for position in order)
    parts = (
        bytes((_VERSION,)),
        _pack_bitmap(order),
        *rows,
        _pack_bitmap(alarms),
        *map(_pack_alarm, alarms.values()),
        *_pack_texts(issuers),
    )
    return b"".join(parts)


def decode_ssl_readings(data: bytes) -> dict[int, SslReading]:
    bitmap, begin = _unpack_bitmap(data, 1)
    order, end = positions.members(bitmap), begin + _ROW.size * bitmap.bit_count()
    rows = _ROW.iter_unpack(data[begin:end])
    if data[0] == _VERSION_WITHOUT_ALARMS:
        alarms, otherwise = {}, UNJUDGED
    else:
        alarmed, begin = _unpack_bitmap(data, end)
        end = begin + _ALARM.size * alarmed.bit_count()
        unpacked = map(_unpack_alarm, _ALARM.iter_unpack(data[begin:end]))
        alarms, otherwise = dict(zip(positions.members(alarmed), unpacked, strict=True)), VALID
    issuers = _unpack_texts(data[end:])
    return {
        position: _unpack(row, issuers, alarms.get(position, otherwise))
        for position, row in zip(order, rows, strict=True)
    }


def _pack_bitmap(order: Iterable[int]) -> bytes:
    bitmap = positions.to_bytes(positions.to_bitmap(order))
    return bytes((len(bitmap),)) + bitmap


def _unpack_bitmap(data: bytes, at: int) -> tuple[int, int]:
    """The bitmap, and where what follows it begins."""
    end = at + 1 + data[at]
    return positions.from_bytes(data[at + 1 : end]), end


def _issuer(reading: SslReading) -> str:
    return (reading.found.issuer or "")[:MAX_ISSUER_LENGTH]


def _pack(reading: SslReading, issuer: int) -> bytes:
    found = reading.found
    end = None if found.not_after is None else int(found.not_after.timestamp())
    return _ROW.pack(
        reading.target,
        found.fault,
        found.verify_reason,
        _pack_end(end),
        reading.checked_at,
        reading.tried_at,
        issuer,
    )


def _unpack(row: tuple[Any, ...], issuers: list[str], alarm: SslAlarm) -> SslReading:
    target, fault, verify_reason, end, checked_at, tried_at, issuer = row
    seconds = _unpack_end(end)
    found = CertificateReading(
        fault=Reason(fault),
        not_after=None if seconds is None else datetime.fromtimestamp(seconds, UTC),
        issuer=issuers[issuer] or None,
        verify_reason=Reason(verify_reason),
    )
    return SslReading(target, found, checked_at, tried_at, alarm)


def _pack_alarm(alarm: SslAlarm) -> bytes:
    stage = alarm.threshold or _STAGE_NUMBERS[alarm.status]
    return _ALARM.pack(stage, alarm.opened_seq, _pack_end(alarm.ends_at))


def _unpack_alarm(row: tuple[Any, ...]) -> SslAlarm:
    stage, opened_seq, end = row
    status = _STAGES.get(stage)
    if status is None:
        return SslAlarm("expiring", stage, opened_seq, _unpack_end(end))
    return SslAlarm(status, 0, opened_seq, _unpack_end(end))


def _pack_end(seconds: int | None) -> bytes:
    return (_NO_END if seconds is None else seconds).to_bytes(5, "little", signed=True)


def _unpack_end(data: bytes) -> int | None:
    seconds = int.from_bytes(data, "little", signed=True)
    return None if seconds == _NO_END else seconds


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
