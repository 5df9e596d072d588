"""A monitor's results, newest first, with their exact number.

Results lie in the ticks of the shards that the monitor lived in. Which ticks hold one is computed from the
placements: a monitor that is due in most slots is read by Query, a sparse one by its due slots alone.
The number comes from the shard's cumulative counts plus the ticks since.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice

from chalicelib.domain.counts import Counts
from chalicelib.domain.monitor import Monitor, Placement
from chalicelib.domain.outcome import Outcome
from chalicelib.domain.schedule import due_slots_backwards
from chalicelib.domain.shard import region_of, speed_class_of
from chalicelib.domain.tick import MAIN, STRAGGLERS, Tick, first_run_part
from chalicelib.services.deps import Deps

RETAINED_DAYS = 35
_SPARSE_SLOTS = 6
"""From this interval on, in slots, picking due slots (0.5 RRU each) beats a Query over all of them."""
_BATCH = 100
_NAVIGATE_FROM = 300
"""Offsets past this are crossed by the hourly counts instead of reading what is skipped."""


@dataclass(frozen=True, slots=True)
class Result:
    """One stored result of one monitor."""

    slot: int
    checked_at: datetime
    region: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Page:
    results: Sequence[Result]
    total: int


def list_results(deps: Deps, monitor: Monitor, *, limit: int, offset: int) -> Page:
    """A page of the results of the last 35 days (and of up to two hours more), eventually consistent."""
    now = int(deps.now().timestamp())
    oldest_hour = (now - RETAINED_DAYS * 86400) // 3600 - 1
    is_young = monitor.created_at.timestamp() >= oldest_hour * 3600
    window = _Window(skip=offset, limit=limit)
    total = 0
    for place in _places(monitor.placements):
        shard, position = place[0].shard, place[0].position
        latest = deps.ticks.counts(shard) or Counts(upto=0)
        cut = None if is_young else deps.ticks.counts(shard, oldest_hour)
        floor = cut.upto if cut and cut.upto < latest.upto else oldest_hour * 3600
        fresh = 0
        for result in _read(deps, place, max(latest.upto, floor), now + 1, wanted=None):
            fresh += 1
            window.take(result)
        counted = latest.by_position.get(position, 0) - (cut.by_position.get(position, 0) if cut else 0)
        total += fresh + counted
        if counted and window.wanted:
            ceiling = _cross(deps, shard, position, latest, floor, window)
            for result in _read(deps, place, floor, ceiling, wanted=window.wanted):
                window.take(result)
                if not window.wanted:
                    break
    return Page(window.results, total)


class _Window:
    """Skips the offset, then keeps results until the page is full."""

    def __init__(self, skip: int, limit: int) -> None:
        self.skip = skip
        self.limit = limit
        self.results: list[Result] = []

    @property
    def wanted(self) -> int:
        """How many more results have to be seen; 0 when the page is full."""
        return self.skip + self.limit - len(self.results)

    def take(self, result: Result) -> None:
        if self.skip:
            self.skip -= 1
        elif self.wanted:
            self.results.append(result)


def _places(placements: Sequence[Placement]) -> list[list[Placement]]:
    """The placements grouped by shard and position, newest first within and without."""
    grouped = groupby(reversed(placements), key=lambda p: (p.shard, p.position))
    return [list(group) for _, group in grouped]


def _cross(deps: Deps, shard: str, position: int, latest: Counts, floor: int, window: _Window) -> int:
    """Cross a deep offset: the newest hour boundary before which the page begins, by bisection over the
    hourly counts; `window.skip` shrinks by the results crossed. Returns the slot to read below."""
    if window.skip <= _NAVIGATE_FROM:
        return latest.upto
    newest = latest.by_position.get(position, 0)
    best = latest
    low, high = floor // 3600, latest.upto // 3600 + 1
    while low <= high:
        middle = (low + high) // 2
        found = deps.ticks.counts(shard, middle)
        if found is None or newest - found.by_position.get(position, 0) > window.skip:
            low = middle + 1
        else:
            if found.upto < best.upto:
                best = found
            high = middle - 1
    window.skip -= newest - best.by_position.get(position, 0)
    return best.upto


def _read(
    deps: Deps, place: Sequence[Placement], from_slot: int, to_slot: int, *, wanted: int | None
) -> Iterator[Result]:
    """The results of a place in [from_slot, to_slot), newest first. `wanted` is how many the reader
    expects to take, None for all."""
    for placement in place:
        begins = placement.from_slot if placement.first_slot is None else placement.first_slot
        low = max(from_slot, begins)
        high = to_slot if placement.to_slot is None else min(to_slot, placement.to_slot)
        if low >= high:
            continue
        seconds = speed_class_of(placement.shard).slot_seconds
        is_sparse = placement.interval_seconds >= _SPARSE_SLOTS * seconds
        ticks = _picked if is_sparse else _queried
        region, position = region_of(placement.shard), placement.position
        for tick in ticks(deps, placement, low, high, seconds, wanted):
            outcome = tick.outcome(position)
            if outcome is not None:
                yield Result(tick.slot, tick.checked_at(position), region, outcome)


def _queried(
    deps: Deps, placement: Placement, low: int, high: int, seconds: int, wanted: int | None
) -> Iterator[Tick]:
    """Chunks backwards in time, the first as long as what is wanted should need, then twice as long."""
    step = max(placement.interval_seconds, seconds)
    length = high - low if wanted is None else (wanted + 1) * step
    while high > low:
        begin = max(low, high - length)
        chunk = deps.ticks.since(placement.shard, begin, consistent=False, until_slot=high)
        yield from sorted(chunk, key=lambda tick: (tick.slot, tick.part), reverse=True)
        high, length = begin, length * 2


def _picked(
    deps: Deps, placement: Placement, low: int, high: int, seconds: int, wanted: int | None
) -> Iterator[Tick]:
    """The due slots' main ticks; where one lacks the monitor, the stragglers'; last, the first run's."""
    due = due_slots_backwards(
        from_slot=max(low, placement.from_slot),
        to_slot=high,
        anchor=placement.anchor,
        interval_seconds=placement.interval_seconds,
        slot_seconds=seconds,
    )
    shard, position = placement.shard, placement.position
    while slots := list(islice(due, _BATCH if wanted is None else min(wanted + 1, _BATCH))):
        mains = deps.ticks.pick(shard, [(slot, MAIN) for slot in slots], consistent=False)
        late = [slot for (slot, _), main in mains.items() if main.outcome(position) is None]
        found = {slot: main for (slot, _), main in mains.items()}
        if late:
            stragglers = deps.ticks.pick(shard, [(slot, STRAGGLERS) for slot in late], consistent=False)
            found |= {slot: tick for (slot, _), tick in stragglers.items()}
        yield from (found[slot] for slot in slots if slot in found)
    if placement.first_slot is not None and low <= placement.first_slot < high:
        key = (placement.first_slot, first_run_part(position))
        yield from deps.ticks.pick(shard, [key], consistent=False).values()
