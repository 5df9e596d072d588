"""The state of all HTTP monitors in one answer (contract, sections 3.1 and 4.10)."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.routes.http import Call, route
from chalicelib.routes.presenting.status import present_status
from chalicelib.services.monitors import list_monitors
from chalicelib.services.readings import read_monitors

bp = Blueprint(__name__)


@route(bp, ["GET"], "/v1/status", "monitors:read", answer="status:StatusAnswer")
def get_status(call: Call) -> Any:
    """One word for all HTTP monitors, and the state of each."""
    monitors = list_monitors(call.deps, call.team_id, "http")
    return present_status(monitors, read_monitors(call.deps, monitors, consistent=False))
