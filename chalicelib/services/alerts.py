"""Alerts of a team: list, read, create, change, delete; and what their channels ask of a configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, Final

from chalicelib.domain.alert import HEALTHY, MAX_ALERTS_PER_TEAM, PREFIX, Alert, Health
from chalicelib.domain.instant import whole_milliseconds
from chalicelib.domain.monitor_write import Written
from chalicelib.domain.origin import Origin
from chalicelib.errors import Contended, Detail, InvalidInput, NotFound, QuotaReached
from chalicelib.services.binding import check_monitor, unless_gone
from chalicelib.services.delivering.nudging import nudge
from chalicelib.services.deps import Deps
from chalicelib.services.idempotency import fresh_origin
from chalicelib.services.leftovers import clear_leftovers
from chalicelib.services.retrying import TRIES, pause, retried

_NO_ALERT: Final = "There is no such alert."


@dataclass(frozen=True, slots=True)
class Draft:
    """What a caller asks for. `config` has what `misconfigured` finds nothing wrong with."""

    name: str
    strategy: str
    config: Mapping[str, Any] = field(repr=False)
    monitor_id: str | None = None
    notifies_on_recovery: bool = True
    cooldown_minutes: int = 60
    flapping_after: int | None = None


def misconfigured(strategy: Any, given: Mapping[str, Any]) -> Sequence[Detail]:
    """What is wrong with a channel's fields, every one at once; nothing with those of an unknown channel."""
    if not isinstance(strategy, str) or strategy not in _channels():
        return ()
    bad_config: type[Any] = import_module("chalicelib.channels.fields").BadConfig
    try:
        _channel(strategy).parse(given)
    except bad_config as bad:
        details: Sequence[Detail] = bad.details
        return details
    return ()


def misplaced(alert: Alert, given: Mapping[str, Any]) -> Sequence[Detail]:
    """What of a change the alert's channel cannot take: another strategy, another's fields, and whatever is
    not good together with what is stored."""
    own = fields_of(alert.strategy)
    others = {name for strategy in _channels() for name in fields_of(strategy)} - set(own)
    strategy = given.get("strategy", alert.strategy)
    details = [Detail(name, f"is no field of {alert.strategy}") for name in given if name in others]
    if isinstance(strategy, str) and strategy in _channels() and strategy != alert.strategy:
        details.append(Detail("strategy", f"cannot be changed: it is {alert.strategy}"))
    return [*details, *misconfigured(alert.strategy, {**alert.config, **chosen(alert.strategy, given)})]


def fields_of(strategy: str) -> tuple[str, ...]:
    return tuple(_channel(strategy).FIELDS)


def chosen(strategy: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The channel's own fields."""
    return {name: given[name] for name in fields_of(strategy) if name in given}


def alerts_of_team(deps: Deps, team_id: str) -> list[tuple[Alert, Health]]:
    """Newest first; none whose monitor is gone. Two calls."""
    alerts = deps.alerts.of_team(team_id, consistent=False)
    healths = deps.courses.healths(alert.id for alert in alerts)
    return [(alert, healths.get(alert.id, HEALTHY)) for alert in alerts]


def get_alert(deps: Deps, team_id: str, alert_id: str) -> Alert:
    """Raises NotFound, also for another team's."""
    alert = _find(deps, team_id, alert_id)
    if alert is None:
        raise NotFound(_NO_ALERT)
    return alert


def health_of(deps: Deps, alert: Alert) -> Health:
    return deps.courses.healths([alert.id]).get(alert.id, HEALTHY)


def create_alert(deps: Deps, team_id: str, draft: Draft, origin: Origin | None = None) -> Alert:
    """Raises NotFound for a monitor that is not there, and QuotaReached.

    What another try of the same origin has stored is returned.
    """
    now = whole_milliseconds(deps.now())
    alert = Alert(
        id=(origin or fresh_origin(deps)).new_id(PREFIX),
        team_id=team_id,
        name=draft.name,
        strategy=draft.strategy,
        config=draft.config,
        created_at=now,
        updated_at=now,
        monitor_id=draft.monitor_id,
        notifies_on_recovery=draft.notifies_on_recovery,
        cooldown_minutes=draft.cooldown_minutes,
        flapping_after=draft.flapping_after,
        token=f"{deps.random_bits(64):016x}",
    )
    for attempt in range(TRIES):
        pause(deps, attempt)
        stored = deps.alerts.get(team_id, alert.id) if attempt else None
        if stored is not None:  # ours, whoever edited it since: only this origin makes this id
            return stored
        check_monitor(deps, alert)
        written = _write(deps, None, alert)
        if written is Written.YES:
            return alert
        if written is Written.LIMIT and not clear_leftovers(deps, team_id):  # which may have freed a place
            raise QuotaReached(f"A team has at most {MAX_ALERTS_PER_TEAM} alerts.")
    raise Contended("create")


def update_alert(
    deps: Deps, team_id: str, alert_id: str, change: Mapping[str, Any], config: Mapping[str, Any]
) -> Alert:
    """Apply new values by the names of `Alert`, and the channel's fields that are given; `updated_at` moves
    only when something changes. Raises NotFound for the alert or the monitor that it is to be bound to, and
    InvalidInput when the configuration would not be good as a whole."""
    token = f"{deps.random_bits(64):016x}"
    for attempt in range(TRIES):
        pause(deps, attempt)
        before = get_alert(deps, team_id, alert_id)
        if before.token == token:
            return before
        after = replace(before, **change, config={**before.config, **config})
        if after == before:
            return before
        bad = misconfigured(after.strategy, after.config)
        if bad:
            raise InvalidInput(bad)
        if after.monitor_id != before.monitor_id:
            check_monitor(deps, after)
        now = whole_milliseconds(deps.now())
        after = replace(after, updated_at=now, rev=before.rev + 1, token=token)
        if _write(deps, before, after) is Written.YES:
            if _is_told_otherwise(before, after):
                nudge(deps, alert_id)  # a cooldown that was waited for may be over now
            return after
    raise Contended("update")


def _is_told_otherwise(before: Alert, after: Alert) -> bool:
    unlike: dict[str, Any] = {"name": "", "rev": 0, "token": "", "updated_at": before.updated_at}
    return replace(before, **unlike) != replace(after, **unlike)


def enable_alert(deps: Deps, alert: Alert) -> None:
    """Forget the failures that it is disabled for; what is still down is told."""
    retried(deps, lambda: deps.courses.save_health(alert.id, HEALTHY))
    nudge(deps, alert.id)


def delete_alert(deps: Deps, team_id: str, alert_id: str) -> None:
    """Delete an alert with its events and whatever it had to tell yet. Raises NotFound.

    What an earlier delete of the team still owes is made good on the way; the repeated delete of an alert
    whose first one was killed after its transaction succeeds.
    """
    was_there = _delete(deps, team_id, alert_id)
    if alert_id not in clear_leftovers(deps, team_id) and not was_there:
        raise NotFound(_NO_ALERT)


def _delete(deps: Deps, team_id: str, alert_id: str) -> bool:
    """Whether there was such an alert; after this there is none."""
    was_there = False
    for attempt in range(TRIES):
        pause(deps, attempt)
        alert = _find(deps, team_id, alert_id)
        if alert is None:
            return was_there
        was_there = True
        if _write(deps, alert, None) is Written.YES:
            return True
    raise Contended("delete")


def _find(deps: Deps, team_id: str, alert_id: str) -> Alert | None:
    return unless_gone(deps, deps.alerts.get(team_id, alert_id))


def _write(deps: Deps, before: Alert | None, after: Alert | None) -> Written:
    """LOST also when it collided with another, or its answer was lost."""
    try:
        return deps.alerts.write(before, after, MAX_ALERTS_PER_TEAM)
    except Contended:
        return Written.LOST


def _channels() -> Mapping[str, str]:
    """By name, as all of them: what a channel is made of is none of a service's business."""
    found: Mapping[str, str] = import_module("chalicelib.channels").CHANNELS
    return found


def _channel(strategy: str) -> Any:
    return import_module(_channels()[strategy])
