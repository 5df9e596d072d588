"""Push URLs: public, and by the letter of Uptime Kuma's, so that whatever pushes there needs another host and
nothing else."""

from typing import Any, Final

from chalice.app import Blueprint

from chalicelib.errors import TooMany
from chalicelib.routes.http import PUBLIC, Call, route
from chalicelib.routes.query import Text
from chalicelib.services.limits import count_heartbeat
from chalicelib.services.pushing import Said, take_push

bp = Blueprint(__name__)

_METHODS: Final = {
    "": ["GET", "HEAD"],
    "ByPost": ["POST"],
    "ByPut": ["PUT"],
    "ByPatch": ["PATCH"],
    "ByDelete": ["DELETE"],
    "ByOptions": ["OPTIONS"],
}
_REFUSED: Final = "push_monitor:PushRefused"


def take_heartbeat(call: Call, token: str) -> Any:
    """Tell that something is alive, or that it is not. Any method; bodies are ignored.

    Whatever is wrong is 404, as with Uptime Kuma: an unknown token, a disabled monitor, a `ping` that cannot
    be.
    """
    now = call.deps.now()
    bucket = count_heartbeat(call.deps, call.source_ip, now)
    if bucket.is_exceeded:
        raise TooMany(bucket.retry_after_seconds(now))
    # What is given twice is one text with a comma, as JavaScript has it.
    given = {name: ",".join(call.query.get(name, ())) for name in ("status", "msg", "ping")}
    take_push(call.deps, token, Said(**given))
    return {"ok": True}


for _suffix, _methods in _METHODS.items():
    route(
        bp,
        _methods,
        "/api/push/{token}",
        PUBLIC,
        query=[
            Text("status", "`up`, or none; anything else is a failure."),
            Text("msg", "Kept as far as 250 characters. None is `OK`."),
            Text("ping", "Milliseconds, from 0 to 100000000000. What does not begin as a number is ignored."),
        ],
        answers={200: "push_monitor:PushTaken", 404: _REFUSED, 429: _REFUSED},
        name=f"push{_suffix}",
        tag="heartbeats",
        is_writing=True,
    )(take_heartbeat)
