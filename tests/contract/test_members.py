from chalicelib.domain.member import Pack, member_of
from chalicelib.domain.monitor_write import MonitorWrite

from .conftest import Edges
from .makers import BASE, OTHER, SHARD, monitor, shard


def test_members_are_found_by_position_in_their_own_shard_only(edges: Edges) -> None:
    for name in (SHARD, OTHER):
        edges.shards.create(shard(name), swept=BASE)
    one, two = monitor("mon_1", 1), monitor("mon_2", 12)
    for each in (one, two, monitor("mon_3", 1, OTHER)):
        edges.monitors.write(MonitorWrite(None, each), limit=10)
    assert edges.members.all(SHARD) == {1: member_of(one), 12: member_of(two)}


def test_a_shard_without_members_has_none(edges: Edges) -> None:
    assert edges.members.all(SHARD) == {}


def test_there_is_no_pack_before_one_is_saved(edges: Edges) -> None:
    assert edges.members.pack(SHARD) is None


def test_a_pack_comes_back_as_it_was_saved(edges: Edges) -> None:
    pack = Pack(
        7, {1: member_of(monitor()), 1000: member_of(monitor("mon_2", 1000, url="https://ü.example/"))}
    )
    edges.members.save_pack(SHARD, pack)
    assert edges.members.pack(SHARD) == pack


def test_a_pack_replaces_only_an_older_one(edges: Edges) -> None:
    newer, older = Pack(7, {1: member_of(monitor())}), Pack(6, {})
    edges.members.save_pack(SHARD, older)
    edges.members.save_pack(SHARD, newer)
    edges.members.save_pack(SHARD, older)
    edges.members.save_pack(SHARD, Pack(7, {}))
    assert edges.members.pack(SHARD) == newer
