"""Where results lie: in the ticks of the shards that a monitor lived in.

Which ticks hold one is computed from the placements: a monitor that is due in most slots is read by Query,
a sparse one by its due slots alone, and by those that were noted for its retries.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, islice

from chalicelib.domain import positions
from chalicelib.domain.monitor import Placement
from chalicelib.domain.outcome import Outcome
from chalicelib.domain.schedule import SPARSE_SLOTS, due_slots_backwards
from chalicelib.domain.shard import region_of, speed_class_of
from chalicelib.domain.text import TextRef
from chalicelib.domain.tick import MAIN, STRAGGLERS, Tick, first_run_part
from chalicelib.services.deps import Deps
from chalicelib.services.texts import read_texts

_BATCH = 100
_CHUNK_SLOTS = 1440
"""The most that one Query asks for, so that a month of ticks is never in memory: 1 MB of a full shard."""


@dataclass(frozen=True, slots=True)
class Result:
    """One stored result of one monitor. `text` is empty until somebody who shows it reads `text_ref`."""

    slot: int
    checked_at: datetime
    region: str
    outcome: Outcome
    text_ref: TextRef | None = None
    text: str = ""


def places_of(placements: Sequence[Placement]) -> list[list[Placement]]:
    """The placements grouped by shard and position, newest first within and without."""
    grouped = groupby(reversed(placements), key=lambda p: (p.shard, p.position))
    return [list(group) for _, group in grouped]


def span_of(placement: Placement, from_slot: int, to_slot: int) -> tuple[int, int]:
    """The slots in [from_slot, to_slot) that may hold results of a stretch, its first run included. Empty
    when the second is not greater."""
    begins = placement.from_slot if placement.first_slot is None else placement.first_slot
    high = to_slot if placement.to_slot is None else min(to_slot, placement.to_slot)
    return max(from_slot, begins), high


def read(
    deps: Deps, place: Sequence[Placement], from_slot: int, to_slot: int, *, wanted: int | None
) -> Iterator[Result]:
    """The results of a place in [from_slot, to_slot), newest first. `wanted` is how many the reader
    expects to take, None for all."""
    for placement in place:
        shard, position = placement.shard, placement.position
        region = region_of(shard)
        for tick in ticks_of(deps, placement, from_slot, to_slot, wanted=wanted):
            outcome = tick.outcome(position)
            if outcome is not None:
                id = tick.text_id(position)
                ref = None if id is None else TextRef(shard, position, id)
                yield Result(tick.slot, tick.checked_at(position), region, outcome, ref)


def with_texts(deps: Deps, results: Sequence[Result]) -> list[Result]:
    """The same results, each with its text if it has one. Eventually consistent."""
    texts = read_texts(deps, (result.text_ref for result in results), consistent=False)
    return [replace(result, text=texts[result.text_ref]) for result in results]


def ticks_of(
    deps: Deps, placement: Placement, from_slot: int, to_slot: int, *, wanted: int | None
) -> Iterator[Tick]:
    """The ticks in [from_slot, to_slot) that may hold a result of a stretch, newest first."""
    low, high = span_of(placement, from_slot, to_slot)
    seconds = speed_class_of(placement.shard).slot_seconds
    if low >= high:
        return
    if placement.interval_seconds >= SPARSE_SLOTS * seconds:
        yield from _picked(deps, placement, low, high, seconds, wanted)
        return
    step = max(placement.interval_seconds, seconds)
    length = high - low if wanted is None else (wanted + 1) * step
    yield from query(deps, placement.shard, low, high, length)


def ticks_of_shard(
    deps: Deps, shard: str, stretches: Sequence[Placement], from_slot: int, to_slot: int
) -> Iterator[tuple[Tick, int]]:
    """The ticks in [from_slot, to_slot) that may hold results of these stretches of one shard, each with
    the positions (a bitmap) to read there. No result comes twice; nor does a tick, unless picking the due
    slots of each costs less than one reading for all."""
    seconds = speed_class_of(shard).slot_seconds
    wanted = positions.to_bitmap(p.position for p in stretches)
    spans = _united(span_of(p, from_slot, to_slot) for p in stretches)
    if wanted.bit_count() == 1 or _is_picking_cheaper(stretches, spans, seconds):
        for p in stretches:
            for tick in ticks_of(deps, p, from_slot, to_slot, wanted=None):
                yield tick, 1 << p.position
        return
    for low, high in spans:
        for tick in query(deps, shard, low, high, high - low):
            yield tick, wanted


def _is_picking_cheaper(
    stretches: Sequence[Placement], spans: Sequence[tuple[int, int]], seconds: int
) -> bool:
    """Of stretches that are all sparse, each of whose due slots is a read of its own."""
    if any(p.interval_seconds < SPARSE_SLOTS * seconds for p in stretches):
        return False
    begin, end = spans[0][0] if spans else 0, spans[-1][1] if spans else 0
    lengths = ((span_of(p, begin, end), p.interval_seconds) for p in stretches)
    picks = sum(max(0, high - low) / interval for (low, high), interval in lengths)
    return picks * SPARSE_SLOTS * seconds <= sum(high - low for low, high in spans)


def _united(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same slots in spans that neither touch nor overlap, oldest first; empty ones are dropped."""
    united: list[tuple[int, int]] = []
    for low, high in sorted(span for span in spans if span[0] < span[1]):
        if united and low <= united[-1][1]:
            united[-1] = (united[-1][0], max(high, united[-1][1]))
        else:
            united.append((low, high))
    return united


def query(deps: Deps, shard: str, low: int, high: int, length: int) -> Iterator[Tick]:
    """Every tick of [low, high), newest first, in chunks backwards in time: the first of `length` seconds,
    then each twice as long, up to a bound."""
    longest = _CHUNK_SLOTS * speed_class_of(shard).slot_seconds
    while high > low:
        length = min(length, longest)
        begin = max(low, high - length)
        chunk = deps.ticks.since(shard, begin, consistent=False, until_slot=high)
        yield from sorted(chunk, key=lambda tick: (tick.slot, tick.part), reverse=True)
        high, length = begin, length * 2


def _picked(
    deps: Deps, placement: Placement, low: int, high: int, seconds: int, wanted: int | None
) -> Iterator[Tick]:
    """The ticks of the slots that are due or noted; last, the first run's."""
    oldest, end = max(low, placement.from_slot), high
    due = due_slots_backwards(
        from_slot=oldest,
        to_slot=high,
        anchor=placement.anchor,
        interval_seconds=placement.interval_seconds,
        slot_seconds=seconds,
    )
    shard, position = placement.shard, placement.position
    most = _BATCH if wanted is None else min(wanted + 1, _BATCH)
    while end > oldest:
        slots = list(islice(due, most))
        begin = slots[-1] if len(slots) == most else oldest
        if placement.has_retries:
            slots = sorted({*slots, *deps.ticks.retried(shard, position, begin, end)}, reverse=True)
        for k in range(0, len(slots), _BATCH):
            yield from _pick_slots(deps, shard, position, slots[k : k + _BATCH])
        end = begin
    if placement.first_slot is not None and low <= placement.first_slot < high:
        key = (placement.first_slot, first_run_part(position))
        yield from deps.ticks.pick(shard, [key], consistent=False).values()


def _pick_slots(deps: Deps, shard: str, position: int, slots: Sequence[int]) -> Iterator[Tick]:
    """Their main ticks, in this order; where one lacks the position, the stragglers'."""
    mains = deps.ticks.pick(shard, [(slot, MAIN) for slot in slots], consistent=False)
    late = [slot for (slot, _), main in mains.items() if main.outcome(position) is None]
    found = {slot: main for (slot, _), main in mains.items()}
    if late:
        stragglers = deps.ticks.pick(shard, [(slot, STRAGGLERS) for slot in late], consistent=False)
        found |= {slot: tick for (slot, _), tick in stragglers.items()}
    yield from (found[slot] for slot in slots if slot in found)
