"""HTTP monitors (contract, section 3.3)."""

import re
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.monitor import Monitor
from chalicelib.errors import NotFound
from chalicelib.routes.http import Call, route
from chalicelib.routes.query import Bounds, whole_numbers
from chalicelib.routes.schemas.http_monitor import (
    KIND,
    PREFIX,
    change_of,
    draft_of,
    present_monitor,
    present_result,
)
from chalicelib.routes.schemas.stats import present_monitor_stats, present_team_stats
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

_LIMIT = Bounds("limit", default=20, least=1, most=100)
_OFFSET = Bounds("offset", default=0, least=0)
_ID = re.compile(rf"{PREFIX}_[0-9a-f]{{32}}")


@route(bp, ["GET"], "/v1/monitors", "monitors:read")
def list_http_monitors(call: Call) -> Any:
    monitors = list_monitors(call.deps, call.team_id, KIND)
    readings = read_monitors(call.deps, monitors, consistent=False)
    return {"data": [present_monitor(monitor, readings[monitor.id]) for monitor in monitors]}


@route(bp, ["POST"], "/v1/monitors", "monitors:write", status=201)
def create_http_monitor(call: Call) -> Any:
    monitor = create_monitor(call.deps, call.team_id, PREFIX, draft_of(call.body()))
    return {"data": present_monitor(monitor, NOTHING_YET)}


@route(bp, ["GET"], "/v1/monitors/stats", "monitors:read")
def get_team_stats(call: Call) -> Any:
    monitors = list_monitors(call.deps, call.team_id, KIND)
    return {"data": present_team_stats(team_figures(call.deps, monitors))}


@route(bp, ["GET"], "/v1/monitors/{id}", "monitors:read")
def get_http_monitor(call: Call, id: str) -> Any:
    return _present(call, _monitor(call, id))


@route(bp, ["PUT"], "/v1/monitors/{id}", "monitors:write")
def update_http_monitor(call: Call, id: str) -> Any:
    _monitor(call, id)
    return _present(call, update_monitor(call.deps, call.team_id, KIND, id, change_of(call.body())))


@route(bp, ["DELETE"], "/v1/monitors/{id}", "monitors:write", status=204)
def delete_http_monitor(call: Call, id: str) -> None:
    delete_monitor(call.deps, call.team_id, KIND, _well_formed(id))


@route(bp, ["GET"], "/v1/monitors/{id}/results", "monitors:read")
def list_http_results(call: Call, id: str) -> Any:
    monitor = _monitor(call, id, consistent=False)
    limit, offset = whole_numbers(call.query, _LIMIT, _OFFSET)
    page = list_results(call.deps, monitor, limit=limit, offset=offset)
    return {
        "data": [present_result(monitor.id, result) for result in page.results],
        "pagination": {"total": page.total, "limit": limit, "offset": offset},
    }


@route(bp, ["GET"], "/v1/monitors/{id}/stats", "monitors:read")
def get_monitor_stats(call: Call, id: str) -> Any:
    monitor = _monitor(call, id, consistent=False)
    return {"data": present_monitor_stats(monitor.id, monitor_figures(call.deps, monitor))}


def _monitor(call: Call, id: str, *, consistent: bool = True) -> Monitor:
    return get_monitor(call.deps, call.team_id, KIND, _well_formed(id), consistent=consistent)


def _well_formed(id: str) -> str:
    """A malformed id is as unknown as any other, and a long one would be no key to DynamoDB."""
    if not _ID.fullmatch(id):
        raise NotFound("There is no such monitor.")
    return id


def _present(call: Call, monitor: Monitor) -> Any:
    readings = read_monitors(call.deps, [monitor], consistent=True)
    return {"data": present_monitor(monitor, readings[monitor.id])}
