"""When a monitor is due. Slots are computed from the anchor, never stored, so nothing drifts.

A slot is the epoch second at which it begins and is `slot_seconds` long. A monitor is due in slot `s`
when `s >= anchor` and `(anchor - s) mod interval < slot_seconds`: the anchor's slot first, then the slot
that holds `anchor + k * interval`. Any whole second works as an interval of at least one slot.
"""

import math
from collections.abc import Iterator
from enum import StrEnum
from zlib import crc32

ANCHOR_MARGIN_SECONDS = 15
"""A configuration write ends within 10 s (client timeout), so a run of the anchor's slot has seen it."""

STALE_AFTER_SLOTS_SECONDS = {60: 180, 10: 60}
FIRST_RUN_GRACE_SECONDS = 60
SPARSE_SLOTS = 6
"""From this interval on, in slots, picking due slots (0.5 RRU each) beats a Query over all of them."""
SETTLED_SECONDS = 360
"""A tick of slot `s` is written by `s + 330` at the latest (staleness, first-run grace, function timeout)."""


class SpeedClass(StrEnum):
    """Which shards a monitor lives in: `fast` has slots of 10 s, `slow` holds timeouts over 15 s."""

    NORMAL = "normal"
    SLOW = "slow"
    FAST = "fast"

    @property
    def slot_seconds(self) -> int:
        return 10 if self is SpeedClass.FAST else 60


def speed_class(interval_seconds: int, timeout_seconds: float) -> SpeedClass:
    if interval_seconds < 60:
        return SpeedClass.FAST
    return SpeedClass.SLOW if timeout_seconds > 15 else SpeedClass.NORMAL


def slot_of(at_seconds: float, slot_seconds: int) -> int:
    """The slot that holds an instant."""
    return math.floor(at_seconds) // slot_seconds * slot_seconds


def anchor_after(now_seconds: float, slot_seconds: int) -> int:
    """The first slot that begins at least `ANCHOR_MARGIN_SECONDS` after `now`."""
    return math.ceil((now_seconds + ANCHOR_MARGIN_SECONDS) / slot_seconds) * slot_seconds


def is_due(slot: int, *, anchor: int, interval_seconds: int, slot_seconds: int) -> bool:
    return slot >= anchor and (anchor - slot) % interval_seconds < slot_seconds


def due_slots_backwards(
    *, from_slot: int, to_slot: int, anchor: int, interval_seconds: int, slot_seconds: int
) -> Iterator[int]:
    """The due slots in [from_slot, to_slot), newest first."""
    if to_slot <= max(from_slot, anchor):
        return
    k = (to_slot - 1 - anchor) // interval_seconds + 1
    while k >= 0:
        slot = (anchor + k * interval_seconds) // slot_seconds * slot_seconds
        k -= 1
        if slot >= to_slot:
            continue
        if slot < max(from_slot, anchor):
            return
        yield slot


def shard_offset_seconds(shard: str, slot_seconds: int) -> int:
    """Where in its slot a shard's run begins, so that the shards of a deployment spread over the minute."""
    return crc32(shard.encode()) % (45 if slot_seconds == 60 else 8)


def sweep_boundary(shard: str, slot: int) -> int:
    """The newest instant not after `slot` that is the shard's own minute of an hour (minutes 6 to 59)."""
    minute_seconds = (6 + crc32(shard.encode()) % 54) * 60
    return (slot - minute_seconds) // 3600 * 3600 + minute_seconds


def stale_after_seconds(slot_seconds: int, *, is_first_run: bool) -> int:
    """How long after its slot's begin a run may still start; missed slots are not made up for."""
    return STALE_AFTER_SLOTS_SECONDS[slot_seconds] + (FIRST_RUN_GRACE_SECONDS if is_first_run else 0)
