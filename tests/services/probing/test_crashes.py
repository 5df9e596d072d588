"""Every run killed before and after every storage call, refused, and interrupted there by somebody else.

Always: one transition for a change, one incident, nothing for what is gone, and a gap is never down.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from chalicelib.domain.monitor import Monitor
from chalicelib.services.monitors import Change, delete_monitor, update_monitor
from tests.fakes import AFTER, BEFORE

from .scene import BASE, DOWN, HOUR, TEAM, UP, Fault, Faults, Scene, collide, die, throttle

SWEEP = BASE - 15 * 60 + HOUR
"""The first slot whose run sweeps."""


@dataclass
class Case:
    """A run in which the monitor goes down for the first time, and the scene around it."""

    scene: Scene
    monitor: Monitor
    slot: int
    is_late: bool = False
    is_first: bool = False

    def run(self, faults: Faults | None = None) -> int | None:
        late = [self.monitor] if self.is_late else []
        first = self.monitor if self.is_first else None
        return self.scene.run(self.slot, [self.monitor], late, faults=faults, first=first)

    @property
    def is_stored(self) -> bool:
        return (self.monitor.id, self.slot) in self.scene.invariants.results


def regular(interval: int) -> Case:
    scene = Scene()
    scene.add()
    return Case(scene, scene.add(interval=interval, at=BASE - 30), BASE)


def straggler(interval: int) -> Case:
    case = regular(interval)
    return Case(case.scene, case.monitor, BASE, is_late=True)


def first_run(interval: int) -> Case:
    scene = Scene()
    scene.add()
    return Case(scene, scene.add(interval=interval, at=BASE + 50, entry=None), BASE, is_first=True)


def sweep(interval: int) -> Case:
    scene = Scene()
    scene.add()
    monitor = scene.add(interval=interval, at=SWEEP - 30)
    for slot in range(SWEEP - 300, SWEEP, 60):
        scene.run(slot)
    return Case(scene, monitor, SWEEP)


Build = Callable[[int], Case]


def told(build: Build) -> Build:
    """Everybody's results have a text."""

    def build_told(interval: int) -> Case:
        case = build(interval)
        monitors = case.scene.store.items["monitor"]
        case.scene.texts = {monitor_id: f"198.51.100.{n}" for n, monitor_id in enumerate(monitors)}
        return case

    build_told.__name__ = f"told_{build.__name__}"
    return build_told


CASES = [regular, straggler, first_run, sweep, told(regular), told(straggler), told(first_run)]


def everywhere(build: Build, interval: int) -> list[tuple[int, str]]:
    case = build(interval)
    case.run()
    return [(k, phase) for k in range(1, len(case.scene.last_plan.calls) + 1) for phase in (BEFORE, AFTER)]


@pytest.mark.parametrize("build", CASES)
def test_an_undisturbed_run_makes_one_transition(build: Build) -> None:
    case = build(60)
    case.run()
    before = None if case.is_first else UP
    assert case.scene.rows(case.monitor) == [(1, before, DOWN, case.slot)]
    case.scene.settle(case.slot + 60, [case.monitor])
    assert len(case.scene.rows(case.monitor)) == 1
    assert case.scene.open_incidents(case.monitor) == 1


@pytest.mark.parametrize("build", CASES)
def test_killed_anywhere_a_lasting_failure_is_one_transition(build: Build) -> None:
    for at in everywhere(build, 60):
        case = build(60)
        assert case.run({at: die}) is None, at
        case.scene.settle(case.slot + 60, [case.monitor])
        rows = case.scene.rows(case.monitor)
        assert [(row[0], row[2]) for row in rows] == [(1, DOWN)], at
        assert case.scene.open_incidents(case.monitor) == 1, at


@pytest.mark.parametrize("build", CASES)
def test_killed_anywhere_a_failure_that_passed_is_told_whole_or_not_at_all(build: Build) -> None:
    """A first run's result is followed by none of the next slot, so its tick alone is enough there."""
    for at in everywhere(build, 60):
        case = build(60)
        case.run({at: die})
        is_told = case.is_stored if case.is_first else bool(case.scene.rows(case.monitor))
        case.scene.settle(case.slot + 60)
        assert len(case.scene.rows(case.monitor)) == 2 * is_told, at
        assert case.scene.open_incidents(case.monitor) == 0, at


@pytest.mark.parametrize("build", CASES)
def test_killed_anywhere_an_hourly_monitors_change_is_there_a_minute_later_if_it_was_stored(
    build: Build,
) -> None:
    for at in everywhere(build, HOUR):
        case = build(HOUR)
        case.run({at: die})
        case.scene.run(case.slot + 60)
        rows = case.scene.rows(case.monitor)
        assert [row[2:] for row in rows] == [(DOWN, case.slot)] * case.is_stored, at
        case.scene.settle(case.slot + 120, [case.monitor] * len(rows))
        assert case.scene.rows(case.monitor) == rows, at


@pytest.mark.parametrize("build", CASES)
def test_a_message_delivered_again_after_a_kill_finishes_the_run(build: Build) -> None:
    for at in everywhere(build, HOUR):
        case = build(HOUR)
        case.run({at: die})
        case.run()
        assert len(case.scene.rows(case.monitor)) == 1, at
        case.scene.settle(case.slot + 60, [case.monitor])
        assert len(case.scene.rows(case.monitor)) == 1, at


def test_two_runs_killed_in_a_row_leave_one_transition() -> None:
    points = everywhere(regular, HOUR)
    for one in points:
        for other in points:
            case = regular(HOUR)
            case.run({one: die})
            case.scene.run(BASE + 60, faults={other: die})
            case.scene.settle(BASE + 120)
            assert [row[2:] for row in case.scene.rows(case.monitor)] == [(DOWN, BASE)] * case.is_stored


@pytest.mark.parametrize("build", CASES)
@pytest.mark.parametrize("phase", [BEFORE, AFTER])
@pytest.mark.parametrize("fault", [collide, throttle])
def test_collisions_lost_answers_and_throttles_anywhere_leave_one_transition(
    build: Build, fault: Fault, phase: str
) -> None:
    """A collision stands for TransactionConflict, so it can only meet the transaction."""
    for k, _ in everywhere(build, 60)[::2]:
        case = build(60)
        case.run()
        is_transaction = case.scene.last_plan.calls[k - 1] == "states.commit"
        if fault is collide and not is_transaction:
            continue
        case = build(60)
        case.run({(k, phase): fault})
        if fault is collide:
            assert len(case.scene.rows(case.monitor)) == 1, k
        case.scene.settle(case.slot + 60, [case.monitor])
        assert len(case.scene.rows(case.monitor)) == 1, k


def test_a_run_gives_up_after_five_lost_states_and_a_first_run_after_two() -> None:
    for build, tries in ((regular, 5), (first_run, 2)):
        case = build(HOUR)
        case.scene.store.on_call = colliding(case.scene)
        case.run()
        case.scene.store.on_call = case.scene.on_call
        assert case.scene.last_plan.calls.count("states.commit") == tries
        assert case.scene.rows(case.monitor) == []
        case.scene.run(BASE + 60)
        assert [row[2:] for row in case.scene.rows(case.monitor)] == [(DOWN, BASE)]


def colliding(scene: Scene) -> Callable[[str, str], None]:
    def on_call(verb: str, phase: str) -> None:
        scene.on_call(verb, phase)
        if (verb, phase) == ("states.commit", BEFORE):
            collide()

    return on_call


Intruder = Callable[[Case], object]


def intruders() -> dict[str, Intruder]:
    def change(**fields: object) -> Intruder:
        return lambda case: update_monitor(
            case.scene.container(BASE + 6),
            TEAM,
            "http",
            case.monitor.id,
            Change(**fields),  # type: ignore[arg-type]
        )

    return {
        "the same slot, seen differently": lambda case: case.scene.run(BASE),
        "the same slot, seen alike": lambda case: case.scene.run(BASE, [case.monitor]),
        "the slot before": lambda case: case.scene.run(BASE - 60),
        "the slot before, down": lambda case: case.scene.run(BASE - 60, [case.monitor]),
        "the next slot, up": lambda case: case.scene.run(BASE + 60),
        "the next slot, down": lambda case: case.scene.run(BASE + 60, [case.monitor]),
        "delete": lambda case: delete_monitor(case.scene.container(BASE + 6), TEAM, "http", case.monitor.id),
        "disable": change(is_enabled=False),
        "edit": change(spec={"url": "https://e.com/other"}),
        "interval": change(interval_seconds=300),
        "move to the slow": change(timeout_seconds=30.0),
        "move to the fast": change(interval_seconds=10),
        "another monitor": lambda case: case.scene.add(at=BASE + 6, entry=None),
    }


@pytest.mark.parametrize("name", intruders())
@pytest.mark.parametrize("build", [regular, straggler, first_run, told(straggler)])
def test_interrupted_anywhere_the_invariants_hold(build: Build, name: str) -> None:
    intruder = intruders()[name]
    for at in everywhere(build, 60):
        case = build(60)
        case.run({at: lambda case=case: intruder(case)})  # type: ignore[misc]
        case.scene.settle(BASE + 120, [case.monitor])
        assert case.scene.open_incidents(case.monitor) <= 1, at


@pytest.mark.parametrize(
    "name", ["the same slot, seen differently", "the next slot, up", "the next slot, down"]
)
def test_interrupted_by_a_run_that_is_killed_in_its_turn_the_invariants_hold(name: str) -> None:
    points = everywhere(regular, 60)
    for at in points:
        for killed_at in points:
            case = regular(60)
            slot = BASE if "same" in name else BASE + 60
            down = [case.monitor] if "down" in name else []

            def intrude(
                case: Case = case,
                slot: int = slot,
                down: list[Monitor] = down,
                k: tuple[int, str] = killed_at,
            ) -> None:
                case.scene.run(slot, down, faults={k: die})

            case.run({at: intrude})
            case.scene.settle(BASE + 120, [case.monitor])
            assert len(case.scene.rows(case.monitor)) % 2 == 1, (at, killed_at)


@pytest.mark.parametrize("name", ["delete", "disable", "move to the slow"])
def test_a_run_writes_nothing_for_a_monitor_that_went_between_its_read_and_its_write(name: str) -> None:
    for at in everywhere(regular, 60):
        case, told = regular(60), [0]

        def intrude(case: Case = case, told: list[int] = told) -> None:
            intruders()[name](case)
            told[0] = len(case.scene.rows(case.monitor))

        case.run({at: intrude})
        assert len(case.scene.rows(case.monitor)) == told[0], at
        case.scene.check()


def test_two_hundred_failures_at_once_killed_around_every_batch_are_told_once_each() -> None:
    for at in mass_commits():
        scene, monitors = mass()
        assert scene.run(BASE, monitors, faults={at: die}) is None
        assert sum(len(scene.rows(m)) for m in monitors) % 49 in (0, 200 % 49)
        scene.run(BASE + 60, monitors)
        assert [len(scene.rows(m)) for m in monitors] == [1] * 200, at
        scene.settle(BASE + 120, monitors)
        assert [scene.open_incidents(m) for m in monitors] == [1] * 200, at


def test_two_hundred_failures_at_once_take_five_transactions() -> None:
    scene, monitors = mass()
    version = scene.state().version
    scene.run(BASE, monitors)
    assert scene.state().version == version + 5
    scene.settle(BASE + 60)
    assert [len(scene.rows(m)) for m in monitors] == [2] * 200


def mass() -> tuple[Scene, list[Monitor]]:
    scene = Scene()
    return scene, [scene.add(limit=200) for _ in range(200)]


def mass_commits() -> list[tuple[int, str]]:
    scene, monitors = mass()
    scene.run(BASE, monitors)
    calls = scene.last_plan.calls
    return [(k, p) for k, verb in enumerate(calls, 1) if verb == "states.commit" for p in (BEFORE, AFTER)]
