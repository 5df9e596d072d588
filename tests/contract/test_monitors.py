from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.member import encode_member, member_of
from chalicelib.domain.monitor import Locator, Monitor, Placement
from chalicelib.domain.monitor_write import MonitorWrite, Written
from chalicelib.domain.outcome import Status
from chalicelib.domain.shard import MAX_MEMBERS, Shard
from chalicelib.domain.state import Entry, State

from .conftest import Edges
from .makers import BASE, DOWN, NOW, OTHER, SHARD, changed, monitor, shard
from .test_states import commit

ENTRY = Entry(Status.DOWN, BASE, BASE, seq=3, opened_seq=3, response_ms=10)


@pytest.fixture(autouse=True)
def shards(edges: Edges) -> None:
    for name in (SHARD, OTHER):
        edges.shards.create(shard(name), swept=BASE)


def create(edges: Edges, new: Monitor) -> Monitor:
    assert edges.monitors.write(MonitorWrite(None, new), limit=1000) is Written.YES
    return new


def state_of(edges: Edges, name: str = SHARD) -> State:
    state = edges.states.get(name, consistent=True)
    assert state is not None
    return state


def shard_of(edges: Edges, name: str = SHARD) -> Shard:
    found = edges.shards.get(name)
    assert found is not None
    return found


def moved(before: Monitor, position: int = 1) -> Monitor:
    closed = replace(before.placement, to_slot=BASE + 600)
    return changed(
        before, timeout_seconds=30.0, placements=(closed, Placement(OTHER, position, BASE + 600, 60))
    )


def seed_entry(edges: Edges, monitor: Monitor, entry: Entry) -> None:
    place = monitor.placement
    read = state_of(edges, place.shard)
    entries = {**read.entries, place.position: entry}
    assert edges.states.commit(place.shard, read, entries, read.swept, ())


def test_a_created_monitor_comes_back_whole(edges: Edges) -> None:
    created = create(edges, monitor())
    assert edges.monitors.get("team-1", "mon_1", consistent=True) == created
    assert edges.monitors.get("team-1", "mon_1", consistent=False) == created


def test_another_teams_monitor_is_not_found(edges: Edges) -> None:
    create(edges, monitor())
    assert edges.monitors.get("team-2", "mon_1", consistent=True) is None


def test_a_create_writes_member_and_locator_and_cancels_runs_with_the_old_pack(edges: Edges) -> None:
    created = create(edges, monitor())
    assert edges.members.all(SHARD) == {1: member_of(created)}
    assert edges.monitors.locator("mon_1") == Locator(
        "mon_1", "team-1", "http", False, True, created.placements
    )
    assert (state_of(edges).version, state_of(edges).config_version) == (0, 1)


def test_a_create_counts_the_member_and_its_bytes(edges: Edges) -> None:
    created = create(edges, monitor())
    found = shard_of(edges)
    assert (found.members, found.bytes) == (1, len(encode_member(member_of(created))))


def test_a_second_create_of_the_same_id_is_lost(edges: Edges) -> None:
    create(edges, monitor())
    assert edges.monitors.write(MonitorWrite(None, monitor(position=2)), limit=10) is Written.LOST
    assert list(edges.members.all(SHARD)) == [1]


def test_the_teams_limit_is_a_condition_of_the_create(edges: Edges) -> None:
    assert edges.monitors.write(MonitorWrite(None, monitor("mon_1", 1)), limit=1) is Written.YES
    assert edges.monitors.write(MonitorWrite(None, monitor("mon_2", 2)), limit=1) is Written.LIMIT
    other_kind = replace(monitor("tcp_1", 3), kind="tcp")
    assert edges.monitors.write(MonitorWrite(None, other_kind), limit=1) is Written.YES
    assert list(edges.members.all(SHARD)) == [1, 3]


def test_a_delete_frees_its_place_under_the_limit(edges: Edges) -> None:
    first = monitor("mon_1", 1)
    assert edges.monitors.write(MonitorWrite(None, first), limit=1) is Written.YES
    assert edges.monitors.write(MonitorWrite(first, None), limit=1) is Written.YES
    assert edges.monitors.write(MonitorWrite(None, monitor("mon_2", 2)), limit=1) is Written.YES


def test_a_full_shard_refuses_a_member(edges: Edges) -> None:
    for n in range(MAX_MEMBERS):
        create(edges, monitor(f"mon_{n}", n + 1))
    last = monitor("mon_last", MAX_MEMBERS + 1)
    assert edges.monitors.write(MonitorWrite(None, last), limit=1000) is Written.NO_ROOM
    assert shard_of(edges).members == MAX_MEMBERS


def test_a_shard_refuses_a_member_past_its_bytes(edges: Edges) -> None:
    for n in range(2):
        create(edges, monitor(f"mon_{n}", n + 1, url="https://e.com/" + "a" * 45_000))
    large = monitor("mon_3", 3, url="https://e.com/" + "a" * 10_000)
    assert edges.monitors.write(MonitorWrite(None, large), limit=10) is Written.NO_ROOM
    assert edges.monitors.write(MonitorWrite(None, monitor("mon_4", 4)), limit=10) is Written.YES


def test_a_limit_is_told_before_a_lack_of_room(edges: Edges) -> None:
    for n in range(MAX_MEMBERS):
        create(edges, monitor(f"mon_{n}", n + 1))
    last = MonitorWrite(None, monitor("mon_last", MAX_MEMBERS + 1))
    assert edges.monitors.write(last, limit=MAX_MEMBERS) is Written.LIMIT


def test_an_edit_replaces_configuration_member_and_locator_and_counts_the_bytes(edges: Edges) -> None:
    before = create(edges, monitor())
    after = changed(
        before, name="New", spec={"url": "https://example.org/long"}, is_enabled=False, enabled_at=None
    )
    assert edges.monitors.write(MonitorWrite(before, after), limit=10) is Written.YES
    assert edges.monitors.get("team-1", "mon_1", consistent=True) == after
    assert edges.members.all(SHARD) == {1: member_of(after)}
    locator = edges.monitors.locator("mon_1")
    assert locator is not None
    assert not locator.is_enabled
    assert shard_of(edges).bytes == len(encode_member(member_of(after)))
    assert state_of(edges).config_version == 2


def test_an_edit_on_an_older_rev_is_lost_and_changes_nothing(edges: Edges) -> None:
    before = create(edges, monitor())
    after = changed(before, name="New")
    edges.monitors.write(MonitorWrite(before, after), limit=10)
    assert edges.monitors.write(MonitorWrite(before, changed(before, name="Other")), limit=10) is Written.LOST
    assert edges.monitors.get("team-1", "mon_1", consistent=True) == after
    assert state_of(edges).config_version == 2


def test_an_edit_of_a_deleted_monitor_is_lost(edges: Edges) -> None:
    before = create(edges, monitor())
    edges.monitors.write(MonitorWrite(before, None), limit=10)
    assert edges.monitors.write(MonitorWrite(before, changed(before, name="New")), limit=10) is Written.LOST
    assert edges.members.all(SHARD) == {}


def test_a_delete_takes_configuration_member_locator_and_place(edges: Edges) -> None:
    created = create(edges, monitor())
    assert edges.monitors.write(MonitorWrite(created, None), limit=10) is Written.YES
    assert edges.monitors.get("team-1", "mon_1", consistent=True) is None
    assert edges.members.all(SHARD) == {}
    assert edges.monitors.locator("mon_1") is None
    found = shard_of(edges)
    assert (found.members, found.bytes) == (0, 0)
    assert state_of(edges).config_version == 2


def test_a_delete_on_an_older_rev_is_lost(edges: Edges) -> None:
    before = create(edges, monitor())
    edges.monitors.write(MonitorWrite(before, changed(before, name="New")), limit=10)
    assert edges.monitors.write(MonitorWrite(before, None), limit=10) is Written.LOST
    assert edges.monitors.locator("mon_1") is not None


def test_a_move_takes_member_room_and_entry_to_the_other_shard(edges: Edges) -> None:
    before, stays = create(edges, monitor()), create(edges, monitor("mon_2", 2))
    there = create(edges, monitor("mon_3", 5, OTHER))
    for each in (before, stays, there):
        seed_entry(edges, each, replace(ENTRY, seq=each.placement.position))
    states = state_of(edges), state_of(edges, OTHER)
    after = moved(before, position=7)
    assert edges.monitors.write(MonitorWrite(before, after, states), limit=10) is Written.YES
    old, new = state_of(edges), state_of(edges, OTHER)
    assert {p: e.seq for p, e in old.entries.items()} == {2: 2}
    assert {p: e.seq for p, e in new.entries.items()} == {5: 5, 7: 1}
    assert (old.version, new.version) == (states[0].version + 1, states[1].version + 1)
    assert (old.config_version, new.config_version) == (3, 2)
    assert list(edges.members.all(SHARD)) == [2]
    assert edges.members.all(OTHER)[7] == member_of(after)
    assert (shard_of(edges).members, shard_of(edges, OTHER).members) == (1, 2)
    locator = edges.monitors.locator("mon_1")
    assert locator is not None
    assert locator.placements == after.placements


def test_a_move_of_a_monitor_without_an_entry_copies_none(edges: Edges) -> None:
    before = create(edges, monitor())
    states = state_of(edges), state_of(edges, OTHER)
    assert edges.monitors.write(MonitorWrite(before, moved(before), states), limit=10) is Written.YES
    assert state_of(edges, OTHER).entries == {}


@pytest.mark.parametrize("name", [SHARD, OTHER])
def test_a_move_is_lost_when_either_state_changed_since_it_was_read(edges: Edges, name: str) -> None:
    before, there = create(edges, monitor()), create(edges, monitor("mon_3", 5, OTHER))
    states = state_of(edges), state_of(edges, OTHER)
    seed_entry(edges, before if name == SHARD else there, ENTRY)
    assert edges.monitors.write(MonitorWrite(before, moved(before), states), limit=10) is Written.LOST
    assert list(edges.members.all(SHARD)) == [1]
    assert list(edges.members.all(OTHER)) == [5]
    assert edges.monitors.get("team-1", "mon_1", consistent=True) == before


def test_a_move_to_a_full_shard_finds_no_room(edges: Edges) -> None:
    before = create(edges, monitor())
    for n in range(MAX_MEMBERS):
        create(edges, monitor(f"mon_o{n}", n + 1, OTHER))
    states = state_of(edges), state_of(edges, OTHER)
    write = MonitorWrite(before, moved(before, 999), states)
    assert edges.monitors.write(write, limit=1000) is Written.NO_ROOM
    assert list(edges.members.all(SHARD)) == [1]


def test_a_teams_monitors_of_a_kind_are_listed_newest_first(edges: Edges) -> None:
    for n in range(3):
        create(edges, replace(monitor(f"mon_{n}", n + 1), created_at=NOW + timedelta(milliseconds=n)))
    create(edges, replace(monitor("tcp_1", 8), kind="tcp"))
    create(edges, replace(monitor("mon_9", 9), team_id="team-2"))
    assert [m.id for m in edges.monitors.of_team("team-1", "http")] == ["mon_2", "mon_1", "mon_0"]


def test_a_delete_notes_what_it_owes_until_that_is_forgotten(edges: Edges) -> None:
    for position in (1, 2):
        create(edges, monitor(f"mon_{position}", position))
    commit(edges.states, {1: DOWN, 2: DOWN}, BASE)
    assert edges.monitors.leftovers("team-1") == []
    stored = edges.monitors.get("team-1", "mon_1", consistent=True)
    edges.monitors.write(MonitorWrite(stored, None), 100)
    [leftover] = edges.monitors.leftovers("team-1")
    assert (leftover.monitor_id, leftover.team_id) == ("mon_1", "team-1")
    assert edges.monitors.leftovers("team-2") == []
    edges.monitors.forget(leftover)
    assert edges.monitors.leftovers("team-1") == []
    assert edges.incidents("mon_1") == []
    assert len(edges.incidents("mon_2")) == 1
    assert [row[0] for row in edges.outbox(leftover.shards[0])] == ["mon_2"]


def test_an_unknown_monitor_has_no_locator(edges: Edges) -> None:
    assert edges.monitors.locator("mon_1") is None
