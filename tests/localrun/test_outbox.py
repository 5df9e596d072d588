"""The local outbox: it asks less, and answers as the real one does."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.outcome import Reason, Status
from chalicelib.settings import Settings
from chalicelib.store.outbox import OutboxStore
from chalicelib.store.tables import LookItem, OutboxItem
from localrun.outbox import WatchedOutbox

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SHARD = "enam.normal.00001"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class CountingOutbox(OutboxStore):
    looks = 0

    def is_anything_due(self, shard: str, now: datetime) -> bool:
        self.looks += 1
        return super().is_anything_due(shard, now)


@pytest.fixture
def inner() -> CountingOutbox:
    return CountingOutbox()


@pytest.fixture
def outbox(client: "DynamoDBClient", inner: CountingOutbox) -> WatchedOutbox:
    return WatchedOutbox(inner, client)


def row_item() -> OutboxItem:
    fields: dict[str, Any] = {"team": "team_1", "kind": "http", "opened_seq": 1, "after": int(Status.DOWN)}
    fields |= {"reason": int(Reason.REFUSED), "status_code": 0, "response_ms": 1, "ttl": 4_000_000_000}
    return OutboxItem(f"OUT#{SHARD}", "mon_1#00000001", slot=0, at=0, **fields)


def look_item(seconds_from_now: int) -> LookItem:
    return LookItem(f"DUE#{SHARD}", f"{int(NOW.timestamp()) + seconds_from_now:010d}#alert_1#mon_1")


def test_what_is_empty_is_looked_at_once(outbox: WatchedOutbox, inner: CountingOutbox) -> None:
    assert [outbox.is_anything_due(SHARD, NOW) for _ in range(3)] == [False] * 3
    assert inner.looks == 1


@pytest.mark.parametrize("how", ["put", "batch", "transaction"])
def test_a_write_of_any_kind_is_found(outbox: WatchedOutbox, client: "DynamoDBClient", how: str) -> None:
    assert not outbox.is_anything_due(SHARD, NOW)
    item = row_item()
    if how == "put":
        item.save()
    elif how == "batch":
        with OutboxItem.batch_write() as batch:
            batch.save(item)
    else:
        put: Any = {"TableName": OutboxItem.Meta.table_name, "Item": item.to_dynamodb_dict()}
        client.transact_write_items(TransactItems=[{"Put": put}])
    assert outbox.is_anything_due(SHARD, NOW)
    rows: list[OutboxRow] = outbox.of_shard(SHARD, 10)
    outbox.remove(rows)
    assert not outbox.is_anything_due(SHARD, NOW)


def test_a_look_that_is_not_due_yet_is_not_forgotten(outbox: WatchedOutbox) -> None:
    look_item(60).save()
    assert not outbox.is_anything_due(SHARD, NOW)
    assert outbox.is_anything_due(SHARD, datetime.fromtimestamp(NOW.timestamp() + 60, UTC))


def test_a_look_is_found_after_the_outbox_was_empty(outbox: WatchedOutbox) -> None:
    assert not outbox.is_anything_due(SHARD, NOW)
    look_item(0).save()
    assert outbox.is_anything_due(SHARD, NOW)


def test_a_write_that_has_failed_is_looked_for(
    outbox: WatchedOutbox, inner: CountingOutbox, client: "DynamoDBClient", settings: Settings
) -> None:
    assert not outbox.is_anything_due(SHARD, NOW)
    with pytest.raises(ClientError):
        client.put_item(
            TableName=settings.alerts_table,
            Item={"pk": {"S": f"OUT#{SHARD}"}, "sk": {"S": "x"}},
            ConditionExpression="attribute_exists(pk)",
        )
    assert not outbox.is_anything_due(SHARD, NOW)
    assert inner.looks == 2


def test_a_write_during_the_look_is_not_lost(client: "DynamoDBClient") -> None:
    class Raced(CountingOutbox):
        def is_anything_due(self, shard: str, now: datetime) -> bool:
            found = super().is_anything_due(shard, now)
            if self.looks == 1:
                row_item().save()
            return found

    outbox = WatchedOutbox(Raced(), client)
    assert not outbox.is_anything_due(SHARD, NOW)
    assert outbox.is_anything_due(SHARD, NOW)


def test_writes_elsewhere_change_nothing(
    outbox: WatchedOutbox, inner: CountingOutbox, client: "DynamoDBClient", settings: Settings
) -> None:
    assert not outbox.is_anything_due(SHARD, NOW)
    for key in ("AL#1", "M#1", f"X#{SHARD}"):
        client.put_item(TableName=settings.alerts_table, Item={"pk": {"S": key}, "sk": {"S": "x"}})
    client.query(
        TableName=settings.alerts_table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"OUT#{SHARD}"}},
    )
    assert not outbox.is_anything_due(SHARD, NOW)
    assert inner.looks == 1
