"""Ids: a prefix that names the resource kind and 32 lower-case hex digits (contract, section 1)."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime.fromtimestamp(0, UTC)


def _as_uuid7(milliseconds: int, random_bits: int) -> UUID:
    """RFC 9562 version 7: 48 bits of time, then 74 free bits around version and variant."""
    high = (milliseconds & 0xFFFF_FFFF_FFFF) << 16 | 0x7000 | random_bits >> 62 & 0xFFF
    return UUID(int=high << 64 | 0x8 << 60 | random_bits & (1 << 62) - 1)


def new_uuid(now: datetime, random_bits: int) -> UUID:
    return _as_uuid7((now - _EPOCH) // timedelta(milliseconds=1), random_bits)


def with_prefix(prefix: str, uuid: UUID) -> str:
    return f"{prefix}_{uuid.hex}"


def result_id(prefix: str, monitor_id: str, slot: int) -> str:
    """The same for every run of a slot, so that repeated work cannot yield a second result."""
    digest = hashlib.blake2b(f"{monitor_id}#{slot}".encode(), digest_size=10).digest()
    return with_prefix(prefix, _as_uuid7(slot * 1000, int.from_bytes(digest)))
