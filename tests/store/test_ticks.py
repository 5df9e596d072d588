from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from chalicelib.domain.counts import Counts
from chalicelib.domain.tick import MAIN, STRAGGLERS, Tick, first_run_part
from chalicelib.settings import Settings
from chalicelib.store.ticks import TICK_TTL, TickStore

from .builders import SHARD, SLOT, SLOW_SHARD, Items, at_once, ups
from .wire import Call, Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FULL = range(801, 1001)
"""Positions of a full shard that has given all of them."""


@pytest.fixture
def ticks(settings: Settings, client: "DynamoDBClient") -> TickStore:
    return TickStore(settings, client)


def put_all(ticks: TickStore, *items: Tick) -> None:
    for item in items:
        ticks.put(SHARD, item)


# Put


def test_the_first_tick_of_a_slot_is_stored(ticks: TickStore) -> None:
    assert ticks.put(SHARD, ups(SLOT, [1])) == ups(SLOT, [1])
    assert ticks.since(SHARD, SLOT, consistent=True) == [ups(SLOT, [1])]


def test_a_later_run_of_the_slot_adopts_the_stored_tick(ticks: TickStore) -> None:
    first = ups(SLOT, [1, 2])
    ticks.put(SHARD, first)
    adopted = ticks.put(SHARD, ups(SLOT, [1]))
    assert adopted == first
    assert list(adopted.outcomes()) == list(first.outcomes())
    assert ticks.since(SHARD, SLOT, consistent=True) == [first]


def test_all_of_many_runs_of_a_slot_hold_the_same_tick(ticks: TickStore) -> None:
    held = at_once(20, lambda number: ticks.put(SHARD, ups(SLOT, [number])))
    assert len(set(held)) == 1
    assert ticks.since(SHARD, SLOT, consistent=True) == held[:1]


@pytest.mark.parametrize(
    "other", [ups(SLOT, [2], STRAGGLERS), ups(SLOT, [2], first_run_part(2)), ups(SLOT + 60, [2])]
)
def test_other_parts_and_slots_are_items_of_their_own(ticks: TickStore, other: Tick) -> None:
    ticks.put(SHARD, ups(SLOT, [1]))
    assert ticks.put(SHARD, other) == other


def test_other_shards_have_ticks_of_their_own(ticks: TickStore) -> None:
    ticks.put(SHARD, ups(SLOT, [1]))
    assert ticks.put(SLOW_SHARD, ups(SLOT, [2])) == ups(SLOT, [2])
    assert ticks.since(SLOW_SHARD, 0, consistent=True) == [ups(SLOT, [2])]


def test_a_tick_outlives_what_may_be_read(ticks: TickStore, stored: Callable[[str], Items]) -> None:
    ticks.put(SHARD, ups(SLOT, [1]))
    item = stored("checks")[f"S#{SHARD}", f"T#{SLOT}#0"]
    assert item["ttl"] == {"N": str(SLOT + 92 * 86_400)}
    assert TICK_TTL.days >= 91


def test_a_second_try_of_the_client_adopts_its_own_tick(ticks: TickStore, wire: Wire) -> None:
    with wire.losing_one_answer("PutItem"):
        assert ticks.put(SHARD, ups(SLOT, [1])) == ups(SLOT, [1])


def test_a_failure_of_the_store_is_not_a_lost_race(ticks: TickStore, wire: Wire) -> None:
    with wire.refusing("PutItem", "ThrottlingException"), pytest.raises(ClientError, match="Throttling"):
        ticks.put(SHARD, ups(SLOT, [1]))


def test_a_full_tick_is_one_write_unit(ticks: TickStore, wire: Wire) -> None:
    ticks.put(SHARD, ups(SLOT, FULL))
    assert wire.calls == [Call("PutItem", 1.0)]


# Reads by time


def test_ticks_are_read_oldest_first(ticks: TickStore) -> None:
    items = [
        ups(SLOT, [1]),
        ups(SLOT, [2], STRAGGLERS),
        ups(SLOT, [3], first_run_part(3)),
        ups(SLOT + 60, [1]),
        ups(SLOT + 120, [1]),
    ]
    put_all(ticks, *reversed(items))
    assert ticks.since(SHARD, 0, consistent=True) == items
    assert ticks.since(SHARD, SLOT, consistent=False) == items
    assert ticks.since(SHARD, SLOT + 1, consistent=True) == items[3:]
    assert ticks.since(SHARD, SLOT + 60, consistent=True) == items[3:]
    assert ticks.since(SHARD, SLOT + 180, consistent=True) == []


def test_an_upper_end_is_not_included(ticks: TickStore) -> None:
    items = [ups(SLOT, [1]), ups(SLOT, [3], first_run_part(3)), ups(SLOT + 60, [1])]
    put_all(ticks, *items)
    assert ticks.since(SHARD, SLOT, consistent=True, until_slot=SLOT + 60) == items[:2]
    assert ticks.since(SHARD, SLOT, consistent=True, until_slot=SLOT + 61) == items


@pytest.mark.parametrize("until_slot", [-60, 0, SLOT - 60, SLOT])
def test_an_empty_stretch_has_no_ticks(ticks: TickStore, until_slot: int) -> None:
    ticks.put(SHARD, ups(SLOT, [1]))
    assert ticks.since(SHARD, SLOT, consistent=True, until_slot=until_slot) == []


def test_a_stretch_from_before_time_began_starts_with_time(ticks: TickStore) -> None:
    ticks.put(SHARD, ups(60, [1]))
    assert ticks.since(SHARD, -3600, consistent=True) == [ups(60, [1])]


def test_only_ticks_are_read(ticks: TickStore) -> None:
    ticks.save_counts(SHARD, SLOT // 3600, Counts(SLOT, {1: 1}))
    assert ticks.since(SHARD, 0, consistent=True) == []
    assert ticks.newest(SHARD, 5, consistent=True) == []


def test_ticks_are_in_order_over_the_pages_of_a_query(ticks: TickStore, wire: Wire) -> None:
    """A page of a query ends at 1 MB."""
    long = [replace(ups(SLOT + 60 * k, [1]), data=bytes(30_000)) for k in range(50)]
    put_all(ticks, *reversed(long))
    wire.calls.clear()
    assert ticks.since(SHARD, 0, consistent=True) == long
    assert wire.operations == ["Query"] * 2
    assert ticks.newest(SHARD, 45, consistent=True) == long[:4:-1]


def test_the_newest_items_are_read_newest_first(ticks: TickStore) -> None:
    items = [ups(SLOT, [1]), ups(SLOT, [2], STRAGGLERS), ups(SLOT + 60, [1])]
    put_all(ticks, *items)
    assert ticks.newest(SHARD, 2, consistent=True) == [items[2], items[1]]
    assert ticks.newest(SHARD, 9, consistent=False) == items[::-1]


def test_the_look_back_of_a_commit_is_one_strong_unit(ticks: TickStore, wire: Wire) -> None:
    """Five slots of a full shard."""
    put_all(ticks, *(ups(SLOT + 60 * k, FULL) for k in range(5)))
    wire.calls.clear()
    assert len(ticks.since(SHARD, SLOT, consistent=True)) == 5
    assert wire.calls == [Call("Query", 1.0)]


# Overtaken


@pytest.mark.parametrize(
    ("newer", "is_overtaken"),
    [
        ([], False),
        ([ups(SLOT, [1])], False),
        ([ups(SLOT - 60, [1])], False),
        ([ups(SLOT, [1], STRAGGLERS)], False),
        ([ups(SLOT + 60, [1], STRAGGLERS)], False),
        ([ups(SLOT + 60, [10], first_run_part(10))], False),
        ([ups(SLOT + 60, [1])], True),
        ([ups(SLOT + 10, [1])], True),
        ([ups(SLOT + 60, [10], first_run_part(10)), ups(SLOT + 120, [1])], True),
    ],
)
def test_a_main_tick_of_a_newer_slot_overtakes(
    ticks: TickStore, newer: list[Tick], is_overtaken: bool
) -> None:
    put_all(ticks, *newer)
    assert ticks.is_overtaken(SHARD, SLOT) is is_overtaken


def test_another_shards_ticks_overtake_nothing(ticks: TickStore) -> None:
    ticks.put(SLOW_SHARD, ups(SLOT + 60, [1]))
    assert not ticks.is_overtaken(SHARD, SLOT)


def test_asking_whether_a_run_is_overtaken_costs_half_a_unit(ticks: TickStore, wire: Wire) -> None:
    """The regular run is the newest."""
    put_all(ticks, *(ups(SLOT - 60 * k, FULL) for k in range(1, 6)))
    wire.calls.clear()
    ticks.is_overtaken(SHARD, SLOT)
    assert wire.calls == [Call("Query", 0.5)]


# Picks


def test_picks_are_those_that_exist(ticks: TickStore) -> None:
    items = [ups(SLOT, [1]), ups(SLOT, [2], STRAGGLERS), ups(SLOT, [3], first_run_part(3))]
    put_all(ticks, *items)
    wanted = [(SLOT, MAIN), (SLOT, first_run_part(3)), (SLOT + 60, MAIN), (SLOT, first_run_part(4))]
    assert ticks.pick(SHARD, wanted, consistent=True) == {
        (SLOT, MAIN): items[0],
        (SLOT, first_run_part(3)): items[2],
    }


def test_nothing_picked_is_no_call(ticks: TickStore, wire: Wire) -> None:
    assert ticks.pick(SHARD, [], consistent=False) == {}
    assert wire.calls == []


def test_more_picks_than_a_batch_holds_are_read(ticks: TickStore, wire: Wire) -> None:
    items = {(SLOT + 60 * k, MAIN): ups(SLOT + 60 * k, [1]) for k in range(130)}
    put_all(ticks, *items.values())
    wire.calls.clear()
    assert ticks.pick(SHARD, items, consistent=False) == items
    assert wire.operations == ["BatchGetItem"] * 2
    assert wire.units == 65


# Counts


def test_counts_come_back_as_they_were(ticks: TickStore) -> None:
    assert ticks.counts(SHARD) is None
    ticks.save_counts(SHARD, 100, Counts(SLOT, {1: 5, 1000: 7}))
    assert ticks.counts(SHARD) == Counts(SLOT, {1: 5, 1000: 7})
    assert ticks.counts(SLOW_SHARD) is None


@pytest.mark.parametrize(
    ("not_after", "expected"), [(None, 102), (103, 102), (102, 102), (101, 100), (100, 100), (99, 9)]
)
def test_the_newest_counts_not_after_an_hour_are_read(
    ticks: TickStore, not_after: int | None, expected: int
) -> None:
    for hour in (100, 102, 9):
        ticks.save_counts(SHARD, hour, Counts(hour * 3600, {1: hour}))
    assert ticks.counts(SHARD, not_after) == Counts(expected * 3600, {1: expected})


def test_before_the_first_counts_there_are_none(ticks: TickStore) -> None:
    ticks.save_counts(SHARD, 100, Counts(SLOT, {1: 1}))
    assert ticks.counts(SHARD, 99) is None


def test_the_counts_of_an_hour_are_replaced(ticks: TickStore) -> None:
    for number in (1, 2):
        ticks.save_counts(SHARD, 100, Counts(SLOT, {1: number}))
    assert ticks.counts(SHARD) == Counts(SLOT, {1: 2})


def test_counts_live_as_long_as_ticks(ticks: TickStore, stored: Callable[[str], Items]) -> None:
    ticks.save_counts(SHARD, 100, Counts(SLOT, {1: 1}))
    assert stored("checks")[f"S#{SHARD}", "C#0000100"]["ttl"] == {"N": str(SLOT + 92 * 86_400)}


def test_the_counts_of_a_full_shard_are_one_unit_to_write_and_half_to_read(
    ticks: TickStore, wire: Wire
) -> None:
    ticks.save_counts(SHARD, 100, Counts(SLOT, dict.fromkeys(FULL, 100_000)))
    ticks.counts(SHARD)
    assert wire.calls == [Call("PutItem", 1.0), Call("Query", 0.5)]


# Retries


def test_the_retries_of_a_full_shard_are_one_write_unit_and_hardly_more_than_nothing_to_read(
    ticks: TickStore, wire: Wire
) -> None:
    for slot in range(SLOT, SLOT + 300, 60):
        wire.calls.clear()
        ticks.note_retries(SHARD, slot, FULL)
        assert wire.units == 1
    wire.calls.clear()
    assert ticks.retried(SHARD, 1000, SLOT, SLOT + 300) == list(range(SLOT, SLOT + 300, 60))
    assert wire.units <= 1
    wire.calls.clear()
    assert ticks.retried(SHARD, 1000, SLOT + 300, SLOT + 86400 * 30) == []
    assert wire.units == 0.5


def test_notes_of_retries_end_with_their_ticks(ticks: TickStore, stored: Callable[[str], Items]) -> None:
    ticks.note_retries(SHARD, SLOT, [7])
    ticks.put(SHARD, ups(SLOT, [7]))
    items = stored("checks")
    assert items[f"S#{SHARD}", f"R#{SLOT}"]["ttl"] == items[f"S#{SHARD}", f"T#{SLOT}#0"]["ttl"]


def test_many_runs_of_a_slot_lose_no_note(ticks: TickStore) -> None:
    at_once(20, lambda number: ticks.note_retries(SHARD, SLOT, [number]))
    assert all(ticks.retried(SHARD, number, SLOT, SLOT + 1) == [SLOT] for number in range(20))
