"""Values that the contract tests write."""

from dataclasses import replace
from datetime import UTC, datetime

from chalicelib.domain.extras import ContentCheck, Extras
from chalicelib.domain.monitor import Monitor, Placement
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.schedule import SpeedClass
from chalicelib.domain.shard import Shard
from chalicelib.domain.tick import MAIN, Tick, build_tick

SHARD = "enam.normal.00001"
OTHER = "enam.slow.00001"
BASE = 1_772_366_400
"""2026-03-01 12:00 UTC"""
NOW = datetime.fromtimestamp(BASE, UTC)

DOWN = Outcome(Status.DOWN, Reason.TIMEOUT, 0, 10_000)
UP = Outcome(Status.UP, status_code=200, response_ms=20)

EXTRAS = Extras(
    headers=(("Authorization", "Bearer s3cret"), ("X-Env", "prod")),
    body='{"ü": "✓"}',
    content_checks=(ContentCheck("cc_1", "contains", "Welcome ✓", True, False, NOW, NOW),),
)


def shard(name: str = SHARD, team_id: str = "team-1") -> Shard:
    return Shard(name, "enam", SpeedClass(name.split(".")[1]), team_id)


def monitor(monitor_id: str = "mon_1", position: int = 1, name: str = SHARD, url: str = "") -> Monitor:
    return Monitor(
        id=monitor_id,
        team_id="team-1",
        kind="http",
        name="The front page",
        spec={"url": url or "https://example.com/"},
        interval_seconds=60,
        timeout_seconds=10.0,
        is_enabled=True,
        is_public=False,
        enabled_at=NOW,
        created_at=NOW,
        updated_at=NOW,
        token="aa",
        placements=(Placement(name, position, BASE + 60, 60, first_slot=BASE),),
    )


def changed(before: Monitor, **fields: object) -> Monitor:
    return replace(before, rev=before.rev + 1, token="bb", **fields)  # type: ignore[arg-type]


def tick(slot: int, outcomes: dict[int, Outcome], part: str = MAIN) -> Tick:
    return build_tick(slot, part, datetime.fromtimestamp(slot + 5, UTC), outcomes)
