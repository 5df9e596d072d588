"""Extras: what is stored for management and for the probe, in the one transaction of their monitor."""

from dataclasses import replace

import pytest

from chalicelib.domain.extras import NO_EXTRAS, Extras, with_extras
from chalicelib.domain.member import encode_member, member_of
from chalicelib.domain.monitor import Monitor, Spec
from chalicelib.domain.monitor_write import MonitorWrite, Written
from chalicelib.domain.shard import MAX_MEMBERS

from .conftest import Edges
from .makers import BASE, EXTRAS, OTHER, SHARD, changed, monitor, shard
from .test_monitors import create, moved, shard_of, state_of


@pytest.fixture(autouse=True)
def shards(edges: Edges) -> None:
    for name in (SHARD, OTHER):
        edges.shards.create(shard(name), swept=BASE)


def with_some(edges: Edges, extras: Extras = EXTRAS, monitor_id: str = "mon_1", position: int = 1) -> Monitor:
    new = with_extras(monitor(monitor_id, position), extras)
    assert edges.monitors.write(MonitorWrite(None, new, extras=extras), limit=1000) is Written.YES
    return new


def write(edges: Edges, before: Monitor, after: Monitor | None, extras: Extras | None = None) -> Written:
    is_move = after is not None and after.placement.shard != before.placement.shard
    states = (state_of(edges), state_of(edges, OTHER)) if is_move else None
    return edges.monitors.write(MonitorWrite(before, after, states, extras), limit=1000)


def probes(edges: Edges, name: str = SHARD) -> dict[tuple[int, int], Spec]:
    """Whatever is stored for the probe, by (position, rev)."""
    found: dict[tuple[int, int], Spec] = {}
    for rev in range(1, 6):
        read = edges.members.extras(name, dict.fromkeys((1, 2, 3), rev), consistent=True)
        found |= {(position, rev): spec for position, spec in read.items()}
    return found


def test_extras_come_back_to_management_and_to_the_probe(edges: Edges) -> None:
    created = with_some(edges)
    assert edges.monitors.get("team-1", "mon_1", consistent=True) == created
    assert created.header_names == ("Authorization", "X-Env")
    assert edges.monitors.extras("team-1", "mon_1") == EXTRAS
    assert probes(edges) == {(1, 1): EXTRAS.as_spec()}
    assert edges.members.all(SHARD)[1] == member_of(created)
    assert edges.members.all(SHARD)[1].extras_rev == 1


def test_a_monitor_without_extras_has_none(edges: Edges) -> None:
    create(edges, monitor())
    assert edges.monitors.extras("team-1", "mon_1") == NO_EXTRAS
    assert edges.monitors.extras("team-1", "mon_2") == NO_EXTRAS
    assert probes(edges) == {}


def test_another_teams_extras_are_not_found(edges: Edges) -> None:
    with_some(edges)
    assert edges.monitors.extras("team-2", "mon_1") == NO_EXTRAS


def test_extras_stand_in_no_list(edges: Edges) -> None:
    created, other = with_some(edges), create(edges, monitor("mon_2", 2))
    assert {m.id: m for m in edges.monitors.of_team("team-1", "http")} == {"mon_1": created, "mon_2": other}


def test_the_probe_is_given_the_extras_of_the_rev_it_asks_for_only(edges: Edges) -> None:
    with_some(edges)
    with_some(edges, monitor_id="mon_2", position=2)
    for consistent in (True, False):
        found = edges.members.extras(SHARD, {1: 1, 2: 2, 3: 1}, consistent=consistent)
        assert found == {1: EXTRAS.as_spec()}


def test_new_extras_replace_both_copies(edges: Edges) -> None:
    before = with_some(edges)
    new = replace(EXTRAS, body=None, content_checks=())
    after = with_extras(changed(before), new)
    assert write(edges, before, after, new) is Written.YES
    assert edges.monitors.extras("team-1", "mon_1") == new
    assert probes(edges) == {(1, 2): {"headers": dict(EXTRAS.headers)}}
    assert edges.monitors.get("team-1", "mon_1", consistent=True) == after
    assert not after.has_body


def test_first_extras_are_put(edges: Edges) -> None:
    before = create(edges, monitor())
    after = with_extras(changed(before), EXTRAS)
    assert write(edges, before, after, EXTRAS) is Written.YES
    assert edges.monitors.extras("team-1", "mon_1") == EXTRAS
    assert probes(edges) == {(1, 2): EXTRAS.as_spec()}
    assert edges.members.all(SHARD)[1].extras_rev == 2
    assert shard_of(edges).bytes == len(encode_member(member_of(after)))


def test_the_last_extras_are_deleted(edges: Edges) -> None:
    before = with_some(edges)
    after = with_extras(changed(before), NO_EXTRAS)
    assert write(edges, before, after, NO_EXTRAS) is Written.YES
    assert edges.monitors.extras("team-1", "mon_1") == NO_EXTRAS
    assert probes(edges) == {}
    assert not edges.members.all(SHARD)[1].has_extras


def test_other_edits_leave_extras_as_they_are(edges: Edges) -> None:
    before = with_some(edges)
    assert write(edges, before, changed(before, name="New")) is Written.YES
    assert edges.monitors.extras("team-1", "mon_1") == EXTRAS
    assert probes(edges) == {(1, 1): EXTRAS.as_spec()}


def test_a_move_takes_extras_along(edges: Edges) -> None:
    before = with_some(edges)
    after = moved(before)
    assert write(edges, before, after, EXTRAS) is Written.YES
    assert edges.monitors.extras("team-1", "mon_1") == EXTRAS
    assert probes(edges) == {}
    assert probes(edges, OTHER) == {(1, 1): EXTRAS.as_spec()}
    assert edges.members.all(OTHER)[1] == member_of(after)


def test_a_move_may_change_extras(edges: Edges) -> None:
    before = with_some(edges)
    new = Extras(body="other")
    assert write(edges, before, with_extras(moved(before), new), new) is Written.YES
    assert edges.monitors.extras("team-1", "mon_1") == new
    assert (probes(edges), probes(edges, OTHER)) == ({}, {(1, 2): {"body": "other"}})


def test_a_move_may_drop_extras(edges: Edges) -> None:
    before = with_some(edges)
    assert write(edges, before, with_extras(moved(before), NO_EXTRAS), NO_EXTRAS) is Written.YES
    assert edges.monitors.extras("team-1", "mon_1") == NO_EXTRAS
    assert (probes(edges), probes(edges, OTHER)) == ({}, {})


def test_a_delete_takes_extras_with_it(edges: Edges) -> None:
    created = with_some(edges)
    with_some(edges, monitor_id="mon_2", position=2)
    assert write(edges, created, None) is Written.YES
    assert edges.monitors.extras("team-1", "mon_1") == NO_EXTRAS
    assert edges.monitors.extras("team-1", "mon_2") == EXTRAS
    assert list(probes(edges)) == [(2, 1)]


def test_a_lost_write_leaves_both_copies(edges: Edges) -> None:
    before = with_some(edges)
    write(edges, before, changed(before, name="New"))
    other = Extras(body="other")
    assert write(edges, before, with_extras(changed(before), other), other) is Written.LOST
    assert write(edges, before, with_extras(changed(before), NO_EXTRAS), NO_EXTRAS) is Written.LOST
    assert write(edges, before, with_extras(moved(before), other), other) is Written.LOST
    assert write(edges, before, None) is Written.LOST
    assert edges.monitors.extras("team-1", "mon_1") == EXTRAS
    assert probes(edges) == {(1, 1): EXTRAS.as_spec()}
    assert probes(edges, OTHER) == {}


def test_a_refused_create_or_move_stores_no_extras(edges: Edges) -> None:
    for n in range(MAX_MEMBERS):
        create(edges, monitor(f"mon_o{n}", n + 4, OTHER))
    new = with_extras(monitor("mon_1", 1, OTHER), EXTRAS)
    assert edges.monitors.write(MonitorWrite(None, new, extras=EXTRAS), limit=1000) is Written.NO_ROOM
    assert edges.monitors.write(MonitorWrite(None, new, extras=EXTRAS), limit=1) is Written.LIMIT
    assert edges.monitors.extras("team-1", "mon_1") == NO_EXTRAS
    before = with_some(edges)
    assert write(edges, before, moved(before), EXTRAS) is Written.NO_ROOM
    assert (probes(edges), probes(edges, OTHER)) == ({(1, 1): EXTRAS.as_spec()}, {})
