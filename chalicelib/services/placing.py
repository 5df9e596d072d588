"""Which shard a new monitor goes to, and the position it gets there."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

from chalicelib.domain.member import encode_member, member_of
from chalicelib.domain.monitor import Monitor, Placement
from chalicelib.domain.schedule import SpeedClass
from chalicelib.domain.shard import MAX_POSITIONS, Shard, shard_id
from chalicelib.errors import Contended
from chalicelib.services.deps import Deps

_WIDEST = Placement("", MAX_POSITIONS, 9_999_999_999, 0)


def place(deps: Deps, monitor: Monitor, speed: SpeedClass, full: Collection[str] = ()) -> tuple[str, int]:
    """A shard with room and a fresh position in it.

    A shard fills team by team: one that the team began comes first, then any other with room, so that
    a team's list is read from few shards; a new one is made when all are full. The transaction that
    writes the monitor carries the condition; a choice that was overtaken comes back for another, with
    the shards that turned out to be `full`.
    """
    size = _member_bytes(monitor)
    region = deps.settings.region
    ours = [s for s in deps.shards.all() if s.region == region and s.speed_class is speed]
    candidates = [s for s in ours if s.has_room(size) and s.id not in full]
    candidates.sort(key=lambda s: (s.team_id != monitor.team_id, s.id))
    for shard in candidates:
        position = deps.shards.take_position(shard.id)
        if position is not None:
            return shard.id, position
    number = max((int(s.id.rsplit(".", 1)[1]) for s in ours), default=0)
    while True:
        number += 1
        new = Shard(shard_id(region, speed, number), region, speed, monitor.team_id)
        with suppress(Contended):  # another may be making it too, or the answer is lost: the position tells
            deps.shards.create(new, swept=int(deps.now().timestamp()))
        position = deps.shards.take_position(new.id)
        if position is not None:
            return new.id, position


def _member_bytes(monitor: Monitor) -> int:
    """An upper bound: the position and the anchor are not known yet."""
    placed = replace(monitor, is_enabled=False, placements=(_WIDEST,))
    return len(encode_member(member_of(placed)))
