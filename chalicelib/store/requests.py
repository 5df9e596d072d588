"""Requests with an Idempotency-Key. Two writes each, by the plain client: PynamoDB cannot return the item
that a condition met."""

import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.domain.idempotency import Begun, StoredAnswer
from chalicelib.domain.origin import Origin
from chalicelib.settings import Settings
from chalicelib.store.client import CONDITION_LOST, contention, error_code

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)


class RequestStore:
    def __init__(self, settings: Settings, client: "DynamoDBClient") -> None:
        self._table = settings.checks_table
        self._client = client

    def begin(self, begun: Begun) -> Begun:
        """The client tries again by itself after a lost answer and then meets its own item."""
        from botocore.exceptions import ClientError

        try:
            with contention():
                self._client.put_item(
                    TableName=self._table,
                    Item={
                        **_key(begun),
                        "f": {"B": begun.fingerprint},
                        "s": {"B": begun.origin.seed},
                        "b": {"N": str((begun.origin.at - _EPOCH) // _MILLISECOND)},
                        "ttl": {"N": str(begun.expires_at)},
                    },
                    ConditionExpression="attribute_not_exists(pk) OR #ttl <= :now",
                    ExpressionAttributeNames={"#ttl": "ttl"},
                    ExpressionAttributeValues={":now": {"N": str(int(begun.origin.at.timestamp()))}},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            stored: Any = error.response.get("Item")
            if error_code(error) != CONDITION_LOST or stored is None:
                raise
            return _begun(begun.id, stored)
        return begun

    def finish(self, begun: Begun, answer: StoredAnswer) -> StoredAnswer:
        from botocore.exceptions import ClientError

        try:
            with contention():
                response = self._client.update_item(
                    TableName=self._table,
                    Key=_key(begun),
                    UpdateExpression="SET a = if_not_exists(a, :a)",
                    ConditionExpression="s = :s",
                    ExpressionAttributeValues={
                        ":a": {"B": _encode(answer)},
                        ":s": {"B": begun.origin.seed},
                    },
                    ReturnValues="UPDATED_NEW",
                )
        except ClientError as error:
            if error_code(error) != CONDITION_LOST:
                raise
            return answer  # the day has passed meanwhile
        stored: Any = response["Attributes"]
        return _decode(bytes(stored["a"]["B"]))


def _key(begun: Begun) -> dict[str, Any]:
    return {"pk": {"S": f"I#{begun.id}"}, "sk": {"S": "I"}}


def _begun(id: str, item: Mapping[str, Any]) -> Begun:
    origin = Origin(_EPOCH + int(item["b"]["N"]) * _MILLISECOND, bytes(item["s"]["B"]))
    begun = Begun(id, bytes(item["f"]["B"]), origin)
    return replace(begun, answer=_decode(bytes(item["a"]["B"]))) if "a" in item else begun


def _encode(answer: StoredAnswer) -> bytes:
    """The status in two bytes, then the body deflated: a write is paid for by the kilobyte."""
    return answer.status.to_bytes(2) + zlib.compress(answer.body.encode(), 9, wbits=-15)


def _decode(data: bytes) -> StoredAnswer:
    return StoredAnswer(int.from_bytes(data[:2]), zlib.decompress(data[2:], wbits=-15).decode())
