"""One run: a slot of a shard, or a new monitor's first run."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from chalicelib.domain import positions
from chalicelib.domain.job import ProbeJob
from chalicelib.domain.member import Member, Pack
from chalicelib.domain.outcome import Outcome
from chalicelib.domain.schedule import SPARSE_SLOTS, stale_after_seconds
from chalicelib.domain.shard import speed_class_of
from chalicelib.domain.state import Entry, is_retry
from chalicelib.domain.tick import MAIN, STRAGGLERS, Tick, build_tick, first_run_part
from chalicelib.services.deps import Deps
from chalicelib.services.probing.certificates import renew_certificates
from chalicelib.services.probing.commit import FIRST_RUN_TRIES, TRIES, Slot, commit
from chalicelib.services.probing.load import load_extras, load_pack
from chalicelib.services.probing.observe import Observation, order_for_start
from chalicelib.services.probing.own_fault import is_own_fault
from chalicelib.services.probing.texts import save_texts

SPARSE_INTERVAL_SLOTS = 5

log = logging.getLogger(__name__)


def run(deps: Deps, job: ProbeJob) -> int:
    """Observe and commit one slot; the number of checks made.

    Staleness is judged once, before observing; a run that has observed always commits. Doubled, late or
    overtaken work is harmless: ticks are put if absent and STATE only takes newer slots. A tick that our own
    network would explain is not put, which is as if the run had ended before.
    """
    slot_seconds = speed_class_of(job.shard).slot_seconds
    is_first_run = job.first_position is not None
    started_at = deps.now()
    if started_at.timestamp() > job.slot + stale_after_seconds(slot_seconds, is_first_run=is_first_run):
        log.info("shard %s slot %s is stale", job.shard, job.slot)
        return 0
    state = deps.states.get(job.shard, consistent=True)
    if state is None:
        return 0
    is_overtaken = not is_first_run and deps.ticks.is_overtaken(job.shard, job.slot)
    pack = load_pack(deps, job.shard, state)
    slot = Slot(job.shard, job.slot, slot_seconds)
    due = _due_members(pack, job, state.entries, slot_seconds, is_overtaken=is_overtaken)
    due, extras = load_extras(deps, job.shard, due)
    if not due:
        if not is_overtaken and not is_first_run:
            commit(deps, slot, state, pack, own=())
            renew_certificates(deps, job.shard, pack)
        return 0
    tries = FIRST_RUN_TRIES if is_first_run else TRIES
    with Observation(deps.checks, order_for_start(due, state.entries), extras) as observation:
        if is_first_run:
            part, outcomes = first_run_part(due[0].position), observation.until_end()
        else:
            part, outcomes = MAIN, observation.until_main()
        if is_own_fault(deps, slot, due, outcomes):
            if not is_overtaken:
                commit(deps, slot, state, pack, own=())
            return len(due)
        if not is_first_run:
            _note_retries(deps, slot, due)
        own = [_put(deps, job, part, started_at, outcomes)]
        commit(deps, slot, state, pack, own, tries)
        rest = {member.position for member in due} - set(positions.members(own[0].bitmap))
        if rest:
            late = {position: o for position, o in observation.until_end().items() if position in rest}
            if is_own_fault(deps, slot, [m for m in due if m.position in late], late):
                return len(due)
            if late:
                own.append(_put(deps, job, STRAGGLERS, started_at, late))
                _commit_again(deps, slot, pack, own)
    renew_certificates(deps, job.shard, pack, only=job.first_position)
    return len(due)


def _due_members(
    pack: Pack, job: ProbeJob, entries: Mapping[int, Entry], slot_seconds: int, *, is_overtaken: bool
) -> Sequence[Member]:
    """A message that a newer slot overtook runs only for monitors that would wait long for their next, and
    retries nothing.

    Two runs of one slot may have read different entries, and so disagree on who is retried. Like any two
    runs they share one main tick, and whom it lacks goes to the stragglers.
    """
    if job.first_position is not None:
        member = pack.members.get(job.first_position)
        return [member] if member is not None and member.is_enabled else []
    if is_overtaken:
        most = SPARSE_INTERVAL_SLOTS * slot_seconds
        return [
            m for m in pack.members.values() if m.interval_seconds > most and m.is_due(job.slot, slot_seconds)
        ]
    return [
        member
        for position, member in pack.members.items()
        if member.is_due(job.slot, slot_seconds)
        or is_retry(member, entries.get(position), job.slot, slot_seconds)
    ]


def _note_retries(deps: Deps, slot: Slot, due: Sequence[Member]) -> None:
    """Before the tick: readers that compute in which slots a monitor's results lie must find them all."""
    sparse = [member for member in due if member.interval_seconds >= SPARSE_SLOTS * slot.seconds]
    retried = [member.position for member in sparse if not member.is_due(slot.at, slot.seconds)]
    if retried:
        deps.ticks.note_retries(slot.shard, slot.at, retried)


def _put(deps: Deps, job: ProbeJob, part: str, started_at: datetime, outcomes: Mapping[int, Outcome]) -> Tick:
    """The stored tick. Texts are saved first, so that no stored tick refers to one that is not there."""
    save_texts(deps, job.shard, outcomes, started_at)
    return deps.ticks.put(job.shard, build_tick(job.slot, part, started_at, outcomes))


def _commit_again(deps: Deps, slot: Slot, pack: Pack, own: Sequence[Tick]) -> None:
    """The stragglers may have taken most of a minute: STATE and configuration are read anew."""
    state = deps.states.get(slot.shard, consistent=True)
    if state is None:
        return
    if state.config_version != pack.config_version:
        pack = load_pack(deps, slot.shard, state)
    commit(deps, slot, state, pack, own)
