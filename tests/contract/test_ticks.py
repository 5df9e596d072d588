from chalicelib.domain.counts import Counts
from chalicelib.domain.tick import MAIN, STRAGGLERS, first_run_part

from .conftest import Edges
from .makers import BASE, DOWN, OTHER, SHARD, UP, tick


def test_the_first_tick_of_a_slot_is_stored_and_the_loser_adopts_it(edges: Edges) -> None:
    first, second = tick(BASE, {1: UP}), tick(BASE, {1: DOWN})
    assert edges.ticks.put(SHARD, first) == first
    assert edges.ticks.put(SHARD, second) == first
    assert edges.ticks.since(SHARD, BASE, consistent=True) == [first]


def test_the_parts_of_a_slot_are_items_of_their_own(edges: Edges) -> None:
    parts = [tick(BASE, {n: UP}, part) for n, part in enumerate((MAIN, STRAGGLERS, first_run_part(3)), 1)]
    for each in reversed(parts):
        assert edges.ticks.put(SHARD, each) == each
    assert edges.ticks.since(SHARD, BASE, consistent=True) == parts


def test_since_is_inclusive_oldest_first_and_ends_before_until(edges: Edges) -> None:
    ticks = [tick(BASE + 60 * n, {1: UP}) for n in range(4)]
    for each in reversed(ticks):
        edges.ticks.put(SHARD, each)
    edges.ticks.put(OTHER, tick(BASE, {1: UP}))
    assert edges.ticks.since(SHARD, BASE + 60, consistent=True) == ticks[1:]
    assert edges.ticks.since(SHARD, BASE + 60, consistent=True, until_slot=BASE + 180) == ticks[1:3]
    assert edges.ticks.since(SHARD, -60, consistent=False) == ticks
    assert edges.ticks.since(SHARD, BASE + 60, consistent=True, until_slot=BASE + 60) == []
    assert edges.ticks.since(SHARD, -120, consistent=True, until_slot=0) == []


def test_newest_is_newest_first(edges: Edges) -> None:
    ticks = [tick(BASE + 60 * n, {1: UP}) for n in range(4)]
    for each in ticks:
        edges.ticks.put(SHARD, each)
    assert edges.ticks.newest(SHARD, 2, consistent=True) == [ticks[3], ticks[2]]
    assert edges.ticks.newest(OTHER, 2, consistent=True) == []


def test_pick_finds_the_named_parts_and_leaves_out_the_absent(edges: Edges) -> None:
    stored = tick(BASE, {1: UP})
    edges.ticks.put(SHARD, stored)
    wanted = [(BASE, MAIN), (BASE, STRAGGLERS), (BASE + 60, MAIN)]
    assert edges.ticks.pick(SHARD, wanted, consistent=True) == {(BASE, MAIN): stored}
    assert edges.ticks.pick(SHARD, [], consistent=True) == {}


def test_pick_takes_more_than_one_batch(edges: Edges) -> None:
    stored = {(BASE + 60 * n, MAIN): tick(BASE + 60 * n, {1: UP}) for n in range(120)}
    for each in stored.values():
        edges.ticks.put(SHARD, each)
    assert edges.ticks.pick(SHARD, stored, consistent=False) == stored


def test_only_the_main_tick_of_a_newer_slot_overtakes(edges: Edges) -> None:
    for each in (
        tick(BASE, {1: UP}),
        tick(BASE + 60, {2: UP}, STRAGGLERS),
        tick(BASE + 60, {3: UP}, "F0003"),
    ):
        edges.ticks.put(SHARD, each)
    assert not edges.ticks.is_overtaken(SHARD, BASE)
    edges.ticks.put(SHARD, tick(BASE + 120, {1: UP}))
    assert edges.ticks.is_overtaken(SHARD, BASE)
    assert not edges.ticks.is_overtaken(SHARD, BASE + 120)
    assert not edges.ticks.is_overtaken(OTHER, BASE)


def test_counts_are_the_newest_not_after_an_hour(edges: Edges) -> None:
    assert edges.ticks.counts(SHARD) is None
    old, new = Counts(BASE, {1: 5}), Counts(BASE + 3600, {1: 65, 1000: 70_000})
    edges.ticks.save_counts(SHARD, 10, old)
    edges.ticks.save_counts(SHARD, 11, new)
    assert edges.ticks.counts(SHARD) == new
    assert edges.ticks.counts(SHARD, not_after_hour=10) == old
    assert edges.ticks.counts(SHARD, not_after_hour=9) is None


def test_counts_of_an_hour_are_replaced(edges: Edges) -> None:
    edges.ticks.save_counts(SHARD, 10, Counts(BASE, {1: 5}))
    edges.ticks.save_counts(SHARD, 10, Counts(BASE + 60, {1: 6}))
    assert edges.ticks.counts(SHARD) == Counts(BASE + 60, {1: 6})


def test_retries_add_to_what_is_noted_of_their_slot(edges: Edges) -> None:
    edges.ticks.note_retries(SHARD, BASE, [1, 1000])
    edges.ticks.note_retries(SHARD, BASE, [7, 1])
    edges.ticks.note_retries(SHARD, BASE + 60, [7])
    edges.ticks.note_retries(OTHER, BASE + 120, [7])
    for position, slots in ((1, [BASE]), (7, [BASE, BASE + 60]), (1000, [BASE]), (2, [])):
        assert edges.ticks.retried(SHARD, position, BASE - 600, BASE + 600) == slots
    assert edges.ticks.since(SHARD, 0, consistent=True) == []


def test_retries_are_read_from_a_slot_on_and_up_to_another(edges: Edges) -> None:
    for slot in (BASE, BASE + 60, BASE + 120):
        edges.ticks.note_retries(SHARD, slot, [7])
    assert edges.ticks.retried(SHARD, 7, BASE + 60, BASE + 120) == [BASE + 60]
    assert edges.ticks.retried(SHARD, 7, BASE + 60, BASE + 60) == []
    assert edges.ticks.retried(SHARD, 7, -60, BASE + 1) == [BASE]
    assert edges.ticks.retried(SHARD, 7, -60, 0) == []
