"""What is shown of monitors' certificates (contract, section 4.3), and taken along when a monitor moves."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from chalicelib.domain.monitor import Monitor
from chalicelib.domain.ssl_readings import certificate_target, shown
from chalicelib.services.deps import Deps
from chalicelib.services.readings import Reading, read_monitors

_TRIES = 3

log = logging.getLogger(__name__)


def read_with_certificates(
    deps: Deps, monitors: Sequence[Monitor], *, consistent: bool
) -> dict[str, Reading]:
    """Readings by monitor id, with what is known of certificates: one item more for each shard that holds a
    monitor which has its certificate read."""
    readings = read_monitors(deps, monitors, consistent=consistent)
    now = deps.now()
    for shard, members in _by_shard(monitors).items():
        kept = deps.ssl_readings.get(shard, consistent=False).by_position
        for monitor in members:
            ssl = shown(monitor.spec, kept.get(monitor.placement.position), now)
            readings[monitor.id] = replace(readings[monitor.id], ssl=ssl)
    return readings


def carry_reading(deps: Deps, before: Monitor, after: Monitor) -> None:
    """Take along what was read of the certificate when a monitor has moved, lest its stage be told again.

    The move is done: what fails here is logged, and only tells it again.
    """
    (old_shard, old), (shard, new) = _place(before), _place(after)
    if shard == old_shard or certificate_target(after.spec) is None:
        return
    try:
        reading = deps.ssl_readings.get(old_shard, consistent=True).by_position.get(old)
        for _ in range(_TRIES if reading is not None else 0):
            there = deps.ssl_readings.get(shard, consistent=True)
            if new in there.by_position:
                return
            assert reading is not None
            if deps.ssl_readings.save(shard, there, {**there.by_position, new: reading}, ()):
                return
    except Exception:
        log.exception("what was read of the certificate of monitor %s was not taken along", after.id)


def _place(monitor: Monitor) -> tuple[str, int]:
    return monitor.placement.shard, monitor.placement.position


def _by_shard(monitors: Iterable[Monitor]) -> dict[str, list[Monitor]]:
    """Of those that have their certificates read."""
    found: defaultdict[str, list[Monitor]] = defaultdict(list)
    for monitor in monitors:
        if certificate_target(monitor.spec) is not None:
            found[monitor.placement.shard].append(monitor)
    return found
