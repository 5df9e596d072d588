"""A ping of a cron job, from whichever of the doors: one rule, one write, and then what is kept beside it."""

import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.beat import MARK_BYTES, Beat
from chalicelib.domain.cron_job import KIND, CronHeartbeat
from chalicelib.domain.heartbeat import Caller, Place, with_beat
from chalicelib.domain.lateness import Kind, Signal
from chalicelib.domain.lateness import hear as heard_by
from chalicelib.services.beating import take_beat
from chalicelib.services.deps import Deps

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

    def hear(read: CronHeartbeat, now: datetime) -> CronHeartbeat:
        refuse(read, now)
        return _heard(read, ping, mark, now)

    taken = take_beat(deps, place, KIND, mark, hear)
    if taken is None:
        return None
    _keep(deps, taken.heartbeat.id, taken.number, ping)
    return taken.heartbeat, taken.beat


def _heard(read: CronHeartbeat, ping: Ping, mark: bytes, now: datetime) -> CronHeartbeat:
    kind = ping.kind if read.rules.is_enabled else Kind.IGNORED
    # Two functions' clocks differ: a job's time never runs backwards.
    at = max(now, read.recent[-1].at) if read.recent else now
    heard = heard_by(read.rules, read.pulse, Signal(kind, at, ping.caller.run_id if ping.caller else ""))
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
    return with_beat(replace(read, pulse=heard.pulse), beat)


def _keep(deps: Deps, job_id: str, number: int, ping: Ping) -> None:
    """Also for a repeated ping: its first try may have ended before it kept anything."""
    try:
        now = deps.now()
        if ping.caller:
            deps.beats.keep_caller(job_id, number, ping.caller, now)
        if ping.body:
            deps.beats.keep_body(job_id, number, zlib.compress(ping.body[:BODY_BYTES]), now)
    except Exception:  # the ping is counted; who sends it again would be counted twice
        log.exception("what came with ping %s of %s is lost", number, job_id)
