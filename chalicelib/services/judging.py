"""What time alone has made of a heartbeat by now, whichever kind it is of."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from chalicelib.domain import lateness, silence
from chalicelib.domain.beat import MARK_BYTES, Beat
from chalicelib.domain.cron_job import CronHeartbeat
from chalicelib.domain.heartbeat import HeartbeatT, with_beat
from chalicelib.domain.instant import to_milliseconds
from chalicelib.domain.push_monitor import PushHeartbeat


def judged(heartbeat: HeartbeatT, now: datetime) -> HeartbeatT:
    """As it is now, with the beats that silence has left. Its version is that which was read."""
    judge: Callable[[HeartbeatT, datetime], HeartbeatT] = _JUDGES[heartbeat.kind]
    return judge(heartbeat, now)


def _judged_job(heartbeat: CronHeartbeat, now: datetime) -> CronHeartbeat:
    return replace(heartbeat, pulse=lateness.judge(heartbeat.rules, heartbeat.pulse, now))


def _judged_monitor(heartbeat: PushHeartbeat, now: datetime) -> PushHeartbeat:
    for found in silence.silences(heartbeat.rules, heartbeat.pulse, now):
        heartbeat = replace(heartbeat, pulse=found.pulse)
        if found.is_change:
            heartbeat = with_beat(heartbeat, _beat_of(found))
    return heartbeat


def _beat_of(found: silence.Silence) -> Beat:
    """The same whoever makes it."""
    mark = hashlib.blake2b(f"silence {to_milliseconds(found.at)}".encode(), digest_size=MARK_BYTES)
    return Beat(int(found.pulse.status), found.at, is_fine=False, mark=mark.digest())


_JUDGES: Final[Mapping[str, Callable[[Any, datetime], Any]]] = {
    "cron": _judged_job,
    "push": _judged_monitor,
}
