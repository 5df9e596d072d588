from collections.abc import Mapping
from dataclasses import replace

import pytest

from chalicelib.domain.member import member_of
from chalicelib.domain.outcome import Outcome, Status
from chalicelib.domain.state import MAX_TRANSITIONS, Entry, Observed, Plan, State, plan_commit
from chalicelib.services.deps import States

from .conftest import Edges
from .makers import BASE, DOWN, NOW, SHARD, UP, monitor, shard


def plan(state: State, outcomes: Mapping[int, Outcome], slot: int) -> Plan:
    members = {position: member_of(monitor(f"mon_{position}", position)) for position in range(1, 60)}
    results = {position: [Observed(slot, outcome, NOW)] for position, outcome in outcomes.items()}
    return plan_commit(state, members, results, refresh=False)


def commit(states: States, outcomes: Mapping[int, Outcome], slot: int, read: State | None = None) -> bool:
    state = states.get(SHARD, consistent=True)
    assert state is not None
    made = plan(state, outcomes, slot)
    return states.commit(SHARD, read or state, made.entries, state.swept, made.transitions)


@pytest.fixture
def states(edges: Edges) -> States:
    edges.shards.create(shard(), swept=BASE)
    return edges.states


def test_a_commit_raises_the_version_and_stores_entries_and_swept(states: States) -> None:
    entries = {1: Entry(Status.UP, BASE, BASE, response_ms=20), 1000: Entry(Status.DOWN, BASE, BASE, 3, 3)}
    read = State(0, 0, BASE, {})
    assert states.commit(SHARD, read, entries, BASE + 60, ())
    assert states.get(SHARD, consistent=True) == State(1, 0, BASE + 60, entries)


def test_a_first_healthy_result_leaves_no_incident_and_no_row(edges: Edges, states: States) -> None:
    assert commit(states, {1: UP}, BASE)
    assert edges.outbox(SHARD) == []
    assert edges.incidents("mon_1") == []


def test_a_change_writes_state_incident_and_one_row_together(edges: Edges, states: States) -> None:
    commit(states, {1: UP}, BASE)
    commit(states, {1: DOWN}, BASE + 60)
    commit(states, {1: UP}, BASE + 120)
    assert edges.outbox(SHARD) == [
        ("mon_1", 1, Status.UP, Status.DOWN, BASE + 60),
        ("mon_1", 2, Status.DOWN, Status.UP, BASE + 120),
    ]
    assert edges.incidents("mon_1") == [(1, Status.UP, True)]


def test_down_then_degraded_is_two_rows_and_one_incident(edges: Edges, states: States) -> None:
    commit(states, {1: DOWN}, BASE)
    commit(states, {1: Outcome(Status.DEGRADED, status_code=200)}, BASE + 60)
    assert [(row[1], row[2], row[3]) for row in edges.outbox(SHARD)] == [
        (1, None, Status.DOWN),
        (2, Status.DOWN, Status.DEGRADED),
    ]
    assert edges.incidents("mon_1") == [(1, Status.DEGRADED, False)]


@pytest.mark.parametrize("moved", ["version", "config_version"])
def test_a_commit_on_an_older_state_writes_nothing(edges: Edges, states: States, moved: str) -> None:
    state = states.get(SHARD, consistent=True)
    assert state is not None
    old = (
        replace(state, version=state.version - 1) if moved == "version" else replace(state, config_version=-1)
    )
    assert not commit(states, {1: DOWN}, BASE, read=old)
    assert states.get(SHARD, consistent=True) == state
    assert edges.outbox(SHARD) == []
    assert edges.incidents("mon_1") == []


def test_a_row_is_never_written_twice(edges: Edges, states: States) -> None:
    state = states.get(SHARD, consistent=True)
    assert state is not None
    made = plan(state, {1: DOWN}, BASE)
    assert states.commit(SHARD, state, {}, BASE, made.transitions)
    assert not states.commit(SHARD, replace(state, version=1), {}, BASE, made.transitions)
    assert len(edges.outbox(SHARD)) == 1


def test_a_commit_holds_as_many_transitions_as_are_planned_at_once(edges: Edges, states: States) -> None:
    assert commit(states, dict.fromkeys(range(1, 60), DOWN), BASE)
    assert len(edges.outbox(SHARD)) == MAX_TRANSITIONS


def test_a_commit_to_a_shard_that_does_not_exist_is_lost(edges: Edges) -> None:
    assert not edges.states.commit(SHARD, State(0, 0, 0, {}), {}, 0, ())
