"""A run meets changes of the extras: what it checks is always one whole configuration.

The monitor's URL and its header change together here, so that half a change shows.
"""

import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.domain.extras import Extras
from chalicelib.domain.job import ProbeJob
from chalicelib.domain.member import Member
from chalicelib.domain.monitor import Monitor
from chalicelib.services.content_checks import ContentCheckDraft, add_content_check
from chalicelib.services.monitors import Change, Draft, create_monitor, delete_monitor, update_monitor
from chalicelib.services.probing import run
from tests.fakes import AFTER, BEFORE, FakeCheckRun, FakeChecks, FakeDeps

from .scene import BASE, SHARD, TEAM, Faults, RealScene, Scene

BARE = "https://bare.example/"
OLD, NEW = "https://old.example/s3cret", "https://new.example/s3cret"


def headers(url: str) -> tuple[tuple[str, str], ...]:
    return () if url == BARE else (("X-Url", url),)


def become(url: str, **more: Any) -> Change:
    return Change(spec={"url": url}, headers=headers(url), **more)


@dataclass
class Watched(FakeChecks):
    """Notes the URL and the header of every check that is started."""

    seen: list[tuple[str, str]] = field(default_factory=list)
    given: list[Mapping[str, Any] | None] = field(default_factory=list)

    def start(self, members: Sequence[Member], extras: Mapping[int, Mapping[str, Any]]) -> FakeCheckRun:
        for member in members:
            given = extras.get(member.position)
            self.given.append(given)
            self.seen.append((member.spec["url"], (given or {}).get("headers", {}).get("X-Url", BARE)))
        return super().start(members, extras)


@pytest.fixture(params=["fake", "real"])
def scene(request: pytest.FixtureRequest) -> Scene:
    if request.param == "fake":
        return Scene()
    return RealScene(request.getfixturevalue("settings"), request.getfixturevalue("client"))


def add(scene: Scene, url: str = OLD, at: int = BASE - 300) -> Monitor:
    draft = Draft("http", "Page", {"url": url}, 60, 10.0, is_enabled=True, is_public=False)
    return create_monitor(scene.container(at), TEAM, "mon", draft, extras=Extras(headers(url)))


def watched(scene: Scene, at: int = BASE) -> tuple[FakeDeps, Watched]:
    deps, checks = scene.container(at), Watched()
    deps.checks = checks
    return deps, checks


def update(scene: Scene, monitor: Monitor, change: Change, at: int = BASE + 6) -> None:
    update_monitor(scene.container(at), TEAM, "http", monitor.id, change)


def delete(scene: Scene, monitor: Monitor, at: int) -> None:
    delete_monitor(scene.container(at), TEAM, "http", monitor.id)


def add_check(scene: Scene, monitor: Monitor, at: int) -> None:
    draft = ContentCheckDraft("contains", "Welcome")
    add_content_check(scene.container(at), TEAM, "http", monitor.id, draft)


def to(change: Change) -> Callable[[Scene, Monitor, int], None]:
    return lambda scene, monitor, at: update(scene, monitor, change, at)


CHANGES: dict[str, tuple[str, Callable[[Scene, Monitor, int], None], bool]] = {
    "both": (OLD, to(become(NEW)), True),
    "to bare": (OLD, to(become(BARE)), True),
    "from bare": (BARE, to(become(NEW)), True),
    "name": (OLD, to(Change(name="New")), True),
    "content check": (OLD, add_check, True),
    "interval": (OLD, to(become(NEW, interval_seconds=300)), False),
    "disable": (OLD, to(become(NEW, is_enabled=False)), False),
    "move": (OLD, to(become(NEW, timeout_seconds=30.0)), False),
    "delete": (OLD, delete, False),
}
"""The monitor's URL at first, what happens to it, and whether it stays due in the slot under way."""


@pytest.mark.parametrize(
    ("name", "is_first_run"),
    [*((name, False) for name in CHANGES), *((name, True) for name in ("both", "content check", "move"))],
)
def test_a_run_that_a_change_meets_anywhere_checks_one_whole_configuration(
    scene: Scene, name: str, is_first_run: bool
) -> None:
    before, change, stays_due = CHANGES[name]
    other = add(scene)
    slot = BASE
    for call in itertools.count(1):
        for phase in (BEFORE, AFTER):
            slot += 240
            monitor = add(scene, before, slot - 300)
            deps, checks = watched(scene)
            met: list[bool] = []

            def intrude(monitor: Monitor = monitor, met: list[bool] = met, at: int = slot + 6) -> None:
                met.append(True)
                change(scene, monitor, at)

            faults: Faults = {(call, phase): intrude}
            scene.run(slot, faults=faults, deps=deps, first=monitor if is_first_run else None)
            assert all(url == header for url, header in checks.seen), (call, phase)
            started = [monitor_id for ids in checks.started for monitor_id in ids]
            assert (other.id in started) is not is_first_run
            assert monitor.id in started or not stays_due, (call, phase)
            if name != "delete" or not met:
                delete(scene, monitor, slot + 30)
            if not met:
                assert call > 5
                scene.check()
                return


def test_a_changed_configuration_is_checked_by_the_next_run(scene: Scene) -> None:
    monitor = add(scene)
    container, checks = watched(scene)
    scene.run(BASE, deps=container)
    update(scene, monitor, become(NEW))
    scene.run(BASE + 60, deps=container)
    update(scene, monitor, become(BARE), BASE + 66)
    scene.run(BASE + 120, deps=container)
    assert checks.seen == [(OLD, OLD), (NEW, NEW), (BARE, BARE)]
    assert checks.given[2] is None


def test_a_moved_monitors_extras_are_read_in_its_new_shard(scene: Scene) -> None:
    monitor = add(scene)
    update(scene, monitor, Change(timeout_seconds=30.0), BASE - 200)
    deps, checks = watched(scene)
    assert scene.run(BASE, deps=deps, shard="enam.slow.00001") == 1
    assert checks.seen == [(OLD, OLD)]
    assert scene.run(BASE) == 0


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_an_older_copy_of_the_extras_is_read_again(lag: int) -> None:
    scene = Scene()
    monitor = add(scene)
    update(scene, monitor, become(NEW), BASE - 200)
    deps, checks = watched(scene)
    scene.store.lag = lambda: lag
    scene.run(BASE, deps=deps)
    assert checks.seen == [(NEW, NEW)]


def test_without_a_change_extras_cost_one_call_and_no_extras_none() -> None:
    scene = Scene()
    add(scene, BARE)
    scene.run(BASE)
    assert "members.extras" not in scene.last_plan.calls
    add(scene)
    add(scene)
    scene.run(BASE + 60)
    assert scene.last_plan.calls.count("members.extras") == 1
    assert scene.last_plan.calls.count("states.get") == 1


def test_a_monitor_that_goes_on_changing_is_left_out_and_the_others_are_checked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    restless, other = add(scene), add(scene)
    urls = [f"https://{n}.example/s3cret" for n in range(20)]
    deps, checks = watched(scene)

    def on_call(verb: str, phase: str) -> None:
        if (verb, phase) == ("members.extras", BEFORE):
            scene.store.on_call = lambda verb, phase: None
            update(scene, restless, become(urls.pop()))
            scene.store.on_call = on_call

    scene.store.on_call = on_call
    assert run(deps, ProbeJob(SHARD, BASE)) == 1
    assert checks.started == [[other.id]]
    assert restless.id in caplog.text
    assert "s3cret" not in caplog.text
    assert run(deps, ProbeJob(SHARD, BASE, first_position=restless.placement.position)) == 0
    scene.store.on_call = lambda verb, phase: None
    scene.run(BASE + 60, deps=deps)
    assert sorted(checks.started[-1]) == sorted([restless.id, other.id])
    scene.settle(BASE + 120)


def test_no_secret_is_logged_by_a_run(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    monitor = add(scene)
    scene.run(BASE, [monitor])
    scene.run(BASE + 60)
    assert monitor.id in caplog.text
    assert "s3cret" not in caplog.text
