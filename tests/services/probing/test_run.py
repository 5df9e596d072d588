"""What one run does, in the words of the design."""

from datetime import timedelta

import pytest

from chalicelib.domain import positions
from chalicelib.domain.counts import Counts
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.tick import MAIN, STRAGGLERS, Tick, first_run_part
from chalicelib.services.monitors import Change, update_monitor
from chalicelib.services.probing.observe import MAIN_TICK_SECONDS
from tests.fakes import AFTER, BEFORE, FakeCheckRun

from .scene import (
    BASE,
    DEGRADED,
    DOWN,
    FAST_SHARD,
    HOUR,
    SHARD,
    SLOW_SHARD,
    TEAM,
    UP,
    Scene,
    collide,
    die,
    throttle,
)

SWEEP = BASE - 15 * 60 + HOUR
PUT = "ticks.put"


@pytest.fixture
def scene() -> Scene:
    return Scene()


def ticks(scene: Scene, slot: int, shard: str = SHARD) -> dict[str, list[int]]:
    """The positions of each part of a slot's ticks."""
    stored: dict[tuple[int, str], Tick] = scene.store.items["tick", shard]
    return {part: list(positions.members(t.bitmap)) for (at, part), t in stored.items() if at == slot}


def test_a_steady_run_makes_four_calls_and_keeps_its_pack_warm(scene: Scene) -> None:
    scene.add()
    deps = scene.container()
    for slot in range(BASE - 300, BASE + 60, 60):
        assert scene.run(slot, deps=deps) == (slot >= BASE - 240)
    assert scene.last_plan.calls == ["states.get", "ticks.is_overtaken", "ticks.put", "ticks.since"]


def test_a_configuration_write_makes_the_next_run_read_the_members_again(scene: Scene) -> None:
    scene.add()
    deps = scene.container()
    scene.run(BASE, deps=deps)
    scene.add(at=BASE - 100)
    assert scene.run(BASE + 60, deps=deps) == 2
    assert scene.last_plan.calls[2:5] == ["members.pack", "members.all", "members.all"]


def test_another_container_takes_the_saved_pack(scene: Scene) -> None:
    scene.add()
    scene.run(BASE)
    scene.run(BASE + 60)
    assert "members.pack" in scene.last_plan.calls
    assert "members.all" not in scene.last_plan.calls


def test_a_shard_that_does_not_exist_is_nobodys_work(scene: Scene) -> None:
    assert scene.run(BASE, shard="enam.normal.00009") == 0
    assert scene.last_plan.calls == ["states.get"]


def test_a_doubled_run_that_saw_something_else_adopts_the_stored_tick(scene: Scene) -> None:
    monitor = scene.add()
    scene.run(BASE)
    scene.run(BASE, [monitor])
    assert scene.rows(monitor) == []
    scene.run(BASE + 60, [monitor])
    scene.run(BASE + 60)
    assert scene.rows(monitor) == [(1, UP, DOWN, BASE + 60)]
    scene.settle(BASE + 120, [monitor])


def test_doubled_runs_that_saw_different_things_at_once_agree_on_the_first_tick(scene: Scene) -> None:
    monitor = scene.add()
    scene.run(BASE, [monitor], faults={(PUT, BEFORE): lambda: scene.run(BASE)})
    assert scene.rows(monitor) == []
    scene.settle(BASE + 60)


def test_the_main_tick_waits_twelve_seconds_and_the_stragglers_have_their_own(scene: Scene) -> None:
    quick, slow = scene.add(), scene.add()
    deps = scene.container()
    waited: list[bool] = []
    deps.checks.on_collect = waited.append
    scene.run(BASE, [slow], late=[slow], deps=deps)
    assert waited == [False, True]
    assert ticks(scene, BASE) == {MAIN: [quick.placement.position], STRAGGLERS: [slow.placement.position]}
    assert scene.rows(slow) == [(1, UP, DOWN, BASE)]
    assert MAIN_TICK_SECONDS == 12
    assert deps.checks.closed == 1


def test_stragglers_are_exactly_what_the_adopted_main_tick_lacks(scene: Scene) -> None:
    one, other = scene.add(), scene.add()
    scene.run(BASE, late=[one], faults={(PUT, AFTER): die})
    main = ticks(scene, BASE)[MAIN]
    assert main == [other.placement.position]
    scene.run(BASE, [one, other], late=[other])
    assert ticks(scene, BASE)[STRAGGLERS] == [one.placement.position]
    assert scene.rows(one) == [(1, UP, DOWN, BASE)]
    assert scene.rows(other) == []
    scene.settle(BASE + 60, [one])


def test_a_straggler_of_a_slot_after_the_next_slots_main_tick_is_history(scene: Scene) -> None:
    """Its result is stored and counts for its slot, but the newer one already told the state."""
    monitor = scene.add()
    deps = scene.container()
    deps.checks.on_collect = lambda is_second: scene.run(BASE + 60) if is_second else None
    scene.run(BASE, [monitor], late=[monitor], deps=deps)
    assert ticks(scene, BASE) == {MAIN: [], STRAGGLERS: [monitor.placement.position]}
    assert scene.rows(monitor) == []
    scene.settle(BASE + 120)


def test_a_straggler_of_an_hourly_monitor_after_the_next_slots_main_tick_still_counts(scene: Scene) -> None:
    scene.add()
    hourly = scene.add(interval=HOUR, at=BASE - 30)
    deps = scene.container()
    deps.checks.on_collect = lambda is_second: scene.run(BASE + 60) if is_second else None
    scene.run(BASE, [hourly], late=[hourly], deps=deps)
    assert scene.rows(hourly) == [(1, UP, DOWN, BASE)]
    scene.settle(BASE + 120)


def test_a_degraded_step_is_a_transition_within_the_same_incident(scene: Scene) -> None:
    monitor = scene.add()
    scene.run(BASE, [monitor])
    scene.run(BASE + 60, degraded=[monitor])
    assert [row[1:3] for row in scene.rows(monitor)] == [(UP, DOWN), (DOWN, DEGRADED)]
    assert scene.open_incidents(monitor) == 1
    scene.settle(BASE + 120)
    assert scene.open_incidents(monitor) == 0


def test_a_gap_is_never_down(scene: Scene) -> None:
    monitor = scene.add()
    scene.run(BASE)
    scene.run(BASE + 30 * 60)
    assert scene.rows(monitor) == []
    entry = scene.entry(monitor)
    assert entry is not None
    assert entry.status is UP


def test_a_run_in_which_nothing_is_due_finishes_what_another_left(scene: Scene) -> None:
    hourly = scene.add(interval=HOUR, at=BASE - 30)
    scene.run(BASE, [hourly], faults={(PUT, AFTER): die})
    assert scene.rows(hourly) == []
    assert scene.run(BASE + 60) == 0
    assert scene.rows(hourly) == [(1, UP, DOWN, BASE)]
    scene.settle(BASE + 120)


def test_a_change_behind_a_gap_is_found_by_the_next_run(scene: Scene) -> None:
    """The run after the change never came, nor did ten others: the next one looks back to the sweep."""
    scene.add()
    hourly = scene.add(interval=HOUR, at=BASE - 30)
    scene.run(BASE, [hourly], faults={(PUT, AFTER): die})
    assert (hourly.id, BASE) in scene.invariants.results
    scene.run(BASE + 11 * 60)
    assert scene.rows(hourly) == [(1, UP, DOWN, BASE)]


def test_a_change_that_six_runs_failed_to_commit_is_found_by_the_sweep_even_if_its_minute_is_missed(
    scene: Scene,
) -> None:
    scene.add()
    daily = scene.add(interval=24 * HOUR, at=SWEEP - 600 - 30)
    deps = scene.container()
    for slot in range(SWEEP - 1200, SWEEP - 600, 60):
        scene.run(slot, deps=deps)
    for slot in range(SWEEP - 600, SWEEP - 240, 60):
        down = [daily] if slot == SWEEP - 600 else []
        scene.run(slot, down, faults={(PUT, AFTER): die})
    for slot in range(SWEEP - 240, SWEEP, 60):
        scene.run(slot)
    assert scene.rows(daily) == []
    scene.run(SWEEP, faults={(PUT, AFTER): die})
    assert scene.rows(daily) == []
    scene.run(SWEEP + 60)
    assert scene.rows(daily) == [(1, UP, DOWN, SWEEP - 600)]
    scene.settle(SWEEP + 120)


def test_the_sweep_moves_the_floors_of_unchanged_entries_and_is_done_once_an_hour(scene: Scene) -> None:
    monitor = scene.add()
    deps = scene.container()
    for slot in range(SWEEP - 600, SWEEP + 300, 60):
        scene.run(slot, deps=deps)
        entry, state = scene.entry(monitor), scene.state()
        assert entry is not None
        assert entry.slot == (SWEEP if slot >= SWEEP else BASE - HOUR)
        assert state.swept == (SWEEP if slot >= SWEEP else BASE - 600)


def test_a_transition_between_the_sweeps_read_and_its_write_is_not_overwritten() -> None:
    for k in range(1, 12):
        scene = Scene()
        monitor = scene.add()
        scene.run(SWEEP - 60)

        def intrude(scene: Scene = scene, monitor: Monitor = monitor) -> None:
            scene.run(SWEEP + 60, [monitor])

        scene.run(SWEEP, faults={(k, BEFORE): intrude})
        if k <= len(scene.last_plan.calls):
            assert scene.rows(monitor) == [(1, UP, DOWN, SWEEP + 60)], k
        scene.settle(SWEEP + 120, [monitor])
        assert len(scene.rows(monitor)) == 1, k


def test_a_change_that_the_sweep_meets_becomes_a_transition(scene: Scene) -> None:
    monitor = scene.add()
    scene.run(SWEEP, [monitor])
    assert scene.rows(monitor) == [(1, UP, DOWN, SWEEP)]
    assert scene.state().swept == SWEEP


def test_the_sweep_counts_the_results_that_are_settled(scene: Scene) -> None:
    monitor = scene.add()
    for slot in range(SWEEP - 1200, SWEEP + 60, 60):
        scene.run(slot)
    upto = SWEEP - 360
    assert scene.store.items["counts", SHARD] == {
        SWEEP // HOUR: Counts(upto, {monitor.placement.position: (upto - (SWEEP - 1200)) // 60})
    }


def test_the_counts_go_on_from_sweep_to_sweep(scene: Scene) -> None:
    monitor = scene.add()
    deps = scene.container()
    for slot in range(SWEEP - 600, SWEEP + HOUR + 60, 60):
        scene.run(slot, deps=deps)
    counts = deps.ticks.counts(SHARD)
    upto = SWEEP + HOUR - 360
    assert counts == Counts(upto, {monitor.placement.position: (upto - (SWEEP - 600)) // 60})


def test_a_stale_message_does_nothing(scene: Scene) -> None:
    monitor = scene.add()
    assert scene.run(BASE, [monitor], at=BASE + 181) == 0
    assert scene.last_plan.calls == []
    assert scene.run(BASE, [monitor], at=BASE + 180) == 1


def test_a_message_of_a_fast_shard_is_stale_after_a_minute(scene: Scene) -> None:
    scene.add(FAST_SHARD, interval=10)
    assert scene.run(BASE, shard=FAST_SHARD, at=BASE + 61) == 0
    assert scene.last_plan.calls == []


def test_a_first_run_may_start_a_minute_later_than_others(scene: Scene) -> None:
    monitor = scene.add(at=BASE + 50, entry=None)
    assert scene.run(BASE, first=monitor, at=BASE + 241) == 0
    assert scene.run(BASE, first=monitor, at=BASE + 240) == 1


def test_staleness_is_judged_once_and_a_run_that_has_observed_commits(scene: Scene) -> None:
    monitor = scene.add()
    deps = scene.container()

    def take_long(is_second: bool) -> None:
        deps.at += timedelta(seconds=80)

    deps.checks.on_collect = take_long
    scene.run(BASE, [monitor], at=BASE + 179, deps=deps)
    assert scene.rows(monitor) == [(1, UP, DOWN, BASE)]


def test_an_overtaken_message_runs_only_for_intervals_over_five_slots(scene: Scene) -> None:
    scene.add()
    often, sparse = scene.add(interval=300, at=BASE - 30), scene.add(interval=301, at=BASE - 30)
    scene.run(BASE + 60)
    assert scene.run(BASE, [often, sparse], at=BASE + 100) == 1
    assert ticks(scene, BASE) == {MAIN: [sparse.placement.position]}
    assert scene.rows(sparse) == [(1, UP, DOWN, BASE)]
    scene.settle(BASE + 120)


def test_an_overtaken_message_without_sparse_monitors_writes_nothing(scene: Scene) -> None:
    monitor = scene.add()
    scene.run(BASE + 60)
    assert scene.run(BASE, [monitor], at=BASE + 100) == 0
    assert ticks(scene, BASE) == {}


def test_a_first_run_does_not_overtake(scene: Scene) -> None:
    """Two monitors are created in the next slot, before this slot's message is delivered at last."""
    monitor = scene.add()
    new = scene.add(at=BASE + 60, entry=None)
    scene.run(BASE + 60, first=new)
    assert scene.run(BASE, [monitor], at=BASE + 70) == 1
    assert len(scene.rows(monitor)) == 1


def test_a_first_run_checks_its_monitor_alone_beside_the_regular_slot(scene: Scene) -> None:
    old = scene.add()
    new = scene.add(at=BASE + 50, entry=None)
    assert scene.run(BASE, first=new) == 1
    assert scene.run(BASE) == 1
    part = first_run_part(new.placement.position)
    assert ticks(scene, BASE) == {part: [new.placement.position], MAIN: [old.placement.position]}
    assert scene.rows(new) == []
    scene.settle(BASE + 120)


def test_a_first_result_that_is_unhealthy_opens_an_incident(scene: Scene) -> None:
    new = scene.add(at=BASE + 50, entry=None)
    scene.run(BASE, [new], first=new)
    assert scene.rows(new) == [(1, None, DOWN, BASE)]
    assert scene.open_incidents(new) == 1


def test_a_first_result_that_is_healthy_changes_state_only(scene: Scene) -> None:
    new = scene.add(at=BASE + 50, entry=None)
    scene.run(BASE, first=new)
    entry = scene.entry(new)
    assert entry is not None
    assert (entry.status, entry.seq) == (UP, 0)
    assert scene.rows(new) == []


def test_a_first_run_waits_for_its_one_answer(scene: Scene) -> None:
    new = scene.add(at=BASE + 50, entry=None)
    scene.run(BASE, [new], late=[new], first=new)
    assert list(ticks(scene, BASE)) == [first_run_part(new.placement.position)]
    assert len(scene.rows(new)) == 1


def test_the_first_run_of_a_disabled_or_deleted_monitor_does_nothing(scene: Scene) -> None:
    new = scene.add(at=BASE + 50, entry=None)
    update_monitor(scene.container(BASE + 51), TEAM, "http", new.id, Change(is_enabled=False))
    assert scene.run(BASE, first=new) == 0
    assert ticks(scene, BASE) == {}


def test_a_configuration_write_between_the_member_read_and_the_pack_save_is_not_lost() -> None:
    """The pack is saved under the version read before the members, so the next run reads them again."""
    for at in [(verb, phase) for verb in ("members.all", "members.save_pack") for phase in (BEFORE, AFTER)]:
        scene = Scene()
        monitor = scene.add()

        def edit(scene: Scene = scene, monitor: Monitor = monitor) -> None:
            change = Change(interval_seconds=300)
            update_monitor(scene.container(BASE + 6), TEAM, "http", monitor.id, change)

        scene.run(BASE, [monitor], faults={at: edit})
        scene.run(BASE + 60, [monitor])
        pack = scene.store.items["pack"][SHARD]
        assert pack.config_version == scene.state().config_version
        assert pack.members[monitor.placement.position].interval_seconds == 300
        scene.settle(BASE + 120, [monitor])


def test_a_run_without_its_pack_saved_still_checks(scene: Scene) -> None:
    monitor = scene.add()
    assert scene.run(BASE, [monitor], faults={("members.save_pack", BEFORE): throttle}) is None
    assert scene.run(BASE, [monitor]) == 1
    assert len(scene.rows(monitor)) == 1


def test_a_monitor_that_went_down_in_a_shard_keeps_its_state_when_a_timeout_moves_it(scene: Scene) -> None:
    monitor = scene.add()
    scene.run(BASE, [monitor])
    change = Change(timeout_seconds=30.0)
    moved = update_monitor(scene.container(BASE + 30), TEAM, "http", monitor.id, change)
    assert moved.placement.shard == SLOW_SHARD
    assert (monitor.placement.position in scene.state().entries) is False
    entry = scene.entry(moved)
    assert entry is not None
    assert (entry.status, entry.seq, entry.opened_seq, entry.slot) == (DOWN, 1, 1, BASE)
    scene.run(moved.placement.anchor, shard=SLOW_SHARD)
    assert scene.rows(moved) == [(1, UP, DOWN, BASE), (2, DOWN, UP, moved.placement.anchor)]
    scene.settle(moved.placement.anchor + 60)


def test_the_results_of_both_places_of_a_moved_monitor_stay(scene: Scene) -> None:
    monitor = scene.add()
    scene.run(BASE)
    change = Change(timeout_seconds=30.0)
    moved = update_monitor(scene.container(BASE + 30), TEAM, "http", monitor.id, change)
    anchor = moved.placement.anchor
    scene.run(anchor, shard=SLOW_SHARD)
    old, new = moved.placements
    assert ticks(scene, BASE)[MAIN] == [old.position]
    assert ticks(scene, anchor, SLOW_SHARD)[MAIN] == [new.position]
    assert (old.to_slot, new.from_slot) == (anchor, anchor)


def test_a_late_run_of_the_shard_that_a_monitor_left_writes_nothing_for_it(scene: Scene) -> None:
    scene.add()
    monitor = scene.add()
    deps = scene.container()
    scene.run(BASE, deps=deps)

    def move() -> None:
        update_monitor(scene.container(BASE + 66), TEAM, "http", monitor.id, Change(timeout_seconds=30.0))

    scene.run(BASE + 60, [monitor], deps=deps, faults={(4, AFTER): move})
    assert scene.rows(monitor) == []
    assert scene.entry(monitor) is None
    assert scene.run(BASE + 60, [monitor], at=BASE + 90) == 1
    assert scene.rows(monitor) == []
    scene.settle(BASE + 240)


def test_a_disabled_monitor_is_not_checked_and_keeps_its_entry_and_seq(scene: Scene) -> None:
    scene.add()
    monitor = scene.add()
    scene.run(BASE, [monitor])
    update_monitor(scene.container(BASE + 20), TEAM, "http", monitor.id, Change(is_enabled=False))
    before = scene.entry(monitor)
    assert scene.run(BASE + 60) == 1
    for slot in (SWEEP, SWEEP + 60):
        scene.run(slot)
    assert scene.entry(monitor) == before
    update_monitor(scene.container(SWEEP + 70), TEAM, "http", monitor.id, Change(is_enabled=True))
    scene.run(SWEEP + 120)
    scene.run(SWEEP + 180)
    assert [row[:3] for row in scene.rows(monitor)] == [(1, UP, DOWN), (2, DOWN, UP)]


def test_those_that_failed_last_time_start_first(scene: Scene) -> None:
    one, two = scene.add(), scene.add()
    scene.run(BASE, [two])
    deps = scene.container()
    scene.run(BASE + 60, [two], deps=deps)
    assert deps.checks.started == [[two.id, one.id]]


def test_extras_are_read_for_due_members_that_have_some(scene: Scene) -> None:
    scene.add()
    monitor = scene.add()
    deps = scene.container()
    update_monitor(scene.container(BASE - 200), TEAM, "http", monitor.id, Change(body="ping"))
    scene.run(BASE, deps=deps)
    assert deps.checks.extras == [{monitor.placement.position: {"body": "ping"}}]


def test_checks_that_answer_nothing_leave_no_stragglers_tick(scene: Scene) -> None:
    """Cannot happen with our checkers; if it did, the slot is a gap and nothing else."""
    monitor = scene.add()
    deps = scene.container()
    deps.checks.start = lambda members, extras: FakeCheckRun(deps.checks, {}, set())  # type: ignore[method-assign]
    scene.run(BASE, deps=deps)
    assert ticks(scene, BASE) == {MAIN: []}
    assert scene.rows(monitor) == []


def test_a_lost_state_is_waited_for_with_jitter(scene: Scene) -> None:
    monitor = scene.add()
    deps = scene.container()
    scene.run(BASE, [monitor], deps=deps, faults={("states.commit", BEFORE): collide})
    assert len(deps.waits) == 1
    assert 0.05 <= deps.waits[0] <= 0.5
    assert len(scene.rows(monitor)) == 1
