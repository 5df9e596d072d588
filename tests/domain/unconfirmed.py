"""How results changed STATE before there were confirmations, kept to the letter as a reference."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from chalicelib.domain import positions
from chalicelib.domain.member import Member
from chalicelib.domain.state import MAX_TRANSITIONS, Entry, Observed, Plan, State, Transition
from chalicelib.domain.tick import Tick


def newest_results(ticks: Iterable[Tick]) -> dict[int, Observed]:
    newest: dict[int, Observed] = {}
    seen = 0
    for tick in sorted(ticks, key=lambda t: t.slot, reverse=True):
        for position in positions.members(tick.bitmap & ~seen):
            outcome = tick.outcome(position)
            assert outcome is not None
            newest[position] = Observed(tick.slot, outcome, tick.checked_at(position))
        seen |= tick.bitmap
    return newest


def plan_commit(
    state: State, members: Mapping[int, Member], newest: Mapping[int, Observed], *, refresh: bool
) -> Plan:
    entries = {position: entry for position, entry in state.entries.items() if position in members}
    transitions: list[Transition] = []
    is_needed = refresh
    for position, observed in sorted(newest.items()):
        member = members.get(position)
        if member is None or not member.is_enabled:
            continue
        before = entries.get(position)
        if before is not None and observed.slot <= before.slot:
            continue
        status = observed.outcome.status
        if before is None and status.is_healthy:
            entries[position] = _first_entry(observed)
            is_needed = True
        elif before is None or before.status is not status:
            if len(transitions) == MAX_TRANSITIONS:
                return Plan(entries, tuple(transitions), is_needed=True, rest=True)
            after = _changed_entry(before, observed)
            entries[position] = after
            transitions.append(Transition(member, before, after, observed))
            is_needed = True
        elif refresh:
            entries[position] = replace(
                before, slot=observed.slot, response_ms=_u16(observed.outcome.response_ms)
            )
    return Plan(entries, tuple(transitions), is_needed, rest=False)


def _first_entry(observed: Observed) -> Entry:
    return Entry(
        status=observed.outcome.status,
        since=int(observed.checked_at.timestamp()),
        slot=observed.slot,
        response_ms=_u16(observed.outcome.response_ms),
    )


def _changed_entry(before: Entry | None, observed: Observed) -> Entry:
    seq = (before.seq if before else 0) + 1
    opened_seq = before.opened_seq if before else 0
    if observed.outcome.status.is_healthy:
        opened_seq = 0
    elif opened_seq == 0:
        opened_seq = seq
    return replace(_first_entry(observed), seq=seq, opened_seq=opened_seq)


def _u16(milliseconds: int) -> int:
    return max(0, min(milliseconds, 0xFFFF))
