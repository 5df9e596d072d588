"""Current values: the newest stored result, whatever STATE already knows of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chalicelib.domain.confirmation import NO_STREAK, Streak
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.state import Entry, State
from chalicelib.domain.tick import MAIN, STRAGGLERS, build_tick, first_run_part
from chalicelib.services.readings import NOTHING_YET, Reading, read_monitors, read_status
from chalicelib.services.results import list_results
from tests.fakes import FakeDeps
from tests.services.life import SPEC, TEAM, Life

SLOT = 1_772_366_400 + 3600
"""2026-03-01 13:00 UTC"""
UP = Outcome(Status.UP, Reason.NONE, 200, 40, 500)
DOWN = Outcome(Status.DOWN, Reason.WRONG_STATUS, 503, 90, 750)


def reading(life: Life, monitor_id: str) -> Reading:
    monitor = life.monitor(monitor_id)
    return read_monitors(life.deps, [monitor], consistent=True)[monitor_id]


def newest(life: Life, monitor_id: str) -> Reading:
    """What the list of results says, which is another reader."""
    page = list_results(life.deps, life.monitor(monitor_id), limit=1, offset=0)
    if not page.results:
        return NOTHING_YET
    result = page.results[0]
    outcome = result.outcome
    return reading_of(outcome, result.checked_at)


def reading_of(outcome: Outcome, checked_at: datetime) -> Reading:
    """Where no change needs confirmation."""
    return Reading(
        outcome.status,
        checked_at,
        outcome.response_ms,
        outcome.status_code,
        outcome.reason,
        newest_status=outcome.status,
    )


def agree(mine: Reading, truth: Reading) -> bool:
    """STATE knows no status code and no reason, and seconds where a tick knows milliseconds."""
    if mine.status_code is None and truth.checked_at is not None:
        at = truth.checked_at.replace(microsecond=0)
        truth = replace(truth, status_code=None, reason=Reason.NONE, checked_at=at)
    return mine == truth


@pytest.mark.parametrize("interval", [60, 90, 300, 3600])
def test_a_monitor_just_created_knows_nothing_and_after_its_first_run_everything(interval: int) -> None:
    life = Life()
    life.deps.at += timedelta(seconds=45)
    monitor_id = life.born(interval_seconds=interval)
    assert reading(life, monitor_id) == NOTHING_YET
    life.first_runs()
    assert agree(reading(life, monitor_id), newest(life, monitor_id))
    checked_at = reading(life, monitor_id).checked_at
    assert checked_at is not None
    assert checked_at >= life.monitor(monitor_id).created_at.replace(microsecond=0)


@pytest.mark.parametrize("interval", [60, 90, 120, 300, 600, 3600])
def test_one_monitors_reading_is_its_newest_result_in_every_minute_of_hours(interval: int) -> None:
    """Over several hourly writes of STATE, which must not make the time of the last check less true."""
    life = Life()
    monitor_id = life.born(interval_seconds=interval)
    life.first_runs()
    for _ in range(150):
        life.minutes(1)
        assert agree(reading(life, monitor_id), newest(life, monitor_id))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from([60, 60, 90, 120, 300, 600, 3600]), min_size=1, max_size=9),
    st.lists(
        st.tuples(st.integers(1, 30), st.sets(st.integers(0, 30), max_size=6), st.integers(0, 8)),
        min_size=1,
        max_size=6,
    ),
    st.data(),
)
def test_the_readings_of_any_list_have_the_newest_values(
    intervals: list[int], steps: list[tuple[int, set[int], int]], data: st.DataObject
) -> None:
    """In a list the time may be the floor's, the begin of the slot; it is never later than the truth.

    Nothing moves the floor of a disabled monitor: its values may be an hour older, and still are in the
    second between an enable and the first run.
    """
    life = Life()
    ids = []
    for number, interval in enumerate(intervals):
        life.deps.at += timedelta(seconds=number * 20)
        ids.append(life.born(interval_seconds=interval))
        life.first_runs()
    for minutes, late, which in steps:
        life.minutes(minutes, late=list(late))
        chosen = ids[which % len(ids)]
        life.change(chosen, is_enabled=data.draw(st.booleans(), label="enabled"))
        readings = read_monitors(life.deps, life.deps.monitors.of_team(TEAM, "http"), consistent=False)
        for monitor_id in ids:
            truth, mine = newest(life, monitor_id), readings[monitor_id]
            assert mine.status == truth.status
            if truth.checked_at is None or mine.checked_at is None:
                assert mine == truth == NOTHING_YET
                continue
            is_current = _was_checked_since_its_enable(life.monitor(monitor_id), truth.checked_at)
            lag = truth.checked_at - mine.checked_at
            assert timedelta(0) <= lag < timedelta(seconds=60 if is_current else 3720)
            assert mine.response_ms == truth.response_ms or not is_current


def _was_checked_since_its_enable(monitor: Monitor, checked_at: datetime) -> bool:
    place = monitor.placement
    began = place.from_slot if place.first_slot is None else place.first_slot
    return monitor.is_enabled and checked_at.timestamp() >= began


@example(
    intervals=[60, 60, 60, 3600, 90, 60, 60, 60, 60],
    toggled=5,
    minutes=(1, 15),
)
@example(intervals=[300] * 9, toggled=2, minutes=(30, 70))
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    intervals=st.lists(st.sampled_from([60, 90, 300, 3600]), min_size=6, max_size=9),
    toggled=st.integers(0, 5),
    minutes=st.tuples(st.integers(1, 70), st.integers(1, 70)),
)
def test_the_first_run_after_an_enable_makes_a_list_current(
    intervals: list[int], toggled: int, minutes: tuple[int, int]
) -> None:
    life = Life()
    ids = [life.born(interval_seconds=interval) for interval in intervals]
    life.first_runs()
    life.minutes(minutes[0])
    life.change(ids[toggled], is_enabled=False)
    life.minutes(minutes[1])
    life.minutes(2)
    life.change(ids[toggled], is_enabled=True)
    life.first_runs()
    readings = read_monitors(life.deps, life.deps.monitors.of_team(TEAM, "http"), consistent=False)
    truth, mine = newest(life, ids[toggled]), readings[ids[toggled]]
    assert truth.checked_at is not None
    assert mine.checked_at is not None
    assert timedelta(0) <= truth.checked_at - mine.checked_at < timedelta(minutes=1)
    assert (mine.status, mine.response_ms) == (truth.status, truth.response_ms)


@pytest.mark.parametrize("interval", [60, 300, 3600])
def test_a_disabled_monitor_keeps_its_last_values(interval: int) -> None:
    life = Life()
    monitor_id = life.born(interval_seconds=interval)
    life.first_runs()
    life.minutes(70)
    before = newest(life, monitor_id)
    life.change(monitor_id, is_enabled=False)
    for _ in range(4):
        assert agree(reading(life, monitor_id), before)
        life.minutes(40)
    assert newest(life, monitor_id) == before


def a_monitor(deps: FakeDeps, interval: int = 60) -> Monitor:
    """At position 1 of its shard, created an hour before SLOT."""
    life = Life(deps)
    return life.monitor(life.born(interval_seconds=interval))


def put_state(deps: FakeDeps, monitor: Monitor, entry: Entry | None) -> None:
    entries = {} if entry is None else {monitor.placement.position: entry}
    deps.store.write(("state", monitor.placement.shard, State(1, 1, SLOT - 3600, entries)))


def put_tick(deps: FakeDeps, monitor: Monitor, slot: int, outcome: Outcome, part: str = MAIN) -> datetime:
    place = monitor.placement
    tick = build_tick(slot, part, datetime.fromtimestamp(slot + 5, UTC), {place.position: outcome})
    deps.ticks.put(place.shard, tick)
    return tick.checked_at(place.position)


def read_one(deps: FakeDeps, monitor: Monitor) -> Reading:
    deps.at = datetime.fromtimestamp(SLOT + 30, UTC)
    return read_monitors(deps, [monitor], consistent=True)[monitor.id]


@pytest.mark.parametrize("interval", [60, 300])
@pytest.mark.parametrize("part", [MAIN, STRAGGLERS])
def test_a_tick_that_state_has_not_seen_yet_wins(interval: int, part: str) -> None:
    deps = FakeDeps()
    monitor = a_monitor(deps, interval)
    slot = monitor.placement.anchor + 3540 // interval * interval
    put_state(deps, monitor, Entry(Status.UP, slot - interval, slot - interval, response_ms=10))
    put_tick(deps, monitor, slot - interval, UP)
    if part == STRAGGLERS:
        deps.ticks.put(monitor.placement.shard, build_tick(slot, MAIN, deps.at, {999: UP}))
    at = put_tick(deps, monitor, slot, DOWN, part)
    assert read_one(deps, monitor) == reading_of(DOWN, at)


@pytest.mark.parametrize("interval", [60, 300])
def test_a_tick_older_than_state_changes_nothing(interval: int) -> None:
    deps = FakeDeps()
    monitor = a_monitor(deps, interval)
    put_tick(deps, monitor, monitor.placement.anchor, DOWN)
    put_state(deps, monitor, Entry(Status.UP, SLOT - 600, SLOT, response_ms=33))
    found = read_one(deps, monitor)
    assert (found.status, found.response_ms) == (Status.UP, 33)
    assert found.checked_at == datetime.fromtimestamp(SLOT, UTC)


def test_without_any_tick_the_floor_is_never_earlier_than_the_last_change() -> None:
    """`since` is the true time of the check that made the change, `slot` only the begin of its slot."""
    deps = FakeDeps()
    monitor = a_monitor(deps, 3600)
    put_state(deps, monitor, Entry(Status.DOWN, SLOT - 3600 + 47, SLOT - 3600, response_ms=33))
    assert read_one(deps, monitor).checked_at == datetime.fromtimestamp(SLOT - 3600 + 47, UTC)


def test_many_first_runs_in_one_slot_do_not_hide_the_newest_main_tick() -> None:
    deps = FakeDeps()
    monitor = a_monitor(deps)
    put_state(deps, monitor, Entry(Status.UP, SLOT - 3000, SLOT - 3000, response_ms=1))
    at = put_tick(deps, monitor, SLOT - 60, DOWN)
    for position in range(2, 30):
        first = build_tick(SLOT, first_run_part(position), deps.at, {position: UP})
        deps.ticks.put(monitor.placement.shard, first)
    assert read_one(deps, monitor) == reading_of(DOWN, at)


def test_a_shard_without_state_and_ticks_says_nothing_yet() -> None:
    deps = FakeDeps()
    monitor = a_monitor(deps)
    del deps.store.items["state"][monitor.placement.shard]
    assert read_one(deps, monitor) == NOTHING_YET
    assert read_status(deps, monitor.placement) is None


def test_a_badge_reads_state_alone() -> None:
    deps = FakeDeps()
    monitor = a_monitor(deps)
    put_state(deps, monitor, Entry(Status.DEGRADED, SLOT, SLOT))
    put_tick(deps, monitor, SLOT + 60, DOWN)
    assert read_status(deps, monitor.placement) is Status.DEGRADED


def test_monitors_of_several_shards_are_read_once_a_shard() -> None:
    life = Life()
    fast, slow = life.born(timeout_seconds=10), life.born(timeout_seconds=60)
    life.minutes(3)
    assert life.monitor(fast).placement.shard != life.monitor(slow).placement.shard
    calls: list[str] = []
    life.deps.store.on_call = lambda verb, phase: calls.append(verb) if phase == "before" else None
    readings = read_monitors(
        life.deps, [life.monitor(fast), life.monitor(slow), life.monitor(fast)], consistent=True
    )
    assert calls.count("states.get") == 2
    assert agree(readings[fast], newest(life, fast))
    assert agree(readings[slow], newest(life, slow))


def test_no_monitors_cost_nothing() -> None:
    deps = FakeDeps()
    calls: list[str] = []
    deps.store.on_call = lambda verb, phase: calls.append(verb)
    assert read_monitors(deps, [], consistent=True) == {}
    assert calls == []


@pytest.mark.parametrize("interval", [60, 300])
def test_a_move_between_shards_takes_the_newest_values_along(interval: int) -> None:
    """Its ticks stay behind; until the first check in the new shard STATE is all there is."""
    life = Life()
    monitor_id = life.born(interval_seconds=interval)
    life.minutes(100)
    before = reading(life, monitor_id)
    life.change(monitor_id, timeout_seconds=60)
    after = reading(life, monitor_id)
    assert before.checked_at is not None
    assert after.checked_at is not None
    assert timedelta(0) <= before.checked_at - after.checked_at < timedelta(minutes=1)
    assert (after.status, after.response_ms) == (before.status, before.response_ms)


def confirmed(deps: FakeDeps, entry: Entry | None, told: Outcome) -> Reading:
    """Of a monitor whose changes need confirmation, of which STATE has not seen the newest result."""
    life = Life(deps)
    monitor = life.monitor(life.born(spec={**SPEC, "confirmations": 3, "recoveryConfirmations": 2}))
    put_state(deps, monitor, entry)
    put_tick(deps, monitor, SLOT, told)
    return read_one(deps, monitor)


@pytest.mark.parametrize("told", [UP, DOWN])
@pytest.mark.parametrize("status", Status)
def test_where_changes_need_confirmation_the_status_is_states_and_the_rest_the_newest_results(
    status: Status, told: Outcome
) -> None:
    found = confirmed(FakeDeps(), Entry(status, SLOT - 600, SLOT - 120), told)
    at = datetime.fromtimestamp(SLOT + 5, UTC) + timedelta(milliseconds=told.offset_ms)
    assert found == replace(reading_of(told, at), status=status)


def test_where_changes_need_confirmation_there_is_no_status_before_state_has_an_entry() -> None:
    found = confirmed(FakeDeps(), None, DOWN)
    assert (found.status, found.newest_status, found.response_ms) == (None, Status.DOWN, 90)


@pytest.mark.parametrize("interval", [60, 300])
@pytest.mark.parametrize("streak", [Streak(2, Status.DOWN), NO_STREAK])
def test_the_floor_of_a_streak_is_its_last_result(interval: int, streak: Streak) -> None:
    deps = FakeDeps()
    monitor = a_monitor(deps, interval)
    put_state(deps, monitor, Entry(Status.UP, SLOT - 600, SLOT, response_ms=9, streak=streak))
    found = read_one(deps, monitor)
    assert (found.status, found.response_ms) == (Status.UP, 9)
    assert found.newest_status is (Status.DOWN if streak else Status.UP)


@pytest.mark.parametrize("interval", [60, 300, 3600])
@pytest.mark.parametrize("is_enabled", [True, False])
def test_a_move_takes_the_newest_values_of_a_monitor_that_confirms_along(
    interval: int, is_enabled: bool
) -> None:
    life = Life()
    spec = {**SPEC, "confirmations": 3}
    monitor_id = life.born(interval_seconds=interval, spec=spec)
    life.first_runs()
    life.minutes(100)
    life.change(monitor_id, is_enabled=is_enabled)
    life.minutes(0 if is_enabled else 90)
    before = reading(life, monitor_id)
    life.change(monitor_id, timeout_seconds=60)
    after = reading(life, monitor_id)
    assert before.checked_at is not None
    assert after.checked_at is not None
    assert timedelta(0) <= before.checked_at - after.checked_at < timedelta(minutes=1)
    assert (after.status, after.response_ms) == (before.status, before.response_ms)
