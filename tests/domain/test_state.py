from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.incident import incident_of
from chalicelib.domain.member import Member
from chalicelib.domain.outcome import Status
from chalicelib.domain.state import (
    MAX_TRANSITIONS,
    Entry,
    Observed,
    Plan,
    State,
    Transition,
    decode_entries,
    encode_entries,
    plan_commit,
    results_to_commit,
)
from chalicelib.domain.tick import STRAGGLERS, Tick, first_run_part

from .builders import DEGRADED, DOWN, SLOT, UP, member, members, positions, statuses, tick, u16, ups

CHECKED_AT = 2
"""The builders' checks start two seconds into their slot."""

EMPTY = State(version=0, config_version=1, swept=SLOT - 3600, entries={})

u24 = st.integers(0, 0xFF_FFFF)
u32 = st.integers(0, 0xFFFF_FFFF)
entries = st.builds(Entry, statuses, since=u32, slot=u32, seq=u24, opened_seq=u24, response_ms=u16)


def plan(
    state: State,
    ticks: Iterable[Tick],
    of: Mapping[int, Member] | None = None,
    *,
    refresh: bool = False,
) -> Plan:
    of = members(1) if of is None else of
    return plan_commit(state, of, results_to_commit(ticks, of), refresh=refresh)


def newest_results(ticks: Iterable[Tick]) -> dict[int, Observed]:
    """Of everybody. Where no change needs confirmation a commit looks at nothing else."""
    results = results_to_commit(ticks, {})
    assert all(len(observed) == 1 for observed in results.values())
    return {position: observed for position, (observed,) in results.items()}


def after(state: State, planned: Plan) -> State:
    return replace(state, version=state.version + 1, entries=planned.entries)


def commit(
    state: State, of: Mapping[int, Member], ticks: Iterable[Tick], *, refresh: bool = False
) -> tuple[State, list[Transition]]:
    """Batch after batch, as a run does."""
    written: list[Transition] = []
    while True:
        planned = plan(state, ticks, of, refresh=refresh)
        written += planned.transitions
        state = after(state, planned)
        if not planned.rest:
            return state, written


# What is stored


@given(st.dictionaries(positions, entries, max_size=200))
def test_entries_come_back_as_they_were(stored: dict[int, Entry]) -> None:
    assert decode_entries(encode_entries(stored)) == stored


def test_a_shard_just_made_has_no_entries() -> None:
    assert decode_entries(b"") == {}
    assert decode_entries(encode_entries({})) == {}


def test_a_full_state_stays_one_read_of_4_kb() -> None:
    entry = Entry(DOWN, SLOT, SLOT, 0xFF_FFFF, 0xFF_FFFF, 65_535)
    assert len(encode_entries(dict.fromkeys(range(801, 1001), entry))) <= 3700


def test_the_entries_say_their_version() -> None:
    assert encode_entries({1: Entry(UP, SLOT, SLOT)})[0] == 1


# The newest result


def test_the_newest_slot_wins_in_any_order_of_reading() -> None:
    old, new = tick(SLOT, {1: DOWN, 2: UP}), tick(SLOT + 60, {1: UP})
    for ticks in ([old, new], [new, old]):
        newest = newest_results(ticks)
        assert {p: (o.slot, o.outcome.status) for p, o in newest.items()} == {
            1: (SLOT + 60, UP),
            2: (SLOT, UP),
        }


def test_the_parts_of_a_slot_complete_each_other() -> None:
    parts = [tick(SLOT, {1: UP}), tick(SLOT, {2: DOWN}, STRAGGLERS), tick(SLOT, {3: UP}, first_run_part(3))]
    assert {p: o.outcome.status for p, o in newest_results(parts).items()} == {1: UP, 2: DOWN, 3: UP}


def test_a_newest_result_carries_the_time_of_its_check() -> None:
    assert newest_results([ups(SLOT, [1])])[1].checked_at.timestamp() == SLOT + CHECKED_AT


# The rule, one monitor at a time


def test_a_healthy_first_result_makes_an_entry_and_nothing_else() -> None:
    planned = plan(EMPTY, [ups(SLOT, [1])])
    assert planned.is_needed
    assert planned.transitions == ()
    assert planned.entries == {1: Entry(UP, SLOT + CHECKED_AT, SLOT, response_ms=120)}


@pytest.mark.parametrize("status", [DEGRADED, DOWN])
def test_an_unhealthy_first_result_is_the_first_transition(status: Status) -> None:
    planned = plan(EMPTY, [tick(SLOT, {1: status})])
    (transition,) = planned.transitions
    assert transition.before is None
    assert transition.after == Entry(status, SLOT + CHECKED_AT, SLOT, 1, 1, 120)
    assert planned.entries == {1: transition.after}
    assert transition.member.position == 1
    assert transition.observed.slot == SLOT


def test_a_result_like_the_last_one_needs_no_write() -> None:
    state, _ = commit(EMPTY, members(1), [ups(SLOT, [1])])
    planned = plan(state, [ups(SLOT + 60, [1])])
    assert not planned.is_needed
    assert planned.entries == state.entries


def test_nothing_observed_needs_no_write() -> None:
    assert not plan(EMPTY, []).is_needed


UPS = Entry(UP, SLOT - 600, SLOT)
OPEN = Entry(DOWN, SLOT - 600, SLOT, seq=3, opened_seq=2)


@pytest.mark.parametrize(
    ("before", "observed", "seq", "opened_seq"),
    [
        (UPS, DEGRADED, 1, 1),
        (UPS, DOWN, 1, 1),
        (replace(UPS, seq=8), DOWN, 9, 9),
        (OPEN, DEGRADED, 4, 2),
        (replace(OPEN, status=DEGRADED), DOWN, 4, 2),
        (OPEN, UP, 4, 0),
        (replace(OPEN, status=DEGRADED), UP, 4, 0),
    ],
)
def test_a_change_is_one_transition(before: Entry, observed: Status, seq: int, opened_seq: int) -> None:
    state = replace(EMPTY, entries={1: before})
    planned = plan(state, [tick(SLOT + 60, {1: observed})])
    (transition,) = planned.transitions
    assert transition.before == before
    assert transition.after == Entry(observed, SLOT + 60 + CHECKED_AT, SLOT + 60, seq, opened_seq, 120)
    assert planned.entries == {1: transition.after}


def test_up_degraded_down_up_is_one_incident_with_three_rows() -> None:
    state, rows = EMPTY, list[Transition]()
    for k, status in enumerate([UP, DEGRADED, DOWN, DOWN, UP, UP]):
        state, written = commit(state, members(1), [tick(SLOT + 60 * k, {1: status})])
        rows += written
    assert [(row.after.status, row.after.seq) for row in rows] == [(DEGRADED, 1), (DOWN, 2), (UP, 3)]
    changes = [incident_of(row) for row in rows]
    assert {change.opened_seq for change in changes} == {1}
    assert [(change.is_opening, change.is_resolving) for change in changes] == [
        (True, False),
        (False, False),
        (False, True),
    ]


def test_a_new_fault_after_a_recovery_is_a_new_incident() -> None:
    state, rows = EMPTY, list[Transition]()
    for k, status in enumerate([DOWN, UP, DOWN]):
        state, written = commit(state, members(1), [tick(SLOT + 60 * k, {1: status})])
        rows += written
    assert [incident_of(row).opened_seq for row in rows] == [1, 1, 3]


@pytest.mark.parametrize("slot", [SLOT, SLOT - 60])
@pytest.mark.parametrize("refresh", [True, False])
def test_a_result_of_an_equal_or_older_slot_changes_nothing(slot: int, refresh: bool) -> None:
    state = replace(EMPTY, entries={1: UPS})
    planned = plan(state, [tick(slot, {1: DOWN})], refresh=refresh)
    assert planned.entries == {1: UPS}
    assert planned.transitions == ()


@pytest.mark.parametrize("refresh", [True, False])
def test_a_disabled_member_keeps_its_entry_untouched(refresh: bool) -> None:
    state = replace(EMPTY, entries={1: OPEN})
    planned = plan(state, [ups(SLOT + 60, [1])], {1: member(1, is_enabled=False)}, refresh=refresh)
    assert planned.entries == {1: OPEN}
    assert planned.transitions == ()


def test_a_disabled_member_without_an_entry_gets_none() -> None:
    assert plan(EMPTY, [ups(SLOT, [1])], {1: member(1, is_enabled=False)}).entries == {}


def test_a_position_without_a_member_drops_out_with_the_next_write() -> None:
    state = replace(EMPTY, entries={1: UPS, 2: OPEN})
    ticks = [tick(SLOT + 60, {1: DOWN, 2: UP})]
    planned = plan(state, ticks)
    assert list(planned.entries) == [1]
    assert [transition.member.position for transition in planned.transitions] == [1]


def test_a_position_without_a_member_is_no_reason_to_write() -> None:
    assert not plan(replace(EMPTY, entries={1: UPS, 2: OPEN}), [ups(SLOT + 60, [1])]).is_needed


def test_a_refresh_moves_the_floors_and_nothing_else() -> None:
    state = replace(EMPTY, entries={1: UPS, 2: OPEN, 3: UPS})
    planned = plan(state, [tick(SLOT + 60, {1: UP, 2: DOWN})], members(1, 2, 3), refresh=True)
    assert planned.is_needed
    assert planned.transitions == ()
    assert planned.entries == {
        1: replace(UPS, slot=SLOT + 60, response_ms=120),
        2: replace(OPEN, slot=SLOT + 60, response_ms=120),
        3: UPS,
    }


def test_a_refresh_turns_a_change_into_a_transition() -> None:
    planned = plan(replace(EMPTY, entries={1: UPS}), [tick(SLOT + 60, {1: DOWN})], refresh=True)
    assert [transition.after.status for transition in planned.transitions] == [DOWN]


def test_a_refresh_writes_also_when_nothing_was_observed() -> None:
    planned = plan(replace(EMPTY, entries={1: UPS}), [], refresh=True)
    assert planned.is_needed
    assert planned.entries == {1: UPS}


def test_planning_leaves_what_was_read_as_it_was() -> None:
    read = {1: UPS, 2: OPEN}
    plan(replace(EMPTY, entries=read), [tick(SLOT + 60, {1: DOWN})], refresh=True)
    assert read == {1: UPS, 2: OPEN}


@pytest.mark.parametrize("response_ms", [65_535, 65_536, 90_000])
def test_a_long_response_time_fits_its_column(response_ms: int) -> None:
    newest = newest_results([ups(SLOT, [1])])[1]
    slow = replace(newest, outcome=replace(newest.outcome, response_ms=response_ms))
    planned = plan_commit(EMPTY, members(1), {1: [slow]}, refresh=False)
    assert planned.entries[1].response_ms == 65_535


# A mass outage


@pytest.mark.parametrize("refresh", [True, False])
@pytest.mark.parametrize(
    ("changes", "batches"), [(48, [48]), (49, [49]), (50, [49, 1]), (98, [49, 49]), (120, [49, 49, 22])]
)
def test_a_mass_outage_takes_several_batches(changes: int, batches: list[int], refresh: bool) -> None:
    everyone = range(200)
    state, _ = commit(EMPTY, members(*everyone), [ups(SLOT, everyone)])
    outage = [tick(SLOT + 60, {p: DOWN if p < changes else UP for p in everyone})]
    sizes, rests = [], []
    for _ in batches:
        planned = plan(state, outage, members(*everyone), refresh=refresh)
        assert planned.is_needed
        sizes.append(len(planned.transitions))
        rests.append(planned.rest)
        state = after(state, planned)
    assert sizes == batches
    assert rests == [True] * (len(batches) - 1) + [False]
    assert sum(entry.status is DOWN for entry in state.entries.values()) == changes


def test_a_batch_fits_a_transaction_of_100_actions() -> None:
    assert 1 + 2 * MAX_TRANSITIONS <= 100


# The same rule whatever the order


shards = st.dictionaries(
    st.integers(0, 8), st.dictionaries(st.integers(0, 3), statuses, min_size=1), min_size=1, max_size=8
)
"""Of each slot: who answered what."""


def ticks_of(history: Mapping[int, Mapping[int, Status]]) -> list[Tick]:
    return [tick(SLOT + 60 * k, answers) for k, answers in history.items()]


def status_of_newest(ticks: Iterable[Tick], position: int) -> Status | None:
    told = [(t.slot, t.outcome(position)) for t in ticks if t.outcome(position) is not None]
    _, newest = max(told, key=lambda pair: pair[0], default=(0, None))
    return newest.status if newest else None


def changes_along(told: Iterable[Status | None]) -> list[Status]:
    """What must have been written along the statuses seen one after another: nothing of a healthy first."""
    last, written = UP, list[Status]()
    for status in told:
        if status is not None and status is not last:
            written.append(status)
            last = status
    return written


def assert_consistent(state: State, rows: Iterable[Transition]) -> None:
    """Every entry agrees with the rows of its monitor, and each incident opens and resolves once."""
    rows_of: dict[int, list[Transition]] = {}
    for row in rows:
        rows_of.setdefault(row.member.position, []).append(row)
    for position, entry in state.entries.items():
        mine = rows_of.get(position, [])
        assert [row.after.seq for row in mine] == list(range(1, len(mine) + 1))
        assert entry.seq == len(mine)
        assert (entry.opened_seq == 0) is entry.status.is_healthy
        opened = [row.after.seq for row in mine if incident_of(row).is_opening]
        resolved = [incident_of(row).opened_seq for row in mine if incident_of(row).is_resolving]
        assert resolved == opened[: len(resolved)]
        assert len(opened) - len(resolved) == (0 if entry.status.is_healthy else 1)
        if mine:
            assert mine[-1].after.status is entry.status
            assert mine[-1].after.since == entry.since


@given(data=st.data(), history=shards)
def test_runs_that_see_all_stored_ticks_tell_the_newest_whatever_arrives_when(
    data: st.DataObject, history: dict[int, dict[int, Status]]
) -> None:
    """Level-triggered: every run compares the newest stored results with STATE."""
    everyone = members(0, 1, 2, 3)
    state, rows, stored = EMPTY, list[Transition](), list[Tick]()
    told: dict[int, list[Status | None]] = {position: [] for position in everyone}
    for arrival in data.draw(st.permutations(ticks_of(history))):
        stored.append(arrival)
        if data.draw(st.booleans(), label="the run dies before its commit"):
            continue
        state, written = commit(state, everyone, stored, refresh=data.draw(st.booleans(), label="sweep"))
        rows += written
        for position in everyone:
            told[position].append(status_of_newest(stored, position))
    state, written = commit(state, everyone, stored)
    rows += written
    for position in everyone:
        told[position].append(status_of_newest(stored, position))
        written_of = [row.after.status for row in rows if row.member.position == position]
        assert written_of == changes_along(told[position])
        entry = state.entries.get(position)
        assert (entry.status if entry else None) is told[position][-1]
    assert_consistent(state, rows)
    assert commit(state, everyone, stored) == (replace(state, version=state.version + 1), [])


@given(data=st.data(), history=shards)
def test_sweeps_tell_the_newest_for_any_order_and_partition(
    data: st.DataObject, history: dict[int, dict[int, Status]]
) -> None:
    """Where every commit moves the floors, each tick needs to be seen only once."""
    everyone = members(0, 1, 2, 3)
    state, rows = EMPTY, list[Transition]()
    newest: dict[int, tuple[int, Status]] = {}
    told: dict[int, list[Status | None]] = {position: [] for position in everyone}
    waiting = data.draw(st.permutations(ticks_of(history)))
    while waiting:
        size = data.draw(st.integers(1, len(waiting)))
        batch, waiting = waiting[:size], waiting[size:]
        state, written = commit(state, everyone, batch, refresh=True)
        rows += written
        for position, observed in newest_results(batch).items():
            if observed.slot > newest.get(position, (0, UP))[0]:
                newest[position] = observed.slot, observed.outcome.status
                told[position].append(observed.outcome.status)
    for position in everyone:
        written_of = [row.after.status for row in rows if row.member.position == position]
        assert written_of == changes_along(told[position])
    assert {p: (e.slot, e.status) for p, e in state.entries.items()} == newest
    assert_consistent(state, rows)
