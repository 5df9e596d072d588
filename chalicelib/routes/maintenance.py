"""Maintenance windows (contract, sections 3.9 and 4.9)."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.maintenance import Window
from chalicelib.errors import AlreadyEnded, InvalidDateRange, NotFound, NotStarted
from chalicelib.routes.http import Call, Id, route
from chalicelib.routes.presenting.maintenance import present_window
from chalicelib.services.maintenance import (
    create_window,
    delete_window,
    end_window,
    get_window,
    update_window,
    windows_of_team,
)

bp = Blueprint(__name__)

_WINDOW = {"id": Id("mnt", "maintenance window")}


@route(bp, ["GET"], "/v1/maintenance", "maintenance:read", answer="maintenance:MaintenanceList")
def list_maintenance(call: Call) -> Any:
    """List all maintenance windows, past ones included, newest first."""
    windows = windows_of_team(call.deps, call.team_id, consistent=False)
    return {"data": [present_window(window) for window in windows]}


@route(
    bp,
    ["POST"],
    "/v1/maintenance",
    "maintenance:write",
    status=201,
    body="maintenance:MaintenanceCreate",
    answer="maintenance:MaintenanceItem",
    errors=[InvalidDateRange, NotFound],
)
def create_maintenance(call: Call) -> Any:
    """Create a maintenance window, for one HTTP monitor or for everything.

    Checks go on and are recorded; uptime leaves out what they find while it is active. It may have begun
    already, and even be over.
    """
    return _shown(create_window(call.deps, call.team_id, call.body().draft(), call.origin))


@route(
    bp,
    ["GET"],
    "/v1/maintenance/{id}",
    "maintenance:read",
    answer="maintenance:MaintenanceItem",
    ids=_WINDOW,
)
def get_maintenance(call: Call, id: str) -> Any:
    """Get one maintenance window."""
    return _shown(get_window(call.deps, call.team_id, id))


@route(
    bp,
    ["PUT"],
    "/v1/maintenance/{id}",
    "maintenance:write",
    body="maintenance:MaintenanceUpdate",
    answer="maintenance:MaintenanceItem",
    ids=_WINDOW,
    errors=[InvalidDateRange],
)
def update_maintenance(call: Call, id: str) -> Any:
    """Change a maintenance window: what the body leaves out stays as it is.

    What was ended stays over.
    """
    get_window(call.deps, call.team_id, id)
    return _shown(update_window(call.deps, call.team_id, id, call.body().change()))


@route(bp, ["DELETE"], "/v1/maintenance/{id}", "maintenance:write", status=204, ids=_WINDOW)
def delete_maintenance(call: Call, id: str) -> None:
    """Delete a maintenance window as if it had never been. An active one is lifted at once."""
    delete_window(call.deps, call.team_id, id)


@route(
    bp,
    ["POST"],
    "/v1/maintenance/{id}/end",
    "maintenance:write",
    answer="maintenance:MaintenanceItem",
    ids=_WINDOW,
    errors=[AlreadyEnded, NotStarted],
)
def end_maintenance(call: Call, id: str) -> Any:
    """End an active maintenance window now."""
    return _shown(end_window(call.deps, call.team_id, id))


def _shown(window: Window) -> Any:
    return {"data": present_window(window)}
