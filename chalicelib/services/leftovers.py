"""What a deletion owes beyond its transaction, whatever it was that has been deleted."""

from chalicelib.domain.heartbeat import PARTITIONS, Place
from chalicelib.services.deps import Deps

_HEARTBEATS = frozenset(Place(number, "").name for number in range(PARTITIONS))


def clear_leftovers(deps: Deps, team_id: str) -> set[str]:
    """Make good on what the team's deletions still owe, those included that were killed after their
    transaction; whose it was."""
    leftovers = deps.monitors.leftovers(team_id)
    for leftover in leftovers:
        if leftover.monitor_id.startswith("mon_"):
            deps.maintenance.forget_monitor(team_id, leftover.monitor_id)
        if not _HEARTBEATS.isdisjoint(leftover.shards):
            deps.beats.forget(leftover.monitor_id)
        deps.monitors.forget(leftover)
    return {leftover.monitor_id for leftover in leftovers}
