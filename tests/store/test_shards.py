from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.shard import MAX_POSITIONS
from chalicelib.domain.state import State
from chalicelib.errors import Contended
from chalicelib.store.shards import ShardStore
from chalicelib.store.states import StateStore
from chalicelib.store.tables import ShardItem

from .builders import SHARD, SLOT, SLOW_SHARD, Items, at_once, shard
from .wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def shards(client: "DynamoDBClient") -> ShardStore:
    """A registry with one shard."""
    assert ShardStore().create(shard(), swept=SLOT)
    return ShardStore()


def test_a_new_shard_is_registered_with_an_empty_state(
    shards: ShardStore, stored: Callable[[str], Items]
) -> None:
    assert shards.get(SHARD) == shard()
    assert StateStore().get(SHARD, consistent=True) == State(0, 0, SLOT, {})
    assert set(stored("checks")) == {("REG", f"S#{SHARD}"), (f"S#{SHARD}", "STATE")}


def test_an_unknown_shard_is_absent(client: "DynamoDBClient") -> None:
    assert ShardStore().get(SHARD) is None
    assert ShardStore().all() == []


def test_all_shards_are_listed_with_their_class(shards: ShardStore) -> None:
    shards.create(shard(SLOW_SHARD), swept=SLOT)
    assert shards.all() == [shard(), shard(SLOW_SHARD)]


def test_a_taken_id_is_told_and_nothing_changes(shards: ShardStore, stored: Callable[[str], Items]) -> None:
    shards.take_position(SHARD)
    before = stored("checks")
    assert not shards.create(replace(shard(), team_id="team_2"), swept=SLOT + 60)
    assert stored("checks") == before


def test_one_of_many_creators_makes_the_shard(client: "DynamoDBClient") -> None:
    made = at_once(10, lambda number: ShardStore().create(replace(shard(), team_id=f"team_{number}"), SLOT))
    assert made.count(True) == 1
    assert ShardStore().all() == [replace(shard(), team_id=f"team_{made.index(True)}")]


def test_positions_are_given_in_order_from_one(shards: ShardStore) -> None:
    assert [shards.take_position(SHARD) for _ in range(3)] == [1, 2, 3]
    assert shards.get(SHARD) == replace(shard(), last_position=3)


def test_20_takers_at_once_get_20_positions(shards: ShardStore) -> None:
    taken = at_once(20, lambda _: shards.take_position(SHARD))
    assert sorted(position or 0 for position in taken) == list(range(1, 21))


def test_a_shard_gives_its_last_position_once(shards: ShardStore) -> None:
    ShardItem("REG", f"S#{SHARD}").update([ShardItem.last_position.set(MAX_POSITIONS - 1)])
    assert [shards.take_position(SHARD) for _ in range(3)] == [MAX_POSITIONS, None, None]


def test_an_unknown_shard_has_no_positions_and_does_not_arise(
    client: "DynamoDBClient", stored: Callable[[str], Items]
) -> None:
    assert ShardStore().take_position(SHARD) is None
    assert stored("checks") == {}


def test_a_collision_of_creators_is_contended(wire: Wire) -> None:
    with (
        wire.refusing("TransactWriteItems", "TransactionCanceledException", ["TransactionConflict"]),
        pytest.raises(Contended),
    ):
        ShardStore().create(shard(), swept=SLOT)
