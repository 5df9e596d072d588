"""The stages that certificates enter, told once each, whatever happens to the runs that find them."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.certificate import CertificateReading
from chalicelib.domain.incident import SSL, OutboxRow
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Reason
from chalicelib.errors import Contended
from chalicelib.settings import Settings
from chalicelib.store.outbox import OutboxStore
from tests.fakes import AFTER, BEFORE, GOOD

from .scene import BASE, HOUR, SLOW_SHARD, Plan, RealScene, Scene, collide, die, throttle
from .test_certificates import DAY, GET, SAVE, SPEC, add, change, one, run, shown

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

assert GOOD.not_after is not None
ENDING = CertificateReading(not_after=GOOD.not_after - timedelta(days=170), issuer="R11")
"""Ends after 13.5 days and some minutes."""
RENEWED = CertificateReading(not_after=GOOD.not_after, issuer="R11")
NO_TLS = CertificateReading(Reason.TLS_FAILED)
TROUBLE = CertificateReading(Reason.TIMEOUT)


def rows(scene: Scene) -> list[OutboxRow]:
    """Of certificates, oldest first."""
    if isinstance(scene, RealScene):
        found = [
            row for shard in scene.container().shards.all() for row in OutboxStore().of_shard(shard.id, 99)
        ]
    else:
        found = list(scene.store.items["outbox"].values())
    return sorted((row for row in found if row.kind == SSL), key=lambda row: row.seq)


def told(scene: Scene) -> list[str]:
    return [f"{row.reason.name} {row.status_code}".removesuffix(" 0") for row in rows(scene)]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_life_is_told_stage_by_stage(scene: Scene) -> None:
    monitor = add(scene)
    for n in range(16 * 24):
        run(scene, BASE + n * HOUR, {"e.com": ENDING})
    run(scene, BASE + 16 * DAY, {"e.com": RENEWED})
    run(scene, BASE + 17 * DAY, {"e.com": RENEWED})
    assert told(scene) == ["EXPIRING 13", "EXPIRING 7", "EXPIRING 1", "EXPIRED", "NONE"]
    assert {(row.monitor_id, row.team_id, row.shard) for row in rows(scene)} == {
        (monitor.id, monitor.team_id, monitor.placement.shard)
    }
    assert {row.opened_seq for row in rows(scene)} == {BASE + 5}


def test_the_delivery_is_told_of_stages_and_of_nothing_else(scene: Scene) -> None:
    add(scene)
    deps = scene.container()
    for n, (found, calls) in enumerate(((GOOD, 0), (ENDING, 1), (ENDING, 1), (RENEWED, 2))):
        run(scene, BASE + n * DAY, {"e.com": found}, deps=deps)
        assert deps.deliveries.shards == ["enam.normal.00001"] * calls


def test_a_delivery_that_cannot_be_told_spoils_nothing(scene: Scene) -> None:
    monitor = add(scene)
    deps = scene.container()

    def refuse(shards: object) -> None:
        raise RuntimeError("no queue")

    deps.deliveries.send = refuse  # type: ignore[method-assign]
    assert run(scene, BASE, {"e.com": ENDING}, deps=deps) == 1
    assert told(scene) == ["EXPIRING 13"]
    assert shown(scene, monitor).status == "expiring"


def test_the_days_of_warning_are_each_monitors_own(scene: Scene) -> None:
    for days in (5, 13, 20):
        add(scene, {**SPEC, "sslExpiryWarningDays": days})
    run(scene, BASE, {"e.com": ENDING})
    assert [row.monitor_id for row in rows(scene)] == [
        row.monitor_id for row in rows(scene) if row.status_code == 13
    ]
    assert len(rows(scene)) == 2


def test_another_host_starts_over(scene: Scene) -> None:
    monitor = add(scene)
    run(scene, BASE, {"e.com": ENDING})
    change(scene, monitor, spec={"url": "https://f.com/"})
    run(scene, BASE + 60, {"f.com": GOOD})
    assert told(scene) == ["EXPIRING 13"]
    change(scene, monitor, spec={"url": "https://e.com/"})
    run(scene, BASE + 120, {"e.com": ENDING})
    first, second = rows(scene)
    assert (second.before, second.opened_seq) == (None, second.seq)
    assert second.seq > first.seq


def test_what_was_turned_off_and_forgotten_starts_over(scene: Scene) -> None:
    monitor, _ = add(scene), add(scene, {**SPEC, "url": "https://f.com/"})
    run(scene, BASE, {"e.com": ENDING})
    change(scene, monitor, spec={"sslMonitoringEnabled": False})
    run(scene, BASE + DAY)
    change(scene, monitor, spec={"sslMonitoringEnabled": True})
    run(scene, BASE + DAY + 60, {"e.com": RENEWED})
    assert told(scene) == ["EXPIRING 13"]


@pytest.mark.parametrize("found", [ENDING, RENEWED])
def test_a_monitor_that_has_moved_takes_its_stage_along(scene: Scene, found: CertificateReading) -> None:
    monitor, _ = add(scene), add(scene, {**SPEC, "url": "https://f.com/"})
    run(scene, BASE, {"e.com": ENDING})
    change(scene, monitor, timeout_seconds=30.0)
    run(scene, BASE + DAY, {"e.com": ENDING})
    for n in range(1, 20):
        run(scene, BASE + DAY + n * HOUR, {"e.com": found}, shard=SLOW_SHARD)
    assert told(scene) == (["EXPIRING 13", "NONE"] if found is RENEWED else ["EXPIRING 13"])
    assert {row.opened_seq for row in rows(scene)} == {BASE + 5}


def test_what_cannot_be_taken_along_is_told_again(scene: Scene) -> None:
    monitor, _ = add(scene), add(scene, {**SPEC, "url": "https://f.com/"})
    run(scene, BASE, {"e.com": ENDING})
    with scene.planned(Plan({(GET, BEFORE): throttle})):
        change(scene, monitor, timeout_seconds=30.0)
    run(scene, BASE + DAY, {"e.com": ENDING}, shard=SLOW_SHARD)
    assert told(scene) == ["EXPIRING 13", "EXPIRING 12"]


def test_a_run_that_knows_nothing_of_a_new_monitor_leaves_it_its_stage(scene: Scene) -> None:
    """Else it would be told of a second time."""
    add(scene, {**SPEC, "url": "https://f.com/"})

    def add_another() -> None:
        new = add(scene, at=BASE + 6)
        run(scene, BASE, {"e.com": ENDING}, first=new, at=BASE + 7)

    run(scene, BASE, faults={(SAVE, BEFORE): add_another})
    run(scene, BASE + 60, {"e.com": ENDING})
    assert told(scene) == ["EXPIRING 13"]


def test_a_disabled_monitor_enters_nothing(scene: Scene) -> None:
    monitor, _ = add(scene), add(scene, {**SPEC, "url": "https://f.com/"})
    run(scene, BASE, {"e.com": ENDING})
    change(scene, monitor, is_enabled=False)
    run(scene, BASE + 10 * DAY, {"e.com": ENDING})
    assert told(scene) == ["EXPIRING 13"]


def test_trouble_is_told_after_two_days_and_the_end_of_a_certificate_at_once(scene: Scene) -> None:
    ends = CertificateReading(not_after=ENDING.not_after - timedelta(days=13) if ENDING.not_after else None)
    add(scene)
    for n in range(50):
        run(scene, BASE + n * HOUR, {"e.com": TROUBLE if n else ends})
    assert told(scene) == ["EXPIRING", "EXPIRED", "UNREADABLE"]


TURNS: dict[str, tuple[CertificateReading, CertificateReading, list[str]]] = {
    "worse": (GOOD, ENDING, ["EXPIRING 12"]),
    "first": (GOOD, NO_TLS, ["UNREADABLE"]),
    "better": (ENDING, RENEWED, ["EXPIRING 13", "NONE"]),
    "other": (NO_TLS, ENDING, ["UNREADABLE", "EXPIRING 12"]),
}


def collide_in_transactions(scene: Scene) -> None:
    if scene.last_plan.calls[-1] in (SAVE, "states.commit", "TransactWriteItems"):
        collide()


@pytest.mark.parametrize("name", TURNS)
@pytest.mark.parametrize("fault", [die, throttle, None])
def test_killed_refused_or_unanswered_anywhere_each_stage_is_told_once(
    name: str, fault: Callable[[], None] | None
) -> None:
    """The second reading is disturbed; the runs of the next hours find the same."""
    before, after, expected = TURNS[name]
    for at in points(one, before, after):
        scene, _ = one()
        run(scene, BASE, {"e.com": before})
        disturb = fault or partial(collide_in_transactions, scene)
        run(scene, BASE + DAY, {"e.com": after}, faults={at: disturb})
        for later in (60, 120, HOUR + 60, 6 * HOUR):
            run(scene, BASE + DAY + later, {"e.com": after})
        assert told(scene) == expected, at
        scene.check()


def points(
    build: Callable[[], tuple[Scene, Monitor]], before: CertificateReading, after: CertificateReading
) -> list[tuple[int, str]]:
    scene, _ = build()
    run(scene, BASE, {"e.com": before})
    run(scene, BASE + DAY, {"e.com": after})
    calls = scene.last_plan.calls
    assert calls[-1] == SAVE
    return [(k, phase) for k in range(1, len(calls) + 1) for phase in (BEFORE, AFTER)]


@pytest.mark.parametrize("name", TURNS)
@pytest.mark.parametrize("seconds", [0, 60], ids=["the same slot", "the next slot"])
def test_of_two_runs_at_once_one_tells(name: str, seconds: int) -> None:
    before, after, expected = TURNS[name]
    for at in points(one, before, after):
        scene, _ = one()
        run(scene, BASE, {"e.com": before})

        def other(scene: Scene = scene) -> None:
            run(scene, BASE + DAY + seconds, {"e.com": after})

        run(scene, BASE + DAY, {"e.com": after}, faults={at: other})
        assert told(scene) == expected, at


def test_what_an_older_run_has_found_does_not_undo_a_newer_ones(scene: Scene) -> None:
    """It was renewed in between, and the older run saves last."""
    monitor = add(scene)
    run(scene, BASE, {"e.com": ENDING})
    newer = {(SAVE, BEFORE): lambda: run(scene, BASE + DAY + 60, {"e.com": RENEWED})}
    run(scene, BASE + DAY, {"e.com": NO_TLS}, faults=newer)
    assert told(scene) == ["EXPIRING 13", "NONE"]
    assert shown(scene, monitor, BASE + DAY + 90).status == "valid"


def test_an_answer_that_was_lost_is_looked_for_at_once(scene: Scene) -> None:
    add(scene)

    def lose() -> None:
        raise Contended("no answer")

    run(scene, BASE, {"e.com": ENDING}, faults={(SAVE, AFTER): lose})
    assert told(scene) == ["EXPIRING 13"]
    assert scene.last_plan.calls[-3:] == [SAVE, "ssl_readings.get", SAVE]


@pytest.mark.parametrize("fault", [die, None])
def test_on_the_engine_each_stage_is_told_once(
    settings: Settings, client: "DynamoDBClient", fault: Callable[[], None] | None
) -> None:
    """Every request of a run of its own day disturbed, with the next run in its place."""
    scene = RealScene(settings, client)
    disturb = fault or partial(collide_in_transactions, scene)
    add(scene)
    run(scene, BASE, {"e.com": GOOD})
    k, slot, expected, disturbed = 0, BASE, 0, set[str]()
    while True:
        k += 1
        for phase in (BEFORE, AFTER):
            slot += 2 * DAY
            found = NO_TLS if expected % 2 == 0 else RENEWED
            run(scene, slot, {"e.com": found}, faults={(k, phase): disturb})
            is_reached = len(scene.last_plan.calls) >= k
            disturbed.update(scene.last_plan.calls[k - 1 : k])
            run(scene, slot + 60, {"e.com": found})
            run(scene, slot + 120, {"e.com": found})
            expected += 1
            assert told(scene) == (["UNREADABLE", "NONE"] * expected)[:expected], (k, phase)
        if not is_reached:
            break
    assert {"GetItem", "TransactWriteItems"} <= disturbed
    assert k > 5
