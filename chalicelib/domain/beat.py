"""What is kept of every ping of a cron job and every heartbeat of a push monitor, 22 bytes each.

The newest are part of the item that a ping writes anyway, so that a ping is stored in the same write that
counts it; the minute's run moves them into blocks.
"""

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from chalicelib.domain.identifier import with_prefix
from chalicelib.domain.instant import from_milliseconds, to_milliseconds

MOST_RECENT: Final = 24
"""Beyond this a ping moves them into a block itself: the item must stay below a kilobyte to cost one unit."""
BLOCK_FROM: Final = 12
"""From this many on the minute's run moves them."""
MARK_BYTES: Final = 8

_BEAT = struct.Struct(">QBBI8s")
_NO_DURATION: Final = 0xFFFF_FFFF
MOST_MILLISECONDS: Final = _NO_DURATION - 1
"""Seven weeks. What took longer is stored as this."""
_IS_FINE, _HAS_BODY, _HAS_CODE, _HAS_CALLER = 0x10, 0x20, 0x40, 0x80


@dataclass(frozen=True, slots=True)
class Beat:
    """`kind` is the resource's own number, 0 to 15. `code` is an exit status. `milliseconds` is a run's
    duration, or what the caller measured. `mark` is 8 random bytes: they tell one try of a request from
    another request, and the id comes from them."""

    kind: int
    at: datetime
    is_fine: bool
    mark: bytes
    code: int | None = None
    milliseconds: int | None = None
    has_body: bool = False
    has_caller: bool = False


def beat_id(prefix: str, owner_id: str, beat: Beat) -> str:
    digest = hashlib.blake2b(owner_id.encode() + beat.mark, digest_size=16).digest()
    return with_prefix(prefix, UUID(bytes=digest))


def encode_beats(beats: Iterable[Beat]) -> bytes:
    """Oldest first."""
    return b"".join(map(_pack, beats))


def decode_beats(data: bytes) -> tuple[Beat, ...]:
    return tuple(map(_unpack, _BEAT.iter_unpack(data)))


def _pack(beat: Beat) -> bytes:
    flags = beat.kind
    flags |= _IS_FINE if beat.is_fine else 0
    flags |= _HAS_BODY if beat.has_body else 0
    flags |= _HAS_CODE if beat.code is not None else 0
    flags |= _HAS_CALLER if beat.has_caller else 0
    took = _NO_DURATION if beat.milliseconds is None else min(beat.milliseconds, MOST_MILLISECONDS)
    return _BEAT.pack(to_milliseconds(beat.at), flags, beat.code or 0, took, beat.mark)


def _unpack(row: Sequence[int | bytes]) -> Beat:
    at, flags, code, took, mark = row
    assert isinstance(at, int)
    assert isinstance(flags, int)
    assert isinstance(code, int)
    assert isinstance(mark, bytes)
    return Beat(
        kind=flags & 0x0F,
        at=from_milliseconds(at),
        is_fine=bool(flags & _IS_FINE),
        mark=mark,
        code=code if flags & _HAS_CODE else None,
        milliseconds=None if took == _NO_DURATION else int(took),
        has_body=bool(flags & _HAS_BODY),
        has_caller=bool(flags & _HAS_CALLER),
    )
