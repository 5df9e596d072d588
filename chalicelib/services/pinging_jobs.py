"""A ping of a cron job, from whichever of the doors: one rule, one write, and then what is kept beside it."""

import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chalicelib.domain.alarm import turn_between
from chalicelib.domain.beat import BLOCK_FROM, MARK_BYTES, MOST_RECENT, Beat
from chalicelib.domain.cron_job import KIND, CronHeartbeat
from chalicelib.domain.heartbeat import Caller, Heartbeat, Place, beat_with_mark, with_beat
from chalicelib.domain.lateness import Kind, Signal, hear
from chalicelib.errors import Contended
from chalicelib.services.deps import Deps
from chalicelib.services.retrying import TRIES, pause

BODY_BYTES = 100_000
"""Of a body so many bytes are kept, whatever they are."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ping:
    """What came in, whatever the protocol was. `exit_status` is 0 to 255. Nothing is kept of callers with an
    API key (contract 4.7: they are told nobody)."""

    kind: Kind
    caller: Caller | None
    exit_status: int | None = None
    body: bytes = b""


def ping_job(
    deps: Deps,
    place: Place,
    ping: Ping,
    mark: bytes | None = None,
    refuse: Callable[[CronHeartbeat, datetime], None] = lambda heartbeat, now: None,
) -> tuple[CronHeartbeat, Beat] | None:
    """Store a ping; the job afterwards, and the ping as it is stored. None when there is no such job.

    A repeated `mark` finds what its first try has stored. `refuse` raises when the job as it is does not
    take the ping. It has happened once it is counted: what is kept of it beside that may be lost.
    """
    mark = mark or deps.random_bits(8 * MARK_BYTES).to_bytes(MARK_BYTES)
    now = _whole_milliseconds(deps.now())
    for attempt in range(TRIES):
        pause(deps, attempt)
        read = deps.heartbeats.get(place, consistent=True)
        if read is None or read.kind != KIND:
            return None
        stored = beat_with_mark(read, mark)
        if stored is not None:  # that try may have ended before it kept anything
            _keep(deps, read.id, read.first_recent + read.recent.index(stored), ping, now)
            return read, stored
        refuse(read, now)
        after, beat = _heard(read, ping, mark, now)
        turn = turn_between(read.pulse.alarm, after.pulse.alarm, after.pulse.reason)
        try:
            if len(after.recent) > MOST_RECENT:
                after = move_to_block(deps, after, keep=1)
            is_saved = deps.heartbeats.save(after, turn)
        except Contended:
            continue
        if is_saved:
            _keep(deps, after.id, after.count, ping, now)
            return after, beat
    raise Contended("ping")


def move_to_block(deps: Deps, heartbeat: Heartbeat[Any, Any], keep: int = 0) -> Heartbeat[Any, Any]:
    """The heartbeat without its recent beats but the newest `keep`, which are in the history now. Until it
    is saved they are in both places, which readers know."""
    moving = heartbeat.recent[: len(heartbeat.recent) - keep]
    deps.beats.put_block(heartbeat.id, heartbeat.first_recent, moving)
    return replace(heartbeat, recent=heartbeat.recent[len(moving) :])


def is_block_due(heartbeat: Heartbeat[Any, Any]) -> bool:
    return len(heartbeat.recent) >= BLOCK_FROM


def _heard(read: CronHeartbeat, ping: Ping, mark: bytes, now: datetime) -> tuple[CronHeartbeat, Beat]:
    kind = ping.kind if read.rules.is_enabled else Kind.IGNORED
    # Two functions' clocks differ: a job's time never runs backwards.
    at = max(now, read.recent[-1].at) if read.recent else now
    heard = hear(read.rules, read.pulse, Signal(kind, at, ping.caller.run_id if ping.caller else ""))
    beat = Beat(
        kind=int(kind),
        at=at,
        is_fine=heard.is_on_time,
        mark=mark,
        code=ping.exit_status,
        milliseconds=heard.duration_ms,
        has_body=bool(ping.body),
        has_caller=ping.caller is not None,
    )
    return with_beat(replace(read, pulse=heard.pulse, version=read.version + 1), beat), beat


def _keep(deps: Deps, job_id: str, number: int, ping: Ping, now: datetime) -> None:
    try:
        if ping.caller:
            deps.beats.keep_caller(job_id, number, ping.caller, now)
        if ping.body:
            deps.beats.keep_body(job_id, number, zlib.compress(ping.body[:BODY_BYTES]), now)
    except Exception:  # the ping is counted; who sends it again would be counted twice
        log.exception("what came with ping %s of %s is lost", number, job_id)


def _whole_milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
