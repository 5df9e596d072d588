from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.monitor import (
    MAX_PLACEMENTS,
    MAX_PLACES,
    Monitor,
    Placement,
    close_placement,
    next_placement,
    with_retries_told,
)
from chalicelib.domain.schedule import SpeedClass

from .builders import SLOT, instant

HERE = Placement("enam.normal.00001", 7, SLOT, 60)
NEVER_FORGET = 0


def later(seconds: int, *, shard: str = HERE.shard, position: int = 7, interval: int = 60) -> Placement:
    return Placement(shard, position, SLOT + seconds, interval)


def covers(placements: tuple[Placement, ...], place: tuple[str, int], slot: int) -> bool:
    """Whether a reader that walks the placements looks for this slot there."""
    return any(
        (p.shard, p.position) == place
        and (slot == p.first_slot or (p.from_slot <= slot and (p.to_slot is None or slot < p.to_slot)))
        for p in placements
    )


def test_closing_ends_the_current_stretch() -> None:
    assert close_placement((HERE,), SLOT + 600) == (replace(HERE, to_slot=SLOT + 600),)


def test_a_stretch_that_never_began_keeps_its_place_and_its_first_run() -> None:
    coming = replace(HERE, first_slot=SLOT - 60)
    assert close_placement((coming,), SLOT - 60) == (replace(coming, to_slot=SLOT),)


def test_closing_twice_changes_nothing() -> None:
    closed = close_placement((HERE,), SLOT + 600)
    assert close_placement(closed, SLOT + 1200) == closed


def test_nothing_has_nothing_to_close() -> None:
    assert close_placement((), SLOT) == ()


def test_only_the_last_stretch_is_closed() -> None:
    old = replace(HERE, to_slot=SLOT + 60)
    assert close_placement((old, later(60)), SLOT + 120) == (old, replace(later(60), to_slot=SLOT + 120))


def test_a_new_stretch_begins_where_the_old_one_ends() -> None:
    new = later(300, interval=90)
    assert next_placement((HERE,), new, NEVER_FORGET) == (replace(HERE, to_slot=SLOT + 300), new)


def test_a_stretch_after_a_disabled_time_leaves_the_gap() -> None:
    closed = close_placement((HERE,), SLOT + 60)
    assert next_placement(closed, later(6000), NEVER_FORGET) == (*closed, later(6000))


def test_a_new_anchor_before_the_old_one_leaves_an_empty_stretch() -> None:
    fast = later(20, shard="enam.fast.00001", interval=10)
    assert next_placement((later(60),), fast, NEVER_FORGET) == (
        replace(later(60), to_slot=SLOT + 60),
        fast,
    )


@pytest.mark.parametrize(("forget_before", "is_kept"), [(SLOT + 59, True), (SLOT + 60, False)])
def test_a_stretch_is_forgotten_with_its_last_result(forget_before: int, is_kept: bool) -> None:
    old = replace(HERE, to_slot=SLOT + 60)
    kept = next_placement((old, later(60)), later(600), forget_before)
    assert (old in kept) is is_kept
    assert kept[-2:] == (replace(later(60), to_slot=SLOT + 600), later(600))


def changed(times: int) -> tuple[Placement, ...]:
    placements: tuple[Placement, ...] = (replace(HERE, first_slot=SLOT - 60),)
    for k in range(1, times):
        placements = next_placement(placements, later(600 * k), NEVER_FORGET)
    return placements


def test_as_many_stretches_as_fit_are_kept_apart() -> None:
    placements = changed(MAX_PLACEMENTS)
    assert len(placements) == MAX_PLACEMENTS
    assert all(p.interval_seconds == 60 for p in placements)


def test_past_the_most_the_two_oldest_become_one_of_unknown_schedule() -> None:
    placements = changed(MAX_PLACEMENTS + 1)
    assert len(placements) == MAX_PLACEMENTS
    merged = Placement(HERE.shard, 7, SLOT - 60, interval_seconds=0, to_slot=SLOT + 1200)
    assert placements[0] == merged
    assert placements[1] == replace(later(1200), to_slot=SLOT + 1800)
    assert changed(MAX_PLACEMENTS + 2)[0] == replace(merged, to_slot=SLOT + 1800)


def test_the_current_stretch_is_never_merged() -> None:
    placements = changed(200)
    assert placements[-1] == later(600 * 199)
    assert placements[-2].to_slot == placements[-1].from_slot


def test_past_the_most_places_the_oldest_is_dropped() -> None:
    placements: tuple[Placement, ...] = (later(0, position=1),)
    for k in range(1, MAX_PLACES):
        placements = next_placement(placements, later(600 * k, position=k + 1), NEVER_FORGET)
    assert [p.position for p in placements] == list(range(1, MAX_PLACES + 1))
    placements = next_placement(placements, later(600 * MAX_PLACES, position=MAX_PLACES + 1), NEVER_FORGET)
    assert [p.position for p in placements] == list(range(2, MAX_PLACES + 2))


def test_the_current_stretch_is_not_merged_even_where_only_it_could_be() -> None:
    placements: tuple[Placement, ...] = ()
    for k in range(MAX_PLACEMENTS):
        placements = next_placement(placements, later(600 * k, position=k), NEVER_FORGET)
    new = later(600 * MAX_PLACEMENTS, position=placements[-1].position)
    assert next_placement(placements, new, NEVER_FORGET) == (
        *placements[:-1],
        replace(placements[-1], to_slot=new.from_slot),
        new,
    )


places = st.sampled_from([("enam.normal.00001", 7), ("enam.normal.00001", 7), ("enam.fast.00001", 3)])


@given(
    st.lists(st.tuples(places, st.integers(1, 20), st.booleans()), min_size=1, max_size=100),
)
def test_merging_loses_no_slot_of_any_stretch(steps: list[tuple[tuple[str, int], int, bool]]) -> None:
    whole: tuple[Placement, ...] = ()
    placements: tuple[Placement, ...] = ()
    at = SLOT
    for (shard, position), slots, is_disabled_before in steps:
        at += 60 * slots
        if is_disabled_before:
            whole, placements = close_placement(whole, at), close_placement(placements, at)
            at += 60 * slots
        first_slot = None if whole else at - 60
        new = Placement(shard, position, at, 60, first_slot=first_slot)
        whole = (*close_placement(whole, at), new)
        placements = next_placement(placements, new, NEVER_FORGET)
    assert placements[-1] == whole[-1]
    assert all(p.to_slot is not None and p.to_slot <= n.from_slot for p, n in pairwise(placements))
    for stretch in whole:
        slots_of = range(stretch.from_slot, stretch.to_slot or stretch.from_slot + 600, 60)
        for slot in (*slots_of, *([stretch.first_slot] if stretch.first_slot else [])):
            assert covers(placements, (stretch.shard, stretch.position), slot)
    if {place for place, _, _ in steps} == {(HERE.shard, 7)}:
        assert len(placements) <= MAX_PLACEMENTS


def monitor(interval_seconds: int, timeout_seconds: float) -> Monitor:
    return Monitor(
        id="chk_1",
        team_id="team_1",
        kind="http",
        name="Home",
        spec={},
        interval_seconds=interval_seconds,
        timeout_seconds=timeout_seconds,
        is_enabled=True,
        is_public=False,
        enabled_at=instant(SLOT),
        created_at=instant(SLOT),
        updated_at=instant(SLOT),
        placements=(replace(HERE, to_slot=SLOT + 60), later(60)),
    )


def test_the_last_placement_is_the_current_one() -> None:
    assert monitor(60, 5).placement == later(60)
    assert monitor(60, 5).placement.anchor == SLOT + 60


@pytest.mark.parametrize(
    ("interval", "timeout", "expected"),
    [(10, 5, SpeedClass.FAST), (60, 5, SpeedClass.NORMAL), (60, 30.0, SpeedClass.SLOW)],
)
def test_the_schedule_tells_the_speed_class(interval: int, timeout: float, expected: SpeedClass) -> None:
    assert monitor(interval, timeout).speed_class is expected


def test_a_stretch_tells_of_retries_from_when_there_may_be_some_and_goes_on_telling() -> None:
    slow = replace(monitor(600, 5), spec={"retryIntervalSeconds": 60})
    told = with_retries_told(slow)
    assert told.placements == (slow.placements[0], replace(slow.placements[1], has_retries=True))
    assert with_retries_told(told) == told
    off = replace(told, spec={})
    assert with_retries_told(off) == off
    closed = close_placement(told.placements, SLOT + 600)
    assert [p.has_retries for p in next_placement(closed, later(900), NEVER_FORGET)] == [False, True, False]


@pytest.mark.parametrize("retry", [None, 541, 600, 3600])
def test_a_stretch_without_retries_is_as_ever(retry: int | None) -> None:
    one = replace(monitor(600, 5), spec={"retryIntervalSeconds": retry})
    assert with_retries_told(one) is one
