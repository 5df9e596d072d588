import random
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from chalicelib.domain.beat import MOST_RECENT, encode_beats
from chalicelib.domain.heartbeat import Caller
from chalicelib.errors import Contended
from chalicelib.settings import Settings
from chalicelib.store.beats import BeatStore
from tests.contract.jobs import CALLER, NOW, beat

from .builders import Items, at_once
from .wire import Call, Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OWNER = f"cron_{1:032x}"
ITEM_LIMIT = 409_600
BEATS = tuple(beat(number) for number in range(1, 13))


@pytest.fixture
def beats(settings: Settings, client: "DynamoDBClient") -> BeatStore:
    return BeatStore(settings, client)


def after(days: int, at: float) -> dict[str, str]:
    return {"N": str(int(at) + days * 86_400)}


def test_the_items_of_an_owner(beats: BeatStore, stored: Callable[[str], Items]) -> None:
    beats.put_block(OWNER, 101, BEATS)
    beats.keep_caller(OWNER, 107, Caller("192.0.2.1", "ü", "GET", "x"), NOW)
    beats.keep_body(OWNER, 200, b"zlib", NOW)
    pk = f"J#{OWNER}"
    assert stored("checks") == {
        (pk, "H#0000000101"): {
            "pk": {"S": pk},
            "sk": {"S": "H#0000000101"},
            "d": {"B": encode_beats(BEATS)},
            "ttl": after(365, BEATS[-1].at.timestamp()),
        },
        (pk, "W#07"): {
            "pk": {"S": pk},
            "sk": {"S": "W#07"},
            "n": {"N": "107"},
            "d": {"S": '["192.0.2.1","\\u00fc","GET","x"]'},
            "ttl": after(30, NOW.timestamp()),
        },
        (pk, "D#00"): {
            "pk": {"S": pk},
            "sk": {"S": "D#00"},
            "n": {"N": "200"},
            "d": {"B": b"zlib"},
            "ttl": after(365, NOW.timestamp()),
        },
    }


def test_what_is_kept_of_a_ping_is_a_unit_each(beats: BeatStore, wire: Wire) -> None:
    beats.keep_caller(OWNER, 1, Caller("2001:db8::ffff", "x" * 500, "POST", "y" * 36), NOW)
    beats.keep_body(OWNER, 1, b"x" * 900, NOW)
    beats.put_block(OWNER, 1, tuple(beat(number) for number in range(1, MOST_RECENT + 1)))
    assert wire.calls == [Call("PutItem", 1.0)] * 3


def test_a_list_of_a_hundred_pings_is_a_few_calls(beats: BeatStore, wire: Wire) -> None:
    for number in range(1, 101):
        beats.keep_caller(OWNER, number, CALLER, NOW)
    for first in range(1, 1201, 12):
        beats.put_block(OWNER, first, BEATS)
    wire.calls.clear()
    assert len(beats.callers(OWNER, range(1, 101), NOW)) == 100
    blocks = iter(beats.blocks(OWNER, 1200, NOW))
    for _ in range(9):
        next(blocks)
    assert [call.operation for call in wire.calls] == ["BatchGetItem", "Query"]
    assert wire.calls[0].units == 50
    assert wire.calls[1].units <= 3


def test_blocks_are_read_as_they_are_asked_for(beats: BeatStore, wire: Wire) -> None:
    for first in range(1, 101):
        beats.put_block(OWNER, first, BEATS)
    wire.calls.clear()
    blocks = iter(beats.blocks(OWNER, 100, NOW))
    assert wire.calls == []
    assert next(blocks)[0] == 100
    assert wire.operations == ["Query"]
    assert len(list(blocks)) == 99
    assert 4 <= len(wire.calls) <= 5
    wire.calls.clear()
    assert beats.oldest(OWNER, NOW) == (1, BEATS)
    assert len(wire.calls) == 1


def test_what_has_expired_is_not_read_to_its_end(beats: BeatStore, wire: Wire) -> None:
    for first in range(1, 101):
        beats.put_block(OWNER, first, BEATS)
    wire.calls.clear()
    assert list(beats.blocks(OWNER, 100, NOW + timedelta(days=400))) == []
    assert wire.operations == ["Query"]


def body_of(size: int) -> bytes:
    """So that its item has so many bytes: keys, names, number and time are the rest."""
    rest = len("pk") + len(f"J#{OWNER}") + len("sk") + len("D#07") + len("n") + 2 + len("d") + len("ttl") + 6
    return random.Random(1).randbytes(size - rest)


def test_a_body_may_fill_an_item(beats: BeatStore) -> None:
    body = body_of(ITEM_LIMIT - 16)
    beats.keep_body(OWNER, 7, body, NOW)
    assert beats.body(OWNER, 7, NOW) == body
    with pytest.raises(ClientError, match="size"):
        beats.keep_body(OWNER, 8, body_of(ITEM_LIMIT + 16), NOW)
    assert beats.body(OWNER, 8, NOW) is None


def test_forgetting_is_a_unit_for_each_item(beats: BeatStore, wire: Wire) -> None:
    for number in range(1, 61):
        beats.put_block(OWNER, number, BEATS)
    wire.calls.clear()
    beats.forget(OWNER)
    assert sorted(wire.operations) == [*["BatchWriteItem"] * 3, "Query"]
    assert sum(call.units for call in wire.calls if call.operation == "BatchWriteItem") == 60


@pytest.mark.parametrize("code", ["ThrottlingException", "ProvisionedThroughputExceededException"])
def test_a_throttled_put_is_contended(beats: BeatStore, wire: Wire, code: str) -> None:
    puts: list[Callable[[], None]] = [
        lambda: beats.put_block(OWNER, 1, BEATS),
        lambda: beats.keep_caller(OWNER, 1, CALLER, NOW),
        lambda: beats.keep_body(OWNER, 1, b"x", NOW),
    ]
    with wire.refusing("PutItem", code):
        for put in puts:
            with pytest.raises(Contended):
                put()


def test_another_failure_is_told(beats: BeatStore, wire: Wire) -> None:
    with wire.refusing("PutItem", "ValidationException"), pytest.raises(ClientError):
        beats.put_block(OWNER, 1, BEATS)


def test_after_a_lost_answer_the_same_put_is_no_other(beats: BeatStore, wire: Wire) -> None:
    with wire.losing_one_answer("PutItem"):
        beats.put_block(OWNER, 1, BEATS)
    with wire.losing_one_answer("PutItem"):
        beats.keep_caller(OWNER, 1, CALLER, NOW)
    assert list(beats.blocks(OWNER, 9, NOW)) == [(1, BEATS)]
    assert beats.callers(OWNER, [1], NOW) == {1: CALLER}


def test_of_many_that_put_at_once_the_longest_and_the_newest_stay(beats: BeatStore) -> None:
    at_once(12, lambda number: beats.put_block(OWNER, 1, BEATS[: number + 1]))
    assert list(beats.blocks(OWNER, 9, NOW)) == [(1, BEATS)]
    at_once(12, lambda number: beats.keep_body(OWNER, 100 * number + 7, str(number).encode(), NOW))
    assert beats.body(OWNER, 1107, NOW) == b"11"
