"""Heartbeats: the one item of a cron job or push monitor that every ping writes and every minute reads."""

import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from pynamodb.transactions import TransactWrite

from chalicelib.domain.alarm import Turn
from chalicelib.domain.beat import decode_beats, encode_beats
from chalicelib.domain.heartbeat import Heartbeat, Place, incident_of_turn, outbox_row_of_turn
from chalicelib.settings import Settings
from chalicelib.store.client import CONDITION_LOST, contention, error_code
from chalicelib.store.incidents import add_alarm
from chalicelib.store.tables import HeartbeatItem
from chalicelib.store.transactions import transact

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

log = logging.getLogger(__name__)


class Codec(Protocol):
    """What the module of a kind must have."""

    def encode_rules(self, rules: Any) -> str: ...
    def decode_rules(self, text: str) -> Any: ...
    def encode_pulse(self, pulse: Any) -> str: ...
    def decode_pulse(self, text: str) -> Any: ...


CODECS: Final[Mapping[str, str]] = {
    "cron": "chalicelib.domain.lateness_json",
    "push": "chalicelib.domain.silence_json",
}
"""Modules by kind, imported on first use."""


class HeartbeatStore:
    def __init__(self, settings: Settings, client: "DynamoDBClient") -> None:
        self._table = settings.checks_table
        self._client = client

    def get(self, place: Place, *, consistent: bool) -> Heartbeat[Any, Any] | None:
        try:
            item = HeartbeatItem.get(
                _partition_key(place.partition), place.digest, consistent_read=consistent
            )
        except HeartbeatItem.DoesNotExist:
            return None
        return _heartbeat(item)

    def of_partition(self, partition: int) -> Iterator[Heartbeat[Any, Any]]:
        for item in HeartbeatItem.query(_partition_key(partition), consistent_read=False):
            try:
                heartbeat = _heartbeat(item)
            except Exception:  # of a kind that only newer code knows, say: the others are due all the same
                log.exception("heartbeat %s cannot be read", item.id)
                continue
            yield heartbeat

    def of_places(self, places: Iterable[Place]) -> dict[Place, Heartbeat[Any, Any]]:
        keys = [(_partition_key(place.partition), place.digest) for place in places]
        found = map(_heartbeat, HeartbeatItem.batch_get(keys, consistent_read=False)) if keys else ()
        return {heartbeat.place: heartbeat for heartbeat in found}

    def save(self, heartbeat: Heartbeat[Any, Any], turn: Turn | None) -> bool:
        if turn is None:
            return self._put(heartbeat)

        def fill(t: TransactWrite) -> None:
            t.save(heartbeat_item(heartbeat), condition=HeartbeatItem.version == heartbeat.version - 1)
            add_turn(t, heartbeat, turn)

        return transact(HeartbeatItem, fill) is None

    def _put(self, heartbeat: Heartbeat[Any, Any]) -> bool:
        """Half of what a transaction costs. The client tries again by itself after a lost answer and then
        meets its own item."""
        from botocore.exceptions import ClientError

        item = heartbeat_item(heartbeat).serialize()
        try:
            with contention():
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="v = :before",
                    ExpressionAttributeValues={":before": {"N": str(heartbeat.version - 1)}},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            if error_code(error) != CONDITION_LOST:
                raise
            stored: object = cast(Any, error.response).get("Item")
            return stored == item
        return True


def add_turn(t: TransactWrite, heartbeat: Heartbeat[Any, Any], turn: Turn) -> None:
    add_alarm(t, incident_of_turn(heartbeat, turn), outbox_row_of_turn(heartbeat, turn))


def heartbeat_item(heartbeat: Heartbeat[Any, Any]) -> HeartbeatItem:
    codec = _codec(heartbeat.kind)
    return HeartbeatItem(
        _partition_key(heartbeat.place.partition),
        heartbeat.place.digest,
        id=heartbeat.id,
        team=heartbeat.team_id,
        kind=heartbeat.kind,
        rules=codec.encode_rules(heartbeat.rules),
        pulse=codec.encode_pulse(heartbeat.pulse),
        version=heartbeat.version,
        beats=heartbeat.count,
        recent=encode_beats(heartbeat.recent),
    )


def encode_place(place: Place) -> str:
    """For items that point to a heartbeat."""
    return f"{place.name}/{place.digest}"


def decode_place(text: str) -> Place:
    name, digest = text.split("/")
    return Place(int(name.removeprefix("HB")), digest)


def _partition_key(partition: int) -> str:
    return f"HB#{partition:02d}"


def _heartbeat(item: HeartbeatItem) -> Heartbeat[Any, Any]:
    codec = _codec(item.kind)
    return Heartbeat(
        place=Place(int(item.pk.removeprefix("HB#")), item.sk),
        id=item.id,
        team_id=item.team,
        kind=item.kind,
        rules=codec.decode_rules(item.rules),
        pulse=codec.decode_pulse(item.pulse),
        version=int(item.version),
        count=int(item.beats),
        recent=decode_beats(item.recent),
    )


def _codec(kind: str) -> Codec:
    name = CODECS[kind]
    return cast(Codec, sys.modules.get(name) or import_module(name))
