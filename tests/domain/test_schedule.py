import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain.schedule import (
    ANCHOR_MARGIN_SECONDS,
    SpeedClass,
    anchor_after,
    due_slots_backwards,
    is_due,
    shard_offset_seconds,
    slot_of,
    speed_class,
    stale_after_seconds,
    sweep_boundary,
)

from .builders import SLOT

lengths = st.sampled_from([10, 60])
names = st.text("abcdefghij.0123456789", min_size=1)


@pytest.mark.parametrize(
    ("interval", "length", "after_anchor"),
    [
        (10, 10, [0, 10, 20, 30]),
        (25, 10, [0, 20, 50, 70]),
        (60, 60, [0, 60, 120, 180]),
        (90, 60, [0, 60, 180, 240]),
        (300, 60, [0, 300, 600, 900]),
        (3600, 60, [0, 3600, 7200, 10800]),
        (86400, 60, [0, 86400, 172800, 259200]),
    ],
)
def test_the_due_slots_hold_the_anchor_plus_whole_intervals(
    interval: int, length: int, after_anchor: list[int]
) -> None:
    candidates = range(SLOT - 2 * interval, SLOT + 3 * interval + 1, length)
    slots = range(slot_of(candidates.start, length), candidates.stop, length)
    due = [s for s in slots if is_due(s, anchor=SLOT, interval_seconds=interval, slot_seconds=length)]
    assert due == [SLOT + seconds for seconds in after_anchor]


@given(lengths, st.integers(0, 10_000), st.integers(0, 1000))
def test_each_interval_after_the_anchor_has_its_slot(length: int, over: int, k: int) -> None:
    interval = length + over
    slot = slot_of(SLOT + k * interval, length)
    assert is_due(slot, anchor=SLOT, interval_seconds=interval, slot_seconds=length)


def test_nothing_is_due_before_the_anchor() -> None:
    assert not is_due(SLOT - 60, anchor=SLOT, interval_seconds=60, slot_seconds=60)


@pytest.mark.parametrize("length", [10, 60])
@pytest.mark.parametrize(
    ("before_slot", "slots_later"),
    [(ANCHOR_MARGIN_SECONDS + 0.001, 0), (ANCHOR_MARGIN_SECONDS, 0), (ANCHOR_MARGIN_SECONDS - 0.001, 1)],
)
def test_the_anchor_begins_at_least_the_margin_ahead(
    before_slot: float, slots_later: int, length: int
) -> None:
    assert anchor_after(SLOT - before_slot, length) == SLOT + slots_later * length


@given(st.integers(0, 2_000_000_000_000), lengths)
def test_the_anchor_is_the_first_slot_that_is_far_enough(now_ms: int, length: int) -> None:
    anchor = anchor_after(now_ms / 1000, length)
    assert anchor % length == 0
    assert 0 <= anchor * 1000 - now_ms - ANCHOR_MARGIN_SECONDS * 1000 < length * 1000


@given(st.integers(0, 2_000_000_000_000), lengths)
def test_a_slot_holds_its_instant(at_ms: int, length: int) -> None:
    slot = slot_of(at_ms / 1000, length)
    assert slot % length == 0
    assert slot * 1000 <= at_ms < (slot + length) * 1000


@example(length=60, over=30, anchor=0, low=0, width=65)
@given(
    length=lengths,
    over=st.integers(0, 90) | st.integers(0, 4000),
    anchor=st.integers(-20, 200),
    low=st.integers(-2000, 12_000),
    width=st.integers(-60, 6000),
)
def test_the_due_slots_backwards_are_those_that_are_due(
    length: int, over: int, anchor: int, low: int, width: int
) -> None:
    anchor *= length
    interval = length + over
    found = list(
        due_slots_backwards(
            from_slot=low,
            to_slot=low + width,
            anchor=anchor,
            interval_seconds=interval,
            slot_seconds=length,
        )
    )
    first = -(-low // length) * length
    slots = range(first, low + width, length)
    due = [s for s in slots if is_due(s, anchor=anchor, interval_seconds=interval, slot_seconds=length)]
    assert found == due[::-1]


def test_the_due_slots_backwards_are_not_computed_ahead() -> None:
    slots = due_slots_backwards(from_slot=0, to_slot=SLOT, anchor=0, interval_seconds=60, slot_seconds=60)
    assert next(slots) == SLOT - 60


@given(names, st.integers(7200, 2_000_000_000))
def test_the_sweep_boundary_is_the_shards_own_minute_within_the_last_hour(shard: str, slot: int) -> None:
    boundary = sweep_boundary(shard, slot)
    assert slot - 3600 < boundary <= slot
    assert boundary % 60 == 0
    assert 6 <= boundary % 3600 // 60 <= 59


@given(names, st.integers(7200, 2_000_000_000))
def test_the_sweep_boundary_moves_once_an_hour(shard: str, slot: int) -> None:
    boundary = sweep_boundary(shard, slot)
    assert sweep_boundary(shard, boundary + 3599) == boundary
    assert sweep_boundary(shard, boundary + 3600) == boundary + 3600


def test_the_sweeps_of_many_shards_spread_over_the_hour() -> None:
    minutes = {sweep_boundary(f"enam.normal.{n:05d}", SLOT) % 3600 // 60 for n in range(1000)}
    assert minutes == set(range(6, 60))


@pytest.mark.parametrize(("length", "most"), [(60, 44), (10, 7)])
def test_the_offsets_of_many_shards_spread_over_the_slot(length: int, most: int) -> None:
    offsets = {shard_offset_seconds(f"enam.normal.{n:05d}", length) for n in range(1000)}
    assert offsets == set(range(most + 1))


@pytest.mark.parametrize(
    ("length", "is_first_run", "seconds"),
    [(60, False, 180), (60, True, 240), (10, False, 60), (10, True, 120)],
)
def test_a_run_may_start_until_it_is_stale(length: int, is_first_run: bool, seconds: int) -> None:
    assert stale_after_seconds(length, is_first_run=is_first_run) == seconds


@pytest.mark.parametrize(
    ("interval", "timeout", "expected"),
    [
        (59, 5, SpeedClass.FAST),
        (59, 16, SpeedClass.FAST),
        (60, 5, SpeedClass.NORMAL),
        (60, 15, SpeedClass.NORMAL),
        (60, 15.1, SpeedClass.SLOW),
        (60, 16, SpeedClass.SLOW),
        (86400, 60, SpeedClass.SLOW),
    ],
)
def test_the_speed_class_follows_interval_and_timeout(
    interval: int, timeout: float, expected: SpeedClass
) -> None:
    assert speed_class(interval, timeout) is expected


def test_only_fast_shards_have_short_slots() -> None:
    assert {speed: speed.slot_seconds for speed in SpeedClass} == {
        SpeedClass.NORMAL: 60,
        SpeedClass.SLOW: 60,
        SpeedClass.FAST: 10,
    }
