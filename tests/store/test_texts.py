import random
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pynamodb.exceptions import PutError

from chalicelib.domain.text import TextRef, text_id
from chalicelib.settings import Settings
from chalicelib.store.members import MemberStore
from chalicelib.store.texts import TextStore
from chalicelib.store.ticks import TickStore

from .builders import NOW, SHARD, SLOT, SLOW_SHARD, Items, at_once
from .wire import Call, Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ADDRESS = "93.184.216.34"


@pytest.fixture
def texts(client: "DynamoDBClient") -> TextStore:
    return TextStore()


def ref(text: str, position: int = 7, shard: str = SHARD) -> TextRef:
    return TextRef(shard, position, text_id(text))


def test_a_text_is_an_item_of_its_position(texts: TextStore, stored: Callable[[str], Items]) -> None:
    texts.save({ref(ADDRESS): ADDRESS}, NOW)
    ((key, item),) = stored("checks").items()
    assert key == (f"S#{SHARD}", f"X#0007#{text_id(ADDRESS).hex()}")
    assert item["ttl"] == {"N": str(SLOT + 130 * 86_400)}
    assert set(item) == {"pk", "sk", "d", "ttl"}


def test_texts_do_not_lie_among_the_items_that_runs_query(
    texts: TextStore, settings: Settings, client: "DynamoDBClient"
) -> None:
    texts.save({ref(ADDRESS): ADDRESS}, NOW)
    ticks = TickStore(settings, client)
    assert ticks.since(SHARD, 0, consistent=True) == []
    assert ticks.newest(SHARD, 1, consistent=True) == []
    assert ticks.counts(SHARD) is None
    assert MemberStore().all(SHARD) == {}


def test_a_new_text_costs_a_look_and_a_write_and_a_known_one_the_look(texts: TextStore, wire: Wire) -> None:
    for _ in range(2):
        texts.save({ref(ADDRESS): ADDRESS}, NOW)
    assert wire.calls == [Call("BatchGetItem", 0.5), Call("PutItem", 1.0), Call("BatchGetItem", 0.5)]


def test_an_old_text_is_written_again(texts: TextStore, wire: Wire) -> None:
    for days in (0, 30, 31, 32):
        texts.save({ref(ADDRESS): ADDRESS}, NOW + timedelta(days=days))
    assert wire.operations == [
        "BatchGetItem",
        "PutItem",
        "BatchGetItem",
        "BatchGetItem",
        "PutItem",
        "BatchGetItem",
    ]


def test_a_long_list_of_similar_records_is_one_write(texts: TextStore, wire: Wire) -> None:
    text = "\n".join(f"10 mx{number}.mail.example.com." for number in range(170))
    assert len(text) > 4000
    texts.save({ref(text): text}, NOW)
    assert wire.calls[1:] == [Call("PutItem", 1.0)]


def test_the_longest_answer_that_does_not_compress_costs_what_it_weighs(texts: TextStore, wire: Wire) -> None:
    text = random.Random(1).randbytes(2000).hex()
    texts.save({ref(text): text}, NOW)
    assert wire.calls[1:] == [Call("PutItem", 3.0)]


def test_two_hundred_known_texts_are_looked_at_in_two_calls(texts: TextStore, wire: Wire) -> None:
    wanted = {ref(f"198.51.100.{number}", number): f"198.51.100.{number}" for number in range(1, 201)}
    texts.save(wanted, NOW)
    wire.calls.clear()
    texts.save(wanted, NOW)
    assert wire.calls == [Call("BatchGetItem", 50.0)] * 2


def test_a_page_of_texts_of_several_shards_is_one_call(texts: TextStore, wire: Wire) -> None:
    wanted = {ref(str(n), n, shard): str(n) for n in range(50) for shard in (SHARD, SLOW_SHARD)}
    texts.save(wanted, NOW)
    wire.calls.clear()
    assert texts.pick(wanted, consistent=False) == wanted
    assert wire.calls == [Call("BatchGetItem", 50.0)]


def test_nothing_is_no_call(texts: TextStore, wire: Wire) -> None:
    texts.save({}, NOW)
    assert texts.pick([], consistent=True) == {}
    assert wire.calls == []


def test_many_that_save_the_same_text_at_once_all_have(texts: TextStore) -> None:
    at_once(10, lambda number: texts.save({ref(ADDRESS): ADDRESS, ref(str(number)): str(number)}, NOW))
    wanted = [ref(ADDRESS), *(ref(str(number)) for number in range(10))]
    assert len(texts.pick(wanted, consistent=True)) == 11


def test_a_second_try_of_the_client_writes_the_same(texts: TextStore, wire: Wire) -> None:
    with wire.losing_one_answer("PutItem"):
        texts.save({ref(ADDRESS): ADDRESS}, NOW)
    assert texts.pick([ref(ADDRESS)], consistent=True) == {ref(ADDRESS): ADDRESS}


def test_a_failure_of_the_store_is_told(texts: TextStore, wire: Wire) -> None:
    with wire.refusing("PutItem", "ThrottlingException"), pytest.raises(PutError):
        texts.save({ref(ADDRESS): ADDRESS}, NOW)
