"""Current values of monitors: ticks laid over STATE, whose slot and milliseconds are only a floor."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from chalicelib.domain.monitor import Monitor, Placement
from chalicelib.domain.outcome import Status
from chalicelib.domain.schedule import SETTLED_SECONDS, due_slots_backwards
from chalicelib.domain.shard import speed_class_of
from chalicelib.domain.state import Entry, State
from chalicelib.domain.tick import MAIN, STRAGGLERS, Tick
from chalicelib.services.deps import Deps

_NEWEST_ITEMS = 3
_PICKED_SLOTS = 6
"""Past this many single slots, one Query of everything since the sweep costs less."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A monitor's newest known result; all None before its first."""

    status: Status | None = None
    checked_at: datetime | None = None
    response_ms: int | None = None
    status_code: int | None = None


NOTHING_YET = Reading()


def read_monitors(deps: Deps, monitors: Iterable[Monitor], *, consistent: bool) -> dict[str, Reading]:
    """Readings by monitor id: STATE and ticks once per shard that holds one of them.

    One tick read per shard when all its monitors are due every slot, or when there is only one monitor.
    """
    by_shard: defaultdict[str, list[Monitor]] = defaultdict(list)
    for monitor in monitors:
        by_shard[monitor.placement.shard].append(monitor)
    now_seconds = int(deps.now().timestamp())
    readings: dict[str, Reading] = {}
    for shard, members in by_shard.items():
        state = deps.states.get(shard, consistent=consistent)
        entries = state.entries if state else {}
        ticks = _ticks_over(deps, shard, members, state, now_seconds, consistent=consistent)
        for monitor in members:
            position = monitor.placement.position
            readings[monitor.id] = _reading(position, entries.get(position), ticks)
    return readings


def read_status(deps: Deps, placement: Placement) -> Status | None:
    """What a badge shows: STATE alone, eventually consistent."""
    state = deps.states.get(placement.shard, consistent=False)
    entry = state.entries.get(placement.position) if state else None
    return entry.status if entry else None


def _ticks_over(
    deps: Deps,
    shard: str,
    monitors: Sequence[Monitor],
    state: State | None,
    now_seconds: int,
    *,
    consistent: bool,
) -> list[Tick]:
    """The tick items that may hold a newer result than STATE for one of the monitors."""
    seconds = speed_class_of(shard).slot_seconds
    entries = state.entries if state else {}
    dense = [m for m in monitors if m.is_enabled and m.interval_seconds <= seconds]
    slots: set[int] = set()
    for monitor in monitors:
        if monitor in dense:
            continue
        entry = entries.get(monitor.placement.position)
        recent = islice(_due_slots(monitor.placement, seconds, now_seconds + 1), 2)
        slots.update(slot for slot in recent if entry is None or slot > entry.slot)
    if len(slots) > _PICKED_SLOTS:
        return _since_sweep(deps, shard, state, consistent=consistent)
    ticks: list[Tick] = []
    if dense:
        ticks = deps.ticks.newest(shard, _NEWEST_ITEMS, consistent=consistent)
        if _hides_a_main(ticks, dense, state, seconds):
            return _since_sweep(deps, shard, state, consistent=consistent)
    if slots:
        parts = [(slot, part) for slot in sorted(slots) for part in (MAIN, STRAGGLERS)]
        ticks = [*ticks, *deps.ticks.pick(shard, parts, consistent=consistent).values()]
    return ticks


def _due_slots(placement: Placement, seconds: int, before: int) -> Iterable[int]:
    return due_slots_backwards(
        from_slot=placement.from_slot,
        to_slot=before if placement.to_slot is None else min(before, placement.to_slot),
        anchor=placement.anchor,
        interval_seconds=max(placement.interval_seconds, seconds),
        slot_seconds=seconds,
    )


def _hides_a_main(ticks: Sequence[Tick], dense: Sequence[Monitor], state: State | None, seconds: int) -> bool:
    """Many first runs in one slot can push every main tick out of the newest few items."""
    if not ticks or state is None:
        return False
    seen = 0
    for tick in ticks:
        seen |= tick.bitmap
    oldest = ticks[-1].slot
    entries = (state.entries.get(m.placement.position) for m in dense if not seen >> m.placement.position & 1)
    return any(entry is not None and entry.slot < oldest - 2 * seconds for entry in entries)


def _since_sweep(deps: Deps, shard: str, state: State | None, *, consistent: bool) -> list[Tick]:
    swept = state.swept if state else 0
    return deps.ticks.since(shard, swept - SETTLED_SECONDS, consistent=consistent)


def _reading(position: int, entry: Entry | None, ticks: Iterable[Tick]) -> Reading:
    newest: Tick | None = None
    for tick in ticks:
        if tick.bitmap >> position & 1 and (newest is None or tick.slot > newest.slot):
            newest = tick
    outcome = newest.outcome(position) if newest else None
    if newest is None or outcome is None or (entry is not None and newest.slot < entry.slot):
        return _floor(entry)
    return Reading(outcome.status, newest.checked_at(position), outcome.response_ms, outcome.status_code)


def _floor(entry: Entry | None) -> Reading:
    if entry is None:
        return NOTHING_YET
    return Reading(entry.status, datetime.fromtimestamp(entry.slot, UTC), entry.response_ms)
