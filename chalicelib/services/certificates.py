"""What is shown of monitors' certificates (contract, section 4.3)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from chalicelib.domain.monitor import Monitor
from chalicelib.domain.ssl_readings import certificate_target, shown
from chalicelib.services.deps import Deps
from chalicelib.services.readings import Reading, read_monitors


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


def _by_shard(monitors: Iterable[Monitor]) -> dict[str, list[Monitor]]:
    """Of those that have their certificates read."""
    found: defaultdict[str, list[Monitor]] = defaultdict(list)
    for monitor in monitors:
        if certificate_target(monitor.spec) is not None:
            found[monitor.placement.shard].append(monitor)
    return found
