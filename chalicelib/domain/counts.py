"""Cumulative numbers of results by position, so that `total` needs no walk over a month of ticks."""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chalicelib.domain import positions
from chalicelib.domain.tick import Tick


@dataclass(frozen=True, slots=True)
class Counts:
    """How many results each position has in slots before `upto`, since the shard began."""

    upto: int
    by_position: Mapping[int, int] = field(default_factory=dict)


def add_ticks(counts: Counts, ticks: Iterable[Tick], upto: int) -> Counts:
    """Count the ticks in [counts.upto, upto). Positions without a member stay: a monitor that moved to
    another shard still has the results of this one.

    Deterministic over the stored ticks, which are final by then, so a repeated write is harmless.
    """
    totals = dict(counts.by_position)
    for tick in ticks:
        if counts.upto <= tick.slot < upto:
            for position in positions.members(tick.bitmap):
                totals[position] = totals.get(position, 0) + 1
    return Counts(upto, totals)


def encode_counts(counts: Counts) -> bytes:
    """u8 length of bitmap, bitmap, u32 each."""
    order = sorted(counts.by_position)
    bitmap = positions.to_bytes(positions.to_bitmap(order))
    return (
        bytes((len(bitmap),))
        + bitmap
        + struct.pack(f"<{len(order)}I", *(counts.by_position[p] for p in order))
    )


def decode_counts(upto: int, data: bytes) -> Counts:
    bitmap = positions.from_bytes(data[1 : 1 + data[0]])
    numbers = struct.unpack_from(f"<{bitmap.bit_count()}I", data, 1 + data[0])
    return Counts(upto, dict(zip(positions.members(bitmap), numbers, strict=True)))
