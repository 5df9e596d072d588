from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from pynamodb.exceptions import PutError

from chalicelib.domain.extras import encode_spec
from chalicelib.domain.member import Pack, encode_member
from chalicelib.store.members import MemberStore
from chalicelib.store.tables import ExtrasItem, MemberItem, PackItem

from .builders import SHARD, SLOW_SHARD, at_once, member
from .wire import Call, Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def write_member(position: int, *, at: str = SHARD) -> None:
    MemberItem(f"S#{at}", f"M#{position:04d}", data=encode_member(member(position))).save()


def write_extras(position: int, body: str, rev: int = 1) -> None:
    ExtrasItem(f"S#{SHARD}", f"B#{position:04d}", rev=rev, data=encode_spec({"body": body})).save()


def extras(revs: Mapping[int, int]) -> dict[int, Any]:
    return MemberStore().extras(SHARD, revs, consistent=False)


def pack(version: int, *positions: int) -> Pack:
    return Pack(version, {position: member(position) for position in positions})


def test_all_members_of_a_shard_are_read_by_position(client: "DynamoDBClient") -> None:
    for position in (7, 1000, 42):
        write_member(position)
    write_member(3, at=SLOW_SHARD)
    write_extras(7, "hello")
    found = MemberStore().all(SHARD)
    assert list(found.items()) == [(p, member(p)) for p in (7, 42, 1000)]


def test_an_empty_shard_has_no_members(client: "DynamoDBClient") -> None:
    assert MemberStore().all(SHARD) == {}


@pytest.mark.parametrize("consistent", [True, False])
def test_extras_are_read_for_the_positions_and_revs_asked_for(
    client: "DynamoDBClient", consistent: bool
) -> None:
    for position in (1, 2, 3, 4, 1000):
        write_extras(position, f"body {position}", rev=7)
    found = MemberStore().extras(SHARD, {2: 7, 3: 6, 4: 8, 1000: 7, 5: 7}, consistent=consistent)
    assert found == {2: {"body": "body 2"}, 1000: {"body": "body 1000"}}


def test_more_extras_than_a_batch_holds_are_read(wire: Wire) -> None:
    for position in range(1, 131):
        write_extras(position, str(position))
    wire.calls.clear()
    assert len(extras(dict.fromkeys(range(1, 131), 1))) == 130
    assert wire.operations == ["BatchGetItem"] * 2


def test_no_extras_asked_for_is_no_call(wire: Wire) -> None:
    assert extras({}) == {}
    assert wire.calls == []


def test_a_pack_comes_back_as_it_was(client: "DynamoDBClient") -> None:
    assert MemberStore().pack(SHARD) is None
    MemberStore().save_pack(SHARD, pack(3, 1, 2))
    assert MemberStore().pack(SHARD) == pack(3, 1, 2)
    assert MemberStore().pack(SLOW_SHARD) is None


@pytest.mark.parametrize(("version", "is_newer"), [(2, False), (3, False), (4, True)])
def test_only_an_older_pack_is_replaced(client: "DynamoDBClient", version: int, is_newer: bool) -> None:
    MemberStore().save_pack(SHARD, pack(3, 1))
    MemberStore().save_pack(SHARD, pack(version, 1, 2))
    assert MemberStore().pack(SHARD) == (pack(version, 1, 2) if is_newer else pack(3, 1))


def test_of_many_savers_the_newest_pack_stays(client: "DynamoDBClient") -> None:
    at_once(20, lambda version: MemberStore().save_pack(SHARD, pack(version, version + 1)))
    assert MemberStore().pack(SHARD) == pack(19, 20)


def test_a_failure_of_the_store_is_not_a_lost_race(wire: Wire) -> None:
    with wire.refusing("PutItem", "ThrottlingException"), pytest.raises(PutError):
        MemberStore().save_pack(SHARD, pack(1, 1))


def test_the_pack_of_a_full_shard_is_read_with_one_unit(wire: Wire) -> None:
    MemberStore().save_pack(SHARD, pack(1, *range(1, 201)))
    wire.calls.clear()
    assert MemberStore().pack(SHARD) == pack(1, *range(1, 201))
    (call,) = wire.calls
    assert call.operation == "GetItem"
    assert call.units <= 1.0


def test_the_pack_of_a_small_shard_is_half_a_unit(wire: Wire) -> None:
    MemberStore().save_pack(SHARD, pack(1, 1, 2))
    MemberStore().pack(SHARD)
    assert wire.calls == [Call("PutItem", 1.0), Call("GetItem", 0.5)]


def test_the_pack_is_stored_compressed(client: "DynamoDBClient") -> None:
    MemberStore().save_pack(SHARD, pack(1, *range(1, 201)))
    plain = sum(len(encode_member(member(position))) for position in range(1, 201))
    assert len(PackItem.get(f"S#{SHARD}", "PACK").data) < plain / 3
