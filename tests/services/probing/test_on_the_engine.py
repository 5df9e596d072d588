"""The same crashes over the real stores on the embedded engine, a smaller choice of them.

Here faults sit around every single request that botocore sends.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.monitor import Monitor
from chalicelib.domain.text import TextRef
from chalicelib.services.monitors import Change, delete_monitor, update_monitor
from chalicelib.settings import Settings
from tests.fakes import AFTER, BEFORE

from .scene import (
    BASE,
    DOWN,
    HOUR,
    SHARD,
    TEAM,
    UP,
    Faults,
    RealScene,
    Scene,
    collide,
    die,
    throttle,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

COMMIT = "TransactWriteItems"
SWEEP = BASE - 15 * 60 + HOUR


@pytest.fixture
def scene(settings: Settings, client: "DynamoDBClient") -> Scene:
    return RealScene(settings, client)


def rounds(
    scene: Scene, start: int, disturb: Callable[[Monitor, int, Faults], object], interval: int = 60
) -> int:
    """Disturb one run after another, each of a new monitor, at call 1, 2, ... of the run, before and after.

    Returns at how many points it was disturbed.
    """
    k, slot = 0, start
    while True:
        k += 1
        for phase in (BEFORE, AFTER):
            monitor = scene.add(at=slot - 30, interval=interval)
            disturb(monitor, slot, {(k, phase): die})
            is_reached = k <= len(scene.last_plan.calls)
            delete_monitor(scene.container(slot + 200), TEAM, "http", monitor.id)
            slot += 240
        if not is_reached:
            return k - 1


def test_killed_around_any_request_a_lasting_failure_is_one_transition(scene: Scene) -> None:
    scene.add()

    def disturb(monitor: Monitor, slot: int, faults: Faults) -> None:
        scene.run(slot, [monitor], faults=faults)
        plan = scene.last_plan
        for later in (slot + 60, slot + 120):
            scene.run(later, [monitor])
            assert [(row[0], row[2]) for row in scene.rows(monitor)] == [(1, DOWN)], faults
        assert scene.open_incidents(monitor) == 1
        scene.last_plan = plan

    assert rounds(scene, BASE, disturb) >= 6


def test_killed_around_any_request_an_hourly_monitors_change_is_told_if_it_was_stored(scene: Scene) -> None:
    scene.add()

    def disturb(monitor: Monitor, slot: int, faults: Faults) -> None:
        scene.run(slot, [monitor], late=[monitor], faults=faults)
        plan = scene.last_plan
        scene.run(slot + 60)
        ticks = scene.container().ticks.since(SHARD, slot, consistent=True)
        is_stored = any(tick.outcome(monitor.placement.position) for tick in ticks)
        assert [row[2:] for row in scene.rows(monitor)] == [(DOWN, slot)] * is_stored, faults
        scene.last_plan = plan

    assert rounds(scene, BASE, disturb, interval=HOUR) >= 8


def test_killed_around_any_request_of_its_first_run_a_monitor_has_one_transition(scene: Scene) -> None:
    scene.add()

    def disturb(monitor: Monitor, slot: int, faults: Faults) -> None:
        scene.run(slot - 60, [monitor], faults=faults, first=monitor)
        plan = scene.last_plan
        scene.run(slot, [monitor])
        assert [(row[0], row[2]) for row in scene.rows(monitor)] == [(1, DOWN)], faults
        scene.last_plan = plan

    assert rounds(scene, BASE, disturb) >= 6


def test_killed_around_any_request_of_a_sweep_the_next_run_sweeps(scene: Scene) -> None:
    scene.add()

    def disturb(monitor: Monitor, slot: int, faults: Faults) -> None:
        state = scene.state()
        deps = scene.container()
        deps.states.commit(SHARD, state, state.entries, BASE - 600, ())
        at = slot + HOUR
        scene.run(at, [monitor], faults=faults)
        plan = scene.last_plan
        scene.run(at + 60, [monitor])
        assert len(scene.rows(monitor)) == 1, faults
        assert scene.state().swept in (at, at + 60)
        scene.last_plan = plan

    assert rounds(scene, SWEEP, disturb) >= 8


def test_killed_around_any_request_a_run_leaves_no_tick_whose_texts_are_missing(scene: Scene) -> None:
    scene.add()
    seen: list[bool] = []

    def disturb(monitor: Monitor, slot: int, faults: Faults) -> None:
        scene.texts = {monitor.id: f"198.51.100.{len(seen)}"}
        scene.run(slot, late=[monitor], faults=faults)
        deps, position = scene.container(), monitor.placement.position
        ids = [tick.text_id(position) for tick in deps.ticks.since(SHARD, slot, consistent=True)]
        refs = [TextRef(SHARD, position, id) for id in ids if id]
        assert deps.texts.pick(refs, consistent=True) == dict.fromkeys(refs, scene.texts[monitor.id]), faults
        seen.append(bool(refs))

    assert rounds(scene, BASE, disturb, interval=HOUR) >= 10
    assert True in seen
    assert False in seen


@pytest.mark.parametrize("phase", [BEFORE, AFTER])
def test_a_transaction_that_collides_or_loses_its_answer_is_told_once(scene: Scene, phase: str) -> None:
    monitor = scene.add()
    assert scene.run(BASE, [monitor], faults={(COMMIT, phase): collide}) == 1
    assert scene.rows(monitor) == [(1, UP, DOWN, BASE)]
    assert scene.last_plan.calls.count(COMMIT) == (2 if phase == BEFORE else 1)


def test_a_throttled_transaction_is_tried_again(scene: Scene) -> None:
    monitor = scene.add()
    assert scene.run(BASE, [monitor], faults={(COMMIT, BEFORE): throttle}) == 1
    assert scene.rows(monitor) == [(1, UP, DOWN, BASE)]


def test_a_run_interrupted_at_any_request_by_the_next_slots_run_is_told_once(scene: Scene) -> None:
    scene.add()

    def disturb(monitor: Monitor, slot: int, faults: Faults) -> None:
        (at,) = faults
        plan_of_outer = scene.run(slot, [monitor], faults={at: lambda: scene.run(slot + 60, [monitor])})
        assert plan_of_outer is not None
        assert [row[2] for row in scene.rows(monitor)] == [DOWN], faults

    assert rounds(scene, BASE, disturb) >= 5


@pytest.mark.parametrize("what", ["delete", "disable", "move"])
def test_a_run_whose_monitor_goes_at_any_request_writes_nothing_for_it_afterwards(
    scene: Scene, what: str
) -> None:
    scene.add()

    def go(monitor: Monitor, slot: int, told: list[int]) -> None:
        deps = scene.container(slot + 6)
        if what == "delete":
            delete_monitor(deps, TEAM, "http", monitor.id)
        else:
            change = Change(is_enabled=False) if what == "disable" else Change(timeout_seconds=30.0)
            update_monitor(deps, TEAM, "http", monitor.id, change)
        told.append(len(scene.rows(monitor)))

    slot = BASE
    for at in [(k, phase) for k in range(1, 9) for phase in (BEFORE, AFTER)]:
        slot += 240
        told: list[int] = []
        monitor = scene.add(at=slot - 30)

        def intrude(monitor: Monitor = monitor, slot: int = slot, told: list[int] = told) -> None:
            go(monitor, slot, told)

        scene.run(slot, [monitor], faults={at: intrude})
        if not told:
            break
        assert len(scene.rows(monitor)) == told[0], at
        scene.run(slot + 60)
        assert len(scene.rows(monitor)) == told[0], at


def test_a_mass_failure_killed_after_the_second_batch_is_told_once_each(scene: Scene) -> None:
    monitors = [scene.add(limit=110, entry=None) for _ in range(110)]
    deps = scene.container()
    scene.run(BASE, deps=deps)
    commits = [0]

    def on_call(verb: str, phase: str) -> None:
        scene_on_call(verb, phase)
        commits[0] += (verb, phase) == (COMMIT, AFTER)
        if commits[0] == 2:
            commits[0] = 3
            die()

    scene_on_call, scene.on_call = scene.on_call, on_call  # type: ignore[method-assign]
    assert scene.run(BASE + 60, monitors, deps=deps) is None
    assert scene.state().version == 3
    scene.run(BASE + 120, monitors, deps=deps)
    assert [len(scene.rows(m)) for m in monitors] == [1] * 110
