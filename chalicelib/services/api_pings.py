"""Pings that come through the API with a key, which must be spaced (contract 4.7 and R17)."""

import math
from datetime import datetime, timedelta

from chalicelib.domain.beat import MARK_BYTES, Beat
from chalicelib.domain.cron_job import CronHeartbeat, CronJob
from chalicelib.domain.heartbeat import place_of
from chalicelib.domain.lateness import Kind, is_too_soon
from chalicelib.domain.origin import Origin
from chalicelib.domain.recurrence import recurrence_of
from chalicelib.errors import Conflict, Contended, TooMany
from chalicelib.services.beat_history import find_mark
from chalicelib.services.cron_jobs import get_job
from chalicelib.services.deps import Deps
from chalicelib.services.pinging_jobs import Ping, ping_job
from chalicelib.services.retrying import TRIES, pause

_SPACING = timedelta(minutes=1)


def ping_by_key(deps: Deps, job: CronJob, origin: Origin, *, is_repeat: bool) -> Beat:
    """A success, as it is stored. Raises NotFound, Conflict for a disabled job and TooMany.

    A repeat finds what the first try has left, which may have ended before it could answer: it is no second
    ping, and neither too soon nor late.
    """
    mark, ping = origin.mark(MARK_BYTES), Ping(Kind.SUCCESS, caller=None)
    for attempt in range(TRIES):
        pause(deps, attempt)
        place = place_of(job.ping_token)
        heartbeat = deps.heartbeats.get(place, consistent=True) if is_repeat else None
        stored = find_mark(deps, heartbeat, mark, origin.at) if heartbeat else None
        if stored is not None:
            return stored[1]
        pinged = ping_job(deps, place, ping, mark, _refuse)
        if pinged is not None:
            return pinged[1]
        job = get_job(deps, job.team_id, job.id)  # its token was replaced meanwhile, or it is gone
    raise Contended("ping")


def _refuse(heartbeat: CronHeartbeat, now: datetime) -> None:
    rules, pulse = heartbeat.rules, heartbeat.pulse
    if not rules.is_enabled:
        raise Conflict("The cron job is disabled.")
    if not is_too_soon(rules, pulse, now):
        return
    assert pulse.last_ping_at is not None
    again, due = pulse.last_ping_at + _SPACING, recurrence_of(rules.schedule).next_after(now)
    raise TooMany(max(1, math.ceil((min(again, due or again) - now).total_seconds())))
