"""The tick: once a minute, hand every shard its slots."""

from datetime import datetime

from chalicelib.domain.job import ProbeJob
from chalicelib.domain.schedule import shard_offset_seconds, slot_of
from chalicelib.services.deps import Deps

TICK_SECONDS = 60


def tick(deps: Deps, scheduled_at: datetime) -> int:
    """Enqueue the slots of the minute of `scheduled_at` (the event's own time, never the clock's, so that a
    late or doubled event means the same slots). Returns the number of messages.

    Shards begin at an offset of their own inside a slot, which spreads the load over the minute. Slots of
    fast shards that are already past are dropped: nothing is made up for.
    """
    minute = slot_of(scheduled_at.timestamp(), TICK_SECONDS)
    now = deps.now().timestamp()
    jobs = []
    for shard in deps.shards.all():
        if not shard.members:
            continue
        for slot in range(minute, minute + TICK_SECONDS, shard.slot_seconds):
            if slot + shard.slot_seconds <= now and shard.slot_seconds < TICK_SECONDS:
                continue
            starts_at = slot + shard_offset_seconds(shard.id, shard.slot_seconds)
            jobs.append((ProbeJob(shard.id, slot), max(0, round(starts_at - now))))
    deps.queue.send(jobs)
    return len(jobs)
