"""Extras in both tables: their items, and what they cost."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.extras import NO_EXTRAS, ContentCheck, Extras, with_extras
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.monitor_write import MonitorWrite, Written
from chalicelib.store.members import MemberStore
from chalicelib.store.monitors import MonitorStore
from chalicelib.store.shards import ShardStore

from .builders import NOW, SHARD, SLOT, SLOW_SHARD, TEAM, Items, monitor, monitor_id, shard
from .test_monitors import edited, moved, states
from .wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EXTRAS = Extras(
    (("Authorization", "Bearer s3cret"),),
    '{"query": "{ viewer { login } }"}',
    (ContentCheck("cc_" + "0" * 32, "contains", "Welcome", False, True, NOW, NOW),),
)
MANAGED = (f"T#{TEAM}", f"EXT#{monitor_id(1)}")


def probes(position: int = 1, name: str = SHARD) -> tuple[str, str]:
    return f"S#{name}", f"B#{position:04d}"


@pytest.fixture
def monitors(client: "DynamoDBClient") -> MonitorStore:
    for name in (SHARD, SLOW_SHARD):
        ShardStore().create(shard(name), swept=SLOT)
    return MonitorStore()


def create(monitors: MonitorStore, extras: Extras = EXTRAS, number: int = 1) -> Monitor:
    new = with_extras(monitor(number), extras)
    assert monitors.write(MonitorWrite(None, new, extras=extras), 1000) is Written.YES
    return new


def change(
    monitors: MonitorStore, before: Monitor, after: Monitor | None, extras: Extras | None = None
) -> None:
    is_move = after is not None and after.placement.shard != before.placement.shard
    write = MonitorWrite(before, after, states() if is_move else None, extras)
    assert monitors.write(write, 1000) is Written.YES


def keys(stored: Callable[[str], Items]) -> set[tuple[str, str]]:
    both = [*stored("teams"), *stored("checks")]
    return {key for key in both if key[1].startswith(("EXT#", "B#"))}


def test_extras_are_one_item_in_each_table(monitors: MonitorStore, stored: Callable[[str], Items]) -> None:
    created = create(monitors)
    assert keys(stored) == {MANAGED, probes()}
    change(monitors, created, after := with_extras(edited(created), replace(EXTRAS, body="x")), EXTRAS)
    assert keys(stored) == {MANAGED, probes()}
    change(monitors, after, moved_on := moved(after), EXTRAS)
    assert keys(stored) == {MANAGED, probes(5, SLOW_SHARD)}
    change(monitors, moved_on, None)
    assert keys(stored) == set()


def test_the_items_of_a_monitor_without_extras_are_as_they_were(
    monitors: MonitorStore, stored: Callable[[str], Items]
) -> None:
    created = create(monitors, NO_EXTRAS)
    assert keys(stored) == set()
    item = stored("teams")[f"T#{TEAM}", f"MON#{created.id}"]
    assert item.keys() & {"hn", "hb", "x"} == set()
    (member,) = MemberStore().all(SHARD).values()
    assert not member.has_extras


def test_extras_taken_away_leave_no_trace(monitors: MonitorStore, stored: Callable[[str], Items]) -> None:
    created = create(monitors)
    change(monitors, created, with_extras(edited(created), NO_EXTRAS), NO_EXTRAS)
    assert keys(stored) == set()
    assert stored("teams")[f"T#{TEAM}", f"MON#{created.id}"].keys() & {"hn", "hb", "x"} == set()


def test_a_list_of_a_hundred_costs_the_same_whatever_their_extras(monitors: MonitorStore, wire: Wire) -> None:
    """Their names are in the list's own items; nothing else of them is read."""
    for number in range(1, 101):
        create(monitors, replace(EXTRAS, body=text(3000)) if number % 2 else NO_EXTRAS, number)
    wire.calls.clear()
    listed = monitors.of_team(TEAM, "http")
    assert [len(m.header_names) for m in listed[:2]] == [0, 1]
    (call,) = wire.calls
    assert call.operation == "Query"
    assert call.units <= 5.5


def text(length: int) -> str:
    """That does not compress."""
    dice = random.Random(length)
    return "".join(chr(dice.randrange(0x10000, 0x10FFFF)) for _ in range(length))


def units(wire: Wire, work: Callable[[], object]) -> float:
    wire.calls.clear()
    work()
    return sum(call.units for call in wire.calls if call.operation == "TransactWriteItems")


def cost_of_a_life(monitors: MonitorStore, wire: Wire, number: int, extras: Extras) -> list[float]:
    """Write units of a create, an edit, a move and a delete."""
    before = with_extras(monitor(number), extras)
    other = edited(before, name="New")
    there = moved(other, 10 + number)
    return [
        units(wire, lambda: create(monitors, extras, number)),
        units(wire, lambda: change(monitors, before, other)),
        units(wire, lambda: change(monitors, other, there, extras)),
        units(wire, lambda: change(monitors, there, None)),
    ]


def test_extras_cost_two_units_for_each_item_that_is_written(monitors: MonitorStore, wire: Wire) -> None:
    """A transaction's price of a kilobyte. Edits of other things do not pay it."""
    assert cost_of_a_life(monitors, wire, 1, NO_EXTRAS) == [12, 8, 16, 14]
    assert cost_of_a_life(monitors, wire, 2, EXTRAS) == [16, 8, 20, 18]


def test_a_large_change_of_extras_is_paid_once_and_other_edits_never(
    monitors: MonitorStore, wire: Wire
) -> None:
    large = Extras(body=text(10_000))
    created = create(monitors, NO_EXTRAS)
    plain = units(wire, lambda: change(monitors, created, edited(created)))
    first = edited(created)
    second = with_extras(edited(first), large)
    assert units(wire, lambda: change(monitors, first, second, large)) > plain + 2 * 2 * 25
    assert units(wire, lambda: change(monitors, second, edited(second, name="New"))) == plain


@pytest.mark.parametrize("count", [1, 20])
def test_the_probe_reads_small_extras_with_half_a_unit_each(
    monitors: MonitorStore, wire: Wire, count: int
) -> None:
    for number in range(1, count + 1):
        create(monitors, EXTRAS, number)
    wire.calls.clear()
    found = MemberStore().extras(SHARD, dict.fromkeys(range(1, count + 1), 1), consistent=False)
    assert len(found) == count
    assert [(call.operation, call.units) for call in wire.calls] == [("BatchGetItem", count / 2)]


def test_the_largest_extras_are_stored_and_read(monitors: MonitorStore) -> None:
    values = text(41_000)
    checks = tuple(
        replace(EXTRAS.content_checks[0], id=f"cc_{n}", value=values[4096 * n : 4096 * (n + 1)])
        for n in range(10)
    )
    largest = Extras((("X-Large", text(4096)),), text(10_000), checks)
    created = create(monitors, largest)
    assert monitors.extras(TEAM, created.id) == largest
    assert MemberStore().extras(SHARD, {1: 1}, consistent=True) == {1: largest.as_spec()}
