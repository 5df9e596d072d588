"""Push monitors: what pushes to us, as it pushes to Uptime Kuma."""

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.push_monitor import push_token_of
from chalicelib.errors import Conflict, LimitExceeded
from chalicelib.routes.body import parse_object
from chalicelib.routes.http import Call, Id, Secret, route
from chalicelib.routes.job_urls import may_know_urls
from chalicelib.routes.presenting.push_monitor import present_monitor, present_result, push_url
from chalicelib.routes.query import page_of
from chalicelib.services import push_monitors as service
from chalicelib.services.push_history import list_beats

bp = Blueprint(__name__)

_IDS = {"id": Id("push", "push monitor")}


def _without_secrets(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"data": {**body["data"], "pushToken": None, "pushUrl": None}}


def _with_secrets(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """The token is what the same request gives again, or what its secret makes again."""
    given = parse_object(call.raw_body, call.headers.get("content-type")).get("pushToken")
    token = str(given) if given else push_token_of(call.secret())
    return {"data": {**body["data"], "pushToken": token, "pushUrl": push_url(_base(call), token)}}


@route(bp, ["GET"], "/v1/push-monitors", "cron-jobs:read", answer="push_monitor:PushMonitorList")
def list_push_monitors(call: Call) -> Any:
    """List all push monitors, newest first, each with its status as it is now."""
    return {
        "data": [_presented(call, shown) for shown in service.list_push_monitors(call.deps, call.team_id)]
    }


@route(
    bp,
    ["POST"],
    "/v1/push-monitors",
    "cron-jobs:write",
    status=201,
    body="push_monitor:PushMonitorCreate",
    answer="push_monitor:PushMonitorItem",
    errors=[LimitExceeded],
    secret=Secret(_without_secrets, _with_secrets),
)
def create_push_monitor(call: Call) -> Any:
    """Create a push monitor, which from then on is to push to its `pushUrl`: the first time within its
    interval. Unknown keys are refused. 409 when another monitor has the `pushToken`.
    """
    draft = call.body().draft()
    shown = service.create_push_monitor(call.deps, call.team_id, draft, call.origin, call.secret())
    return {"data": _presented(call, shown)}


@route(
    bp,
    ["GET"],
    "/v1/push-monitors/{id}",
    "cron-jobs:read",
    answer="push_monitor:PushMonitorItem",
    ids=_IDS,
)
def get_push_monitor(call: Call, id: str) -> Any:
    """Get one push monitor with its status as it is now."""
    return {"data": _presented(call, service.show_push_monitor(call.deps, call.team_id, id))}


@route(
    bp,
    ["PUT"],
    "/v1/push-monitors/{id}",
    "cron-jobs:write",
    body="push_monitor:PushMonitorUpdate",
    answer="push_monitor:PushMonitorItem",
    ids=_IDS,
    errors=[Conflict],
)
def update_push_monitor(call: Call, id: str) -> Any:
    """Change a push monitor: what the body leaves out stays as it is. Unknown keys are refused.

    After a change of what it is judged by, the next push is due an interval later. Another `pushToken` makes
    the old push URL lead nowhere. Enabling begins anew: `pending` until something is known.
    """
    service.get_push_monitor(call.deps, call.team_id, id)
    change = call.body().change()
    return {"data": _presented(call, service.update_push_monitor(call.deps, call.team_id, id, change))}


@route(bp, ["DELETE"], "/v1/push-monitors/{id}", "cron-jobs:write", status=204, ids=_IDS)
def delete_push_monitor(call: Call, id: str) -> None:
    """Delete a push monitor with its results. Its push URL leads nowhere from then on."""
    service.delete_push_monitor(call.deps, call.team_id, id)


@route(
    bp,
    ["GET"],
    "/v1/push-monitors/{id}/results",
    "cron-jobs:read",
    query=page_of(default=20, most=100),
    answer="push_monitor:PushResultPage",
    ids=_IDS,
)
def list_push_results(call: Call, id: str) -> Any:
    """List what was pushed, and what silence has changed, newest first. Kept for 365 days."""
    _, heartbeat = service.read_push_monitor(call.deps, call.team_id, id)
    limit, offset = call.numbers()
    page = list_beats(call.deps, heartbeat, limit=limit, offset=offset)
    return {
        "data": [present_result(id, listed.beat, listed.words) for listed in page.beats],
        "pagination": {"total": page.total, "limit": limit, "offset": offset},
    }


def _base(call: Call) -> str:
    return call.deps.settings.push_url or call.site


def _presented(call: Call, shown: service.Shown) -> dict[str, Any]:
    return present_monitor(shown, _base(call) if may_know_urls(call) else None)
