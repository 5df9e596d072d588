"""Commit: lay the newest stored results over STATE, until nothing is left to change.

Model-checked (design, section 3). Every run ends here, also one in which nothing was due, so that the
next run of a shard finishes what any run left.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.domain.counts import Counts, add_ticks
from chalicelib.domain.member import Pack
from chalicelib.domain.schedule import SETTLED_SECONDS, sweep_boundary
from chalicelib.domain.state import State, is_retry, plan_commit, results_to_commit
from chalicelib.domain.tick import Tick
from chalicelib.errors import Contended
from chalicelib.services.announcing import announce
from chalicelib.services.deps import Deps
from chalicelib.services.probing.load import load_pack

LOOKBACK_SLOTS = 5
TRIES = 5
FIRST_RUN_TRIES = 2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Slot:
    """The slot that a run is about."""

    shard: str
    at: int
    seconds: int


def commit(deps: Deps, slot: Slot, state: State, pack: Pack, own: Sequence[Tick], tries: int = TRIES) -> None:
    """Bring STATE up to date with the stored ticks (`own` included, whatever the reads show).

    On a lost condition or a collision everything is read and computed again; after `tries` losses the
    next run of the shard takes over. The delivery hears of the transitions when all are committed.
    """
    told = 0
    for attempt in range(tries):
        if attempt:
            deps.wait(0.05 + 0.45 * deps.random_bits(16) / 0x10000)
            fresh = deps.states.get(slot.shard, consistent=True)
            if fresh is None:
                break
            state = fresh
            if state.config_version != pack.config_version:
                pack = load_pack(deps, slot.shard, state)
        is_sweep = state.swept < sweep_boundary(slot.shard, slot.at)
        ticks = _sweep(deps, slot, state, own) if is_sweep else _recent_ticks(deps, slot, state, pack, own)
        applied = _apply(deps, slot, state, pack, ticks, is_sweep=is_sweep)
        told += applied.transitions
        if applied.is_done:
            break
    else:
        log.warning("shard %s slot %s: STATE lost %s times, left to the next run", slot.shard, slot.at, tries)
    announce(deps, [slot.shard] if told else ())


@dataclass(frozen=True, slots=True)
class _Applied:
    """How many transitions were committed, and whether none is left."""

    transitions: int
    is_done: bool


def _apply(
    deps: Deps, slot: Slot, state: State, pack: Pack, ticks: Iterable[Tick], *, is_sweep: bool
) -> _Applied:
    """Write batch after batch of transitions, until a batch loses its condition."""
    results, told = results_to_commit(ticks, pack.members), 0
    while True:
        plan = plan_commit(state, pack.members, results, refresh=is_sweep)
        if not plan.is_needed:
            return _Applied(told, is_done=True)
        swept = max(state.swept, slot.at) if is_sweep and not plan.rest else state.swept
        read = State(state.version, pack.config_version, state.swept, state.entries)
        try:
            if not deps.states.commit(slot.shard, read, plan.entries, swept, plan.transitions):
                return _Applied(told, is_done=False)
        except Contended:
            return _Applied(told, is_done=False)
        told += len(plan.transitions)
        for transition in plan.transitions:
            log.info(
                "monitor %s is %s (seq %s)",
                transition.member.monitor_id,
                transition.after.status.name.lower(),
                transition.after.seq,
            )
        state = State(state.version + 1, pack.config_version, swept, plan.entries)
        if not plan.rest:
            return _Applied(told, is_done=True)


def _recent_ticks(deps: Deps, slot: Slot, state: State, pack: Pack, own: Sequence[Tick]) -> list[Tick]:
    """The ticks of the last slots; of everything since the last sweep when a run that should have left a
    main tick there did not (it may have died before its tick, and its predecessor after)."""
    since_sweep = state.swept - SETTLED_SECONDS
    low = slot.at - (LOOKBACK_SLOTS - 1) * slot.seconds
    ticks = [*deps.ticks.since(slot.shard, low, consistent=True), *own]
    if since_sweep < low and _has_gap(slot, low, state, pack, ticks):
        ticks = [*deps.ticks.since(slot.shard, since_sweep, consistent=True), *own]
    return ticks


def _has_gap(slot: Slot, low: int, state: State, pack: Pack, ticks: Iterable[Tick]) -> bool:
    """Whether a slot of the range in which a member was due has no main tick. The newest two may still
    be running. In a range without any other main tick, sparse monitors may have left one before it."""
    mains = {tick.slot for tick in ticks if tick.is_main}
    if not mains - {slot.at}:
        return True
    empty = [at for at in range(low, slot.at - slot.seconds, slot.seconds) if at not in mains]
    return any(
        member.is_due(at, slot.seconds) or is_retry(member, state.entries.get(position), at, slot.seconds)
        for at in empty
        for position, member in pack.members.items()
    )


def _sweep(deps: Deps, slot: Slot, state: State, own: Sequence[Tick]) -> list[Tick]:
    """The hourly look at every tick since the last sweep, which also carries the counts forward.

    The counts are saved before the STATE write that ends the sweep, so `swept` never runs ahead of them.
    """
    before = deps.ticks.counts(slot.shard) or Counts(upto=0)
    low = min(slot.at - (LOOKBACK_SLOTS - 1) * slot.seconds, state.swept - SETTLED_SECONDS, before.upto)
    ticks = deps.ticks.since(slot.shard, low, consistent=True)
    settled = slot.at - SETTLED_SECONDS
    if settled > before.upto:
        deps.ticks.save_counts(slot.shard, slot.at // 3600, add_ticks(before, ticks, settled))
    return [*ticks, *own]
