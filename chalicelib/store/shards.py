"""The registry of shards in `checks`."""

from pynamodb.exceptions import UpdateError
from pynamodb.transactions import TransactWrite

from chalicelib.domain.shard import MAX_POSITIONS, Shard, region_of, speed_class_of
from chalicelib.store.client import error_code
from chalicelib.store.tables import ShardItem, StateItem
from chalicelib.store.transactions import transact


class ShardStore:
    def all(self) -> list[Shard]:
        return [_shard(item) for item in ShardItem.query("REG", ShardItem.sk.startswith("S#"))]

    def get(self, shard: str) -> Shard | None:
        try:
            return _shard(ShardItem.get("REG", f"S#{shard}", consistent_read=True))
        except ShardItem.DoesNotExist:
            return None

    def create(self, shard: Shard, swept: int) -> bool:
        registered = ShardItem("REG", f"S#{shard.id}", team=shard.team_id)
        state = StateItem(f"S#{shard.id}", swept=swept)

        def fill(t: TransactWrite) -> None:
            t.save(registered, condition=ShardItem.pk.does_not_exist())
            t.save(state, condition=StateItem.pk.does_not_exist())

        return transact(ShardItem, fill) is None

    def take_position(self, shard: str) -> int | None:
        item = ShardItem("REG", f"S#{shard}")
        try:
            item.update(
                actions=[ShardItem.last_position.add(1)],
                condition=ShardItem.pk.exists() & (ShardItem.last_position < MAX_POSITIONS),
            )
        except UpdateError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return None
            raise
        return int(item.last_position)


def _shard(item: ShardItem) -> Shard:
    name = item.sk.removeprefix("S#")
    return Shard(
        id=name,
        region=region_of(name),
        speed_class=speed_class_of(name),
        team_id=item.team,
        members=int(item.members),
        bytes=int(item.bytes),
        last_position=int(item.last_position),
    )
