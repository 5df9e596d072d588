"""A monitor's configuration and where it lives."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.domain.confirmation import retry_seconds
from chalicelib.domain.schedule import SpeedClass, speed_class

if TYPE_CHECKING:
    from chalicelib.domain.heartbeat import Place

Spec = Mapping[str, Any]
"""What a check of the kind needs, in the contract's own field names (JSON values)."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A stretch of a monitor's life at one position of one shard under one schedule.

    Due slots lie in [from_slot, to_slot); `to_slot` is None for the current stretch. `interval_seconds`
    0 means that nothing is known of the due slots (old stretches that were merged).
    """

    shard: str
    position: int
    from_slot: int
    interval_seconds: int
    to_slot: int | None = None
    first_slot: int | None = None
    """The slot of the first run, on a stretch that began with the create or an enable."""
    has_retries: bool = False
    """Whether results may lie outside the due slots. Of a sparse monitor, those slots are noted."""

    @property
    def anchor(self) -> int:
        return self.from_slot


@dataclass(frozen=True, slots=True)
class Monitor:
    """What a team configured, of any kind. `rev` guards every write; `token` is the last write's own.

    The last of `placements` is the current one, also while the monitor is disabled.
    """

    id: str
    team_id: str
    kind: str
    name: str
    spec: Spec
    interval_seconds: int
    timeout_seconds: float
    is_enabled: bool
    is_public: bool
    enabled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    rev: int = 1
    token: str = ""
    placements: tuple[Placement, ...] = field(default=())
    header_names: tuple[str, ...] = ()
    has_body: bool = False
    extras_rev: int = 0
    """The `rev` that wrote its extras (`domain/extras.py`); 0 when it has none."""

    @property
    def has_extras(self) -> bool:
        return self.extras_rev > 0

    @property
    def placement(self) -> Placement:
        return self.placements[-1]

    @property
    def speed_class(self) -> SpeedClass:
        return speed_class(self.interval_seconds, self.timeout_seconds)

    @property
    def retry_seconds(self) -> int:
        return retry_seconds(self.spec, self.interval_seconds, self.speed_class.slot_seconds)


@dataclass(frozen=True, slots=True)
class Locator:
    """How a public reader finds a monitor's state without touching the teams table. What reports in by
    itself has the place of its heartbeat, and no placements."""

    monitor_id: str
    team_id: str
    kind: str
    is_public: bool
    is_enabled: bool
    placements: tuple[Placement, ...]
    place: "Place | None" = None


@dataclass(frozen=True, slots=True)
class Leftover:
    """What a deletion still owes: the incidents and outbox rows of a monitor that is gone."""

    monitor_id: str
    team_id: str
    shards: tuple[str, ...]


MAX_PLACEMENTS = 40
"""Past this many, neighbouring stretches at one position are merged, which only costs their readers time."""
MAX_PLACES = 300
"""Past this many moves within the retention, the results of the oldest place are given up."""


def close_placement(placements: tuple[Placement, ...], at_slot: int) -> tuple[Placement, ...]:
    """End the current stretch at `at_slot`; a stretch that never began keeps its place with no slots."""
    if not placements or placements[-1].to_slot is not None:
        return placements
    last = placements[-1]
    return (*placements[:-1], replace(last, to_slot=max(at_slot, last.from_slot)))


def next_placement(
    placements: tuple[Placement, ...], new: Placement, forget_before: int
) -> tuple[Placement, ...]:
    """Close the current stretch where the new one begins and append it.

    Stretches that ended before `forget_before` hold no result that is still kept. Past MAX_PLACEMENTS
    the two oldest stretches at one position become one whose due slots are unknown; past MAX_PLACES the
    oldest goes.
    """
    kept = [
        p
        for p in close_placement(placements, new.from_slot)
        if p.to_slot is None or p.to_slot > forget_before
    ]
    kept.append(new)
    while len(kept) > MAX_PLACEMENTS:
        pair = next((i for i in range(len(kept) - 2) if _same_place(kept[i], kept[i + 1])), None)
        if pair is None:
            break
        older, newer = kept[pair], kept[pair + 1]
        begins = older.from_slot if older.first_slot is None else min(older.first_slot, older.from_slot)
        kept[pair : pair + 2] = [
            Placement(older.shard, older.position, begins, interval_seconds=0, to_slot=newer.to_slot)
        ]
    return tuple(kept[-MAX_PLACES:])


def with_retries_told(monitor: Monitor) -> Monitor:
    """Its current stretch says whether there may be retries. One that said so goes on: it has a past."""
    place = monitor.placement
    if place.has_retries or not monitor.retry_seconds:
        return monitor
    return replace(monitor, placements=(*monitor.placements[:-1], replace(place, has_retries=True)))


def _same_place(one: Placement, other: Placement) -> bool:
    return (one.shard, one.position) == (other.shard, other.position)
