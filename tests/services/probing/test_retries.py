"""Runs of monitors that are checked again sooner while a change is unconfirmed."""

from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.domain.confirmation import NO_STREAK, Streak
from chalicelib.domain.monitor import Monitor
from chalicelib.services.monitors import Change, get_monitor, update_monitor
from chalicelib.services.readings import read_monitors
from chalicelib.services.results import list_results
from chalicelib.settings import Settings
from tests.fakes import AFTER, BEFORE

from .scene import (
    BASE,
    DOWN,
    FAST_SHARD,
    HOUR,
    OUTCOMES,
    SHARD,
    SLOW_SHARD,
    TEAM,
    UP,
    Faults,
    RealScene,
    Scene,
    die,
)
from .test_units import Units, fill, run

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NEEDED = (3, 2)
READ = ("states.get", AFTER)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def add(scene: Scene, interval: int = 600, retry: int | None = 60, **fields: Any) -> Monitor:
    """Due in BASE for the first time."""
    fields = {"needed": NEEDED, "at": BASE - 30, **fields}
    return scene.add(interval=interval, retry=retry, **fields)


def checked(scene: Scene, monitor: Monitor) -> list[int]:
    """Seconds after BASE."""
    return sorted(slot - BASE for id, slot in scene.invariants.results if id == monitor.id)


def minutes(scene: Scene, begin: int, end: int, down: list[Monitor], **fields: Any) -> None:
    """Runs in every minute of [BASE + begin, BASE + end)."""
    for slot in range(BASE + begin, BASE + end, 60):
        scene.run(slot, down, **fields)


def change(scene: Scene, monitor: Monitor, at: float, **fields: Any) -> Monitor:
    return update_monitor(scene.container(at), TEAM, "http", monitor.id, Change(**fields))


def streak(scene: Scene, monitor: Monitor) -> Streak:
    entry = scene.entry(monitor)
    assert entry is not None
    return entry.streak


def totals(scene: Scene, monitor: Monitor, at: int) -> list[int]:
    """The slots of the listed results, oldest first, in seconds after BASE; their number is the total."""
    deps = scene.container(at)
    now = get_monitor(deps, TEAM, "http", monitor.id)
    page = list_results(deps, now, limit=100, offset=0)
    assert page.total == len(page.results)
    return [result.slot - BASE for result in page.results][::-1]


def test_three_failures_a_minute_apart_make_a_monitor_of_ten_minutes_down(scene: Scene) -> None:
    monitor = add(scene)
    minutes(scene, 0, 1320, [monitor])
    assert checked(scene, monitor) == [0, 60, 120, 600, 1200]
    assert scene.rows(monitor) == [(1, UP, DOWN, BASE + 120)]
    scene.settle(BASE + 1320, [monitor])


def test_a_recovery_mid_streak_returns_to_the_rhythm_of_the_anchor(scene: Scene) -> None:
    monitor = add(scene)
    minutes(scene, 0, 120, [monitor])
    minutes(scene, 120, 1860, [])
    assert checked(scene, monitor) == [0, 60, 120, 600, 1200, 1800]
    assert scene.rows(monitor) == []
    assert streak(scene, monitor) == NO_STREAK
    scene.settle(BASE + 1860)


def test_a_recovery_is_confirmed_as_fast(scene: Scene) -> None:
    monitor = add(scene)
    minutes(scene, 0, 600, [monitor])
    minutes(scene, 600, 1260, [])
    assert checked(scene, monitor) == [0, 60, 120, 600, 660, 1200]
    assert [row[2:] for row in scene.rows(monitor)] == [(DOWN, BASE + 120), (UP, BASE + 660)]
    scene.settle(BASE + 1260)


@pytest.mark.parametrize(
    ("interval", "retry", "found"),
    [
        (600, 120, [0, 120, 240, 600]),
        (600, 90, [0, 120, 240, 600]),
        (600, 240, [0, 240, 480, 600]),
        (600, 480, [0, 480, 600]),
        (600, 600, [0, 600]),
        (600, 3600, [0, 600]),
        (600, None, [0, 600]),
        (60, 60, list(range(0, 720, 60))),
        (90, 60, [0, 60, 120, 180, 240, 360, 420, 540, 600]),
    ],
)
def test_every_retry_waits_that_long_after_the_newest_result(
    scene: Scene, interval: int, retry: int | None, found: list[int]
) -> None:
    monitor = add(scene, interval, retry)
    minutes(scene, 0, 720, [monitor])
    assert checked(scene, monitor)[: len(found)] == found
    scene.settle(BASE + 720, [monitor])


def test_a_fast_monitor_is_retried_in_slots_of_ten_seconds(scene: Scene) -> None:
    monitor = scene.add(FAST_SHARD, interval=50, retry=10, needed=NEEDED, at=BASE - 20)
    for slot in range(BASE, BASE + 110, 10):
        scene.run(slot, [monitor], shard=FAST_SHARD)
    assert checked(scene, monitor) == [0, 10, 20, 50, 100]
    assert scene.rows(monitor) == [(1, UP, DOWN, BASE + 20)]
    scene.settle(BASE + 120, [monitor])


def test_less_than_a_minute_is_a_minute_for_a_monitor_of_minutes_and_it_stays_in_its_shard(
    scene: Scene,
) -> None:
    monitor = add(scene, 300, 10)
    assert monitor.placement.shard == SHARD
    minutes(scene, 0, 300, [monitor])
    assert checked(scene, monitor) == [0, 60, 120]


def test_a_healthy_monitor_and_one_without_retries_pay_nothing(scene: Scene) -> None:
    add(scene)
    other = add(scene, retry=None)
    for slot in range(BASE, BASE + 600, 60):
        scene.run(slot, [other])
        assert "ticks.note_retries" not in scene.last_plan.calls


def test_only_sparse_retries_are_noted(scene: Scene) -> None:
    sparse, dense = add(scene, 360), add(scene, 300)
    minutes(scene, 0, 120, [sparse, dense])
    noted = scene.store.items["retries", SHARD]
    assert noted == {BASE + 60: {sparse.placement.position}}


def test_a_message_that_was_overtaken_retries_nothing(scene: Scene) -> None:
    monitor, other = add(scene), scene.add()
    scene.run(BASE + 120, faults={READ: lambda: scene.run(BASE, [monitor])})
    assert streak(scene, monitor) == Streak(1, DOWN)
    scene.run(BASE + 60, [monitor])
    assert checked(scene, monitor) == [0]
    assert checked(scene, other) == [0, 120]


def test_a_disabled_monitor_is_not_retried_and_its_old_streak_not_after_the_enable(scene: Scene) -> None:
    monitor = add(scene)
    scene.run(BASE, [monitor])
    change(scene, monitor, BASE + 10, is_enabled=False)
    minutes(scene, 60, 300, [monitor])
    assert checked(scene, monitor) == [0]
    enabled = change(scene, monitor, BASE + 330, is_enabled=True)
    assert enabled.placement.anchor == BASE + 360
    minutes(scene, 420, 600, [monitor])
    assert checked(scene, monitor) == [0]
    scene.settle(BASE + 960, [monitor])


def test_a_first_run_may_begin_a_streak_that_is_retried_from_the_anchor_on(scene: Scene) -> None:
    monitor = add(scene)
    change(scene, monitor, BASE - 25, is_enabled=False)
    enabled = change(scene, monitor, BASE + 170, is_enabled=True)
    scene.run(BASE + 120, [monitor], first=enabled, at=BASE + 171)
    assert enabled.placement.anchor == BASE + 240
    minutes(scene, 180, 900, [monitor])
    assert checked(scene, monitor) == [120, 240, 300, 840]
    assert totals(scene, monitor, BASE + 900) == [120, 240, 300, 840]
    scene.settle(BASE + 900, [monitor])


def test_retries_switched_on_and_off_leave_the_rhythm_and_every_result_where_they_were(scene: Scene) -> None:
    monitor = add(scene, retry=None)
    scene.run(BASE, [monitor])
    on = change(scene, monitor, BASE + 10, spec={"retryIntervalSeconds": 120})
    assert (on.placement.anchor, on.placement.has_retries, len(on.placements)) == (BASE, True, 1)
    minutes(scene, 60, 180, [monitor])
    off = change(scene, monitor, BASE + 190, spec={"retryIntervalSeconds": None})
    assert (off.placement.anchor, off.placement.has_retries, off.spec) == (BASE, True, monitor.spec)
    minutes(scene, 180, 720, [monitor])
    assert checked(scene, monitor) == totals(scene, monitor, BASE + 720) == [0, 120, 600]
    slower = change(scene, monitor, BASE + 720, interval_seconds=900)
    assert [p.has_retries for p in slower.placements] == [True, False]
    assert totals(scene, monitor, BASE + 720) == [0, 120, 600]


def test_a_move_takes_the_streak_and_its_retries_along(scene: Scene) -> None:
    monitor = add(scene)
    minutes(scene, 0, 120, [monitor])
    moved = change(scene, monitor, BASE + 70, timeout_seconds=30.0)
    assert moved.placement.has_retries
    scene.run(BASE + 120, [monitor], shard=SLOW_SHARD)
    assert scene.rows(monitor) == [(1, UP, DOWN, BASE + 120)]
    assert totals(scene, monitor, BASE + 130) == [0, 60, 120]
    scene.settle(BASE + 180, [monitor])


def test_the_newest_value_is_a_retrys_also_before_it_is_committed(scene: Scene) -> None:
    monitor = add(scene)
    for slot in (0, 60, 120):
        faults: Faults = {("ticks.since", BEFORE): die} if slot == 120 else {}
        scene.run(BASE + slot, [monitor], faults=faults)
        deps = scene.container(BASE + slot + 20)
        now = get_monitor(deps, TEAM, "http", monitor.id)
        reading = read_monitors(deps, [now], consistent=True)[monitor.id]
        assert reading.checked_at is not None
        assert reading.checked_at.timestamp() == BASE + slot + 5
        assert (reading.status, reading.newest_status, reading.response_ms) == (UP, DOWN, 10_000)
        assert reading.reason
    scene.run(BASE + 180, [monitor])
    deps = scene.container(BASE + 590)
    reading = read_monitors(deps, [get_monitor(deps, TEAM, "http", monitor.id)], consistent=True)[monitor.id]
    assert reading.checked_at is not None
    assert reading.checked_at.timestamp() == BASE + 185
    assert (reading.status, reading.status_code, bool(reading.reason)) == (DOWN, 0, True)


# Runs that die, twice, and at once


def points(scene: Scene) -> list[tuple[int, str]]:
    return [(k, phase) for k in range(1, len(scene.last_plan.calls) + 1) for phase in (BEFORE, AFTER)]


def killed(scene: Scene, monitor: Monitor, slot: int, faults: Faults, late: list[Monitor]) -> None:
    scene.run(slot, [monitor], late, faults=faults)


def killed_and_delivered_again(
    scene: Scene, monitor: Monitor, slot: int, faults: Faults, late: list[Monitor]
) -> None:
    killed(scene, monitor, slot, faults, late)
    scene.run(slot, [monitor])
    scene.run(slot)


def interrupted_by_itself(
    scene: Scene, monitor: Monitor, slot: int, faults: Faults, late: list[Monitor]
) -> None:
    scene.run(slot, [monitor], late, faults={at: lambda: scene.run(slot, [monitor]) for at in faults})


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("disturb", [killed, killed_and_delivered_again, interrupted_by_itself])
@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("interval", [600, 300])
def test_disturbed_anywhere_in_any_run_of_a_streak_it_is_one_transition_after_three_stored_failures(
    interval: int, which: int, disturb: Any, is_late: bool
) -> None:
    def build() -> tuple[Scene, Monitor, list[Monitor]]:
        scene = Scene()
        scene.add()
        monitor = add(scene, interval)
        return scene, monitor, [monitor] if is_late else []

    undisturbed, monitor, late = build()
    for k in range(which + 1):
        undisturbed.run(BASE + 60 * k, [monitor], late)
    for at in points(undisturbed):
        scene, monitor, late = build()
        for slot in range(BASE, BASE + 2 * interval, 60):
            if slot == BASE + 60 * which:
                disturb(scene, monitor, slot, {at: die}, late)
            else:
                scene.run(slot, [monitor])
        stored = checked(scene, monitor)
        assert scene.rows(monitor) == [(1, UP, DOWN, BASE + stored[2])], at
        assert totals(scene, monitor, BASE + 2 * interval) == stored, at
        scene.settle(BASE + 2 * interval, [monitor])


def test_two_runs_killed_anywhere_still_count_what_they_stored() -> None:
    undisturbed = Scene()
    monitor = add(undisturbed)
    minutes(undisturbed, 0, 120, [monitor])
    for one in points(undisturbed):
        for other in points(undisturbed):
            scene = Scene()
            monitor = add(scene)
            scene.run(BASE, [monitor])
            scene.run(BASE + 60, [monitor], faults={one: die})
            scene.run(BASE + 120, [monitor], faults={other: die})
            minutes(scene, 180, 360, [monitor])
            stored = checked(scene, monitor)
            assert scene.rows(monitor) == [(1, UP, DOWN, BASE + stored[2])], (one, other)
            assert totals(scene, monitor, BASE + 360) == stored
            scene.settle(BASE + 360, [monitor])


def test_a_retry_that_only_one_of_two_runs_of_a_slot_knew_of_joins_the_stragglers(scene: Scene) -> None:
    """The other one, which read STATE before the streak, was first."""
    monitor, other = add(scene), scene.add()
    scene.run(BASE + 60, faults={READ: lambda: scene.run(BASE, [monitor])})
    assert checked(scene, monitor) == [0]
    scene.run(BASE + 60, [monitor])
    assert checked(scene, monitor) == [0, 60]
    assert checked(scene, other) == [0, 60]
    assert [key for key in scene.store.items["tick", SHARD] if key[0] == BASE + 60] == [
        (BASE + 60, "0"),
        (BASE + 60, "1"),
    ]
    minutes(scene, 120, 180, [monitor])
    assert scene.rows(monitor) == [(1, UP, DOWN, BASE + 120)]
    assert totals(scene, monitor, BASE + 180) == [0, 60, 120]
    scene.settle(BASE + 180, [monitor])


def test_retries_left_by_dead_runs_are_found_further_back_than_five_slots(scene: Scene) -> None:
    monitor = add(scene, 3600, 240)
    scene.run(BASE, [monitor])
    scene.run(BASE + 240, [monitor], faults={("ticks.since", BEFORE): die})
    minutes(scene, 300, 540, [], faults={("states.get", AFTER): die})
    scene.run(BASE + 540, [monitor])
    assert scene.rows(monitor) == [(1, UP, DOWN, BASE + 540)]
    assert checked(scene, monitor) == [0, 240, 540]
    scene.settle(BASE + 600, [monitor])


def test_the_sweep_finds_what_is_left_of_retries(scene: Scene) -> None:
    monitor = add(scene, HOUR)
    scene.run(BASE, [monitor])
    scene.run(BASE + 60, [monitor], faults={("ticks.since", BEFORE): die})
    scene.run(BASE + 45 * 60, [monitor])
    assert scene.rows(monitor) == [(1, UP, DOWN, BASE + 45 * 60)]
    scene.settle(BASE + 46 * 60, [monitor])


# On the engine


def test_killed_around_any_request_of_a_retry_it_is_one_transition_and_no_result_is_hidden(
    settings: Settings, client: "DynamoDBClient"
) -> None:
    scene = RealScene(settings, client)
    scene.add()
    slot, k, is_reached = BASE, 0, True
    while is_reached:
        k += 1
        for phase in (BEFORE, AFTER):
            slot += 600
            monitor = add(scene, HOUR, needed=(3, 1), at=slot - 30)
            scene.run(slot, [monitor])
            scene.run(slot + 60, [monitor], [monitor], faults={(k, phase): die})
            is_reached = k <= len(scene.last_plan.calls)
            for later in range(slot + 120, slot + 300, 60):
                scene.run(later, [monitor])
            ticks = scene.container().ticks.since(SHARD, slot, consistent=True)
            stored = [t.slot for t in ticks if t.bitmap >> monitor.placement.position & 1]
            assert len(stored) >= 3, (k, phase)
            assert scene.rows(monitor) == [(1, UP, DOWN, stored[2])], (k, phase)
            assert totals(scene, monitor, slot + 300) == [at - BASE for at in stored], (k, phase)
            change(scene, monitor, slot + 300, is_enabled=False)
    assert k > 8


# What it costs


def test_a_retry_of_a_sparse_monitor_costs_a_write_unit_more_than_another_result_of_a_streak(
    settings: Settings, client: "DynamoDBClient", capsys: pytest.CaptureFixture[str]
) -> None:
    scene = RealScene(settings, client)
    fill(scene, 198, url_length=100)
    sparse, dense = (add(scene, interval, needed=(10, 1), entry=None) for interval in (600, 300))
    units, deps = Units(client), scene.container()

    def spent(slot: int, *down: Monitor) -> tuple[float, float]:
        units.spent.clear()
        run(scene, deps, slot, {monitor.id: OUTCOMES[DOWN] for monitor in down})
        return units.writes, units.reads

    run(scene, deps, BASE - 60, {})
    spent(BASE)
    healthy = spent(BASE + 60)
    spent(BASE + 300)
    begun, retried = spent(BASE + 600, dense), spent(BASE + 660, dense)
    spent(BASE + 720)
    noted_begun, noted = spent(BASE + 1200, sparse), spent(BASE + 1260, sparse)
    with capsys.disabled():
        print(
            f"\n200 monitors (WRU, RRU a run): {healthy=} {begun=} {retried=}; sparse {noted_begun=} {noted=}"
        )
    assert begun[0] - healthy[0] == retried[0] - healthy[0] == noted_begun[0] - healthy[0] == 8
    assert noted[0] - healthy[0] == 8 + 1
    assert max(retried[1], noted[1]) <= begun[1] + 1


def test_an_edit_of_retries_costs_what_any_edit_does(
    settings: Settings, client: "DynamoDBClient", capsys: pytest.CaptureFixture[str]
) -> None:
    scene = RealScene(settings, client)
    fill(scene, 199, url_length=100)
    monitor, units = add(scene, retry=None), Units(client)

    def spent(**fields: object) -> tuple[float, float]:
        units.spent.clear()
        change(scene, monitor, BASE + 10, **fields)
        return units.writes, units.reads

    named = spent(name="Other")
    edited = spent(spec={"url": "https://e.com/longer"})
    on, other, off = (spent(spec={"retryIntervalSeconds": retry}) for retry in (60, 90, None))
    with capsys.disabled():
        print(f"\nan edit (WRU, RRU): {named=} {edited=} {on=} {other=} {off=}")
    assert on == off == edited
    assert other == named
