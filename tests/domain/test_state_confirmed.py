"""STATE where changes need confirmation, and that nothing is new where they do not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.confirmation import NO_STREAK, Streak
from chalicelib.domain.incident import incident_of
from chalicelib.domain.member import Member
from chalicelib.domain.outcome import Status
from chalicelib.domain.state import (
    MAX_TRANSITIONS,
    Entry,
    Plan,
    State,
    Transition,
    carried_entry,
    decode_entries,
    encode_entries,
    plan_commit,
    results_to_commit,
)
from chalicelib.domain.tick import MAIN, STRAGGLERS, Tick, first_run_part

from . import unconfirmed
from .builders import DEGRADED, DOWN, SLOT, UP, member, members, positions, statuses, tick, u16, ups
from .confirmed import changes, reference

EMPTY = State(version=0, config_version=1, swept=SLOT - 3600, entries={})
UPS = Entry(UP, SLOT - 600, SLOT)
streaks = st.builds(Streak, st.integers(1, 9), statuses) | st.just(NO_STREAK)
u24, u32 = st.integers(0, 0xFF_FFFF), st.integers(0, 0xFFFF_FFFF)
entries = st.builds(
    Entry, statuses, since=u32, slot=u32, seq=u24, opened_seq=u24, response_ms=u16, streak=streaks
)


def confirming(position: int = 1, worse: int = 3, better: int = 2, enabled_slot: int = 0) -> Member:
    plain = member(position)
    spec = {**plain.spec, "confirmations": worse, "recoveryConfirmations": better}
    return replace(plain, spec=spec, enabled_slot=enabled_slot)


def told(*found: Status, begin: int = SLOT + 60) -> list[Tick]:
    """Position 1's results of one slot after the other."""
    return [tick(begin + 60 * k, {1: status}) for k, status in enumerate(found)]


def plan(state: State, ticks: Iterable[Tick], of: Member, *, refresh: bool = False) -> Plan:
    everyone = {of.position: of}
    return plan_commit(state, everyone, results_to_commit(ticks, everyone), refresh=refresh)


def commit(
    state: State, of: Mapping[int, Member], ticks: Sequence[Tick], *, refresh: bool = False
) -> tuple[State, list[Transition]]:
    """Batch after batch, as a run does. Where nothing is needed nothing is written."""
    written: list[Transition] = []
    while True:
        planned = plan_commit(state, of, results_to_commit(ticks, of), refresh=refresh)
        written += planned.transitions
        if not planned.is_needed:
            assert planned.entries == {p: e for p, e in state.entries.items() if p in of}
            return state, written
        state = replace(state, version=state.version + 1, entries=planned.entries)
        if not planned.rest:
            return state, written


def known(**entry: object) -> State:
    return replace(EMPTY, entries={1: replace(UPS, **entry)})  # type: ignore[arg-type]


# What is stored


@given(st.dictionaries(positions, entries, max_size=200))
def test_entries_come_back_with_their_streaks(stored: dict[int, Entry]) -> None:
    assert decode_entries(encode_entries(stored)) == stored


@given(st.dictionaries(positions, entries.map(lambda e: replace(e, streak=NO_STREAK)), max_size=20))
def test_without_a_streak_the_bytes_are_as_ever(stored: dict[int, Entry]) -> None:
    data = encode_entries(stored)
    assert data[0] == 1
    assert len(data) == 2 + data[1] + 17 * len(stored)


def test_with_a_streak_they_are_of_another_version_and_a_full_state_still_one_read_of_4_kb() -> None:
    entry = Entry(DOWN, SLOT, SLOT, 0xFF_FFFF, 0xFF_FFFF, 65_535)
    stored = dict.fromkeys(range(801, 1001), entry)
    data = encode_entries(stored | {900: replace(entry, streak=Streak(9, UP))})
    assert data[0] == 2
    assert len(data) <= 3_950


def test_the_bytes_of_a_streak_stay_what_they_are() -> None:
    entry = Entry(UP, SLOT, SLOT + 60, 1, 0, 5, Streak(2, DOWN))
    assert encode_entries({1: entry}).hex() == "02010200050028f1536564f153650100000000000202"


# The rule


def test_a_streak_is_written_without_a_transition_and_moves_the_slot() -> None:
    planned = plan(known(), told(DOWN), confirming())
    assert planned.is_needed
    assert planned.transitions == ()
    assert planned.entries == {1: replace(UPS, slot=SLOT + 60, response_ms=120, streak=Streak(1, DOWN))}


def test_the_last_result_of_a_streak_makes_the_one_transition() -> None:
    state = known(streak=Streak(2, DEGRADED))
    planned = plan(state, told(DOWN), confirming())
    (transition,) = planned.transitions
    assert transition.before == state.entries[1]
    assert transition.after == Entry(DEGRADED, SLOT + 62, SLOT + 60, 1, 1, 120)
    assert transition.observed.outcome.status is DOWN
    assert planned.entries == {1: transition.after}
    assert not planned.rest


def test_a_result_like_the_state_ends_a_streak() -> None:
    planned = plan(known(streak=Streak(2, DOWN)), told(UP), confirming())
    assert planned.is_needed
    assert planned.entries == {1: replace(UPS, slot=SLOT + 60, response_ms=120)}


def test_without_a_streak_a_result_like_the_state_needs_no_write() -> None:
    planned = plan(known(), told(UP, UP), confirming())
    assert not planned.is_needed
    assert planned.entries == {1: UPS}


def test_a_fault_and_a_recovery_seen_at_once_need_no_write() -> None:
    assert not plan(known(), told(DOWN, DOWN, UP), confirming()).is_needed


def test_a_streak_that_ended_and_began_anew_moves_the_slot_too() -> None:
    """Otherwise a later run that sees less would count what came before."""
    planned = plan(known(streak=Streak(1, DOWN)), told(UP, DOWN), confirming())
    assert planned.is_needed
    assert planned.entries[1].slot == SLOT + 120
    assert planned.entries[1].streak == Streak(1, DOWN)


@pytest.mark.parametrize("status", Status)
def test_the_first_result_of_all_decides_at_once(status: Status) -> None:
    planned = plan(EMPTY, told(status), confirming())
    assert planned.is_needed
    assert planned.entries[1] == Entry(
        status, SLOT + 62, SLOT + 60, int(status is not UP), int(status is not UP), 120
    )
    assert [t.before for t in planned.transitions] == [None] * (status is not UP)


def test_a_refresh_moves_the_floor() -> None:
    planned = plan(known(), told(UP, UP), confirming(), refresh=True)
    assert planned.entries == {1: replace(UPS, slot=SLOT + 120, response_ms=120)}


@pytest.mark.parametrize("refresh", [True, False])
def test_results_not_newer_than_the_entry_are_history(refresh: bool) -> None:
    state = known(streak=Streak(2, DOWN), slot=SLOT + 180)
    planned = plan(state, told(DOWN, UP, DOWN), confirming(), refresh=refresh)
    assert planned.entries == state.entries
    assert planned.transitions == ()
    assert planned.is_needed is refresh


def test_a_gap_neither_counts_nor_ends_a_streak() -> None:
    planned = plan(known(streak=Streak(2, DOWN)), told(DOWN, begin=SLOT + 86_400), confirming())
    assert [t.after.status for t in planned.transitions] == [DOWN]


def test_the_parts_of_a_slot_and_a_first_run_count_in_the_order_of_their_slots() -> None:
    ticks = [
        tick(SLOT + 180, {1: DOWN}),
        tick(SLOT + 120, {2: UP}),
        tick(SLOT + 120, {1: DEGRADED}, STRAGGLERS),
        tick(SLOT + 60, {1: DOWN}, first_run_part(1)),
    ]
    (transition,) = plan(known(), ticks, confirming()).transitions
    assert (transition.after.status, transition.after.slot) == (DEGRADED, SLOT + 180)


def test_several_confirmed_changes_seen_at_once_are_one_transition_after_the_other() -> None:
    state, rows = commit(known(), {1: confirming()}, told(DOWN, DOWN, DOWN, UP, UP, UP, DOWN))
    assert [(row.after.status, row.after.slot, row.after.seq) for row in rows] == [
        (DOWN, SLOT + 180, 1),
        (UP, SLOT + 300, 2),
    ]
    assert [incident_of(row).opened_seq for row in rows] == [1, 1]
    assert state.entries[1].streak == Streak(1, DOWN)
    assert state.version == 2


@pytest.mark.parametrize("refresh", [True, False])
def test_a_mass_outage_of_monitors_that_confirm_takes_several_batches(refresh: bool) -> None:
    everyone = {position: confirming(position) for position in range(120)}
    outage = [tick(SLOT + 60 * k, dict.fromkeys(everyone, DOWN)) for k in range(1, 4)]
    state = replace(EMPTY, entries=dict.fromkeys(everyone, UPS))
    state, rows = commit(state, everyone, outage, refresh=refresh)
    assert len(rows) == 120
    assert state.version == -(-120 // MAX_TRANSITIONS)


def test_a_disabled_member_keeps_its_streak_untouched() -> None:
    state = known(streak=Streak(2, DOWN))
    planned = plan(state, told(DOWN), replace(confirming(), is_enabled=False))
    assert planned.entries == state.entries
    assert not planned.is_needed


def test_an_enable_ends_the_streak_from_before_it() -> None:
    state = known(streak=Streak(2, DOWN))
    enabled = confirming(enabled_slot=SLOT + 3600)
    planned = plan(state, told(DOWN, DOWN, begin=SLOT + 3600), enabled)
    assert planned.transitions == ()
    assert planned.entries[1].streak == Streak(2, DOWN)


def test_what_was_stored_before_a_disable_is_over_too_and_an_enable_ends_only_one_streak() -> None:
    enabled = confirming(enabled_slot=SLOT + 180)
    state, rows = commit(known(), {1: enabled}, told(DOWN, DOWN, DOWN, DOWN))
    assert rows == []
    assert state.entries[1].streak == Streak(2, DOWN)
    state, rows = commit(state, {1: enabled}, told(DOWN, begin=SLOT + 300))
    assert [row.after.slot for row in rows] == [SLOT + 300]


@pytest.mark.parametrize("status", Status)
def test_a_streak_is_over_when_confirmation_no_longer_is_needed(status: Status) -> None:
    state, rows = commit(known(streak=Streak(2, DOWN)), members(1), told(status))
    assert [row.after.status for row in rows] == [status] * (status is not UP)
    assert not state.entries[1].streak


def test_two_entries_of_a_shard_do_not_mind_each_other() -> None:
    everyone = {1: confirming(), 2: member(2)}
    state = replace(EMPTY, entries={1: UPS, 2: UPS})
    ticks = [tick(SLOT + 60, {1: DOWN, 2: DOWN}), tick(SLOT + 120, {1: DOWN, 2: UP})]
    state, rows = commit(state, everyone, ticks)
    assert rows == []
    assert state.entries == {
        1: replace(UPS, slot=SLOT + 120, response_ms=120, streak=Streak(2, DOWN)),
        2: UPS,
    }


# A move


def test_a_move_takes_a_streak_along_up_to_a_transition_that_is_due() -> None:
    one = confirming()

    def carried(*found: Status) -> Entry:
        return carried_entry(one, UPS, results_to_commit(told(*found), {1: one})[1])

    assert carried(UP, UP) == replace(UPS, slot=SLOT + 120, response_ms=120)
    assert carried(DOWN, UP) == carried(UP, UP)
    two = replace(UPS, slot=SLOT + 120, response_ms=120, streak=Streak(2, DOWN))
    assert carried(DOWN, DOWN) == carried(DOWN, DOWN, DOWN) == carried(DOWN, DOWN, DOWN, UP, UP) == two


@given(st.lists(statuses, min_size=1, max_size=8), entries)
def test_a_move_makes_no_transition(found: list[Status], entry: Entry) -> None:
    one = confirming()
    after = carried_entry(one, entry, results_to_commit(told(*found), {1: one})[1])
    same = ("status", "since", "seq", "opened_seq")
    assert [getattr(after, name) for name in same] == [getattr(entry, name) for name in same]
    assert after.slot >= entry.slot


# Whatever happens to the runs


pairs = st.tuples(st.integers(1, 4), st.integers(1, 4)).filter(lambda pair: pair != (1, 1))
"""(1, 1) is another rule: there the newest result alone counts."""


@dataclass
class Runs:
    """Runs of one monitor's shard, begun and ended in any order, killed anywhere.

    A run looks back to what the STATE that it read covers, or further: nothing of a result that was seen
    by the write, or by a run that needed none, is missing there.
    """

    member: Member
    state: State = EMPTY
    rows: list[Transition] = field(default_factory=list)
    covered: dict[int, int] = field(default_factory=lambda: {0: 0})
    under_way: list[tuple[State, Sequence[Tick], int]] = field(default_factory=list)

    def begin(self, stored: Sequence[Tick], data: st.DataObject) -> None:
        low = data.draw(st.integers(0, self.covered[self.state.version]), label="looks back to")
        seen = data.draw(st.permutations(stored[low:]))
        self.under_way.append((self.state, seen, len(stored)))

    def end(self, data: st.DataObject) -> None:
        read, seen, count = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        refresh = data.draw(st.booleans(), label="sweep")
        of = {self.member.position: self.member}
        while not data.draw(st.booleans(), label="killed"):
            planned = plan_commit(read, of, results_to_commit(seen, of), refresh=refresh)
            if planned.is_needed and read.version != self.state.version:
                return
            if planned.is_needed:
                version = read.version + 1
                read = self.state = replace(read, version=version, entries=planned.entries)
                self.rows += planned.transitions
                self.covered[version] = self.covered[version - 1]
            if not planned.rest:
                self.covered[read.version] = max(self.covered[read.version], count)
                return


@given(st.data(), st.lists(st.tuples(statuses, st.integers(1, 90)), min_size=1, max_size=20), pairs)
def test_runs_killed_doubled_and_late_tell_what_who_sees_all_results_tells(
    data: st.DataObject, found: list[tuple[Status, int]], needed: tuple[int, int]
) -> None:
    """`found` holds each result and the slots since the one before: some monitors have gaps."""
    runs, stored, at = Runs(confirming(1, *needed)), list[Tick](), SLOT
    for status, gap in found:
        at += 60 * gap
        part = data.draw(st.sampled_from([MAIN, STRAGGLERS, first_run_part(1)]))
        stored.append(tick(at, {1: status}, part))
        for _ in range(data.draw(st.integers(0, 2), label="runs")):
            runs.begin(stored, data)
        for _ in range(data.draw(st.integers(0, len(runs.under_way)), label="end")):
            runs.end(data)
    state, written = commit(runs.state, {1: runs.member}, stored)
    rows, results = [*runs.rows, *written], [status for status, _ in found]
    assert [row.after.status for row in rows] == changes(results, *needed)
    assert [row.after.seq for row in rows] == list(range(1, len(rows) + 1))
    assert state.entries[1].status is reference(results, *needed)[-1]
    assert commit(state, {1: runs.member}, stored) == (state, [])


# Nothing is new for who does not ask for it


shards = st.dictionaries(
    st.integers(0, 8), st.dictionaries(st.integers(0, 70), statuses, min_size=1, max_size=70), max_size=8
)
states = st.dictionaries(
    st.integers(0, 70),
    st.builds(
        Entry,
        statuses,
        since=st.just(SLOT - 600),
        slot=st.integers(-2, 8).map(lambda k: SLOT + 60 * k),
        seq=st.integers(0, 9),
        opened_seq=st.integers(0, 9),
    ),
    max_size=70,
)


@given(states, shards, st.sets(st.integers(0, 70)), st.sets(st.integers(0, 70)), st.booleans())
def test_without_confirmations_the_rule_is_the_old_one(
    held: dict[int, Entry],
    history: dict[int, dict[int, Status]],
    gone: set[int],
    off: set[int],
    refresh: bool,
) -> None:
    of = {p: member(p, is_enabled=p not in off) for p in range(71) if p not in gone}
    state = replace(EMPTY, entries=held)
    ticks = [tick(SLOT + 60 * k, answers) for k, answers in history.items()]
    mine = plan_commit(state, of, results_to_commit(ticks, of), refresh=refresh)
    assert mine == unconfirmed.plan_commit(state, of, unconfirmed.newest_results(ticks), refresh=refresh)
    assert encode_entries(mine.entries)[0] == 1


def test_without_confirmations_a_full_shard_in_trouble_is_the_old_rule_too() -> None:
    of = members(*range(200))
    ticks = [tick(SLOT + 60, {p: Status(p % 3) for p in of}), ups(SLOT, of)]
    state = replace(EMPTY, entries=dict.fromkeys(of, UPS))
    mine = plan_commit(state, of, results_to_commit(ticks, of), refresh=False)
    assert mine.rest
    assert mine == unconfirmed.plan_commit(state, of, unconfirmed.newest_results(ticks), refresh=False)
