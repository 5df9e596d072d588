"""Short ways to say what most tests of the store are about."""

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from chalicelib.domain.api_key import ApiKey, key_digest, key_text
from chalicelib.domain.member import Member
from chalicelib.domain.monitor import Monitor, Placement
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.schedule import SpeedClass
from chalicelib.domain.shard import Shard, region_of, speed_class_of
from chalicelib.domain.state import Entry, Observed, Transition
from chalicelib.domain.tick import MAIN, Tick, build_tick
from chalicelib.errors import Contended

T = TypeVar("T")
Items = Mapping[tuple[str, str], Mapping[str, Any]]
"""Raw items by (pk, sk)."""

SLOT = 1_700_000_040
NOW = datetime.fromtimestamp(SLOT, UTC)
SHARD = "enam.normal.00001"
SLOW_SHARD = "enam.slow.00001"
TEAM = "team_1"
UP, DEGRADED, DOWN = Status.UP, Status.DEGRADED, Status.DOWN


def monitor_id(number: int) -> str:
    return f"chk_{number:032x}"


def shard(name: str = SHARD) -> Shard:
    return Shard(name, region_of(name), speed_class_of(name), TEAM)


def monitor(number: int, *, team_id: str = TEAM, kind: str = "http", at: str = SHARD) -> Monitor:
    """The number is also the monitor's position and how many seconds after NOW it was made."""
    created_at = NOW + timedelta(seconds=number)
    return Monitor(
        id=monitor_id(number),
        team_id=team_id,
        kind=kind,
        name=f"Monitor {number}",
        spec={"url": f"https://example.com/{number}", "method": "GET"},
        interval_seconds=60,
        timeout_seconds=30 if speed_class_of(at) is SpeedClass.SLOW else 5,
        is_enabled=True,
        is_public=False,
        enabled_at=created_at,
        created_at=created_at,
        updated_at=created_at,
        token=f"{number:016x}",
        placements=(Placement(at, number, SLOT + 60, 60, first_slot=SLOT),),
    )


def member(position: int, **changes: Any) -> Member:
    values: dict[str, Any] = {
        "position": position,
        "monitor_id": monitor_id(position),
        "team_id": TEAM,
        "kind": "http",
        "spec": {"url": f"https://example.com/{position}"},
        "interval_seconds": 60,
        "anchor": SLOT,
        "is_enabled": True,
    }
    return Member(**values | changes)


def transition(position: int, before: Entry | None, after: Entry) -> Transition:
    outcome = Outcome(after.status, Reason.REFUSED if after.status is DOWN else Reason.NONE)
    checked_at = datetime.fromtimestamp(after.since, UTC)
    return Transition(member(position), before, after, Observed(after.slot, outcome, checked_at))


def ups(slot: int, positions: Iterable[int], part: str = MAIN) -> Tick:
    rows = dict.fromkeys(positions, Outcome(UP, status_code=200, response_ms=120))
    return build_tick(slot, part, datetime.fromtimestamp(slot, UTC), rows)


def api_key(number: int, *, team_id: str = TEAM, **changes: Any) -> ApiKey:
    text = key_text(number.to_bytes(32))
    values: dict[str, Any] = {
        "id": f"key_{number:032x}",
        "team_id": team_id,
        "name": f"Key {number}",
        "digest": key_digest(text),
        "prefix": text[:15],
        "scopes": ("monitors:read", "monitors:write"),
        "created_at": NOW + timedelta(seconds=number),
    }
    return ApiKey(**values | changes)


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """The results of so many threads that begin together."""
    barrier = threading.Barrier(count)

    def begin(number: int) -> T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def until_settled(work: Callable[[], T]) -> T:
    """Try again after every collision, as the services do."""
    while True:
        try:
            return work()
        except Contended:
            continue
