"""Deadlines: once a minute, make durable what time has made of the jobs and monitors that report in."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.domain import lateness
from chalicelib.domain.alarm import turn_between
from chalicelib.domain.heartbeat import PARTITIONS, Heartbeat
from chalicelib.errors import Contended
from chalicelib.services.deps import Deps
from chalicelib.services.pinging_jobs import is_block_due, move_to_block

LAG: Final = timedelta(days=1)
"""How old what is only computed may grow before it is stored: long gaps cost every reader time."""

Judge = Callable[[Any, Any, datetime], Any]

_JUDGES: Final[Mapping[str, Judge]] = {"cron": lateness.judge}

log = logging.getLogger(__name__)


def find_deadlines(deps: Deps) -> int:
    """Judge every heartbeat once, each by the clock as it is then; how many alarms turned.

    A ping that comes in between wins: it has changed the version. What is left then is due again in a
    minute. One heartbeat that fails takes no other with it.
    """
    turns = 0
    for partition in range(PARTITIONS):
        for heartbeat in deps.heartbeats.of_partition(partition):
            try:
                turns += _settle(deps, heartbeat)
            except Contended:
                log.info("heartbeat %s is left to the next minute", heartbeat.id)
            except Exception:
                log.exception("heartbeat %s failed", heartbeat.id)
    return turns


def _settle(deps: Deps, read: Heartbeat[Any, Any]) -> bool:
    judged = _JUDGES[read.kind](read.rules, read.pulse, deps.now())
    turn = turn_between(read.pulse.alarm, judged.alarm, judged.reason)
    if turn is None and not is_block_due(read) and not _lags(read.pulse, judged):
        return False
    after = replace(read, pulse=judged, version=read.version + 1)
    if is_block_due(read):
        after = move_to_block(deps, after)
    is_saved = deps.heartbeats.save(after, turn)
    if is_saved and turn is not None:
        log.info("%s is %s (seq %s)", read.id, turn.after.status.name.lower(), turn.after.seq)
    return is_saved and turn is not None


def _lags(stored: Any, judged: Any) -> bool:
    """A status that has changed without the alarm is stored too, so that its strikes are not counted anew."""
    if stored.status is not judged.status:
        return True
    before, after = stored.expected_at, judged.expected_at
    return before is not None and after is not None and after - before > LAG
