"""Every minute: hand the shards their slots."""

from datetime import datetime

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib.services import ticking
from chalicelib.services.deps import Deps
from chalicelib.wiring import deps

bp = Blueprint(__name__)


@bp.schedule("cron(* * * * ? *)", name="tick")
def tick(event: CloudWatchEvent) -> None:
    run(deps(), datetime.fromisoformat(event.to_dict()["time"]))


def run(deps: Deps, scheduled_at: datetime) -> int:
    return ticking.tick(deps, scheduled_at)
