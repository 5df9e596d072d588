"""Certificates of a run: read after its results are committed, daily, and lost without harm."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from chalicelib.domain.certificate import CertificateReading
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Reason
from chalicelib.domain.schedule import slot_of
from chalicelib.domain.ssl_readings import MOST_PER_RUN, SSL_UNKNOWN, Ssl
from chalicelib.errors import Contended
from chalicelib.services.certificates import read_with_certificates
from chalicelib.services.monitors import (
    Change,
    Draft,
    create_monitor,
    delete_monitor,
    get_monitor,
    update_monitor,
)
from tests.fakes import AFTER, BEFORE, GOOD, FakeDeps

from .scene import BASE, DOWN, HOUR, SHARD, SLOW_SHARD, TEAM, UP, Faults, Scene, die, throttle

GET, SAVE, COMMIT = "ssl_readings.get", "ssl_readings.save", "states.commit"
SPEC = {"url": "https://e.com/", "sslMonitoringEnabled": True, "sslExpiryWarningDays": 30}
WRONG_HOST = CertificateReading(not_after=GOOD.not_after, verify_reason=Reason.TLS_WRONG_HOST)
DAY = 24 * HOUR


@pytest.fixture
def scene() -> Scene:
    return Scene()


def add(scene: Scene, spec: Mapping[str, Any] = SPEC, at: float = BASE - 300, **fields: Any) -> Monitor:
    values = {"interval_seconds": 60, "timeout_seconds": 10.0, "is_enabled": True, "is_public": False}
    return create_monitor(scene.container(at), TEAM, "mon", Draft("http", "Page", spec, **values | fields))


def run(scene: Scene, slot: int, readings: Mapping[str, CertificateReading | None] = {}, **how: Any) -> int:
    """How many certificates were read."""
    deps: FakeDeps = how.pop("deps", None) or scene.container()
    deps.certificates.readings = dict(readings)
    before = len(deps.certificates.asked)
    scene.run(slot, deps=deps, **how)
    return sum(map(len, deps.certificates.asked[before:]))


def shown(scene: Scene, monitor: Monitor, at: float = BASE + 30) -> Ssl:
    """As somebody sees it who asks then."""
    deps = scene.container(at)
    monitor = get_monitor(deps, TEAM, "http", monitor.id)
    return read_with_certificates(deps, [monitor], consistent=True)[monitor.id].ssl


def change(scene: Scene, monitor: Monitor, at: float = BASE + 6, **fields: Any) -> None:
    update_monitor(scene.container(at), TEAM, "http", monitor.id, Change(**fields))


def good(slot: int) -> Ssl:
    return Ssl("valid", GOOD.not_after, GOOD.issuer, datetime.fromtimestamp(slot + 5, UTC))


def about_certificates(scene: Scene) -> list[str]:
    return [call for call in scene.last_plan.calls if call.startswith("ssl_readings.")]


def test_a_certificate_is_read_after_the_results_are_committed(scene: Scene) -> None:
    monitor = add(scene)
    assert shown(scene, monitor) == SSL_UNKNOWN
    deps = scene.container()
    deps.certificates.on_read = lambda: calls.extend(scene.last_plan.calls)
    calls: list[str] = []
    assert run(scene, BASE, down=[monitor], deps=deps) == 1
    assert calls[-2:] == [COMMIT, GET]
    assert scene.last_plan.calls[-3:] == [COMMIT, GET, SAVE]
    assert deps.certificates.asked == [{monitor.placement.position: ("e.com", 443)}]
    assert scene.rows(monitor) == [(1, None, DOWN, BASE)]
    assert shown(scene, monitor) == good(BASE)


def test_it_is_read_again_within_a_day_and_not_before_20_hours(scene: Scene) -> None:
    monitor = add(scene)
    read_at = [slot for slot in range(BASE, BASE + 3 * DAY, 600) if run(scene, slot)]
    assert read_at[0] == BASE
    assert len(read_at) == 4
    assert all(20 * HOUR <= b - a <= DAY for a, b in pairwise(read_at))
    assert shown(scene, monitor, BASE + 3 * DAY) == good(read_at[-1])


def test_in_between_it_costs_one_read_of_one_item(scene: Scene) -> None:
    add(scene)
    run(scene, BASE)
    assert run(scene, BASE + 60) == 0
    assert about_certificates(scene) == [GET]


@pytest.mark.parametrize(
    "spec",
    [{**SPEC, "sslMonitoringEnabled": False}, {**SPEC, "url": "http://e.com/"}, {"url": "https://e.com/"}],
)
def test_nobody_who_wants_it_costs_nothing(scene: Scene, spec: dict[str, Any]) -> None:
    add(scene, spec)
    add(scene, is_enabled=False)
    assert run(scene, BASE) == 0
    assert about_certificates(scene) == []


def test_a_run_in_which_nothing_is_due_reads_too(scene: Scene) -> None:
    monitor = add(scene, {**SPEC, "sslMonitoringEnabled": False}, interval_seconds=3600)
    run(scene, BASE)
    change(scene, monitor, spec={"sslMonitoringEnabled": True})
    assert run(scene, BASE + 60) == 1
    assert shown(scene, monitor) == good(BASE + 60)


def test_a_run_that_was_overtaken_leaves_it_to_the_newer_one(scene: Scene) -> None:
    add(scene, {**SPEC, "sslMonitoringEnabled": False})
    run(scene, BASE + 60)
    add(scene, interval_seconds=3600)
    assert run(scene, BASE) == 0


def test_a_first_run_reads_its_own_certificate_at_once(scene: Scene) -> None:
    other, monitor = add(scene), add(scene, at=BASE + 50)
    deps = scene.container()
    assert run(scene, slot_of(BASE + 50, 60), first=monitor, at=BASE + 52, deps=deps) == 1
    assert deps.certificates.asked == [{monitor.placement.position: ("e.com", 443)}]
    assert shown(scene, monitor).status == "valid"
    assert shown(scene, other) == SSL_UNKNOWN
    assert run(scene, BASE + 60) == 1


def test_of_a_full_shard_a_run_reads_some_tens(scene: Scene) -> None:
    for _ in range(70):
        add(scene)
    assert [run(scene, BASE + 60 * n) for n in range(4)] == [MOST_PER_RUN, MOST_PER_RUN, 10, 0]


def test_another_host_hides_the_reading_and_is_read_with_the_next_run(scene: Scene) -> None:
    monitor = add(scene)
    run(scene, BASE)
    change(scene, monitor, spec={"url": "https://e.com/other/path"})
    assert shown(scene, monitor) == good(BASE)
    change(scene, monitor, spec={"url": "https://f.com/"})
    assert shown(scene, monitor) == SSL_UNKNOWN
    assert run(scene, BASE + 60, {"f.com": WRONG_HOST}) == 1
    assert shown(scene, monitor).status == "error"


@pytest.mark.parametrize("spec", [{"url": "http://e.com/"}, {"sslMonitoringEnabled": False}])
def test_without_https_or_with_the_monitoring_off_nothing_is_shown(
    scene: Scene, spec: dict[str, Any]
) -> None:
    monitor = add(scene)
    run(scene, BASE)
    change(scene, monitor, spec=spec)
    assert shown(scene, monitor) == SSL_UNKNOWN
    assert run(scene, BASE + 60) == 0


def test_a_disabled_monitor_keeps_its_reading_and_is_not_asked(scene: Scene) -> None:
    monitor = add(scene)
    run(scene, BASE)
    change(scene, monitor, is_enabled=False)
    add(scene, {**SPEC, "url": "https://f.com/"})
    assert run(scene, BASE + 2 * DAY) == 1
    assert shown(scene, monitor) == good(BASE)


def test_a_moved_monitor_keeps_its_reading_and_what_is_gone_is_forgotten_after_two_days(scene: Scene) -> None:
    moved, deleted, stays = add(scene), add(scene), add(scene)
    run(scene, BASE)
    change(scene, moved, timeout_seconds=30.0)
    delete_monitor(scene.container(BASE + 7), TEAM, "http", deleted.id)
    assert shown(scene, moved) == good(BASE)
    assert run(scene, BASE + 60, shard=SLOW_SHARD) == 0
    assert shown(scene, moved) == good(BASE)
    run(scene, BASE + 2 * DAY + 60)
    kept = scene.container().ssl_readings.get(SHARD, consistent=True).by_position
    assert list(kept) == [stays.placement.position]


def test_a_target_in_trouble_keeps_its_dates_for_two_days(scene: Scene) -> None:
    monitor = add(scene)
    run(scene, BASE)
    trouble = {"e.com": CertificateReading(Reason.TIMEOUT)}
    assert run(scene, BASE + DAY, trouble) == 1
    assert shown(scene, monitor, BASE + DAY + 30) == good(BASE)
    assert run(scene, BASE + DAY + HOUR - 60, trouble) == 0
    assert run(scene, BASE + DAY + HOUR, trouble) == 1
    assert run(scene, BASE + 2 * DAY, trouble) == 1
    assert shown(scene, monitor, BASE + 2 * DAY + 30).status == "error"
    assert run(scene, BASE + 2 * DAY + HOUR) == 1
    assert shown(scene, monitor, BASE + 3 * DAY) == good(BASE + 2 * DAY + HOUR)


def test_what_failed_inside_our_code_is_no_reading(scene: Scene) -> None:
    monitor = add(scene)
    assert run(scene, BASE, {"e.com": None}) == 1
    assert about_certificates(scene) == [GET]
    assert shown(scene, monitor) == SSL_UNKNOWN
    assert run(scene, BASE + 60) == 1


def test_status_and_incidents_know_nothing_of_certificates(scene: Scene) -> None:
    monitor = add(scene)
    for n, reading in enumerate((GOOD, WRONG_HOST, CertificateReading(Reason.TLS_FAILED))):
        run(scene, BASE + n * DAY, {"e.com": reading})
    entry = scene.entry(monitor)
    assert entry is not None
    assert entry.status is UP
    assert scene.rows(monitor) == []
    assert scene.open_incidents(monitor) == 0
    scene.check()


def everywhere(scene: Callable[[], tuple[Scene, Monitor]]) -> list[tuple[int, str]]:
    built, _ = scene()
    run(built, BASE)
    return [(k, phase) for k in range(1, len(built.last_plan.calls) + 1) for phase in (BEFORE, AFTER)]


def one() -> tuple[Scene, Monitor]:
    scene = Scene()
    return scene, add(scene)


@pytest.mark.parametrize("fault", [die, throttle])
def test_killed_or_refused_anywhere_the_next_run_makes_up_for_it(fault: Callable[[], None]) -> None:
    points = everywhere(one)
    assert len(points) >= 10
    for at in points:
        scene, monitor = one()
        run(scene, BASE, down=[monitor], faults={at: fault})
        run(scene, BASE + 60, down=[monitor])
        assert len(scene.rows(monitor)) == 1, at
        assert shown(scene, monitor, BASE + 90) in (good(BASE), good(BASE + 60)), at
        scene.settle(BASE + 120, [monitor])


@pytest.mark.parametrize("verb", [GET, SAVE])
@pytest.mark.parametrize("phase", [BEFORE, AFTER])
def test_a_store_that_refuses_does_not_bring_the_message_back(scene: Scene, verb: str, phase: str) -> None:
    """Else the targets would be checked again."""
    monitor = add(scene)

    def contended() -> None:
        raise Contended("injected")

    for n, fault in enumerate((throttle, contended)):
        assert scene.run(BASE + 60 * n, [monitor], faults={(verb, phase): fault}) == 1


ISSUERS = {host: CertificateReading(not_after=GOOD.not_after, issuer=host) for host in ("e.com", "f.com")}
"""Every host has its own, so that a reading shown for another host is seen."""

Intruder = Callable[[Scene, Monitor], object]
INTRUDERS: dict[str, Intruder] = {
    "the same slot": lambda scene, _: run(scene, BASE, ISSUERS),
    "the next slot": lambda scene, _: run(scene, BASE + 60, ISSUERS),
    "another host": lambda scene, monitor: change(scene, monitor, spec={"url": "https://f.com/"}),
    "off": lambda scene, monitor: change(scene, monitor, spec={"sslMonitoringEnabled": False}),
    "disable": lambda scene, monitor: change(scene, monitor, is_enabled=False),
    "move": lambda scene, monitor: change(scene, monitor, timeout_seconds=30.0),
    "delete": lambda scene, monitor: delete_monitor(scene.container(BASE + 6), TEAM, "http", monitor.id),
    "another": lambda scene, monitor: add(scene, {**SPEC, "url": "https://f.com/"}, at=BASE + 6),
}


@pytest.mark.parametrize("name", INTRUDERS)
def test_interrupted_anywhere_it_comes_right(name: str) -> None:
    for at in everywhere(one):
        scene, monitor = one()
        faults: Faults = {at: lambda scene=scene, monitor=monitor: INTRUDERS[name](scene, monitor)}  # type: ignore[misc]
        run(scene, BASE, ISSUERS, faults=faults)
        for slot, shard in ((BASE + 120, SHARD), (BASE + 120, SLOW_SHARD)):
            run(scene, slot, ISSUERS, shard=shard)
        for found in scene.store.items["monitor"].values():
            ssl = shown(scene, found)
            if not found.spec["sslMonitoringEnabled"]:
                assert ssl == SSL_UNKNOWN, at
            elif found.is_enabled or ssl != SSL_UNKNOWN:
                assert ssl.issuer == found.spec["url"].split("/")[2], at
        scene.check()


def test_two_runs_at_once_keep_what_either_found(scene: Scene) -> None:
    """Two first runs, one between the other's read and its write."""
    monitors = [add(scene, {**SPEC, "url": f"https://{n}.com/"}, at=BASE + 1) for n in range(2)]
    run(
        scene,
        BASE,
        first=monitors[0],
        faults={(SAVE, BEFORE): lambda: run(scene, BASE, first=monitors[1])},
    )
    assert [shown(scene, monitor) for monitor in monitors] == [good(BASE)] * 2


def test_a_stale_read_costs_a_second_look_and_loses_nothing(scene: Scene) -> None:
    monitors = [add(scene, {**SPEC, "url": f"https://{n}.com/"}) for n in range(3)]
    scene.store.lag = lambda: 1
    for n in range(3):
        assert run(scene, BASE + 60 * n, deps=scene.container()) == (3 if n < 2 else 0)
    scene.store.lag = lambda: 0
    assert [shown(scene, monitor) for monitor in monitors] == [good(BASE + 60)] * 3
