"""Alerts and their events (contract, sections 3.7 and 4.8)."""

from typing import Any, Final

from chalice.app import Blueprint

from chalicelib.domain.alert import HEALTHY
from chalicelib.errors import Detail, InvalidInput, NotFound, QuotaReached
from chalicelib.routes.body import parse_object
from chalicelib.routes.http import Call, Id, route
from chalicelib.routes.operation import load_model
from chalicelib.routes.presenting.alert import present_alert, present_event
from chalicelib.routes.query import Parameter, Text, limit_of
from chalicelib.services import alerts
from chalicelib.services.alert_events import events_of_alert, events_of_monitor, send_test
from chalicelib.services.monitors import get_monitor

bp = Blueprint(__name__)

_ALERT: Final = {"id": Id("alt", "alert")}
_MONITOR: Final = {"id": Id("mon", "monitor")}
_SKIPPED: Final = Text(
    "includeSkipped",
    "Whether what was not sent is shown, too: one record for each outage and reason.",
    {"enum": ["false", "true"], "default": "false"},
)
_EVENTS: Final[list[Parameter]] = [*limit_of(default=50, most=200), _SKIPPED]


@route(bp, ["GET"], "/v1/alerts", "alerts:read", answer="alert:AlertList")
def list_alerts(call: Call) -> Any:
    """List all alerts, newest first."""
    found = alerts.alerts_of_team(call.deps, call.team_id)
    return {"alerts": [present_alert(alert, health) for alert, health in found]}


@route(
    bp,
    ["POST"],
    "/v1/alerts",
    "alerts:write",
    status=201,
    body="alert:AlertCreate",
    answer="alert:Alert",
    errors=[NotFound, QuotaReached],
)
def create_alert(call: Call) -> Any:
    """Create an alert, about one HTTP monitor and its certificate or about everything.

    It hears of what happens from now on. A team has at most ten.
    """
    alert = alerts.create_alert(call.deps, call.team_id, call.body().draft(), call.origin)
    return present_alert(alert, HEALTHY)


@route(bp, ["GET"], "/v1/alerts/{id}", "alerts:read", answer="alert:Alert", ids=_ALERT)
def get_alert(call: Call, id: str) -> Any:
    """Get one alert."""
    alert = alerts.get_alert(call.deps, call.team_id, id)
    return present_alert(alert, alerts.health_of(call.deps, alert))


@route(
    bp,
    ["PUT"],
    "/v1/alerts/{id}",
    "alerts:write",
    body="alert:AlertUpdate",
    answer="alert:Alert",
    ids=_ALERT,
)
def update_alert(call: Call, id: str) -> Any:
    """Change an alert: what the body leaves out stays as it is, its strategy always does.

    Any field of its channel enables an alert that was disabled because it could not be delivered.
    """
    before = alerts.get_alert(call.deps, call.team_id, id)
    body: Any = load_model("alert:AlertUpdate")
    wanted = body.of(before, parse_object(call.raw_body, call.headers.get("content-type")))
    config = wanted.config(before.strategy)
    alert = alerts.update_alert(call.deps, call.team_id, id, wanted.change(), config)
    if not config and not wanted.enabled:
        return present_alert(alert, alerts.health_of(call.deps, alert))
    alerts.enable_alert(call.deps, alert)
    return present_alert(alert, HEALTHY)


@route(bp, ["DELETE"], "/v1/alerts/{id}", "alerts:write", status=204, ids=_ALERT)
def delete_alert(call: Call, id: str) -> None:
    """Delete an alert with its events. What it had not sent yet is not sent."""
    alerts.delete_alert(call.deps, call.team_id, id)


@route(
    bp,
    ["POST"],
    "/v1/alerts/{id}/test",
    "alerts:write",
    status=202,
    answer="alert:AlertEvent",
    ids=_ALERT,
)
def test_alert(call: Call, id: str) -> Any:
    """Send a notification that is marked as a test, and show its event, which is pending.

    A team has ten a minute, beside the limit of its keys.
    """
    return present_event(send_test(call.deps, call.team_id, id))


@route(
    bp,
    ["GET"],
    "/v1/alerts/{id}/events",
    "alerts:read",
    query=_EVENTS,
    answer="alert:AlertEventList",
    ids=_ALERT,
)
def list_alert_events(call: Call, id: str) -> Any:
    """List an alert's newest events of the last 90 days, newest first."""
    alert = alerts.get_alert(call.deps, call.team_id, id)
    limit, with_skipped = _asked(call)
    found = events_of_alert(call.deps, alert, limit, with_skipped=with_skipped)
    return {"events": [present_event(event) for event in found]}


@route(
    bp,
    ["GET"],
    "/v1/monitors/{id}/alert-events",
    "alerts:read",
    query=_EVENTS,
    answer="alert:AlertEventList",
    ids=_MONITOR,
    tag="alerts",
)
def list_monitor_alert_events(call: Call, id: str) -> Any:
    """List the newest events of all alerts about an HTTP monitor or its certificate, newest first."""
    monitor = get_monitor(call.deps, call.team_id, "http", id, consistent=False)
    limit, with_skipped = _asked(call)
    found = events_of_monitor(call.deps, monitor, limit, with_skipped=with_skipped)
    return {"events": [present_event(event) for event in found]}


def _asked(call: Call) -> tuple[int, bool]:
    """How many, and whether with what was skipped. Raises InvalidInput naming both at once."""
    given = list(call.query.get(_SKIPPED.name, ["false"]))
    bad = [] if given in (["true"], ["false"]) else [Detail(_SKIPPED.name, "must be true or false, once")]
    try:
        (limit,) = call.numbers()
    except InvalidInput as refusal:
        raise InvalidInput([*refusal.details, *bad]) from None
    if bad:
        raise InvalidInput(bad)
    return limit, given == ["true"]
