"""HTTP monitors (contract, section 3.3)."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.monitor import Monitor
from chalicelib.errors import LimitExceeded
from chalicelib.routes.http import Call, Id, route
from chalicelib.routes.presenting.http_monitor import present_monitor, present_result
from chalicelib.routes.presenting.stats import present_monitor_stats, present_team_stats
from chalicelib.routes.query import Whole
from chalicelib.services.monitors import (
    create_monitor,
    delete_monitor,
    get_monitor,
    list_monitors,
    update_monitor,
)
from chalicelib.services.readings import NOTHING_YET, read_monitors
from chalicelib.services.results import list_results
from chalicelib.services.stats import monitor_figures, team_figures

bp = Blueprint(__name__)

_KIND = "http"
_PREFIX = "mon"
_MONITOR = {"id": Id(_PREFIX, "monitor")}
_PAGE = [
    Whole("limit", default=20, least=1, most=100, description="How many to show."),
    Whole("offset", default=0, least=0, description="How many of the newest to skip."),
]


@route(bp, ["GET"], "/v1/monitors", "monitors:read", answer="http_monitor:HttpMonitorList")
def list_http_monitors(call: Call) -> Any:
    """List all HTTP monitors, newest first."""
    monitors = list_monitors(call.deps, call.team_id, _KIND)
    readings = read_monitors(call.deps, monitors, consistent=False)
    return {"data": [present_monitor(monitor, readings[monitor.id]) for monitor in monitors]}


@route(
    bp,
    ["POST"],
    "/v1/monitors",
    "monitors:write",
    status=201,
    body="http_monitor:HttpMonitorCreate",
    answer="http_monitor:HttpMonitorItem",
    errors=[LimitExceeded],
)
def create_http_monitor(call: Call) -> Any:
    """Create an HTTP monitor. Its first check runs at once."""
    draft = call.body().draft()
    monitor = create_monitor(call.deps, call.team_id, _PREFIX, draft, call.origin)
    return {"data": present_monitor(monitor, NOTHING_YET)}


@route(bp, ["GET"], "/v1/monitors/stats", "monitors:read", answer="stats:TeamStatsItem")
def get_team_stats(call: Call) -> Any:
    """Figures over all HTTP monitors: how many are up, their pooled uptime, how many checks."""
    monitors = list_monitors(call.deps, call.team_id, _KIND)
    return {"data": present_team_stats(team_figures(call.deps, monitors))}


@route(
    bp,
    ["GET"],
    "/v1/monitors/{id}",
    "monitors:read",
    answer="http_monitor:HttpMonitorItem",
    ids=_MONITOR,
)
def get_http_monitor(call: Call, id: str) -> Any:
    """Get one HTTP monitor with its current status."""
    return _present(call, _monitor(call, id))


@route(
    bp,
    ["PUT"],
    "/v1/monitors/{id}",
    "monitors:write",
    body="http_monitor:HttpMonitorUpdate",
    answer="http_monitor:HttpMonitorItem",
    ids=_MONITOR,
)
def update_http_monitor(call: Call, id: str) -> Any:
    """Change an HTTP monitor: what the body leaves out stays as it is."""
    _monitor(call, id)
    return _present(call, update_monitor(call.deps, call.team_id, _KIND, id, call.body().change()))


@route(bp, ["DELETE"], "/v1/monitors/{id}", "monitors:write", status=204, ids=_MONITOR)
def delete_http_monitor(call: Call, id: str) -> None:
    """Delete an HTTP monitor with its results and everything else that belongs to it."""
    delete_monitor(call.deps, call.team_id, _KIND, id)


@route(
    bp,
    ["GET"],
    "/v1/monitors/{id}/results",
    "monitors:read",
    query=_PAGE,
    answer="http_monitor:HttpResultPage",
    ids=_MONITOR,
)
def list_http_results(call: Call, id: str) -> Any:
    """List a monitor's results, newest first. They are kept for 35 days."""
    monitor = _monitor(call, id, consistent=False)
    limit, offset = call.numbers()
    page = list_results(call.deps, monitor, limit=limit, offset=offset)
    return {
        "data": [present_result(monitor.id, result) for result in page.results],
        "pagination": {"total": page.total, "limit": limit, "offset": offset},
    }


@route(
    bp,
    ["GET"],
    "/v1/monitors/{id}/stats",
    "monitors:read",
    answer="stats:MonitorStatsItem",
    ids=_MONITOR,
)
def get_monitor_stats(call: Call, id: str) -> Any:
    """Figures of one monitor: uptime of three windows, response times and results of 30 days."""
    monitor = _monitor(call, id, consistent=False)
    return {"data": present_monitor_stats(monitor.id, monitor_figures(call.deps, monitor))}


def _monitor(call: Call, id: str, *, consistent: bool = True) -> Monitor:
    return get_monitor(call.deps, call.team_id, _KIND, id, consistent=consistent)


def _present(call: Call, monitor: Monitor) -> Any:
    readings = read_monitors(call.deps, [monitor], consistent=True)
    return {"data": present_monitor(monitor, readings[monitor.id])}
