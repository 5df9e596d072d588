"""The history of beats: blocks of them, two rings with what came along with the newest hundred; tallies."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from chalicelib.domain.beat import Beat, decode_beats, encode_beats
from chalicelib.domain.heartbeat import Caller
from chalicelib.domain.known_time import Tally
from chalicelib.settings import Settings
from chalicelib.store.client import CONDITION_LOST, contention, error_code
from chalicelib.store.tables import BlockItem, BodyItem, CallerItem, TallyItem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RING: Final = 100
BEAT_TTL: Final = timedelta(days=365)
CALLER_TTL: Final = timedelta(days=30)
TALLY_TTL: Final = timedelta(days=32)
PAGE: Final = 25
"""Blocks that are read at a time: each has a dozen beats or two, and most readers want the newest fifty."""


class BeatStore:
    """Put by the plain client: every ping does. A lost condition means that better is stored already."""

    def __init__(self, settings: Settings, client: "DynamoDBClient") -> None:
        self._table = settings.checks_table
        self._client = client

    def put_block(self, owner_id: str, first: int, beats: Sequence[Beat]) -> None:
        data = encode_beats(beats)
        item = BlockItem(_partition_key(owner_id), _block_key(first), data=data)
        item.ttl = _ends_at(beats[-1].at, BEAT_TTL)
        self._put(item.serialize(), "size(d) < :new", {"N": str(len(data))})

    def blocks(self, owner_id: str, until: int, now: datetime) -> Iterator[tuple[int, Sequence[Beat]]]:
        if until < 1:
            return
        found = BlockItem.query(
            _partition_key(owner_id),
            BlockItem.sk.between("H#", _block_key(until)),
            consistent_read=True,
            scan_index_forward=False,
            page_size=PAGE,
        )
        for item in found:
            if _has_expired(item.ttl, now):
                return  # and so have all that are older
            yield _block(item)

    def oldest(self, owner_id: str, now: datetime) -> tuple[int, Sequence[Beat]] | None:
        found = BlockItem.query(
            _partition_key(owner_id), BlockItem.sk.startswith("H#"), consistent_read=True, page_size=PAGE
        )
        return next((_block(item) for item in found if not _has_expired(item.ttl, now)), None)

    def keep_caller(self, owner_id: str, number: int, caller: Caller, now: datetime) -> None:
        item = CallerItem(_partition_key(owner_id), _ring_key("W", number), number=number)
        item.data, item.ttl = _encode(caller), _ends_at(now, CALLER_TTL)
        self._put(item.serialize(), "n <= :new", {"N": str(number)})

    def callers(self, owner_id: str, numbers: Iterable[int], now: datetime) -> dict[int, Caller]:
        wanted = set(numbers)
        keys = {(_partition_key(owner_id), _ring_key("W", number)) for number in wanted}
        found = CallerItem.batch_get(list(keys), consistent_read=False)
        return {
            int(item.number): _decode(item.data)
            for item in found
            if int(item.number) in wanted and not _has_expired(item.ttl, now)
        }

    def keep_body(self, owner_id: str, number: int, body: bytes, now: datetime) -> None:
        item = BodyItem(_partition_key(owner_id), _ring_key("D", number), number=number, data=body)
        item.ttl = _ends_at(now, BEAT_TTL)
        self._put(item.serialize(), "n <= :new", {"N": str(number)})

    def body(self, owner_id: str, number: int, now: datetime) -> bytes | None:
        try:
            item = BodyItem.get(_partition_key(owner_id), _ring_key("D", number), consistent_read=True)
        except BodyItem.DoesNotExist:
            return None
        is_it = int(item.number) == number and not _has_expired(item.ttl, now)
        return item.data if is_it else None

    def bodies(self, wanted: Iterable[tuple[str, int]], now: datetime) -> dict[tuple[str, int], bytes]:
        asked = set(wanted)
        keys = {(_partition_key(owner), _ring_key("D", number)) for owner, number in asked}
        kept = {
            (item.pk.removeprefix("J#"), int(item.number)): item.data
            for item in BodyItem.batch_get(list(keys), consistent_read=True)
            if not _has_expired(item.ttl, now)
        }
        return {key: kept[key] for key in asked & set(kept)}

    def put_tally(self, owner_id: str, hour: int, tally: Tally) -> None:
        item = TallyItem(_partition_key(owner_id), _tally_key(hour))
        item.up_ms, item.known_ms = tally.up_ms, tally.known_ms
        item.ttl = hour * 3600 + int(TALLY_TTL.total_seconds())
        self._put(item.serialize(), "k < :new", {"N": "0"})

    def tallies(self, wanted: Iterable[tuple[str, int]], now: datetime) -> dict[tuple[str, int], Tally]:
        hours = {(_partition_key(owner), _tally_key(hour)): (owner, hour) for owner, hour in wanted}
        found = TallyItem.batch_get(list(hours), consistent_read=False)
        return {hours[item.pk, item.sk]: _tally(item) for item in found if not _has_expired(item.ttl, now)}

    def nearest_tally(self, owner_id: str, hour: int, now: datetime) -> Tally | None:
        later = TallyItem.sk.between(_tally_key(hour), "U$")
        earlier = TallyItem.sk.between("U#", _tally_key(hour))
        for condition, is_forward in ((later, True), (earlier, False)):
            found = TallyItem.query(
                _partition_key(owner_id), condition, scan_index_forward=is_forward, limit=1
            )
            for item in found:
                if not _has_expired(item.ttl, now):
                    return _tally(item)
        return None

    def forget(self, owner_id: str) -> None:
        keys = BlockItem.query(_partition_key(owner_id), consistent_read=True, attributes_to_get=["pk", "sk"])
        with BlockItem.batch_write() as batch:
            for item in keys:
                batch.delete(item)

    def _put(self, item: Any, is_older: str, new: Any) -> None:
        from botocore.exceptions import ClientError

        try:
            with contention():
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression=f"attribute_not_exists(pk) OR {is_older}",
                    ExpressionAttributeValues={":new": new},
                )
        except ClientError as error:
            if error_code(error) != CONDITION_LOST:
                raise


def _partition_key(owner_id: str) -> str:
    return f"J#{owner_id}"


def _block_key(first: int) -> str:
    return f"H#{first:010d}"


def _ring_key(ring: str, number: int) -> str:
    return f"{ring}#{number % RING:02d}"


def _tally_key(hour: int) -> str:
    return f"U#{hour:07d}"


def _tally(item: TallyItem) -> Tally:
    return Tally(int(item.up_ms), int(item.known_ms))


def _block(item: BlockItem) -> tuple[int, Sequence[Beat]]:
    return int(item.sk.removeprefix("H#")), decode_beats(item.data)


def _encode(caller: Caller) -> str:
    """ASCII, whatever a caller says: what is not Unicode comes back as it was."""
    row = [caller.address, caller.user_agent, caller.method, caller.run_id]
    return json.dumps(row, separators=(",", ":"))


def _decode(text: str) -> Caller:
    return Caller(*json.loads(text))


def _ends_at(at: datetime, life: timedelta) -> int:
    return int((at + life).timestamp())


def _has_expired(ttl: float, now: datetime) -> bool:
    return ttl <= now.timestamp()
