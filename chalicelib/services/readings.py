"""Current values of monitors: ticks laid over STATE, whose slot and milliseconds are only a floor."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice, takewhile

from chalicelib.domain.confirmation import confirmations_of
from chalicelib.domain.monitor import Monitor, Placement
from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.schedule import SETTLED_SECONDS, due_slots_backwards
from chalicelib.domain.shard import speed_class_of
from chalicelib.domain.ssl_readings import SSL_UNKNOWN, Ssl
from chalicelib.domain.state import Entry, State
from chalicelib.domain.text import TextRef
from chalicelib.domain.tick import MAIN, STRAGGLERS, Tick, first_run_part
from chalicelib.services.deps import Deps
from chalicelib.services.texts import read_texts

_NEWEST_ITEMS = 3
_PICKED_ITEMS = 12
"""Past this many single items, one Query of everything since the sweep costs less."""
_RECENT_SLOTS = 2
"""The newest due slot may not have been run yet, or never will be, when a disable came in between."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A monitor's status and its newest known result; all None before its first. STATE alone knows no reason.

    `status` is the newest result's own, or where changes need confirmation the confirmed one.
    """

    status: Status | None = None
    checked_at: datetime | None = None
    response_ms: int | None = None
    status_code: int | None = None
    reason: Reason = Reason.NONE
    text: str = ""
    newest_status: Status | None = None
    """The newest result's own."""
    ssl: Ssl = SSL_UNKNOWN
    """For those who ask for it (`services/certificates.py`)."""


NOTHING_YET = Reading()


def read_monitors(
    deps: Deps, monitors: Iterable[Monitor], *, consistent: bool, with_texts: bool = True
) -> dict[str, Reading]:
    """Readings by monitor id: STATE and ticks once per shard that holds one of them, and all their texts at
    once, where there are any and the reader wants them.

    One tick read per shard when all its monitors are due every slot, or when there is only one monitor.
    """
    by_shard: defaultdict[str, list[Monitor]] = defaultdict(list)
    for monitor in monitors:
        by_shard[monitor.placement.shard].append(monitor)
    now_seconds = int(deps.now().timestamp())
    readings: dict[str, Reading] = {}
    refs: dict[str, TextRef] = {}
    for shard, members in by_shard.items():
        state = deps.states.get(shard, consistent=consistent)
        entries = state.entries if state else {}
        ticks = _ticks_over(deps, shard, members, state, now_seconds, consistent=consistent)
        for monitor in members:
            position = monitor.placement.position
            entry = entries.get(position)
            tick = _newest_tick(position, entry, ticks)
            reading = _floor(entry) if tick is None else _reading(position, tick)
            if confirmations_of(monitor.spec).is_needed:
                reading = replace(reading, status=entry.status if entry else None)
            readings[monitor.id] = reading
            id = tick.text_id(position) if tick and with_texts else None
            if id is not None:
                refs[monitor.id] = TextRef(shard, position, id)
    texts = read_texts(deps, refs.values(), consistent=consistent)
    return readings | {id: replace(readings[id], text=texts[ref]) for id, ref in refs.items()}


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
    """The tick items that may hold a newer result than STATE for one of the monitors.

    A retry that STATE knows of is in its entry's slot, for it ended a streak or made it longer; one that it
    does not know of came after an open streak.
    """
    seconds = speed_class_of(shard).slot_seconds
    entries = state.entries if state else {}
    dense: list[Monitor] = []
    parts: set[tuple[int, str]] = set()
    retried_from: list[int] = []
    for monitor in monitors:
        if _is_dense(monitor, seconds, now_seconds):
            dense.append(monitor)
            continue
        entry = entries.get(monitor.placement.position)
        recent = islice(_recent_parts(monitor, seconds, now_seconds), 2 * _RECENT_SLOTS)
        parts.update((slot, part) for slot, part in recent if entry is None or slot >= entry.slot)
        if entry is not None and any(p.has_retries for p in monitor.placements):
            parts.update(((entry.slot, MAIN), (entry.slot, STRAGGLERS)))
            if entry.streak and monitor.is_enabled and monitor.retry_seconds:
                retried_from.append(max(entry.slot + monitor.retry_seconds, monitor.placement.from_slot))
    if len(parts) > _PICKED_ITEMS:
        return _since_sweep(deps, shard, state, consistent=consistent)
    ticks: list[Tick] = []
    if dense:
        ticks = deps.ticks.newest(shard, _NEWEST_ITEMS, consistent=consistent)
        if _hides_a_main(ticks, dense, state, seconds):
            return _since_sweep(deps, shard, state, consistent=consistent)
    if parts:
        ticks = [*ticks, *deps.ticks.pick(shard, sorted(parts), consistent=consistent).values()]
    if state and retried_from and min(retried_from) <= now_seconds:
        low = max(min(retried_from), state.swept - SETTLED_SECONDS)
        ticks = [*ticks, *deps.ticks.since(shard, low, consistent=consistent)]
    return ticks


def _is_dense(monitor: Monitor, seconds: int, now_seconds: int) -> bool:
    """Whether the newest few tick items hold the newest result: due in every slot, and for a while."""
    began = monitor.placement.from_slot + _NEWEST_ITEMS * seconds
    return monitor.is_enabled and monitor.interval_seconds <= seconds and began <= now_seconds


def _recent_parts(monitor: Monitor, seconds: int, now_seconds: int) -> Iterator[tuple[int, str]]:
    """The tick items that may hold a result of the monitor, newest first, over all its stretches at this
    place: a new schedule or an enable leaves the newest result in the stretch before."""
    here = (monitor.placement.shard, monitor.placement.position)
    for p in takewhile(lambda p: (p.shard, p.position) == here, reversed(monitor.placements)):
        before = now_seconds + 1 if p.to_slot is None else min(now_seconds + 1, p.to_slot)
        for slot in due_slots_backwards(
            from_slot=p.from_slot,
            to_slot=before,
            anchor=p.anchor,
            interval_seconds=max(p.interval_seconds, seconds),
            slot_seconds=seconds,
        ):
            yield slot, MAIN
            yield slot, STRAGGLERS
        if p.first_slot is not None:
            yield p.first_slot, first_run_part(p.position)


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


def _newest_tick(position: int, entry: Entry | None, ticks: Iterable[Tick]) -> Tick | None:
    """The tick with the newest result, unless STATE knows a newer one."""
    newest: Tick | None = None
    for tick in ticks:
        if tick.bitmap >> position & 1 and (newest is None or tick.slot > newest.slot):
            newest = tick
    is_older = newest is not None and entry is not None and newest.slot < entry.slot
    return None if is_older else newest


def _reading(position: int, tick: Tick) -> Reading:
    outcome = tick.outcome(position)
    assert outcome is not None
    return Reading(
        outcome.status,
        tick.checked_at(position),
        outcome.response_ms,
        outcome.status_code,
        outcome.reason,
        newest_status=outcome.status,
    )


def _floor(entry: Entry | None) -> Reading:
    if entry is None:
        return NOTHING_YET
    checked_at = max(entry.slot, entry.since)  # the begin of the slot, unless its check made the change
    newest = entry.streak.status if entry.streak else entry.status
    return Reading(
        entry.status, datetime.fromtimestamp(checked_at, UTC), entry.response_ms, newest_status=newest
    )
