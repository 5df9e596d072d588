"""The team's ping key: with it, and a slug, cron jobs report in without knowing their tokens."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.routes.http import Call, route
from chalicelib.routes.job_urls import base_url
from chalicelib.routes.presenting.cron_job import PingUrls
from chalicelib.services.ping_keys import get_ping_key, replace_ping_key

bp = Blueprint(__name__)


@route(bp, ["GET"], "/v1/ping-key", "cron-jobs:write", answer="cron_job:PingKey")
def get_team_ping_key(call: Call) -> Any:
    """Get the team's ping key. The first cron job with a slug makes it."""
    return _shown(call, get_ping_key(call.deps, call.team_id))


@route(bp, ["POST"], "/v1/ping-key", "cron-jobs:write", answer="cron_job:PingKey")
def replace_team_ping_key(call: Call) -> Any:
    """Make a new ping key. The URLs of the one before lead nowhere from the next request on."""
    return _shown(call, replace_ping_key(call.deps, call.team_id))


def _shown(call: Call, ping_key: str | None) -> Any:
    return {"data": {"pingKey": ping_key, "pingUrl": PingUrls(base_url(call), ping_key).of_team}}
