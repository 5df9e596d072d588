"""Tick items and cumulative counts of a shard."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.domain.counts import Counts, decode_counts, encode_counts
from chalicelib.domain.retention import TICK_DAYS
from chalicelib.domain.tick import Tick
from chalicelib.settings import Settings
from chalicelib.store.tables import CountsItem, RetriesItem, TickItem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TICK_TTL = timedelta(days=TICK_DAYS)
"""Until compaction exists, the 30-day figures are computed from ticks."""


class TickStore:
    def __init__(self, settings: Settings, client: "DynamoDBClient") -> None:
        self._table = settings.checks_table
        self._client = client

    def put(self, shard: str, tick: Tick) -> Tick:
        try:
            self._client.put_item(
                TableName=self._table,
                Item={
                    "pk": {"S": f"S#{shard}"},
                    "sk": {"S": _sort_key(tick.slot, tick.part)},
                    "d": {"B": tick.data},
                    "ttl": {"N": str(tick.slot + int(TICK_TTL.total_seconds()))},
                },
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            stored: Any = error.response.get("Item")
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException" or stored is None:
                raise
            return Tick(tick.slot, tick.part, bytes(stored["d"]["B"]))
        return tick

    def is_overtaken(self, shard: str, slot: int) -> bool:
        newer = TickItem.query(
            f"S#{shard}",
            TickItem.sk.between(_sort_key(slot + 1, ""), _LAST),
            limit=10,
            attributes_to_get=["sk"],
        )
        return any(item.sk.endswith("#0") for item in newer)

    def since(self, shard: str, slot: int, *, consistent: bool, until_slot: int | None = None) -> list[Tick]:
        first = max(slot, 0)
        if until_slot is not None and until_slot <= first:
            return []
        last = _LAST if until_slot is None else _sort_key(until_slot - 1, "~")
        items = TickItem.query(
            f"S#{shard}",
            TickItem.sk.between(_sort_key(first, ""), last),
            consistent_read=consistent,
            attributes_to_get=["sk", "d"],  # a month is 43,200 items, and parsing is most of what it takes
        )
        return [_tick(item) for item in items]

    def newest(self, shard: str, limit: int, *, consistent: bool) -> list[Tick]:
        items = TickItem.query(
            f"S#{shard}",
            TickItem.sk.between(_sort_key(0, ""), _LAST),
            consistent_read=consistent,
            scan_index_forward=False,
            limit=limit,
        )
        return [_tick(item) for item in items]

    def pick(
        self, shard: str, parts: Iterable[tuple[int, str]], *, consistent: bool
    ) -> dict[tuple[int, str], Tick]:
        keys = [(f"S#{shard}", _sort_key(slot, part)) for slot, part in parts]
        found = [_tick(item) for item in TickItem.batch_get(keys, consistent_read=consistent)]
        return {(tick.slot, tick.part): tick for tick in found}

    def note_retries(self, shard: str, slot: int, positions: Collection[int]) -> None:
        ttl = slot + int(TICK_TTL.total_seconds())
        RetriesItem(f"S#{shard}", _retries_key(slot)).update(
            [RetriesItem.positions.add(set(positions)), RetriesItem.ttl.set(ttl)]
        )

    def retried(self, shard: str, position: int, from_slot: int, to_slot: int) -> list[int]:
        first = max(from_slot, 0)
        if to_slot <= first:
            return []
        found = RetriesItem.query(
            f"S#{shard}", RetriesItem.sk.between(_retries_key(first), _retries_key(to_slot - 1))
        )
        return [int(item.sk.removeprefix("R#")) for item in found if position in item.positions]

    def counts(self, shard: str, not_after_hour: int | None = None) -> Counts | None:
        last = "C#~" if not_after_hour is None else _counts_key(not_after_hour)
        items = CountsItem.query(
            f"S#{shard}", CountsItem.sk.between("C#", last), scan_index_forward=False, limit=1
        )
        item = next(iter(items), None)
        return None if item is None else decode_counts(int(item.upto), item.data)

    def save_counts(self, shard: str, hour: int, counts: Counts) -> None:
        CountsItem(
            f"S#{shard}",
            _counts_key(hour),
            upto=counts.upto,
            data=encode_counts(counts),
            ttl=counts.upto + int(TICK_TTL.total_seconds()),
        ).save()


_LAST = "T#~"


def _sort_key(slot: int, part: str) -> str:
    return f"T#{slot:010d}#{part}"


def _retries_key(slot: int) -> str:
    return f"R#{slot:010d}"


def _counts_key(hour: int) -> str:
    return f"C#{hour:07d}"


def _tick(item: TickItem) -> Tick:
    _, slot, part = item.sk.split("#")
    return Tick(int(slot), part, item.data)
