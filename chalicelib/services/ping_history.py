"""The history of a cron job's pings, newest first. They are numbered without gaps, so that a page is found by
its numbers, and what it skips is not read."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from chalicelib.domain.beat import Beat, beat_id
from chalicelib.domain.cron_job import CronHeartbeat
from chalicelib.domain.heartbeat import Caller, newest_first
from chalicelib.errors import NotFound
from chalicelib.services.deps import Deps
from chalicelib.services.pinging_jobs import BODY_BYTES

PREFIX: Final = "ping"
RETENTION: Final = timedelta(days=365)
KEPT_IN_FULL: Final = 100
"""Of so many newest ones it is known what came with them."""


@dataclass(frozen=True, slots=True)
class ListedPing:
    """`caller` is None where nothing is known of it, or not any more."""

    beat: Beat
    caller: Caller | None = None


@dataclass(frozen=True, slots=True)
class Page:
    pings: list[ListedPing]
    total: int


def ping_id(heartbeat: CronHeartbeat, beat: Beat) -> str:
    return beat_id(PREFIX, heartbeat.id, beat)


def list_pings(deps: Deps, heartbeat: CronHeartbeat, *, limit: int, offset: int) -> Page:
    """With the exact total of those that are not older than a year."""
    now = deps.now()
    first = _first_kept(deps, heartbeat, now)
    newest = heartbeat.count - offset
    oldest = max(first, newest - limit + 1)
    found = list(_newest_first(deps, heartbeat, newest, oldest, now))
    asked = [n for n, beat in found if beat.has_caller and n > heartbeat.count - KEPT_IN_FULL]
    callers = deps.beats.callers(heartbeat.id, asked, now) if asked else {}
    pings = [ListedPing(beat, callers.get(number)) for number, beat in found]
    return Page(pings, heartbeat.count - first + 1)


def read_body(deps: Deps, heartbeat: CronHeartbeat, id: str) -> bytes:
    """What a ping came with, as far as it is kept. Raises NotFound."""
    now = deps.now()
    oldest = max(1, heartbeat.count - KEPT_IN_FULL + 1)
    for number, beat in _newest_first(deps, heartbeat, heartbeat.count, oldest, now):
        if ping_id(heartbeat, beat) == id:
            kept = deps.beats.body(heartbeat.id, number, now) if beat.has_body else None
            if kept is None:
                raise NotFound("No body of this ping is kept.")
            return zlib.decompressobj().decompress(kept, BODY_BYTES)
    raise NotFound("There is no such ping.")


def find_mark(deps: Deps, heartbeat: CronHeartbeat, mark: bytes, since: datetime) -> Beat | None:
    """What an earlier try of a request that began at `since` has left, however long ago it was."""
    for _, beat in _newest_first(deps, heartbeat, heartbeat.count, 1, deps.now()):
        if beat.mark == mark:
            return beat
        if beat.at < since:
            break
    return None


def _first_kept(deps: Deps, heartbeat: CronHeartbeat, now: datetime) -> int:
    """The number of the oldest ping that is not too old; one more than the newest's when all are."""
    stored = deps.beats.oldest(heartbeat.id, now) if heartbeat.first_recent > 1 else None
    first, beats = stored or (heartbeat.first_recent, heartbeat.recent)
    return first + sum(beat.at <= now - RETENTION for beat in beats)


def _newest_first(
    deps: Deps, heartbeat: CronHeartbeat, newest: int, oldest: int, now: datetime
) -> Iterator[tuple[int, Beat]]:
    """The pings of these numbers. A block may overlap the recent ones, and the block after it."""
    for number, beat in newest_first(heartbeat):
        if oldest <= number <= newest:
            yield number, beat
    wanted = min(newest, heartbeat.first_recent - 1)
    if wanted < oldest:
        return
    for first, beats in deps.beats.blocks(heartbeat.id, wanted, now):
        for number in range(min(wanted, first + len(beats) - 1), max(first, oldest) - 1, -1):
            yield number, beats[number - first]
        wanted = first - 1
        if wanted < oldest:
            return
