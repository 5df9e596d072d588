"""Every minute: find what is due to be told, and what a lost message has left behind."""

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib.services import sweeping
from chalicelib.services.deps import Deps
from chalicelib.wiring import deps

bp = Blueprint(__name__)


@bp.schedule("cron(* * * * ? *)", name="sweep")
def sweep(event: CloudWatchEvent) -> None:
    """The event's own time is of no use: what is due is judged by the clock, however late the event is."""
    run(deps())


def run(deps: Deps) -> int:
    return sweeping.sweep(deps)
