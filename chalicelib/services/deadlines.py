"""Deadlines: once a minute, make durable what time has made of the jobs and monitors that report in."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from chalicelib.domain import lateness, silence
from chalicelib.domain.alarm import turn_between
from chalicelib.domain.cron_job import KIND as CRON
from chalicelib.domain.heartbeat import PARTITIONS, Heartbeat
from chalicelib.domain.push_monitor import KIND as PUSH
from chalicelib.errors import Contended
from chalicelib.services.announcing import announce
from chalicelib.services.beating import is_block_due, move_to_block
from chalicelib.services.deps import Deps
from chalicelib.services.judging import judged
from chalicelib.services.uptimes import with_tally

LAG: Final = timedelta(hours=1)
"""How old what is only computed may grow before it is stored: long gaps cost every reader time. Of a minutely
job an hour is some 5 ms, and a day 150."""

log = logging.getLogger(__name__)


def find_deadlines(deps: Deps) -> int:
    """Judge every heartbeat once, each by the clock as it is then; how many alarms turned.

    A ping that comes in between wins: it has changed the version. What is left then is due again in a
    minute. One heartbeat that fails takes no other with it, nor does a partition that cannot be read; those
    are raised together at the end.
    """
    turns, shards, errors = 0, set(), []
    for partition in range(PARTITIONS):
        try:
            for heartbeat in deps.heartbeats.of_partition(partition):
                if _settle_or_leave(deps, heartbeat):
                    turns += 1
                    shards.add(heartbeat.place.name)
        except Exception as error:
            log.warning("partition %s cannot be read", partition)
            errors.append(error)
    announce(deps, sorted(shards))
    if errors:
        raise ExceptionGroup("partitions of heartbeats that cannot be read", errors)
    return turns


def _settle_or_leave(deps: Deps, heartbeat: Heartbeat[Any, Any]) -> bool:
    try:
        return _settle(deps, heartbeat)
    except Contended:
        log.info("heartbeat %s is left to the next minute", heartbeat.id)
    except Exception:
        log.exception("heartbeat %s failed", heartbeat.id)
    return False


def _settle(deps: Deps, read: Heartbeat[Any, Any]) -> bool:
    now = deps.now()
    after = judged(read, now)
    if read.kind == PUSH:
        after = with_tally(deps, read, after, now)
    turn = turn_between(read.pulse.alarm, after.pulse.alarm, after.pulse.reason)
    if turn is None and not is_block_due(after) and not _IS_STALE[read.kind](read.pulse, after.pulse):
        return False
    after = replace(after, version=read.version + 1)
    if is_block_due(after):
        after = move_to_block(deps, after)
    is_saved = deps.heartbeats.save(after, turn)
    if is_saved and turn is not None:
        log.info("%s is %s (seq %s)", read.id, turn.after.status.name.lower(), turn.after.seq)
    return is_saved and turn is not None


def _is_stale_job(stored: lateness.Pulse, computed: lateness.Pulse) -> bool:
    """A status that has changed without the alarm is stored too, so that its strikes are not counted anew."""
    if stored.status is not computed.status:
        return True
    before, after = stored.expected_at, computed.expected_at
    return before is not None and after is not None and after - before > LAG


def _is_stale_monitor(stored: silence.Pulse, computed: silence.Pulse) -> bool:
    """What leaves a beat or a tally. Failures that only repeat the last one are computed whenever needed."""
    is_known = stored.known.until is None and computed.known.until is not None
    return is_known or (stored.status, stored.tallied_hour) != (computed.status, computed.tallied_hour)


_IS_STALE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {CRON: _is_stale_job, PUSH: _is_stale_monitor}
"""Whether what is stored of a kind must be replaced by what has been computed, though no alarm has turned."""
