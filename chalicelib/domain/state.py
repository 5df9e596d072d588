"""The state of a shard's monitors and the one rule by which results change it.

Level-triggered: every run lays the newest stored results over STATE, so the next run of the shard
finishes what any run left. A result changes an entry only if its slot is newer than the entry's. Of a
monitor whose changes need confirmation every result counts, in the order of their slots; of any other the
newest alone.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain import positions
from chalicelib.domain.confirmation import NO_STREAK, Confirmations, Streak, follow, retry_seconds
from chalicelib.domain.member import Member
from chalicelib.domain.outcome import Outcome, Status
from chalicelib.domain.tick import Tick

_ENTRY = struct.Struct("<BHIIHBHB")
_ENTRY_WITH_STREAK = struct.Struct(_ENTRY.format + "BB")
_VERSION, _VERSION_WITH_STREAKS = 1, 2

MAX_TRANSITIONS = 49
"""One STATE update and two items a transition: 1 + 2 x 49 of the 100 actions of a transaction."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One monitor's state, 17 bytes. `slot` and `response_ms` are a floor: refreshed hourly, and moved
    along with a streak, which counts results up to `slot`.

    `seq` counts the transitions of the monitor's life; `opened_seq` is the one that opened the current
    incident, 0 when there is none.
    """

    status: Status
    since: int
    slot: int
    seq: int = 0
    opened_seq: int = 0
    response_ms: int = 0
    streak: Streak = NO_STREAK


@dataclass(frozen=True, slots=True)
class State:
    """STATE of a shard. `swept` is the slot of the last hourly write."""

    version: int
    config_version: int
    swept: int
    entries: Mapping[int, Entry]


@dataclass(frozen=True, slots=True)
class Observed:
    """A stored result of a monitor."""

    slot: int
    outcome: Outcome
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of one monitor's status; becomes one incident write and one outbox row."""

    member: Member
    before: Entry | None
    after: Entry
    observed: Observed


@dataclass(frozen=True, slots=True)
class Plan:
    """What a commit has to write. Nothing at all unless `is_needed`; `rest` says more transitions wait."""

    entries: Mapping[int, Entry]
    transitions: tuple[Transition, ...]
    is_needed: bool
    rest: bool


def results_to_commit(ticks: Iterable[Tick], members: Mapping[int, Member]) -> dict[int, list[Observed]]:
    """Each position's result of the newest slot; of members whose changes need confirmation all results,
    oldest first. Of one slot a position has at most one result."""
    ordered = sorted(ticks, key=lambda t: t.slot, reverse=True)
    confirming = positions.to_bitmap(p for p, m in members.items() if m.confirmations.is_needed)
    results: dict[int, list[Observed]] = {}
    seen = 0
    for tick in ordered:
        for position in positions.members(tick.bitmap & (~seen | confirming)):
            outcome = tick.outcome(position)
            assert outcome is not None
            observed = Observed(tick.slot, outcome, tick.checked_at(position))
            results.setdefault(position, []).insert(0, observed)
        seen |= tick.bitmap
    return results


def is_retry(member: Member, entry: Entry | None, slot: int, slot_seconds: int) -> bool:
    """Whether a member is due in a slot outside its rhythm, since a change of its status is unconfirmed.

    Never before its anchor: those slots belong to another stretch. A streak from before its enable is over.
    """
    if entry is None or not entry.streak or not member.is_enabled or not member.confirmations.is_needed:
        return False
    if slot < member.anchor or entry.slot < member.enabled_slot or member.is_due(slot, slot_seconds):
        return False
    seconds = retry_seconds(member.spec, member.interval_seconds, slot_seconds)
    return 0 < seconds <= slot - entry.slot


def plan_commit(
    state: State, members: Mapping[int, Member], results: Mapping[int, Sequence[Observed]], *, refresh: bool
) -> Plan:
    """Compare stored results with STATE.

    Positions without a member drop out; a disabled member keeps its entry and no result changes it.
    `refresh` (the hourly write) also moves the floors of unchanged entries and always writes. At most
    MAX_TRANSITIONS are planned at once, and one of a monitor; the caller commits and asks again while
    `rest` is set.
    """
    entries = {position: entry for position, entry in state.entries.items() if position in members}
    transitions: list[Transition] = []
    is_needed, rest = refresh, False
    for position, observed in sorted(results.items()):
        member = members.get(position)
        if member is None or not member.is_enabled:
            continue
        before = entries.get(position)
        course = follow_results(member, before, observed)
        if course.entry is None:
            continue
        if course.transition is not None:
            if len(transitions) == MAX_TRANSITIONS:
                return Plan(entries, tuple(transitions), is_needed=True, rest=True)
            transitions.append(course.transition)
        is_change = before is None or course.transition is not None or _has_streak(before, course.entry)
        if is_change or refresh:
            entries[position] = course.entry
        is_needed = is_needed or is_change
        rest = rest or course.rest
    return Plan(entries, tuple(transitions), is_needed, rest)


@dataclass(frozen=True, slots=True)
class Course:
    """Where results lead: at most one transition; `rest` says that another one comes after `entry`.

    `entry` is None when none of the results was newer.
    """

    entry: Entry | None
    transition: Transition | None
    rest: bool


def follow_results(member: Member, before: Entry | None, results: Iterable[Observed]) -> Course:
    """What results make of an entry, which takes only those of newer slots, in their order."""
    needed = member.confirmations
    entry, transition = before, None
    for observed in results:
        if entry is not None and observed.slot <= entry.slot:
            continue
        after = _next_entry(member, entry, observed, needed)
        if after.seq != (entry.seq if entry else 0):
            if transition is not None:
                return Course(entry, transition, rest=True)
            transition = Transition(member, entry, after, observed)
        entry = after
    return Course(None if entry is before else entry, transition, rest=False)


def carried_entry(member: Member, before: Entry, results: Iterable[Observed]) -> Entry:
    """The entry as a move takes it along: with all that these results make of it short of a transition,
    which is still due."""
    for observed in results:
        course = follow_results(member, before, [observed])
        if course.transition is not None:
            return before
        before = course.entry or before
    return before


def _next_entry(member: Member, before: Entry | None, observed: Observed, needed: Confirmations) -> Entry:
    """A first result decides at once, and changes STATE only when it is healthy."""
    told, response_ms = observed.outcome.status, _u16(observed.outcome.response_ms)
    if before is None:
        before = Entry(Status.UP, int(observed.checked_at.timestamp()), observed.slot)
        needed = Confirmations()
    is_over = before.slot < member.enabled_slot <= observed.slot
    status, streak = follow(before.status, NO_STREAK if is_over else before.streak, told, needed)
    after = replace(before, slot=observed.slot, response_ms=response_ms, streak=streak)
    if status is before.status:
        return after
    seq = before.seq + 1
    return replace(
        after,
        status=status,
        since=int(observed.checked_at.timestamp()),
        seq=seq,
        opened_seq=0 if status.is_healthy else before.opened_seq or seq,
    )


def _has_streak(*entries: Entry) -> bool:
    return any(entry.streak for entry in entries)


def encode_entries(entries: Mapping[int, Entry]) -> bytes:
    """u8 version, u8 length of bitmap, bitmap, then 17 bytes an entry in the order of the bitmap.

    Version 2, written only while one of them has a streak, has two bytes more: its count and its status.
    """
    order = sorted(entries)
    bitmap = positions.to_bytes(positions.to_bitmap(order))
    has_streaks = _has_streak(*entries.values())
    version, pack = (_VERSION_WITH_STREAKS, _pack_with_streak) if has_streaks else (_VERSION, _pack)
    return b"".join((bytes((version, len(bitmap))), bitmap, *(pack(entries[p]) for p in order)))


def decode_entries(data: bytes) -> dict[int, Entry]:
    if not data:
        return {}
    length = data[1]
    bitmap = positions.from_bytes(data[2 : 2 + length])
    layout = _ENTRY if data[0] == _VERSION else _ENTRY_WITH_STREAK
    rows = layout.iter_unpack(data[2 + length :])
    return {position: _unpack(row) for position, row in zip(positions.members(bitmap), rows, strict=True)}


def _pack(e: Entry) -> bytes:
    return _ENTRY.pack(
        e.status,
        e.response_ms,
        e.since,
        e.slot,
        e.seq & 0xFFFF,
        e.seq >> 16,
        e.opened_seq & 0xFFFF,
        e.opened_seq >> 16,
    )


def _pack_with_streak(e: Entry) -> bytes:
    return _pack(e) + bytes((e.streak.count, e.streak.status))


def _unpack(row: tuple[int, ...]) -> Entry:
    status, response_ms, since, slot, seq_low, seq_high, opened_low, opened_high, *streak = row
    return Entry(
        status=Status(status),
        since=since,
        slot=slot,
        seq=seq_high << 16 | seq_low,
        opened_seq=opened_high << 16 | opened_low,
        response_ms=response_ms,
        streak=Streak(streak[0], Status(streak[1])) if streak and streak[0] else NO_STREAK,
    )


def _u16(milliseconds: int) -> int:
    return max(0, min(milliseconds, 0xFFFF))
