"""The outbox without the questions whose answer is known: an advance of a day would ask fifty thousand."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from chalicelib.domain.incident import OutboxRow
from chalicelib.services.deps import Outbox

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_AT_ALL: Final = datetime(2200, 1, 1, tzinfo=UTC)
_PARTITIONS: Final = ("OUT#", "DUE#")
_WRITES: Final = frozenset({"PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems"})


class WatchedOutbox:
    """Satisfies `Outbox`, over another. What has been found empty is not looked at again before something is
    written there: all writers are in this process."""

    def __init__(self, inner: Outbox, client: "DynamoDBClient") -> None:
        self._inner = inner
        self._empty: set[str] = set()
        self._own = threading.local()
        events: Any = client.meta.events
        events.register("provide-client-params.dynamodb", self._begin)
        events.register("after-call.dynamodb", self._end)
        events.register("after-call-error.dynamodb", self._end)

    def of_shard(self, shard: str, limit: int, after: OutboxRow | None = None) -> list[OutboxRow]:
        return self._inner.of_shard(shard, limit, after)

    def remove(self, rows: Iterable[OutboxRow]) -> None:
        self._inner.remove(rows)

    def is_anything_due(self, shard: str, now: datetime) -> bool:
        if shard in self._empty:
            return False
        self._empty.add(shard)  # before the look, so that what is written meanwhile takes it out again
        if not self._inner.is_anything_due(shard, _AT_ALL):
            return False
        self._empty.discard(shard)
        return self._inner.is_anything_due(shard, now)

    def _begin(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name in _WRITES:
            self._own.touched = {key[4:] for key in _written(params) if key.startswith(_PARTITIONS)}

    def _end(self, model: Any, **_: Any) -> None:
        """Once it is stored: a look before that has not seen it. Failed or not is not for us to tell."""
        if model.name in _WRITES:
            self._empty -= getattr(self._own, "touched", set())


def _written(params: Mapping[str, Any]) -> Iterator[str]:
    """The partition keys of what a call puts or updates."""
    writes = [params, *(w for entry in params.get("TransactItems", ()) for w in entry.values())]
    for requests in params.get("RequestItems", {}).values():
        writes += [entry["PutRequest"] for entry in requests if "PutRequest" in entry]
    for write in writes:
        key = write.get("Item") or write.get("Key")
        if key:
            yield key["pk"]["S"]
