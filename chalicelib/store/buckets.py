"""How many requests a bucket took in a minute: an address's without a valid key, a key's ad-hoc pings."""

from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib.domain.rate import WINDOW_SECONDS
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_AFTER = timedelta(minutes=5)
"""After the window's end: clocks differ, and nobody's address is kept longer than it takes."""


class BucketStore:
    """Every window is an item of its own, so that counting is one write without a condition."""

    def __init__(self, settings: Settings, client: "DynamoDBClient") -> None:
        self._table = settings.checks_table
        self._client = client

    def count(self, name: str, window: int) -> int:
        """A call that is tried again after a lost answer counts twice; only the limit comes sooner."""
        response = self._client.update_item(
            TableName=self._table,
            Key={"pk": {"S": f"A#{name}"}, "sk": {"S": f"W#{window}"}},
            UpdateExpression="SET #ttl = :ttl ADD n :one",
            ExpressionAttributeNames={"#ttl": "ttl"},
            ExpressionAttributeValues={
                ":ttl": {"N": str(window + WINDOW_SECONDS + int(KEPT_AFTER.total_seconds()))},
                ":one": {"N": "1"},
            },
            ReturnValues="UPDATED_NEW",
        )
        return int(response["Attributes"]["n"]["N"])
