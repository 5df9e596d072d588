"""The one write of an authenticated request. Runs in the authorizer, so it imports no PynamoDB."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.domain.api_key import KeyUse
from chalicelib.domain.rate import WINDOW_SECONDS, window_of
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_IS_VALID = "attribute_exists(pk) AND dis = :no AND (attribute_not_exists(exp) OR exp > :now)"
_COUNT = ("SET lu = :now ADD n :one", f"{_IS_VALID} AND w >= :w")
_OPEN_WINDOW = ("SET lu = :now, w = :w, n = :one", f"{_IS_VALID} AND w < :w")


class KeyUseStore:
    """Counts in fixed minute windows. A stored window newer than this clock's is counted in."""

    def __init__(self, settings: Settings, client: "DynamoDBClient") -> None:
        self._table = settings.teams_table
        self._client = client
        self._window_of: dict[str, int] = {}

    def use(self, digest: str, now: datetime) -> KeyUse | None:
        """Authenticate, count and stamp with one write, two when another container opened the window.

        A container that has not seen the key this minute tries the window-opening form first, so that a
        slow client too costs one write.
        """
        window = window_of(now)
        forms = [_COUNT, _OPEN_WINDOW]
        if self._window_of.get(digest) != window:
            forms.reverse()
        for form in (*forms, _COUNT):
            item = self._update(digest, now, window, form)
            if item is None:
                return None
            if item.get("written"):
                self._remember(digest, window)
                return _key_use(item["key"])
        return None

    def _update(
        self, digest: str, now: datetime, window: int, form: tuple[str, str]
    ) -> dict[str, Any] | None:
        """The key after the write; {} when only the window's condition was lost; None when not valid."""
        from botocore.exceptions import ClientError

        update, condition = form
        try:
            response = self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": f"K#{digest}"}, "sk": {"S": "K"}},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues={
                    ":no": {"BOOL": False},
                    ":now": {"N": str(int(now.timestamp()))},
                    ":w": {"N": str(window)},
                    ":one": {"N": "1"},
                },
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            stored: Any = error.response.get("Item")
            return {} if stored and _is_valid(stored, now) else None
        return {"written": True, "key": response["Attributes"]}

    def _remember(self, digest: str, window: int) -> None:
        if len(self._window_of) > 10_000:
            self._window_of.clear()
        self._window_of[digest] = window


def _is_valid(item: dict[str, Any], now: datetime) -> bool:
    expires = item.get("exp", {}).get("N")
    return not item["dis"]["BOOL"] and (expires is None or int(expires) > int(now.timestamp()))


def _key_use(item: dict[str, Any]) -> KeyUse:
    return KeyUse(
        key_id=item["id"]["S"],
        team_id=item["team"]["S"],
        scopes=tuple(item["scopes"]["S"].split()),
        used_in_window=int(item["n"]["N"]),
        window_ends_at=int(item["w"]["N"]) + WINDOW_SECONDS,
    )
