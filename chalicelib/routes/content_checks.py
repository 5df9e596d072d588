"""Content checks of HTTP monitors (contract, sections 3.3 and 4.4)."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.errors import LimitExceeded
from chalicelib.routes.http import Call, Id, route
from chalicelib.routes.presenting.content_check import present_check
from chalicelib.services.content_checks import (
    add_content_check,
    delete_content_check,
    find_content_check,
    list_content_checks,
    update_content_check,
)
from chalicelib.services.monitors import get_monitor

bp = Blueprint(__name__)

_KIND = "http"
_MONITOR = {"id": Id("mon", "monitor")}
_CHECK = {**_MONITOR, "check_id": Id("cc", "content check")}


@route(
    bp,
    ["GET"],
    "/v1/monitors/{id}/content-checks",
    "monitors:read",
    answer="content_check:ContentCheckList",
    ids=_MONITOR,
)
def list_monitor_content_checks(call: Call, id: str) -> Any:
    """List what a monitor's response must contain, newest first."""
    checks = list_content_checks(call.deps, call.team_id, _KIND, id)
    return {"data": [present_check(id, check) for check in checks]}


@route(
    bp,
    ["POST"],
    "/v1/monitors/{id}/content-checks",
    "monitors:write",
    status=201,
    body="content_check:ContentCheckCreate",
    answer="content_check:ContentCheckItem",
    ids=_MONITOR,
    errors=[LimitExceeded],
)
def create_content_check(call: Call, id: str) -> Any:
    """Add a rule for the body of a monitor's response; at most ten. All enabled ones must hold, else `down`.

    A monitor with a rule is checked with GET instead of HEAD.
    """
    get_monitor(call.deps, call.team_id, _KIND, id)
    draft = call.body().draft()
    return {
        "data": present_check(id, add_content_check(call.deps, call.team_id, _KIND, id, draft, call.origin))
    }


@route(
    bp,
    ["PUT"],
    "/v1/monitors/{id}/content-checks/{check_id}",
    "monitors:write",
    body="content_check:ContentCheckUpdate",
    answer="content_check:ContentCheckItem",
    ids=_CHECK,
)
def change_content_check(call: Call, id: str, check_id: str) -> Any:
    """Change a content check: what the body leaves out stays as it is."""
    find_content_check(call.deps, call.team_id, _KIND, id, check_id)
    change = call.body().change()
    return {
        "data": present_check(id, update_content_check(call.deps, call.team_id, _KIND, id, check_id, change))
    }


@route(
    bp,
    ["DELETE"],
    "/v1/monitors/{id}/content-checks/{check_id}",
    "monitors:write",
    status=204,
    ids=_CHECK,
)
def remove_content_check(call: Call, id: str, check_id: str) -> None:
    """Remove a content check."""
    delete_content_check(call.deps, call.team_id, _KIND, id, check_id)
