import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.domain.member import encode_member, member_of
from chalicelib.domain.monitor import Leftover, Locator, Monitor, Placement
from chalicelib.domain.monitor_write import MonitorWrite, Written
from chalicelib.domain.shard import MAX_BYTES, MAX_MEMBERS
from chalicelib.domain.state import Entry, State
from chalicelib.errors import Contended
from chalicelib.store.members import MemberStore
from chalicelib.store.monitors import MonitorStore
from chalicelib.store.shards import ShardStore
from chalicelib.store.states import StateStore
from chalicelib.store.tables import IncidentItem, LimitItem, MonitorItem, ShardItem

from .builders import (
    DOWN,
    NOW,
    SHARD,
    SLOT,
    SLOW_SHARD,
    TEAM,
    UP,
    Items,
    at_once,
    monitor,
    monitor_id,
    shard,
    transition,
    until_settled,
)
from .wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Stored = Callable[[str], Items]
LIMIT = 10


@pytest.fixture
def monitors(client: "DynamoDBClient") -> MonitorStore:
    """Two shards, a normal and a slow one, without monitors."""
    for name in (SHARD, SLOW_SHARD):
        ShardStore().create(shard(name), swept=SLOT)
    return MonitorStore()


def create(monitors: MonitorStore, new: Monitor, limit: int = LIMIT) -> Written:
    return monitors.write(MonitorWrite(None, new), limit)


def change(monitors: MonitorStore, before: Monitor, after: Monitor, **more: Any) -> Written:
    return monitors.write(MonitorWrite(before, after, **more), LIMIT)


def delete(monitors: MonitorStore, monitor: Monitor) -> Written:
    return monitors.write(MonitorWrite(monitor, None), LIMIT)


def edited(before: Monitor, **changes: Any) -> Monitor:
    values: dict[str, Any] = {"rev": before.rev + 1, "token": "another"}
    return replace(before, **values | changes)


def moved(before: Monitor, position: int = 5) -> Monitor:
    """To the slow shard, whose checks may take longer."""
    old = replace(before.placement, to_slot=SLOT + 600)
    new = Placement(SLOW_SHARD, position, SLOT + 600, 60)
    return edited(before, timeout_seconds=30, placements=(old, new))


def states() -> tuple[State, State]:
    old, new = (StateStore().get(name, consistent=True) for name in (SHARD, SLOW_SHARD))
    assert old is not None
    assert new is not None
    return old, new


def size(monitor: Monitor) -> int:
    return len(encode_member(member_of(monitor)))


def registry(name: str = SHARD) -> tuple[int, int]:
    """Members and bytes as registered."""
    found = ShardStore().get(name)
    assert found is not None
    return found.members, found.bytes


def taken(kind: str = "http", team_id: str = TEAM) -> int:
    return int(LimitItem.get(f"T#{team_id}", f"LIMIT#{kind}", consistent_read=True).taken)


def everything(stored: Stored) -> tuple[Items, Items]:
    return stored("teams"), stored("checks")


SHARDS = {
    (pk, sk) for name in (SHARD, SLOW_SHARD) for pk, sk in (("REG", f"S#{name}"), (f"S#{name}", "STATE"))
}


# Create


def test_a_create_leaves_exactly_its_items(monitors: MonitorStore, stored: Stored) -> None:
    assert create(monitors, monitor(1)) is Written.YES
    teams, checks = everything(stored)
    assert set(teams) == {(f"T#{TEAM}", f"MON#{monitor_id(1)}"), (f"T#{TEAM}", "LIMIT#http")}
    assert set(checks) - SHARDS == {(f"S#{SHARD}", "M#0001"), (f"M#{monitor_id(1)}", "L")}
    assert MemberStore().all(SHARD) == {1: member_of(monitor(1))}
    assert registry() == (1, size(monitor(1)))
    assert states() == (State(0, 1, SLOT, {}), State(0, 0, SLOT, {}))
    assert taken() == 1


@pytest.mark.parametrize("consistent", [True, False])
def test_a_monitor_comes_back_as_it_was(monitors: MonitorStore, consistent: bool) -> None:
    new = monitor(1)
    create(monitors, new)
    assert monitors.get(TEAM, new.id, consistent=consistent) == new


def test_every_field_comes_back(monitors: MonitorStore) -> None:
    odd = replace(
        monitor(1),
        name="Ünïcode ✓",
        spec={"url": "https://example.com/ä", "headers": {"a": [1, None, True]}},
        interval_seconds=86_400,
        timeout_seconds=12.5,
        is_enabled=False,
        is_public=True,
        enabled_at=None,
        created_at=NOW + timedelta(milliseconds=123),
        rev=7,
        placements=(
            Placement(SLOW_SHARD, 3, SLOT - 600, 60, to_slot=SLOT, first_slot=SLOT - 660),
            Placement(SHARD, 1, SLOT, 0, to_slot=SLOT + 60),
        ),
    )
    create(monitors, odd)
    assert monitors.get(TEAM, odd.id, consistent=True) == odd


def test_an_unknown_monitor_is_absent(monitors: MonitorStore) -> None:
    create(monitors, monitor(1))
    assert monitors.get(TEAM, monitor_id(2), consistent=True) is None
    assert monitors.get("team_2", monitor_id(1), consistent=True) is None
    assert monitors.locator(monitor_id(2)) is None


def test_a_second_create_of_an_id_is_lost(monitors: MonitorStore, stored: Stored) -> None:
    create(monitors, monitor(1))
    before = everything(stored)
    assert create(monitors, replace(monitor(1), name="Other", token="other")) is Written.LOST
    assert everything(stored) == before


def test_a_create_over_the_teams_limit_writes_nothing(monitors: MonitorStore, stored: Stored) -> None:
    for number in (1, 2):
        assert create(monitors, monitor(number), limit=2) is Written.YES
    before = everything(stored)
    assert create(monitors, monitor(3), limit=2) is Written.LIMIT
    assert everything(stored) == before


def test_each_team_and_kind_has_a_limit_of_its_own(monitors: MonitorStore) -> None:
    assert create(monitors, monitor(1), limit=1) is Written.YES
    assert create(monitors, monitor(2, kind="tcp"), limit=1) is Written.YES
    assert create(monitors, monitor(3, team_id="team_2"), limit=1) is Written.YES
    assert create(monitors, monitor(4), limit=1) is Written.LIMIT
    assert (taken(), taken("tcp"), taken(team_id="team_2")) == (1, 1, 1)


@pytest.mark.parametrize(
    ("members", "spare_bytes", "expected"),
    [
        (MAX_MEMBERS - 1, 0, Written.YES),
        (MAX_MEMBERS, 0, Written.NO_ROOM),
        (0, -1, Written.NO_ROOM),
    ],
)
def test_a_create_needs_room_in_its_shard(
    monitors: MonitorStore, stored: Stored, members: int, spare_bytes: int, expected: Written
) -> None:
    used = MAX_BYTES - size(monitor(1)) - spare_bytes
    ShardItem("REG", f"S#{SHARD}").update([ShardItem.members.set(members), ShardItem.bytes.set(used)])
    before = everything(stored)
    assert create(monitors, monitor(1)) is expected
    assert (everything(stored) == before) is (expected is not Written.YES)


def test_of_several_refusals_the_one_that_ends_the_attempt_comes_first(monitors: MonitorStore) -> None:
    ShardItem("REG", f"S#{SHARD}").update([ShardItem.members.set(MAX_MEMBERS - 1)])
    assert create(monitors, monitor(1), limit=1) is Written.YES
    assert create(monitors, monitor(2), limit=1) is Written.LIMIT
    assert create(monitors, monitor(1), limit=1) is Written.LOST


def test_30_creators_at_once_stop_at_the_limit(monitors: MonitorStore) -> None:
    written = at_once(
        30, lambda number: until_settled(lambda: create(monitors, monitor(number + 1), limit=LIMIT))
    )
    winners = {number + 1 for number, one in enumerate(written) if one is Written.YES}
    assert len(winners) == LIMIT
    assert set(written) == {Written.YES, Written.LIMIT}
    assert taken() == LIMIT
    assert set(MemberStore().all(SHARD)) == winners
    assert registry() == (LIMIT, sum(size(monitor(number)) for number in winners))
    assert states()[0].config_version == LIMIT


def test_20_creators_at_once_fill_a_shard_exactly(monitors: MonitorStore) -> None:
    ShardItem("REG", f"S#{SHARD}").update([ShardItem.members.set(MAX_MEMBERS - 3)])
    written = at_once(
        20, lambda number: until_settled(lambda: create(monitors, monitor(number + 1), limit=100))
    )
    assert written.count(Written.YES) == 3
    assert written.count(Written.NO_ROOM) == 17
    assert registry()[0] == MAX_MEMBERS
    assert taken() == 3


# Edit


def test_an_edit_replaces_the_items_and_cancels_the_pack(monitors: MonitorStore, stored: Stored) -> None:
    before = monitor(1)
    create(monitors, before)
    keys = [set(items) for items in everything(stored)]
    after = edited(before, name="Renamed", spec={"url": "https://example.com/much/longer"}, is_public=True)
    assert change(monitors, before, after) is Written.YES
    assert [set(items) for items in everything(stored)] == keys
    assert monitors.get(TEAM, before.id, consistent=True) == after
    assert MemberStore().all(SHARD) == {1: member_of(after)}
    assert registry() == (1, size(after))
    assert states()[0] == State(0, 2, SLOT, {})
    assert taken() == 1


@pytest.mark.parametrize("spec", [{}, {"url": "x"}, {"url": "https://example.com/1", "method": "HEAD"}])
def test_the_bytes_of_a_shard_follow_its_members(monitors: MonitorStore, spec: dict[str, str]) -> None:
    create(monitors, monitor(1))
    create(monitors, monitor(2))
    after = edited(monitor(1), spec=spec)
    change(monitors, monitor(1), after)
    assert registry() == (2, size(after) + size(monitor(2)))


def test_an_edit_may_outgrow_a_full_shard(monitors: MonitorStore) -> None:
    create(monitors, monitor(1))
    ShardItem("REG", f"S#{SHARD}").update(
        [ShardItem.members.set(MAX_MEMBERS), ShardItem.bytes.set(MAX_BYTES)]
    )
    after = edited(monitor(1), spec={"url": "https://example.com/longer"})
    assert change(monitors, monitor(1), after) is Written.YES
    assert registry() == (MAX_MEMBERS, MAX_BYTES + size(after) - size(monitor(1)))


def test_a_disabled_monitor_stays_a_member(monitors: MonitorStore) -> None:
    before = monitor(1)
    create(monitors, before)
    after = edited(
        before,
        is_enabled=False,
        enabled_at=None,
        placements=(replace(before.placement, to_slot=SLOT + 600),),
    )
    assert change(monitors, before, after) is Written.YES
    assert MemberStore().all(SHARD) == {1: replace(member_of(before), is_enabled=False)}
    found = monitors.locator(before.id)
    assert found is not None
    assert not found.is_enabled
    assert registry() == (1, size(after))
    assert taken() == 1


def test_an_edit_of_another_revision_is_lost(monitors: MonitorStore, stored: Stored) -> None:
    create(monitors, monitor(1))
    change(monitors, monitor(1), edited(monitor(1), name="First"))
    before = everything(stored)
    assert change(monitors, monitor(1), edited(monitor(1), name="Second")) is Written.LOST
    assert everything(stored) == before


def test_one_of_many_editors_of_a_revision_wins(monitors: MonitorStore) -> None:
    create(monitors, monitor(1))
    edits = [edited(monitor(1), name=f"Edit {k}", token=f"{k}") for k in range(20)]
    written = at_once(20, lambda k: until_settled(lambda: change(monitors, monitor(1), edits[k])))
    assert written.count(Written.YES) == 1
    assert monitors.get(TEAM, monitor_id(1), consistent=True) == edits[written.index(Written.YES)]
    assert states()[0].config_version == 2


def test_an_edit_of_a_deleted_monitor_does_not_bring_it_back(monitors: MonitorStore, stored: Stored) -> None:
    create(monitors, monitor(1))
    delete(monitors, monitor(1))
    before = everything(stored)
    assert change(monitors, monitor(1), edited(monitor(1))) is Written.LOST
    assert everything(stored) == before


# Delete


def test_a_delete_takes_everything_but_the_counters_and_notes_what_it_owes(
    monitors: MonitorStore, stored: Stored
) -> None:
    create(monitors, monitor(1))
    assert delete(monitors, monitor(1)) is Written.YES
    teams, checks = everything(stored)
    assert set(teams) == {(f"T#{TEAM}", "LIMIT#http"), (f"T#{TEAM}", f"GONE#{monitor_id(1)}")}
    assert set(checks) == SHARDS
    assert registry() == (0, 0)
    assert states()[0] == State(0, 2, SLOT, {})
    assert taken() == 0


def test_a_delete_leaves_other_monitors_alone(monitors: MonitorStore, stored: Stored) -> None:
    create(monitors, monitor(1))
    create(monitors, monitor(2))
    delete(monitors, monitor(1))
    assert monitors.get(TEAM, monitor_id(2), consistent=True) == monitor(2)
    assert monitors.locator(monitor_id(2))
    assert MemberStore().all(SHARD) == {2: member_of(monitor(2))}
    assert registry() == (1, size(monitor(2)))


def test_a_delete_frees_a_place_below_the_limit(monitors: MonitorStore) -> None:
    create(monitors, monitor(1), limit=1)
    delete(monitors, monitor(1))
    assert create(monitors, monitor(2), limit=1) is Written.YES


def test_a_delete_of_another_revision_is_lost(monitors: MonitorStore, stored: Stored) -> None:
    create(monitors, monitor(1))
    change(monitors, monitor(1), edited(monitor(1)))
    before = everything(stored)
    assert delete(monitors, monitor(1)) is Written.LOST
    assert everything(stored) == before


def test_one_of_many_deletes_counts(monitors: MonitorStore) -> None:
    create(monitors, monitor(1))
    create(monitors, monitor(2))
    written = at_once(10, lambda _: until_settled(lambda: delete(monitors, monitor(1))))
    assert written.count(Written.YES) == 1
    assert (taken(), registry()) == (1, (1, size(monitor(2))))


def incidents(of: str) -> list[str]:
    return [item.sk for item in IncidentItem.query(f"M#{of}", consistent_read=True)]


def test_what_a_deleted_monitor_left_is_forgotten(monitors: MonitorStore, stored: Stored) -> None:
    down = Entry(DOWN, SLOT, SLOT, 1, 1)
    for position in (1, 2):
        StateStore().commit(SHARD, states()[0], {}, SLOT, [transition(position, None, down)])
    for seq in range(2, 60):
        IncidentItem(
            f"M#{monitor_id(1)}",
            f"I#{seq:08d}",
            team=TEAM,
            opened_at=SLOT,
            status=0,
            reason=0,
            status_code=0,
            ttl=SLOT,
        ).save()
    monitors.forget(Leftover(monitor_id(1), TEAM, (SHARD,)))
    assert incidents(monitor_id(1)) == []
    assert incidents(monitor_id(2)) == ["I#00000001"]
    rows = [sk for pk, sk in stored("alerts") if pk == f"OUT#{SHARD}"]
    assert rows == [f"{monitor_id(2)}#00000001"]


def test_nothing_to_forget_is_no_error(monitors: MonitorStore) -> None:
    monitors.forget(Leftover(monitor_id(1), TEAM, (SHARD,)))


# Move


ENTRY = Entry(DOWN, SLOT, SLOT, seq=3, opened_seq=3, response_ms=7)
OTHER = Entry(UP, SLOT, SLOT)


def with_entries(shard_name: str, entries: dict[int, Entry]) -> None:
    state = StateStore().get(shard_name, consistent=True)
    assert state is not None
    assert StateStore().commit(shard_name, state, entries, SLOT, [])


@pytest.fixture
def before(monitors: MonitorStore) -> Monitor:
    """A monitor with an entry, and a neighbour in either shard."""
    create(monitors, monitor(1))
    create(monitors, monitor(2))
    create(monitors, monitor(9, at=SLOW_SHARD))
    with_entries(SHARD, {1: ENTRY, 2: OTHER})
    with_entries(SLOW_SHARD, {9: OTHER})
    return monitor(1)


def test_a_move_takes_member_and_entry_to_the_other_shard(
    monitors: MonitorStore, before: Monitor, stored: Stored
) -> None:
    keys = [set(items) for items in everything(stored)]
    old, new = states()
    after = moved(before)
    assert change(monitors, before, after, states=(old, new)) is Written.YES
    teams, checks = everything(stored)
    assert set(teams) == keys[0]
    assert set(checks) == keys[1] - {(f"S#{SHARD}", "M#0001")} | {(f"S#{SLOW_SHARD}", "M#0005")}
    assert monitors.get(TEAM, before.id, consistent=True) == after
    assert MemberStore().all(SLOW_SHARD)[5] == member_of(after)
    assert states() == (
        State(old.version + 1, old.config_version + 1, SLOT, {2: OTHER}),
        State(new.version + 1, new.config_version + 1, SLOT, {5: ENTRY, 9: OTHER}),
    )
    assert registry(SHARD) == (1, size(monitor(2)))
    assert registry(SLOW_SHARD) == (2, size(after) + size(monitor(9, at=SLOW_SHARD)))
    assert taken() == 3


def test_a_monitor_without_an_entry_moves_without_one(monitors: MonitorStore, before: Monitor) -> None:
    with_entries(SHARD, {2: OTHER})
    assert change(monitors, before, moved(before), states=states()) is Written.YES
    assert [state.entries for state in states()] == [{2: OTHER}, {9: OTHER}]


@pytest.mark.parametrize("name", [SHARD, SLOW_SHARD])
def test_a_move_over_a_state_that_changed_is_lost(
    monitors: MonitorStore, before: Monitor, stored: Stored, name: str
) -> None:
    read = states()
    with_entries(name, {})
    as_it_is = everything(stored)
    assert change(monitors, before, moved(before), states=read) is Written.LOST
    assert everything(stored) == as_it_is


def test_a_move_over_a_monitor_that_changed_is_lost(
    monitors: MonitorStore, before: Monitor, stored: Stored
) -> None:
    change(monitors, before, edited(before))
    as_it_is = everything(stored)
    assert change(monitors, before, moved(before), states=states()) is Written.LOST
    assert everything(stored) == as_it_is


def test_a_move_needs_room(monitors: MonitorStore, before: Monitor, stored: Stored) -> None:
    ShardItem("REG", f"S#{SLOW_SHARD}").update([ShardItem.members.set(MAX_MEMBERS)])
    as_it_is = everything(stored)
    assert change(monitors, before, moved(before), states=states()) is Written.NO_ROOM
    assert everything(stored) == as_it_is


def test_a_move_that_lost_and_has_no_room_is_lost(monitors: MonitorStore, before: Monitor) -> None:
    ShardItem("REG", f"S#{SLOW_SHARD}").update([ShardItem.members.set(MAX_MEMBERS)])
    read = states()
    with_entries(SHARD, {})
    assert change(monitors, before, moved(before), states=read) is Written.LOST


def test_a_create_in_between_does_not_stop_a_move(monitors: MonitorStore, before: Monitor) -> None:
    """It raises config_version alone, and the move adds to whatever that is."""
    read = states()
    create(monitors, monitor(10, at=SLOW_SHARD))
    assert change(monitors, before, moved(before), states=read) is Written.YES
    assert states()[1].config_version == read[1].config_version + 2


def test_a_moved_monitor_is_deleted_where_it_is(
    monitors: MonitorStore, before: Monitor, stored: Stored
) -> None:
    change(monitors, before, moved(before), states=states())
    assert delete(monitors, moved(before)) is Written.YES
    assert {sk for pk, sk in stored("checks") if sk.startswith("M#")} == {"M#0002", "M#0009"}
    assert registry(SLOW_SHARD) == (1, size(monitor(9, at=SLOW_SHARD)))


# Collisions


@pytest.mark.parametrize(
    ("code", "reasons"),
    [
        ("TransactionCanceledException", ["None", "None", "None", "TransactionConflict"]),
        ("TransactionCanceledException", ["ThrottlingError"]),
        ("ProvisionedThroughputExceededException", []),
        ("TransactionInProgressException", []),
    ],
)
def test_a_collision_is_contended_and_nothing_is_written(
    monitors: MonitorStore, wire: Wire, stored: Stored, code: str, reasons: list[str]
) -> None:
    before = everything(stored)
    with wire.refusing("TransactWriteItems", code, reasons), pytest.raises(Contended):
        create(monitors, monitor(1))
    assert everything(stored) == before


def test_after_a_lost_answer_the_token_tells_whose_write_it_was(monitors: MonitorStore, wire: Wire) -> None:
    with wire.losing_answers("TransactWriteItems"), pytest.raises(Contended):
        create(monitors, monitor(1))
    assert create(monitors, monitor(1)) is Written.LOST
    stored = monitors.get(TEAM, monitor_id(1), consistent=True)
    assert stored is not None
    assert stored.token == monitor(1).token
    assert taken() == 1


def test_a_configuration_write_is_one_call(monitors: MonitorStore, wire: Wire) -> None:
    create(monitors, monitor(1))
    change(monitors, monitor(1), edited(monitor(1), name="Renamed"))
    delete(monitors, edited(monitor(1), name="Renamed"))
    assert wire.operations == ["TransactWriteItems"] * 3


# Reads


def test_a_list_is_of_one_team_and_kind_newest_first(monitors: MonitorStore) -> None:
    for number in (2, 3, 1):
        create(monitors, monitor(number))
    create(monitors, monitor(4, kind="tcp"))
    create(monitors, monitor(5, team_id="team_2"))
    assert monitors.of_team(TEAM, "http") == [monitor(3), monitor(2), monitor(1)]
    assert monitors.of_team(TEAM, "tcp") == [monitor(4, kind="tcp")]
    assert monitors.of_team(TEAM, "dns") == []


def test_monitors_of_one_instant_are_listed_by_id(monitors: MonitorStore) -> None:
    for number in (1, 3, 2):
        create(monitors, replace(monitor(number), created_at=NOW))
    assert [m.id for m in monitors.of_team(TEAM, "http")] == [monitor_id(n) for n in (3, 2, 1)]


def test_the_locator_tells_what_a_public_reader_needs(monitors: MonitorStore) -> None:
    new = replace(
        monitor(1),
        is_public=True,
        placements=(replace(monitor(2).placement, to_slot=SLOT), monitor(1).placement),
    )
    create(monitors, new)
    assert monitors.locator(new.id) == Locator(new.id, TEAM, "http", True, True, new.placements)


def test_a_stretch_that_tells_of_retries_comes_back_and_others_are_stored_as_ever(
    monitors: MonitorStore,
) -> None:
    plain = monitor(2).placement
    new = replace(
        monitor(1), placements=(replace(plain, to_slot=SLOT), replace(monitor(1).placement, has_retries=True))
    )
    create(monitors, new)
    locator, read = monitors.locator(new.id), monitors.get(TEAM, new.id, consistent=True)
    assert locator is not None
    assert read is not None
    assert locator.placements == read.placements == new.placements
    assert [p.has_retries for p in read.placements] == [False, True]
    rows = json.loads(MonitorItem.get(f"T#{TEAM}", f"MON#{new.id}").placements)
    assert [len(row) for row in rows] == [6, 7]


def test_a_locator_is_half_a_read_unit(monitors: MonitorStore, wire: Wire) -> None:
    create(monitors, monitor(1))
    wire.calls.clear()
    monitors.locator(monitor_id(1))
    assert wire.units == 0.5
