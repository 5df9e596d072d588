"""Ad-hoc pings: one check right now (contract, section 3.2)."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.routes.http import Call, route
from chalicelib.routes.presenting.instant import timestamp
from chalicelib.routes.presenting.ping import present_ping

bp = Blueprint(__name__)


class PingFailed(Exception):
    """The probe could not be run; the log of the function that tried says why."""


@route(
    bp,
    ["POST"],
    "/v1/ping",
    "ping:trigger",
    body="ping:PingBody",
    answer="ping:PingAnswer",
    is_ping=True,
)
def trigger_ping(call: Call) -> Any:
    """Check a target right now. Nothing is stored and nobody is alerted.

    A target that fails is a 200 as well: branch on `data.ping.status`. Whatever timeout is asked for, at
    most 25 seconds are waited. This operation has a limit of its own, 60 a minute, which its rate-limit
    headers describe.
    """
    wanted = call.body().root
    begun_at = call.deps.now()
    outcome = call.deps.adhoc.ping(wanted.type, wanted.spec(), wanted.extras())
    if outcome is None:
        raise PingFailed(wanted.type)
    return {
        "data": {"ping": present_ping(call.origin.new_id("ping"), wanted.type, outcome, begun_at)},
        "meta": {"requestId": call.request_id, "timestamp": timestamp(call.deps.now())},
    }
