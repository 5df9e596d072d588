"""Uptime of push monitors: tallies of their known time, one an hour, of which windows are differences."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from chalicelib.domain.known_time import HOUR, NOTHING, WINDOW_DAYS, percent, window_begins
from chalicelib.domain.push_monitor import PushHeartbeat
from chalicelib.domain.silence import judge, known_until
from chalicelib.services.deps import Deps

Uptime = Sequence[float | None]
"""Of the last 24 hours, 7 days and 30 days."""
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def with_tally(deps: Deps, heartbeat: PushHeartbeat, judged: PushHeartbeat, now: datetime) -> PushHeartbeat:
    """In a new hour, the tally as it was when the hour began is put; the judged heartbeat knows of it.

    One whose first try was lost is put again, which changes nothing. Hours in which nobody looked have none.
    """
    pulse, hour = heartbeat.pulse, _hour_of(now)
    begin = _EPOCH + hour * HOUR
    known = pulse.known
    if known.since is None or known.until is None or known.since >= begin or hour <= pulse.tallied_hour:
        return judged
    if known.until < begin:
        known = known_until(judge(heartbeat.rules, pulse, begin), begin)
    deps.beats.put_tally(heartbeat.id, hour, known.tally)
    return replace(judged, pulse=replace(judged.pulse, tallied_hour=hour))


def read_uptimes(deps: Deps, heartbeats: Iterable[PushHeartbeat], now: datetime) -> dict[str, Uptime]:
    """By the monitors' ids, of heartbeats as they are now: to the millisecond at this end, cut to the hour at
    the other."""
    judged = list(heartbeats)
    hours = [_hour_of(window_begins(now, days)) for days in WINDOW_DAYS]
    wanted = [(h.id, hour) for h in judged for hour in hours if _knew_before(h, hour)]
    found = deps.beats.tallies(wanted, now) if wanted else {}

    def uptime(heartbeat: PushHeartbeat, hour: int) -> float | None:
        base = found.get((heartbeat.id, hour))
        if base is None and _knew_before(heartbeat, hour):
            base = deps.beats.nearest_tally(heartbeat.id, hour, now)
        return percent(known_until(heartbeat.pulse, now).tally, base or NOTHING)

    return {heartbeat.id: [uptime(heartbeat, hour) for hour in hours] for heartbeat in judged}


def _knew_before(heartbeat: PushHeartbeat, hour: int) -> bool:
    since = heartbeat.pulse.known.since
    return since is not None and since < _EPOCH + hour * HOUR


def _hour_of(at: datetime) -> int:
    return (at - _EPOCH) // HOUR
