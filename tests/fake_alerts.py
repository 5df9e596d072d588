"""Alerts in memory, over the store of `tests/fakes.py`."""

from functools import partial

from chalicelib.domain.alert import KIND, Alert
from chalicelib.domain.monitor import Leftover
from chalicelib.domain.monitor_write import Written
from tests.fakes import Change, _Edge


class FakeAlerts(_Edge):
    def get(self, team_id: str, alert_id: str) -> Alert | None:
        def action() -> Alert | None:
            alert: Alert | None = self.store.get("alert", alert_id)
            return alert if alert and alert.team_id == team_id else None

        return self.store.call("alerts.get", action)

    def of_team(self, team_id: str, *, consistent: bool) -> list[Alert]:
        def action() -> list[Alert]:
            gone = self.store.items["leftover"]
            found = [alert for alert in self._of(team_id) if alert.monitor_id not in gone]
            return sorted(found, key=lambda alert: (alert.created_at, alert.id), reverse=True)

        return self.store.call("alerts.of_team", action)

    def write(self, before: Alert | None, after: Alert | None, limit: int) -> Written:
        def action() -> Written:
            some = after or before
            assert some is not None
            stored: Alert | None = self.store.get("alert", some.id)
            if (stored.rev if stored else None) != (before.rev if before else None):
                return Written.LOST
            if after is None:
                self.store.write(*self._deletion(some))
                return Written.YES
            bound_to = after.monitor_id
            if bound_to is not None and (before is None or before.monitor_id != bound_to):
                monitor = self.store.get("monitor", bound_to)
                if monitor is None or monitor.team_id != some.team_id:
                    return Written.LOST
            changes: list[Change] = [("alert", some.id, after)]
            if before is None:
                if self._taken(some.team_id) >= limit:
                    return Written.LIMIT
                changes.append(("limit", (some.team_id, KIND), self._taken(some.team_id) + 1))
            self.store.write(*changes)
            return Written.YES

        return self.store.call("alerts.write", action)

    def forget_monitor(self, team_id: str, monitor_id: str) -> None:
        """A look, and a call for each: what is bound elsewhere in between stays."""

        def bound() -> list[Alert]:
            return [alert for alert in self._of(team_id) if alert.monitor_id == monitor_id]

        def remove(alert: Alert) -> None:
            if alert.id in [its.id for its in bound()]:
                self.store.write(*self._deletion(alert))

        for alert in self.store.call("alerts.bound", bound):
            self.store.call("alerts.remove", partial(remove, alert))

    def _deletion(self, alert: Alert) -> list[Change]:
        return [
            ("alert", alert.id, None),
            ("leftover", alert.id, Leftover(alert.id, alert.team_id, ())),
            ("limit", (alert.team_id, KIND), self._taken(alert.team_id) - 1),
        ]

    def _taken(self, team_id: str) -> int:
        taken: int = self.store.get("limit", (team_id, KIND)) or 0
        return taken

    def _of(self, team_id: str) -> list[Alert]:
        return [alert for alert in self.store.items["alert"].values() if alert.team_id == team_id]
