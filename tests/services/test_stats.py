"""Stats against a brute-force reading of everything that was stored."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain.histogram import RELATIVE_ERROR
from chalicelib.domain.monitor import Monitor, Placement
from chalicelib.domain.outcome import Outcome, Status
from chalicelib.domain.stats import StatusCounts, Tally
from chalicelib.domain.tick import MAIN, STRAGGLERS, Tick, build_tick, first_run_part
from chalicelib.services.history import Result
from chalicelib.services.stats import Figures, monitor_figures, team_figures
from tests.fakes import FakeDeps, FakeTicks
from tests.services.life import RETRIES, Life, answer

SHARD, SLOW_SHARD = "enam.normal.00001", "enam.slow.00001"
BEGIN = 1_772_366_400
"""2026-03-01 12:00 UTC"""
MINUTE, HOUR, DAY = 60, 3600, 86400
INTERVALS = [60, 90, 300, 360, 600, 3600]


def check_windows(figures: Figures, results: Sequence[Result], now: datetime) -> None:
    for tally, days in zip((figures.day, figures.week, figures.month), (1, 7, 30), strict=True):
        inside = [r.outcome.status for r in results if r.checked_at > now - timedelta(days=days)]
        up, degraded, down = (inside.count(s) for s in (Status.UP, Status.DEGRADED, Status.DOWN))
        assert tally == Tally(up, degraded, down)
        assert tally.uptime == (round((up + degraded) / len(inside) * 100, 2) if inside else 100)


def check_monitor(deps: FakeDeps, monitor: Monitor, results: Sequence[Result]) -> None:
    figures = monitor_figures(deps, monitor)
    check_windows(figures, results, deps.at)
    begin = deps.at - timedelta(days=30)
    times = sorted(
        r.outcome.response_ms for r in results if r.checked_at > begin and r.outcome.status_code != 0
    )
    found = figures.response_times
    assert (found.count, found.sum_ms) == (len(times), sum(times))
    assert (found.min_ms, found.max_ms) == ((times[0], times[-1]) if times else (0, 0))
    for percent in (50, 95, 99):
        true = times[-(-percent * len(times) // 100) - 1] if times else 0
        assert abs(found.percentile(percent) - true) <= RELATIVE_ERROR * true


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
    st.tuples(st.just("born"), st.sampled_from(INTERVALS)),
)
RETRYING_STEPS = STEPS | st.tuples(st.just("retries"), st.sampled_from(RETRIES))


def live(life: Life, steps: Iterable[tuple[object, ...]], turn: int) -> list[str]:
    """Every step is about one of the monitors born so far; the ids."""
    ids = [life.born(interval_seconds=INTERVALS[turn % len(INTERVALS)])]
    for number, step in enumerate(steps):
        one = ids[(number + turn) % len(ids)]
        match step:
            case ("minutes", int(count), missed, late):
                life.minutes(count, missed=list(missed), late=list(late))  # type: ignore[call-overload]
            case ("interval", value):
                life.change(one, interval_seconds=value)
            case ("timeout", value):
                life.change(one, timeout_seconds=value)
            case ("enabled", value):
                life.change(one, is_enabled=value)
            case ("retries", value):
                life.change(one, spec=value)
            case ("born", value):
                ids.append(life.born(interval_seconds=value))
                if number % 2:
                    life.first_runs()
    return ids


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(RETRYING_STEPS, min_size=1, max_size=10),
    st.integers(0, 20),
    st.lists(
        st.tuples(st.sampled_from([0, 1, 7, 30]), st.integers(0, 11 * HOUR * 1000)), min_size=1, max_size=4
    ),
)
def test_the_stats_of_any_lives_are_those_of_what_was_stored(
    steps: list[tuple[object, ...]], turn: int, moments: list[tuple[int, int]]
) -> None:
    """Gaps, stragglers, first runs, moves, disabled monitors, new intervals, retries; the edges of the
    windows run anywhere through them."""
    life = Life()
    born_at = life.deps.at
    ids = live(life, steps, turn)
    died_at = life.deps.at
    for days, milliseconds in [(0, 0), *moments]:
        life.deps.at = max(died_at, born_at + timedelta(days=days, milliseconds=milliseconds))
        for monitor_id in ids:
            check_monitor(life.deps, life.monitor(monitor_id), life.results(monitor_id))
        everything = [result for monitor_id in ids for result in life.results(monitor_id)]
        figures = team_figures(life.deps, [life.monitor(monitor_id) for monitor_id in ids])
        check_windows(figures, everything, life.deps.at)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=1, max_size=8), st.integers(0, 20))
def test_monitors_count_by_their_current_status(steps: list[tuple[object, ...]], turn: int) -> None:
    life = Life()
    ids = live(life, steps, turn)
    shown = []
    for monitor_id in ids:
        newest = next((result.outcome.status for result in life.results(monitor_id)), None)
        shown.append(newest if life.monitor(monitor_id).is_enabled else None)
    figures = team_figures(life.deps, [life.monitor(monitor_id) for monitor_id in ids])
    assert figures.monitors == StatusCounts(
        len(ids), shown.count(Status.UP), shown.count(Status.DEGRADED), shown.count(Status.DOWN)
    )


def a_monitor(*placements: Placement) -> Monitor:
    at = datetime.fromtimestamp(BEGIN - 30, UTC)
    return Monitor(
        id=f"mon_{placements[-1].position}",
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


@dataclass(frozen=True)
class WatchedTicks(FakeTicks):
    """Remembers what it handed out of ranges with an end (the current values are read without one)."""

    handed: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    lengths: list[int] = field(default_factory=list)
    picked: list[int] = field(default_factory=list)
    strong: list[bool] = field(default_factory=list)

    def since(self, shard: str, slot: int, *, consistent: bool, until_slot: int | None = None) -> list[Tick]:
        found = super().since(shard, slot, consistent=consistent, until_slot=until_slot)
        if until_slot is not None:
            self.handed.update((shard, tick.slot, tick.part) for tick in found)
            self.lengths.append(len(found))
        self.strong.append(consistent)
        return found

    def pick(
        self, shard: str, parts: Iterable[tuple[int, str]], *, consistent: bool
    ) -> dict[tuple[int, str], Tick]:
        wanted = list(parts)
        self.picked.append(len(wanted))
        self.strong.append(consistent)
        return super().pick(shard, wanted, consistent=consistent)


def watched(
    days: int, *, positions: Sequence[int] = (7,), shard: str = SHARD
) -> tuple[FakeDeps, WatchedTicks]:
    """A shard with a tick every minute for so many days, which end now."""
    deps = FakeDeps(at=datetime.fromtimestamp(BEGIN + days * DAY, UTC))
    ticks = WatchedTicks(deps.store)
    deps.ticks = ticks
    for slot in range(BEGIN, BEGIN + days * DAY, MINUTE):
        results = {position: answer(slot // MINUTE + position) for position in positions}
        deps.ticks.put(shard, build_tick(slot, MAIN, datetime.fromtimestamp(slot + 3, UTC), results))
    return deps, ticks


def stored(deps: FakeDeps, shard: str, position: int) -> list[Result]:
    found = []
    for tick in deps.store.items["tick", shard].values():
        outcome = tick.outcome(position)
        if outcome is not None:
            found.append(Result(tick.slot, tick.checked_at(position), "enam", outcome))
    return found


def test_a_month_is_read_once_and_a_day_at_a_time() -> None:
    deps, ticks = watched(33)
    check_monitor(deps, a_monitor(Placement(SHARD, 7, BEGIN, 60)), stored(deps, SHARD, 7))
    assert set(ticks.handed.values()) == {1}
    assert 30 * 1440 <= len(ticks.handed) <= 30 * 1440 + 6
    assert max(ticks.lengths) <= 1440
    assert not any(ticks.strong)


def test_all_monitors_of_a_shard_cost_one_reading_of_it() -> None:
    """Whatever their stretches; what lies between two stretches is not read at all."""
    deps, ticks = watched(9, positions=range(1, 7))
    monitors = [
        a_monitor(Placement(SHARD, 1, BEGIN, 60)),
        a_monitor(
            Placement(SHARD, 2, BEGIN, 60, to_slot=BEGIN + DAY), Placement(SHARD, 2, BEGIN + DAY, 3600)
        ),
        a_monitor(Placement(SHARD, 3, BEGIN, 300, to_slot=BEGIN + 2 * DAY)),
        a_monitor(Placement(SHARD, 4, BEGIN + DAY, 60, to_slot=BEGIN + DAY)),
        a_monitor(Placement(SHARD, 5, BEGIN + 3 * DAY, 60, to_slot=BEGIN + 4 * DAY)),
    ]
    team_figures(deps, monitors)
    assert set(ticks.handed.values()) == {1}
    assert len(ticks.handed) == 9 * 1440
    assert max(ticks.lengths) <= 1440
    ticks.handed.clear()
    team_figures(deps, [monitors[4], monitors[2]])
    assert set(ticks.handed.values()) == {1}
    assert len(ticks.handed) == 3 * 1440


def test_a_sparse_monitor_is_read_by_its_due_slots() -> None:
    deps, ticks = watched(10)
    monitor = a_monitor(Placement(SHARD, 7, BEGIN, 3600))
    due = [result for result in stored(deps, SHARD, 7) if result.slot % 3600 == 0]
    check_monitor(deps, monitor, due)
    check_windows(team_figures(deps, [monitor]), due, deps.at)
    assert sum(ticks.picked) <= 2 * (len(due) + 1) + 4  # and those of the current value
    assert not ticks.handed


def test_a_few_sparse_monitors_are_picked_and_many_are_read_together() -> None:
    places = [Placement(SHARD, position, BEGIN + 60 * position, 3600) for position in range(1, 21)]
    deps, ticks = watched(4, positions=range(1, 21))
    team_figures(deps, [a_monitor(place) for place in places[:5]])
    assert not ticks.handed
    team_figures(deps, [a_monitor(place) for place in places])
    assert set(ticks.handed.values()) == {1}


@pytest.mark.parametrize("interval", [60, 3600])
@pytest.mark.parametrize("days", [1, 7, 30])
@pytest.mark.parametrize("delay", [0, 3, 59, 240, 330])
def test_a_run_that_was_late_counts_by_its_own_time_not_by_its_slot(
    interval: int, days: int, delay: int
) -> None:
    """To the second: in the window a second before it is so old, out of it from then on."""
    deps = FakeDeps()
    monitor = a_monitor(Placement(SHARD, 7, BEGIN, interval))
    checked_at = datetime.fromtimestamp(BEGIN + delay, UTC)
    deps.ticks.put(SHARD, build_tick(BEGIN, MAIN, checked_at, {7: Outcome(Status.DOWN)}))
    window = (1, 7, 30).index(days)
    for age, inside in ((-1, 1), (0, 0), (1, 0)):
        deps.at = checked_at + timedelta(days=days, seconds=age)
        for figures in (monitor_figures(deps, monitor), team_figures(deps, [monitor])):
            tally = (figures.day, figures.week, figures.month)[window]
            assert (tally.total, tally.uptime) == (inside, 0.0 if inside else 100.0)


@pytest.mark.parametrize("interval", [60, 600])
def test_first_runs_and_stragglers_count_like_any_result(interval: int) -> None:
    deps = FakeDeps(at=datetime.fromtimestamp(BEGIN + HOUR, UTC))
    place = Placement(SHARD, 7, BEGIN + MINUTE, interval, first_slot=BEGIN)
    began_at = datetime.fromtimestamp(BEGIN + 70, UTC)
    mine = {7: Outcome(Status.UP, status_code=200, response_ms=9)}
    deps.ticks.put(SHARD, build_tick(BEGIN, first_run_part(7), began_at, mine))
    deps.ticks.put(SHARD, build_tick(BEGIN + MINUTE, MAIN, began_at, {8: Outcome(Status.DOWN)}))
    deps.ticks.put(SHARD, build_tick(BEGIN + MINUTE, STRAGGLERS, began_at, mine))
    check_monitor(deps, a_monitor(place), stored(deps, SHARD, 7))
    assert team_figures(deps, [a_monitor(place)]).month == Tally(up=2)


def test_the_results_of_both_places_of_a_moved_monitor_count() -> None:
    deps = FakeDeps(at=datetime.fromtimestamp(BEGIN + 2 * HOUR, UTC))
    first = Placement(SHARD, 7, BEGIN, 60, to_slot=BEGIN + HOUR)
    second = Placement(SLOW_SHARD, 1, BEGIN + HOUR, 60)
    at = datetime.fromtimestamp(BEGIN + HOUR + 1, UTC)
    deps.ticks.put(SHARD, build_tick(BEGIN + HOUR - 60, MAIN, at, {7: Outcome(Status.UP), 1: answer(21)}))
    deps.ticks.put(SLOW_SHARD, build_tick(BEGIN + HOUR, MAIN, at, {1: Outcome(Status.DOWN), 7: answer(1)}))
    for figures in (
        monitor_figures(deps, a_monitor(first, second)),
        team_figures(deps, [a_monitor(first, second)]),
    ):
        assert figures.month == Tally(up=1, down=1)


def test_no_monitors_have_no_results_and_full_uptime() -> None:
    figures = team_figures(FakeDeps(), [])
    assert (figures.day, figures.week, figures.month) == (Tally(), Tally(), Tally())
    assert figures.monitors == StatusCounts(0, 0, 0, 0)
