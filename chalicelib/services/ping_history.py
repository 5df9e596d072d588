"""The history of a cron job's pings, newest first."""

import zlib
from dataclasses import dataclass
from typing import Final

from chalicelib.domain.beat import Beat, beat_id
from chalicelib.domain.cron_job import CronHeartbeat
from chalicelib.domain.heartbeat import Caller
from chalicelib.errors import NotFound
from chalicelib.services.beat_history import KEPT_IN_FULL, beats_between, page_of_beats
from chalicelib.services.deps import Deps
from chalicelib.services.pinging_jobs import BODY_BYTES

PREFIX: Final = "ping"


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
    page = page_of_beats(deps, heartbeat, limit=limit, offset=offset, now=now)
    asked = [n for n, beat in page.beats if beat.has_caller and n > heartbeat.count - KEPT_IN_FULL]
    callers = deps.beats.callers(heartbeat.id, asked, now) if asked else {}
    return Page([ListedPing(beat, callers.get(number)) for number, beat in page.beats], page.total)


def read_body(deps: Deps, heartbeat: CronHeartbeat, id: str) -> bytes:
    """What a ping came with, as far as it is kept. Raises NotFound."""
    now = deps.now()
    oldest = max(1, heartbeat.count - KEPT_IN_FULL + 1)
    for number, beat in beats_between(deps, heartbeat, heartbeat.count, oldest, now):
        if ping_id(heartbeat, beat) == id:
            kept = deps.beats.body(heartbeat.id, number, now) if beat.has_body else None
            if kept is None:
                raise NotFound("No body of this ping is kept.")
            return zlib.decompressobj().decompress(kept, BODY_BYTES)
    raise NotFound("There is no such ping.")
