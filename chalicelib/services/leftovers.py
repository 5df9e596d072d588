"""What a deletion owes beyond its transaction, whatever it was that has been deleted."""

from chalicelib.domain.alert import PREFIX as ALERT
from chalicelib.domain.heartbeat import PARTITIONS, Place
from chalicelib.domain.monitor import Leftover
from chalicelib.services.deps import Deps
from chalicelib.services.retrying import retried

_HEARTBEATS = frozenset(Place(number, "").name for number in range(PARTITIONS))


def clear_leftovers(deps: Deps, team_id: str) -> set[str]:
    """Make good on what the team's deletions still owe, those included that were killed after their
    transaction; whose it was."""
    leftovers = deps.monitors.leftovers(team_id)
    for leftover in leftovers:
        _clear(deps, leftover)
    cleared = {leftover.monitor_id for leftover in leftovers}
    if any(_may_have_alerts(leftover) for leftover in leftovers):  # whose deletions owe something by now
        cleared |= clear_leftovers(deps, team_id)
    return cleared


def _clear(deps: Deps, leftover: Leftover) -> None:
    """The note goes last: as long as it is there, what is bound to a monitor is not shown."""
    if leftover.monitor_id.startswith(f"{ALERT}_"):
        deps.courses.forget(leftover.monitor_id)
    if _may_have_alerts(leftover):
        deps.maintenance.forget_monitor(leftover.team_id, leftover.monitor_id)
        retried(deps, lambda: deps.alerts.forget_monitor(leftover.team_id, leftover.monitor_id))
    if not _HEARTBEATS.isdisjoint(leftover.shards):
        deps.beats.forget(leftover.monitor_id)
    deps.monitors.forget(leftover)


def _may_have_alerts(leftover: Leftover) -> bool:
    """Windows and alerts are bound to HTTP monitors alone."""
    return leftover.monitor_id.startswith("mon_")
