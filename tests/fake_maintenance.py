"""Maintenance windows in memory, over the store of `tests/fakes.py`."""

from functools import partial

from chalicelib.domain.maintenance import Window
from tests.fakes import _Edge


class FakeMaintenance(_Edge):
    def get(self, team_id: str, window_id: str) -> Window | None:
        def action() -> Window | None:
            window: Window | None = self.store.get("window", window_id)
            return window if window and window.team_id == team_id else None

        return self.store.call("maintenance.get", action)

    def of_team(self, team_id: str, *, consistent: bool) -> list[Window]:
        def action() -> list[Window]:
            gone = self.store.items["leftover"]
            found = [w for w in self._of(team_id) if w.monitor_id not in gone]
            return sorted(found, key=lambda window: (window.created_at, window.id), reverse=True)

        return self.store.call("maintenance.of_team", action)

    def write(self, before: Window | None, after: Window | None) -> bool:
        def action() -> bool:
            some = after or before
            assert some is not None
            stored: Window | None = self.store.get("window", some.id)
            if (stored.rev if stored else None) != (before.rev if before else None):
                return False
            bound_to = after.monitor_id if after else None
            if bound_to is not None and (before is None or before.monitor_id != bound_to):
                monitor = self.store.get("monitor", bound_to)
                if monitor is None or monitor.team_id != some.team_id:
                    return False
            self.store.write(("window", some.id, after))
            return True

        return self.store.call("maintenance.write", action)

    def forget_monitor(self, team_id: str, monitor_id: str) -> None:
        """A look, and a call for each: what is bound elsewhere in between stays."""

        def bound() -> list[str]:
            return [window.id for window in self._of(team_id) if window.monitor_id == monitor_id]

        def remove(window_id: str) -> None:
            if window_id in bound():
                self.store.write(("window", window_id, None))

        for window_id in self.store.call("maintenance.bound", bound):
            self.store.call("maintenance.remove", partial(remove, window_id))

    def _of(self, team_id: str) -> list[Window]:
        return [window for window in self.store.items["window"].values() if window.team_id == team_id]
