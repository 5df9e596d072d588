"""Pages of results against a brute-force reading of everything that was stored."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain.counts import Counts, add_ticks
from chalicelib.domain.monitor import Monitor, Placement
from chalicelib.domain.outcome import Outcome, Status
from chalicelib.domain.schedule import SETTLED_SECONDS, is_due
from chalicelib.domain.shard import region_of
from chalicelib.domain.tick import MAIN, STRAGGLERS, Tick, build_tick, first_run_part
from chalicelib.services.history import Result
from chalicelib.services.results import list_results
from tests.fakes import FakeDeps
from tests.services.life import RETRIES, SPEC, Life, answer

SHARD, SLOW_SHARD = "enam.normal.00001", "enam.slow.00001"
BEGIN = 1_772_366_400
"""2026-03-01 12:00 UTC"""
HOUR, DAY = 3600, 86400
INTERVALS = [60, 90, 120, 300, 359, 360, 600, 900, 3600]


def check_pages(life: Life, monitor_id: str, windows: Iterable[tuple[int, int]]) -> None:
    expected = life.results(monitor_id)
    monitor = life.monitor(monitor_id)
    for limit, offset in windows:
        page = list_results(life.deps, monitor, limit=limit, offset=offset)
        assert page.total == len(expected)
        assert list(page.results) == expected[offset : offset + limit]


STEPS = st.one_of(
    st.tuples(
        st.just("minutes"),
        st.integers(1, 75),
        st.sets(st.integers(0, 75), max_size=30),
        st.sets(st.integers(0, 75), max_size=30),
    ),
    st.tuples(st.just("interval"), st.sampled_from(INTERVALS)),
    st.tuples(st.just("timeout"), st.sampled_from([10, 60])),
    st.tuples(st.just("enabled"), st.booleans()),
    st.tuples(st.just("name"), st.text(min_size=1, max_size=3)),
    st.tuples(st.just("retries"), st.sampled_from(RETRIES)),
)


def live(life: Life, monitor_id: str, steps: Iterable[tuple[object, ...]]) -> None:
    for step in steps:
        match step:
            case ("minutes", int(count), missed, late):
                life.minutes(count, missed=list(missed), late=list(late))  # type: ignore[call-overload]
            case ("interval", value):
                life.change(monitor_id, interval_seconds=value)
            case ("timeout", value):
                life.change(monitor_id, timeout_seconds=value)
            case ("enabled", value):
                life.change(monitor_id, is_enabled=value)
            case ("name", value):
                life.change(monitor_id, name=value)
            case ("retries", value):
                life.change(monitor_id, spec=value)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(INTERVALS),
    st.sampled_from(RETRIES),
    st.integers(0, 59),
    st.booleans(),
    st.lists(STEPS, min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(1, 100), st.integers(0, 250)), min_size=1, max_size=4),
)
def test_any_page_of_any_life_is_what_was_stored(
    interval: int,
    retries: Mapping[str, int | None],
    second: int,
    has_first_run: bool,
    steps: list[tuple[object, ...]],
    windows: list[tuple[int, int]],
) -> None:
    """Changes of interval, of retries, disabling, enabling, moves between shards; gaps, stragglers and first
    runs."""
    life = Life()
    life.deps.at += timedelta(seconds=second)
    life.born(name="neighbour")
    monitor_id = life.born(interval_seconds=interval, spec={**SPEC, **retries})
    if has_first_run:
        life.first_runs()
    live(life, monitor_id, steps)
    check_pages(life, monitor_id, [(20, 0), *windows])
    life.forget_counts()
    check_pages(life, monitor_id, [(20, 0), *windows])


def a_monitor(*placements: Placement, created_at: int = BEGIN - 30) -> Monitor:
    at = datetime.fromtimestamp(created_at, UTC)
    return Monitor(
        id="mon_1",
        team_id="team_1",
        kind="http",
        name="Front page",
        spec={},
        interval_seconds=placements[-1].interval_seconds,
        timeout_seconds=10,
        is_enabled=True,
        is_public=False,
        enabled_at=at,
        created_at=at,
        updated_at=at,
        placements=placements,
    )


def fill(
    deps: FakeDeps,
    place: Placement,
    until: int,
    gaps: frozenset[int] = frozenset(),
    late: frozenset[int] = frozenset(),
    *,
    minute: int = 10,
    step: int = 60,
) -> list[Result]:
    """Ticks of a stretch written without a probe, with hourly counts; what a reader should find."""
    counts, found, fresh = Counts(0), [], list[Tick]()
    end = until if place.to_slot is None else min(until, place.to_slot)
    for slot in range(place.from_slot, until, step):
        at = datetime.fromtimestamp(slot + 5, UTC)
        number = slot // 60
        main: dict[int, Outcome] = {999: answer(number)}
        if slot < end and number % 211 not in gaps and due(place, slot):
            mine = answer(number * 3)
            mine_alone = build_tick(slot, STRAGGLERS, at, {place.position: mine})
            checked_at = mine_alone.checked_at(place.position)
            found.append(Result(slot, checked_at, region_of(place.shard), mine))
            if number % 199 in late:
                fresh.append(deps.ticks.put(place.shard, mine_alone))
            else:
                main[place.position] = mine
        fresh.append(deps.ticks.put(place.shard, build_tick(slot, MAIN, at, main)))
        if number % 60 // (step // 60) == minute // (step // 60):
            settled = slot - SETTLED_SECONDS
            counts = add_ticks(counts, fresh, settled)
            fresh = [tick for tick in fresh if tick.slot >= settled]
            deps.ticks.save_counts(place.shard, slot // HOUR, counts)
    return found


def due(place: Placement, slot: int) -> bool:
    return is_due(slot, anchor=place.anchor, interval_seconds=place.interval_seconds, slot_seconds=60)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([60, 90, 120, 300, 600]),
    st.integers(6, 59),
    st.integers(300, 900),
    st.frozensets(st.integers(0, 210), max_size=60),
    st.frozensets(st.integers(0, 198), max_size=60),
    st.lists(st.integers(0, 1000), min_size=3, max_size=6),
)
def test_deep_offsets_are_what_walking_there_would_find(
    interval: int,
    minute: int,
    minutes: int,
    gaps: frozenset[int],
    late: frozenset[int],
    offsets: list[int],
) -> None:
    deps = FakeDeps()
    place = Placement(SHARD, 7, BEGIN, interval)
    until = BEGIN + minutes * 60
    expected = fill(deps, place, until, gaps, late, minute=minute)[::-1]
    deps.at = datetime.fromtimestamp(until, UTC)
    total = len(expected)
    inside = (offset % (total + 1) for offset in offsets)
    around = {0, 299, 300, 301, 302, total - 1, total, total + 1, *offsets, *inside}
    for offset in sorted(o for o in around if o >= 0):
        page = list_results(deps, a_monitor(place), limit=10, offset=offset)
        assert (page.total, list(page.results)) == (total, expected[offset : offset + 10])


@pytest.mark.parametrize("interval", [60, 300, 600, 3600])
@pytest.mark.parametrize("offset", [0, 17, 150, 400, 700])
def test_a_page_runs_over_a_move_between_shards(interval: int, offset: int) -> None:
    deps = FakeDeps()
    moved_at, until = BEGIN + 8 * HOUR, BEGIN + 14 * HOUR
    first = Placement(SHARD, 7, BEGIN, interval, to_slot=moved_at)
    second = Placement(SLOW_SHARD, 1, moved_at, interval)
    expected = [
        *fill(deps, first, until, frozenset(range(20)), frozenset(), minute=10),
        *fill(deps, second, until, frozenset(), frozenset(range(50)), minute=40),
    ][::-1]
    deps.at = datetime.fromtimestamp(until, UTC)
    for limit in (1, 20, 100):
        page = list_results(deps, a_monitor(first, second), limit=limit, offset=offset)
        assert (page.total, list(page.results)) == (len(expected), expected[offset : offset + limit])


@pytest.mark.parametrize("minute", [6, 30, 59])
@pytest.mark.parametrize(
    ("past", "has_counts"), [(0, True), (30, True), (31 * 60, False), (59 * 60 + 59, True)]
)
def test_results_are_kept_for_35_days_and_not_much_longer(minute: int, past: int, has_counts: bool) -> None:
    """To the hour: nothing younger is missing, nothing is older by more than two hours."""
    deps = FakeDeps()
    place = Placement(SHARD, 7, BEGIN, 600)
    now = BEGIN + 37 * DAY + past
    stored = fill(deps, place, now + 1, minute=minute, step=600)[::-1]
    if not has_counts:
        del deps.store.items["counts", SHARD]
    deps.at = datetime.fromtimestamp(now, UTC)
    page = list_results(deps, a_monitor(place), limit=100, offset=0)
    at_least = sum(result.slot > now - 35 * DAY for result in stored)
    at_most = sum(result.slot > now - 35 * DAY - 2 * HOUR for result in stored)
    assert at_least <= page.total <= at_most
    last = list_results(deps, a_monitor(place), limit=100, offset=page.total - 50)
    assert list(last.results) == stored[page.total - 50 : page.total]


@pytest.mark.parametrize("kind", ["dns", "tcp"])
def test_results_of_other_kinds_are_kept_for_90_days(kind: str) -> None:
    """Contract, section 4.12."""
    deps = FakeDeps()
    place = Placement(SHARD, 7, BEGIN, 3600)
    now = BEGIN + 92 * DAY
    stored = fill(deps, place, now + 1, minute=30, step=3600)[::-1]
    deps.at = datetime.fromtimestamp(now, UTC)
    page = list_results(deps, replace(a_monitor(place), kind=kind), limit=100, offset=0)
    at_least = sum(result.slot > now - 90 * DAY for result in stored)
    assert at_least <= page.total <= at_least + 2


def test_results_in_a_shard_that_was_left_and_counts_no_more_end_after_35_days_too() -> None:
    deps = FakeDeps()
    moved_at = BEGIN + 5 * HOUR
    first = Placement(SHARD, 7, BEGIN, 600, to_slot=moved_at)
    second = Placement(SLOW_SHARD, 1, moved_at, 3600)
    fill(deps, first, moved_at)
    deps.at = datetime.fromtimestamp(moved_at + 34 * DAY, UTC)
    assert list_results(deps, a_monitor(first, second), limit=1, offset=0).total == 30
    deps.at = datetime.fromtimestamp(moved_at + 36 * DAY, UTC)
    assert list_results(deps, a_monitor(first, second), limit=1, offset=0).total == 0


def test_a_first_run_is_the_oldest_result(deps_at: FakeDeps) -> None:
    place = Placement(SHARD, 7, BEGIN + 120, 3600, first_slot=BEGIN)
    tick = build_tick(
        BEGIN, first_run_part(7), datetime.fromtimestamp(BEGIN + 31, UTC), {7: Outcome(Status.UP)}
    )
    deps_at.ticks.put(SHARD, tick)
    page = list_results(deps_at, a_monitor(place), limit=20, offset=0)
    assert [(result.slot, result.checked_at) for result in page.results] == [(BEGIN, tick.checked_at(7))]
    assert page.total == 1


def test_a_neighbours_results_are_not_mine(deps_at: FakeDeps) -> None:
    fill(deps_at, Placement(SHARD, 8, BEGIN, 60), BEGIN + 7200)
    page = list_results(deps_at, a_monitor(Placement(SHARD, 7, BEGIN, 60)), limit=20, offset=0)
    assert (page.total, page.results) == (0, [])


def test_a_slot_without_a_result_is_a_gap_and_never_a_failure(deps_at: FakeDeps) -> None:
    place = Placement(SHARD, 7, BEGIN, 60)
    stored = fill(deps_at, place, BEGIN + 3600, frozenset(range(0, 211, 2)))
    page = list_results(deps_at, a_monitor(place), limit=100, offset=0)
    assert list(page.results) == stored[::-1]
    assert 0 < page.total < 60


@pytest.fixture
def deps_at() -> FakeDeps:
    return FakeDeps(at=datetime.fromtimestamp(BEGIN + 7200, UTC))


@pytest.mark.parametrize("interval", [60, 600])
@pytest.mark.parametrize("days", [(20, 16), (20, 15), (34, 2), (1, 40), (40, 0)])
def test_after_a_stop_of_the_whole_service_nothing_old_is_left(interval: int, days: tuple[int, int]) -> None:
    """The hourly counts are as old as the stop is long."""
    life = Life()
    monitor_id = life.born(interval_seconds=interval)
    for stop in days:
        life.minutes(130)
        life.deps.at += timedelta(days=stop)
    life.minutes(5)
    now = life.deps.at.timestamp()
    stored = life.results(monitor_id)
    kept = [result for result in stored if result.slot > now - 35 * DAY]
    bound = [result for result in stored if result.slot > now - 35 * DAY - 2 * HOUR]
    page = list_results(life.deps, life.monitor(monitor_id), limit=100, offset=0)
    assert len(kept) <= page.total <= len(bound)
    assert list(page.results) == bound[: min(100, page.total)]
