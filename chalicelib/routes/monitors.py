"""HTTP monitors (contract, section 3.3)."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.monitor import Monitor
from chalicelib.domain.request_headers import METHODS_WITHOUT_BODY
from chalicelib.errors import Detail, InvalidInput, LimitExceeded
from chalicelib.routes.http import Call, route
from chalicelib.routes.monitor_resource import MonitorResource
from chalicelib.routes.presenting.http_monitor import present_monitor, present_result
from chalicelib.routes.presenting.stats import present_monitor_stats, present_team_stats
from chalicelib.routes.query import page_of
from chalicelib.services.certificates import read_with_certificates
from chalicelib.services.monitors import Change, list_monitors
from chalicelib.services.stats import monitor_figures, team_figures

bp = Blueprint(__name__)


def _refuse_body_of_reads(monitor: Monitor, change: Change) -> None:
    """GET and HEAD send no body, whichever of the two came first."""
    method = (change.spec or {}).get("method", monitor.spec["method"])
    has_body = monitor.has_body if change.body is None else change.body != ""
    if has_body and method in METHODS_WITHOUT_BODY:
        field = "method" if change.body is None else "body"
        raise InvalidInput([Detail(field, "GET and HEAD send no body")])


_HTTP = MonitorResource(
    "http",
    "mon",
    present_monitor,
    present_result,
    has_extras=True,
    refuse=_refuse_body_of_reads,
    read=read_with_certificates,
)


@route(bp, ["GET"], "/v1/monitors", "monitors:read", answer="http_monitor:HttpMonitorList")
def list_http_monitors(call: Call) -> Any:
    """List all HTTP monitors, newest first."""
    return _HTTP.list(call)


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
    return _HTTP.create(call)


@route(bp, ["GET"], "/v1/monitors/stats", "monitors:read", answer="stats:TeamStatsItem")
def get_team_stats(call: Call) -> Any:
    """Figures over all HTTP monitors: how many are up, their pooled uptime, how many checks."""
    monitors = list_monitors(call.deps, call.team_id, _HTTP.kind)
    return {"data": present_team_stats(team_figures(call.deps, monitors))}


@route(
    bp,
    ["GET"],
    "/v1/monitors/{id}",
    "monitors:read",
    answer="http_monitor:HttpMonitorItem",
    ids=_HTTP.ids,
)
def get_http_monitor(call: Call, id: str) -> Any:
    """Get one HTTP monitor with its current status."""
    return _HTTP.get(call, id)


@route(
    bp,
    ["PUT"],
    "/v1/monitors/{id}",
    "monitors:write",
    body="http_monitor:HttpMonitorUpdate",
    answer="http_monitor:HttpMonitorItem",
    ids=_HTTP.ids,
)
def update_http_monitor(call: Call, id: str) -> Any:
    """Change an HTTP monitor: what the body leaves out stays as it is."""
    return _HTTP.update(call, id)


@route(bp, ["DELETE"], "/v1/monitors/{id}", "monitors:write", status=204, ids=_HTTP.ids)
def delete_http_monitor(call: Call, id: str) -> None:
    """Delete an HTTP monitor with its results and everything else that belongs to it."""
    _HTTP.delete(call, id)


@route(
    bp,
    ["GET"],
    "/v1/monitors/{id}/results",
    "monitors:read",
    query=page_of(default=20, most=100),
    answer="http_monitor:HttpResultPage",
    ids=_HTTP.ids,
)
def list_http_results(call: Call, id: str) -> Any:
    """List a monitor's results, newest first. They are kept for 35 days."""
    return _HTTP.page(call, id)


@route(
    bp,
    ["GET"],
    "/v1/monitors/{id}/stats",
    "monitors:read",
    answer="stats:MonitorStatsItem",
    ids=_HTTP.ids,
)
def get_monitor_stats(call: Call, id: str) -> Any:
    """Figures of one monitor: uptime of three windows, response times and results of 30 days."""
    monitor = _HTTP.find(call, id, consistent=False)
    return {"data": present_monitor_stats(monitor.id, monitor_figures(call.deps, monitor))}
