"""Runs of monitors whose changes need confirmation: one transition for each confirmed change, whatever
happens to the runs, and none before."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.confirmation import NO_STREAK, Streak
from chalicelib.domain.monitor import Monitor
from chalicelib.services.badges import badge_state
from chalicelib.services.monitors import Change, get_monitor, update_monitor
from chalicelib.services.readings import read_monitors
from chalicelib.settings import Settings
from tests.domain.confirmed import spec_of
from tests.fakes import AFTER, BEFORE

from .scene import (
    BASE,
    DEGRADED,
    DOWN,
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
FAULTS = [BASE, BASE + 60, BASE + 120]
SWEEP = BASE - 15 * 60 + HOUR


@pytest.fixture
def scene() -> Scene:
    return Scene()


def streak(scene: Scene, monitor: Monitor) -> Streak:
    entry = scene.entry(monitor)
    assert entry is not None
    return entry.streak


def now(monitor: Monitor, scene: Scene) -> Monitor:
    return get_monitor(scene.container(), TEAM, "http", monitor.id)


def change(scene: Scene, monitor: Monitor, at: float, **fields: object) -> Monitor:
    return update_monitor(scene.container(at), TEAM, "http", monitor.id, Change(**fields))  # type: ignore[arg-type]


def test_three_failures_make_it_down_and_two_answers_up_again(scene: Scene) -> None:
    monitor = scene.add(needed=NEEDED)
    for slot in FAULTS[:2]:
        scene.run(slot, [monitor])
        assert scene.rows(monitor) == []
    scene.run(FAULTS[2], [monitor])
    assert scene.rows(monitor) == [(1, UP, DOWN, FAULTS[2])]
    scene.run(BASE + 180)
    scene.run(BASE + 240, [monitor])
    assert scene.open_incidents(monitor) == 1
    scene.run(BASE + 300)
    scene.run(BASE + 360)
    assert scene.rows(monitor)[1:] == [(2, DOWN, UP, BASE + 360)]
    assert scene.open_incidents(monitor) == 0
    scene.settle(BASE + 420)


def test_single_failures_are_no_transition_and_results_keep_their_own_status(scene: Scene) -> None:
    monitor = scene.add(needed=(2, 1))
    for slot in range(BASE, BASE + 600, 60):
        scene.run(slot, [monitor] if slot % 120 == 0 else [])
    assert scene.rows(monitor) == []
    told = {scene.invariants.results[monitor.id, slot][0] for slot in range(BASE, BASE + 600, 60)}
    assert told == {UP, DOWN}
    scene.settle(BASE + 600)


def test_the_mildest_of_what_confirmed_it_is_the_new_status(scene: Scene) -> None:
    monitor = scene.add(needed=NEEDED)
    scene.run(FAULTS[0], [monitor])
    scene.run(FAULTS[1], degraded=[monitor])
    scene.run(FAULTS[2], [monitor])
    assert scene.rows(monitor) == [(1, UP, DEGRADED, FAULTS[2])]
    for slot in (BASE + 180, BASE + 240):
        scene.run(slot, [monitor])
        assert len(scene.rows(monitor)) == 1
    scene.run(BASE + 300, [monitor])
    assert scene.rows(monitor)[1:] == [(2, DEGRADED, DOWN, BASE + 300)]
    scene.settle(BASE + 360, [monitor])


def test_the_first_result_of_all_decides_at_once(scene: Scene) -> None:
    monitor = scene.add(needed=NEEDED, at=BASE + 50, entry=None)
    scene.run(BASE, [monitor], first=monitor)
    assert scene.rows(monitor) == [(1, None, DOWN, BASE)]
    scene.settle(BASE + 60, [monitor])


def test_a_healthy_monitor_writes_nothing(scene: Scene) -> None:
    scene.add(needed=NEEDED)
    for slot in range(BASE, BASE + 300, 60):
        scene.run(slot)
        assert "states.commit" not in scene.last_plan.calls


def test_a_badge_and_a_reading_show_what_is_confirmed(scene: Scene) -> None:
    monitor = scene.add(needed=NEEDED)
    change(scene, monitor, BASE - 200, is_public=True)
    for slot, word in zip(FAULTS, ("up", "up", "down"), strict=True):
        scene.run(slot, [monitor])
        deps = scene.container(slot + 10)
        assert badge_state(deps, monitor.id) == word
        reading = read_monitors(deps, [now(monitor, scene)], consistent=True)[monitor.id]
        assert reading.status is not None
        assert reading.checked_at is not None
        assert (reading.status.name.lower(), reading.newest_status) == (word, DOWN)
        assert (reading.response_ms, reading.checked_at.timestamp()) == (10_000, slot + 5)


# Runs that die


def points(scene: Scene) -> list[tuple[int, str]]:
    return [(k, phase) for k in range(1, len(scene.last_plan.calls) + 1) for phase in (BEFORE, AFTER)]


Disturb = Callable[[Scene, Monitor, int, Faults], object]


def killed(scene: Scene, monitor: Monitor, slot: int, faults: Faults) -> None:
    scene.run(slot, [monitor], faults=faults)


def killed_and_delivered_again(scene: Scene, monitor: Monitor, slot: int, faults: Faults) -> None:
    killed(scene, monitor, slot, faults)
    scene.run(slot, [monitor])
    scene.run(slot)


def interrupted_by_itself(scene: Scene, monitor: Monitor, slot: int, faults: Faults) -> None:
    scene.run(slot, [monitor], faults={at: lambda: scene.run(slot, [monitor]) for at in faults})


@pytest.mark.parametrize("interval", [60, 120, 300])
@pytest.mark.parametrize("disturb", [killed, killed_and_delivered_again, interrupted_by_itself])
@pytest.mark.parametrize("which", range(3))
def test_disturbed_anywhere_in_any_run_of_a_streak_three_stored_failures_are_one_transition(
    which: int, disturb: Disturb, interval: int
) -> None:
    undisturbed = Scene()
    monitor = undisturbed.add(interval=interval, needed=NEEDED, at=BASE - 30)
    for k in range(which + 1):
        undisturbed.run(BASE + k * interval, [monitor])
    for at in points(undisturbed):
        scene = Scene()
        monitor = scene.add(interval=interval, needed=NEEDED, at=BASE - 30)
        slots = [BASE + k * interval for k in range(3)]
        for slot in range(BASE, slots[-1] + 60, 60):
            if slot == slots[which]:
                disturb(scene, monitor, slot, {at: die})
            else:
                scene.run(slot, [monitor])
        scene.run(slots[-1] + 60, [monitor])
        stored = [slot for slot in (*slots, slots[-1] + 60) if (monitor.id, slot) in scene.invariants.results]
        wanted = [(1, UP, DOWN, stored[2])] if len(stored) > 2 else []
        assert scene.rows(monitor) == wanted, at
        scene.settle(slots[-1] + 120, [monitor])


def test_two_runs_killed_anywhere_still_count_what_they_stored() -> None:
    undisturbed = Scene()
    undisturbed.run(BASE, [undisturbed.add(needed=NEEDED)])
    for one in points(undisturbed):
        for other in points(undisturbed):
            scene = Scene()
            monitor = scene.add(needed=NEEDED)
            scene.run(BASE, [monitor], faults={one: die})
            scene.run(BASE + 60, [monitor], faults={other: die})
            for slot in range(BASE + 120, BASE + 300, 60):
                scene.run(slot, [monitor])
            stored = sorted(
                slot for id, slot in scene.invariants.results if id == monitor.id and slot >= BASE
            )
            assert scene.rows(monitor) == [(1, UP, DOWN, stored[2])], (one, other)
            scene.settle(BASE + 300, [monitor])


def test_a_fault_and_its_recovery_that_dead_runs_left_are_both_told(scene: Scene) -> None:
    monitor = scene.add(needed=(2, 2))
    for k, down in enumerate([[monitor], [monitor], [], []]):
        scene.run(BASE + 60 * k, down, faults={("ticks.since", BEFORE): die})
    assert scene.rows(monitor) == []
    scene.run(BASE + 240)
    assert scene.rows(monitor) == [(1, UP, DOWN, BASE + 60), (2, DOWN, UP, BASE + 180)]
    assert scene.open_incidents(monitor) == 0
    scene.settle(BASE + 300)


def test_the_sweep_counts_what_no_run_did(scene: Scene) -> None:
    monitor = scene.add(needed=(2, 1), interval=300, at=BASE - 30)
    for slot in (BASE, BASE + 300):
        scene.run(slot, [monitor], faults={("ticks.since", BEFORE): die})
    scene.run(SWEEP - 60)
    scene.run(SWEEP, [monitor])
    assert scene.rows(monitor)[0] == (1, UP, DOWN, BASE + 300)
    scene.settle(SWEEP + 60, [monitor])


def test_a_straggler_counts_in_its_slot_unless_a_newer_result_has_counted(scene: Scene) -> None:
    monitor = scene.add(needed=(2, 1))
    scene.run(BASE, [monitor], late=[monitor])
    assert streak(scene, monitor) == Streak(1, DOWN)
    deps = scene.container()
    deps.checks.on_collect = lambda is_second: scene.run(BASE + 120, [monitor]) if is_second else None
    scene.run(BASE + 60, late=[monitor], deps=deps)
    assert scene.rows(monitor) == [(1, UP, DOWN, BASE + 120)]
    scene.settle(BASE + 180, [monitor])


# Changes of the configuration


def test_a_move_takes_the_streak_along(scene: Scene) -> None:
    monitor = scene.add(needed=NEEDED)
    for slot in FAULTS[:2]:
        scene.run(slot, [monitor])
    moved = change(scene, monitor, BASE + 66, timeout_seconds=30.0)
    assert streak(scene, moved) == Streak(2, DOWN)
    first = moved.placement.anchor
    scene.run(first, [monitor], shard=SLOW_SHARD)
    assert scene.rows(monitor) == [(1, UP, DOWN, first)]
    scene.settle(first + 60, [monitor])


def test_a_move_counts_what_a_dead_run_has_stored_but_leaves_the_transition_to_the_next(scene: Scene) -> None:
    monitor = scene.add(needed=NEEDED)
    for slot in FAULTS:
        scene.run(slot, [monitor], faults={("ticks.since", BEFORE): die})
    moved = change(scene, monitor, BASE + 126, timeout_seconds=30.0)
    assert streak(scene, moved) == Streak(2, DOWN)
    assert scene.rows(monitor) == []
    scene.run(moved.placement.anchor, [monitor], shard=SLOW_SHARD)
    assert len(scene.rows(monitor)) == 1
    scene.settle(moved.placement.anchor + 60, [monitor])


@pytest.mark.parametrize("is_first_run", [True, False])
def test_an_enable_begins_anew(scene: Scene, is_first_run: bool) -> None:
    monitor = scene.add(needed=NEEDED)
    for slot in FAULTS[:2]:
        scene.run(slot, [monitor])
    change(scene, monitor, BASE + 70, is_enabled=False)
    scene.run(BASE + 120)
    assert streak(scene, monitor) == Streak(2, DOWN)
    enabled = change(scene, monitor, BASE + 250, is_enabled=True)
    if is_first_run:
        scene.run(BASE + 240, [monitor], first=enabled, at=BASE + 252)
    slots = [BASE + 240] * is_first_run + [BASE + 300, BASE + 360, BASE + 420]
    for slot in slots[is_first_run:3]:
        assert scene.rows(monitor) == []
        scene.run(slot, [monitor])
    assert scene.rows(monitor) == [(1, UP, DOWN, slots[2])]
    scene.settle(BASE + 480, [monitor])


def test_other_edits_leave_a_streak_alone(scene: Scene) -> None:
    monitor = scene.add(needed=NEEDED)
    for slot in FAULTS[:2]:
        scene.run(slot, [monitor])
    change(scene, monitor, BASE + 70, name="Other", spec={"url": "https://e.com/other"}, interval_seconds=120)
    scene.run(BASE + 120, [monitor])
    assert scene.rows(monitor) == [(1, UP, DOWN, BASE + 120)]
    scene.settle(BASE + 180, [monitor])


def test_one_again_is_as_if_there_had_never_been_confirmations(scene: Scene) -> None:
    monitor = scene.add(needed=NEEDED)
    scene.run(BASE, [monitor])
    plain = change(scene, monitor, BASE + 10, spec=spec_of((1, 1)))
    assert plain.spec == scene.add().spec
    scene.run(BASE + 60)
    assert scene.rows(monitor) == []
    assert streak(scene, monitor) == NO_STREAK
    scene.run(BASE + 120, [monitor])
    assert scene.rows(monitor) == [(1, UP, DOWN, BASE + 120)]
    scene.settle(BASE + 180, [monitor])


def test_asking_for_what_it_is_changes_nothing(scene: Scene) -> None:
    monitor = scene.add()
    assert change(scene, monitor, BASE, spec=spec_of((1, 1))).rev == monitor.rev


# What it costs


def test_a_streak_costs_a_write_of_state_a_result_and_nothing_else(
    settings: Settings, client: "DynamoDBClient", capsys: pytest.CaptureFixture[str]
) -> None:
    scene = RealScene(settings, client)
    fill(scene, 199, url_length=100)
    monitor = scene.add(needed=NEEDED, entry=None)
    units, deps = Units(client), scene.container()

    def spent(slot: int, outcome: object) -> tuple[float, float]:
        units.spent.clear()
        assert run(scene, deps, slot, {monitor.id: outcome}) == 200
        return units.writes, units.reads

    run(scene, deps, BASE - 60, {})
    healthy = spent(BASE, OUTCOMES[UP])
    counted = spent(BASE + 60, OUTCOMES[DOWN])
    counted_again, confirmed = spent(BASE + 120, OUTCOMES[DOWN]), spent(BASE + 180, OUTCOMES[DOWN])
    steady = spent(BASE + 240, OUTCOMES[DOWN])
    with capsys.disabled():
        print(
            f"\n200 monitors (WRU, RRU a run): {healthy=} {counted=} {counted_again=} {confirmed=} {steady=}"
        )
    assert counted[0] - healthy[0] == counted_again[0] - healthy[0] == 8
    assert confirmed[0] - healthy[0] == 8 + 2 + 2
    assert steady[0] == healthy[0]
    assert scene.state(SHARD).entries[monitor.placement.position].status is DOWN
