"""The state of a shard's monitors and the one rule by which results change it.

Level-triggered: every run lays the newest stored results over STATE, so the next run of the shard
finishes what any run left. A result changes an entry only if its slot is newer than the entry's.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain import positions
from chalicelib.domain.member import Member
from chalicelib.domain.outcome import Outcome, Status
from chalicelib.domain.tick import Tick

_ENTRY = struct.Struct("<BHIIHBHB")
_VERSION = 1

MAX_TRANSITIONS = 49
"""One STATE update and two items a transition: 1 + 2 x 49 of the 100 actions of a transaction."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One monitor's state, 17 bytes. `slot` and `response_ms` are a floor: refreshed hourly.

    `seq` counts the transitions of the monitor's life; `opened_seq` is the one that opened the current
    incident, 0 when there is none.
    """

    status: Status
    since: int
    slot: int
    seq: int = 0
    opened_seq: int = 0
    response_ms: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """STATE of a shard. `swept` is the slot of the last hourly write."""

    version: int
    config_version: int
    swept: int
    entries: Mapping[int, Entry]


@dataclass(frozen=True, slots=True)
class Observed:
    """A monitor's newest stored result."""

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


def newest_results(ticks: Iterable[Tick]) -> dict[int, Observed]:
    """Each position's result of the newest slot. Of one slot a position has at most one result."""
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
    """Compare stored results with STATE.

    Positions without a member drop out; a disabled member keeps its entry and no result changes it.
    `refresh` (the hourly write) also moves the floors of unchanged entries and always writes. At most
    MAX_TRANSITIONS are planned at once; the caller commits and asks again while `rest` is set.
    """
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
    """A first result that is healthy changes STATE only."""
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


def encode_entries(entries: Mapping[int, Entry]) -> bytes:
    """u8 version, u8 length of bitmap, bitmap, then 17 bytes an entry in the order of the bitmap."""
    order = sorted(entries)
    bitmap = positions.to_bytes(positions.to_bitmap(order))
    return b"".join((bytes((_VERSION, len(bitmap))), bitmap, *(_pack(entries[p]) for p in order)))


def decode_entries(data: bytes) -> dict[int, Entry]:
    if not data:
        return {}
    length = data[1]
    bitmap = positions.from_bytes(data[2 : 2 + length])
    rows = _ENTRY.iter_unpack(data[2 + length :])
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


def _unpack(row: tuple[int, ...]) -> Entry:
    status, response_ms, since, slot, seq_low, seq_high, opened_low, opened_high = row
    return Entry(
        status=Status(status),
        since=since,
        slot=slot,
        seq=seq_high << 16 | seq_low,
        opened_seq=opened_high << 16 | opened_low,
        response_ms=response_ms,
    )


def _u16(milliseconds: int) -> int:
    return max(0, min(milliseconds, 0xFFFF))
