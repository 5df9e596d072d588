"""Read and write units consumed, by job and route: what the same work would cost deployed."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
_READS = {"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"}

_work: ContextVar[str] = ContextVar("work", default="other")


@contextmanager
def work(name: str) -> Iterator[None]:
    """Book what happens inside under this name."""
    token = _work.set(name)
    try:
        yield
    finally:
        _work.reset(token)


@dataclass
class Consumed:
    calls: int = 0
    read_units: float = 0.0
    write_units: float = 0.0


class UnitCounter:
    """Listens to a botocore client. A refused conditional write is charged one unit, as its item's size
    (under 1 KB for every guarded item but STATE) would be."""

    def __init__(self, *, is_believed: bool = True) -> None:
        self._is_believed = is_believed
        self._lock = threading.Lock()
        self._by_work: defaultdict[str, Consumed] = defaultdict(Consumed)

    def watch(self, client: "DynamoDBClient") -> None:
        events = client.meta.events
        ask: Callable[..., Any] = self._ask
        events.register("provide-client-params.dynamodb", ask)
        events.register("after-call.dynamodb", self._book)

    def report(self) -> dict[str, Any]:
        if not self._is_believed:
            return {"available": False, "reason": "this engine does not count units as DynamoDB does"}
        total = Consumed()
        with self._lock:
            by_work = {name: _as_json(c) for name, c in sorted(self._by_work.items())}
            for consumed in self._by_work.values():
                total.calls += consumed.calls
                total.read_units += consumed.read_units
                total.write_units += consumed.write_units
        return {"available": True, "total": _as_json(total), "byWork": by_work}

    def _ask(self, params: dict[str, Any], model: Any, **_: Any) -> dict[str, Any] | None:
        if model.name not in _WRITES | _READS:
            return None
        return {**params, "ReturnConsumedCapacity": "TOTAL"}

    def _book(self, http_response: Any, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name not in _WRITES | _READS:
            return
        units = _units(parsed)
        with self._lock:
            consumed = self._by_work[_work.get()]
            consumed.calls += 1
            if model.name in _WRITES:
                consumed.write_units += units
            else:
                consumed.read_units += units


def _units(parsed: dict[str, Any]) -> float:
    if parsed.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
        return 1.0
    given = parsed.get("ConsumedCapacity") or []
    rows = given if isinstance(given, list) else [given]
    return float(sum(row.get("CapacityUnits", 0) for row in rows))


def _as_json(consumed: Consumed) -> dict[str, Any]:
    return {
        "calls": consumed.calls,
        "readUnits": round(consumed.read_units, 1),
        "writeUnits": round(consumed.write_units, 1),
    }
