"""Who is to hear of a team's monitors, and what keeps them from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.alert import HEALTHY, Alert, Health
from chalicelib.domain.incident import SSL
from chalicelib.domain.maintenance import Window, suppressing
from chalicelib.domain.telling import Policy
from chalicelib.services.deps import Deps


@dataclass(frozen=True, slots=True)
class Audience:
    """As it was when the run first needed it, at `read_at`; a run takes seconds."""

    read_at: datetime
    alerts: Mapping[str, Alert]
    windows: Sequence[Window]
    healths: dict[str, Health]

    def health(self, alert: Alert) -> Health:
        return self.healths.get(alert.id, HEALTHY)

    def policy(self, alert: Alert, kind: str) -> Policy:
        return Policy(
            cooldown=alert.cooldown,
            tells_recovery=alert.notifies_on_recovery,
            is_repeating=kind != SSL,
            flapping_after=alert.flapping_after if kind != SSL else None,
            is_muted=self.health(alert).disabled_at is not None,
        )

    def is_suppressed(self, monitor_id: str, at: datetime) -> bool:
        return bool(suppressing(self.windows, monitor_id, at))


class Audiences:
    """Those of the teams that a run meets, each read once: two Queries and a BatchGet."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._by_team: dict[str, Audience] = {}

    def of_team(self, team_id: str) -> Audience:
        if team_id not in self._by_team:
            read_at = self._deps.now()
            alerts = {a.id: a for a in self._deps.alerts.of_team(team_id, consistent=True)}
            windows = self._deps.maintenance.of_team(team_id, consistent=True) if alerts else []
            healths = self._deps.courses.healths(alerts) if alerts else {}
            self._by_team[team_id] = Audience(read_at, alerts, windows, healths)
        return self._by_team[team_id]
