"""A network of ours that is away: nothing is recorded, and the operator is told."""

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from chalicelib.domain.member import Member
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Reason
from chalicelib.domain.tick import MAIN, STRAGGLERS, Tick
from tests.fakes import AFTER, FakeCheckRun, FakeDeps, FakeReference

from .episode import Episode
from .scene import BASE, DOWN, HOUR, OUTCOMES, SHARD, SLOW_SHARD, UP, Scene, die

RUN = import_module("chalicelib.services.probing.run")  # whose name is taken by its function
PUT = "ticks.put"
EPISODES = 40
WENT_DOWN = [(1, UP, DOWN, BASE)]


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def cut_off(scene: Scene) -> FakeDeps:
    """A container that reaches no reference host."""
    deps = scene.container()
    deps.reference.answers = False
    return deps


def targets(scene: Scene, count: int, shard: str = SHARD) -> list[Monitor]:
    return [scene.add(shard, url=f"https://host-{number}.example/") for number in range(count)]


def parts(scene: Scene, slot: int = BASE, shard: str = SHARD) -> list[str]:
    stored: dict[tuple[int, str], Tick] = scene.store.items["tick", shard]
    return [part for at, part in stored if at == slot]


def test_a_mass_failure_without_any_reference_host_leaves_no_trace(
    scene: Scene, cut_off: FakeDeps, caplog: pytest.LogCaptureFixture
) -> None:
    down = targets(scene, 3)
    before = scene.state()
    with caplog.at_level(logging.ERROR):
        assert scene.run(BASE, down, deps=cut_off) == 3
    assert parts(scene) == []
    assert scene.state() == before
    assert [(scene.rows(m), scene.open_incidents(m)) for m in down] == [([], 0)] * 3
    assert [(record.levelname, record.args) for record in caplog.records] == [("ERROR", (SHARD, BASE, 3))]
    assert cut_off.metrics.counted == [("OwnFault", cut_off.at)]
    assert (cut_off.reference.asked, cut_off.checks.closed) == (1, 1)
    scene.settle(BASE + 60)


def test_with_a_reference_host_that_answers_every_failure_counts(scene: Scene) -> None:
    down = targets(scene, 3)
    deps = scene.container()
    scene.run(BASE, down, deps=deps)
    assert [scene.rows(m) for m in down] == [WENT_DOWN] * 3
    assert deps.reference.asked == 1
    assert deps.metrics.counted == []
    scene.settle(BASE + 60, down)


def test_two_hosts_may_go_down_together(scene: Scene, cut_off: FakeDeps) -> None:
    down = [*targets(scene, 2), scene.add(url="https://host-1.example:8443/health")]
    scene.run(BASE, down, deps=cut_off)
    assert [scene.rows(m) for m in down] == [WENT_DOWN] * 3
    assert cut_off.reference.asked == 0


def test_when_only_some_fail_nobody_is_asked(scene: Scene, cut_off: FakeDeps) -> None:
    *down, up = targets(scene, 5)
    scene.run(BASE, down, deps=cut_off)
    assert [scene.rows(m) for m in down] == [WENT_DOWN] * 4
    assert scene.rows(up) == []
    assert cut_off.reference.asked == 0


def test_when_one_of_them_refuses_nobody_is_asked(
    scene: Scene, cut_off: FakeDeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mixture of failures has no cause of ours."""
    down = targets(scene, 4)
    start, refused = cut_off.checks.start, replace(OUTCOMES[DOWN], reason=Reason.REFUSED)

    def start_with_a_refusal(
        members: Sequence[Member], extras: Mapping[int, Mapping[str, Any]]
    ) -> FakeCheckRun:
        cut_off.checks.outcomes[down[2].id] = refused
        return start(members, extras)

    monkeypatch.setattr(cut_off.checks, "start", start_with_a_refusal)
    scene.run(BASE, down, deps=cut_off)
    assert [scene.rows(m) for m in down] == [WENT_DOWN] * 4
    assert cut_off.reference.asked == 0


def test_a_withheld_run_commits_what_an_earlier_one_left(scene: Scene, cut_off: FakeDeps) -> None:
    down = targets(scene, 3)
    scene.run(BASE, down[:1], faults={(PUT, AFTER): die})
    assert scene.rows(down[0]) == []
    scene.run(BASE + 60, down, deps=cut_off)
    assert parts(scene, BASE + 60) == []
    assert scene.rows(down[0]) == WENT_DOWN
    assert [scene.rows(m) for m in down[1:]] == [[], []]
    scene.settle(BASE + 120)


def test_a_withheld_run_commits_the_tick_of_its_double(scene: Scene, cut_off: FakeDeps) -> None:
    down = targets(scene, 3)
    scene.run(BASE, down[:1], faults={(PUT, AFTER): die})
    scene.run(BASE, down, deps=cut_off)
    assert [len(scene.rows(m)) for m in down] == [1, 0, 0]


def test_a_withheld_run_that_was_overtaken_writes_nothing(scene: Scene, cut_off: FakeDeps) -> None:
    scene.add()
    hourly = [
        scene.add(interval=HOUR, at=BASE - 30, url=f"https://host-{number}.example/") for number in range(3)
    ]
    scene.run(BASE + 60)
    assert scene.run(BASE, hourly, at=BASE + 100, deps=cut_off) == 3
    assert cut_off.reference.asked == 1
    assert scene.last_plan.calls == ["states.get", "ticks.is_overtaken", "members.pack"]


def test_an_outage_of_ours_ends_without_a_transition(scene: Scene, cut_off: FakeDeps) -> None:
    down = targets(scene, 3)
    for slot in range(BASE, BASE + 600, 60):
        scene.run(slot, down, deps=cut_off)
    scene.run(BASE + 600)
    assert [scene.rows(m) for m in down] == [[]] * 3
    scene.settle(BASE + 660)


def test_a_first_run_is_never_withheld(scene: Scene, cut_off: FakeDeps) -> None:
    new = scene.add(at=BASE + 50, entry=None)
    scene.run(BASE, [new], first=new, deps=cut_off)
    assert scene.rows(new) == [(1, None, DOWN, BASE)]
    assert cut_off.reference.asked == 0


def test_those_that_still_hang_are_not_waited_for_before_the_reference_hosts_are_asked(
    scene: Scene, cut_off: FakeDeps
) -> None:
    """Of one host alone it is known that it failed, but nobody has answered. A network that is back when the
    last have ended would leave the results of those that ended first."""
    down = targets(scene, 3, SLOW_SHARD)
    waited: list[bool] = []
    cut_off.checks.on_collect = waited.append
    scene.run(BASE, down, late=down[1:], shard=SLOW_SHARD, deps=cut_off)
    assert waited == [False]
    assert parts(scene, shard=SLOW_SHARD) == []
    assert cut_off.checks.closed == 1
    assert len(cut_off.metrics.counted) == 1
    scene.settle(BASE + 60)


def test_stragglers_are_judged_by_themselves(scene: Scene, cut_off: FakeDeps) -> None:
    """The network went away while the slow ones were being checked."""
    quick, *down = targets(scene, 4, SLOW_SHARD)
    scene.run(BASE, down, late=down, shard=SLOW_SHARD, deps=cut_off)
    assert parts(scene, shard=SLOW_SHARD) == [MAIN]
    assert [scene.rows(m) for m in (quick, *down)] == [[]] * 4
    assert cut_off.reference.asked == 1
    scene.settle(BASE + 60)


def test_when_nobody_has_ended_the_main_tick_is_empty_and_the_stragglers_are_withheld(
    scene: Scene, cut_off: FakeDeps
) -> None:
    down = targets(scene, 3, SLOW_SHARD)
    scene.run(BASE, down, late=down, shard=SLOW_SHARD, deps=cut_off)
    assert parts(scene, shard=SLOW_SHARD) == [MAIN]
    assert [scene.rows(m) for m in down] == [[]] * 3
    scene.settle(BASE + 60)


def test_stragglers_count_while_a_reference_host_answers(scene: Scene) -> None:
    down = targets(scene, 3, SLOW_SHARD)
    deps = scene.container()
    scene.run(BASE, down, late=down, shard=SLOW_SHARD, deps=deps)
    assert parts(scene, shard=SLOW_SHARD) == [MAIN, STRAGGLERS]
    assert [scene.rows(m) for m in down] == [WENT_DOWN] * 3
    assert deps.reference.asked == 1


def test_two_stragglers_may_hang_without_suspicion(scene: Scene, cut_off: FakeDeps) -> None:
    _, *down = targets(scene, 3, SLOW_SHARD)
    scene.run(BASE, down, late=down, shard=SLOW_SHARD, deps=cut_off)
    assert [scene.rows(m) for m in down] == [WENT_DOWN] * 2
    assert cut_off.reference.asked == 0


def test_a_network_that_is_lost_between_the_ticks_withholds_the_second_alone(scene: Scene) -> None:
    down = targets(scene, 6, SLOW_SHARD)
    deps = scene.container()
    reference = deps.reference = FakeReference()
    reference.on_ask = lambda: setattr(reference, "answers", reference.asked < 2)
    scene.run(BASE, down, late=down[3:], shard=SLOW_SHARD, deps=deps)
    assert parts(scene, shard=SLOW_SHARD) == [MAIN]
    assert [scene.rows(m) for m in down] == [*[WENT_DOWN] * 3, *[[]] * 3]
    assert len(deps.metrics.counted) == 1


def test_the_protocol_bears_ticks_that_are_withheld_at_random(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a run is one that ended before its Put, so every invariant of the chaos holds."""
    withheld = 0
    for seed in range(EPISODES):
        episode, dice = Episode(seed), random.Random(seed)

        def is_own_fault(*_: object, episode: Episode = episode, dice: random.Random = dice) -> bool:
            nonlocal withheld
            is_withheld = not episode.is_calm and not episode.world.is_calm and dice.random() < 0.3
            withheld += is_withheld
            return is_withheld

        monkeypatch.setattr(RUN, "is_own_fault", is_own_fault)
        episode.play()
        assert not episode.invariants.broken, f"seed {seed}: {episode.invariants.broken[:3]}"
    assert withheld > EPISODES
