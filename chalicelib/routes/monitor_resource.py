"""What the routes of every kind of monitor do alike; each kind's file declares them and names its parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.monitor import Monitor
from chalicelib.routes.http import Call, Id
from chalicelib.services.history import Result
from chalicelib.services.monitors import (
    Change,
    create_monitor,
    delete_monitor,
    get_monitor,
    list_monitors,
    update_monitor,
)
from chalicelib.services.readings import NOTHING_YET, Reading, read_monitors
from chalicelib.services.results import list_results


@dataclass(frozen=True, slots=True)
class MonitorResource:
    """One kind of monitor. Every answer is in the envelope of contract section 1: `{data: …}`."""

    kind: str
    prefix: str
    present: Callable[[Monitor, Reading], dict[str, Any]]
    present_result: Callable[[str, Result], dict[str, Any]]
    has_extras: bool = False
    refuse: Callable[[Monitor, Change], None] = lambda monitor, change: None
    """What only the stored monitor and the change together show to be wrong; raises InvalidInput."""
    read: Callable[..., Mapping[str, Reading]] = read_monitors
    """How current values are read, for a kind that shows more of them."""

    @property
    def ids(self) -> dict[str, Id]:
        return {"id": Id(self.prefix, "monitor")}

    def list(self, call: Call) -> Any:
        monitors = list_monitors(call.deps, call.team_id, self.kind)
        readings = self.read(call.deps, monitors, consistent=False)
        return {"data": [self.present(monitor, readings[monitor.id]) for monitor in monitors]}

    def create(self, call: Call) -> Any:
        wanted = call.body()
        extras = wanted.extras() if self.has_extras else None
        monitor = create_monitor(call.deps, call.team_id, self.prefix, wanted.draft(), call.origin, extras)
        return {"data": self.present(monitor, NOTHING_YET)}

    def get(self, call: Call, id: str) -> Any:
        return self._shown(call, self.find(call, id))

    def update(self, call: Call, id: str) -> Any:
        self.find(call, id)
        change = call.body().change()
        changed = update_monitor(call.deps, call.team_id, self.kind, id, change, self.refuse)
        return self._shown(call, changed)

    def delete(self, call: Call, id: str) -> None:
        delete_monitor(call.deps, call.team_id, self.kind, id)

    def page(self, call: Call, id: str) -> Any:
        monitor = self.find(call, id, consistent=False)
        limit, offset = call.numbers()
        page = list_results(call.deps, monitor, limit=limit, offset=offset)
        return {
            "data": [self.present_result(monitor.id, result) for result in page.results],
            "pagination": {"total": page.total, "limit": limit, "offset": offset},
        }

    def newest(self, call: Call, id: str) -> Any:
        """The kinds whose results have no pages."""
        monitor = self.find(call, id, consistent=False)
        (limit,) = call.numbers()
        page = list_results(call.deps, monitor, limit=limit, offset=0)
        return {"data": [self.present_result(monitor.id, result) for result in page.results]}

    def find(self, call: Call, id: str, *, consistent: bool = True) -> Monitor:
        """Raises NotFound."""
        return get_monitor(call.deps, call.team_id, self.kind, id, consistent=consistent)

    def _shown(self, call: Call, monitor: Monitor) -> Any:
        readings = self.read(call.deps, [monitor], consistent=True)
        return {"data": self.present(monitor, readings[monitor.id])}
