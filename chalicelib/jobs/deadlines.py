"""Every minute: find the cron jobs that are late and the push monitors that are silent."""

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib.services.deadlines import find_deadlines
from chalicelib.services.deps import Deps
from chalicelib.wiring import deps

bp = Blueprint(__name__)


@bp.schedule("cron(* * * * ? *)", name="deadlines")
def deadlines(event: CloudWatchEvent) -> None:
    """The event's own time is of no use: what is due is judged by the clock, however late the event is."""
    run(deps())


def run(deps: Deps) -> int:
    return find_deadlines(deps)
