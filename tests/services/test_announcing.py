"""The delivery hears of every transition once it is committed, and nothing depends on it."""

from collections.abc import Callable, Collection
from datetime import datetime

import pytest

from chalicelib.domain.cron_job import CronJob
from chalicelib.domain.heartbeat import place_of
from chalicelib.domain.lateness import Kind, Rules
from chalicelib.domain.outcome import Status
from chalicelib.domain.push_monitor import PushMonitor
from chalicelib.domain.recurrence import Schedule
from chalicelib.domain.silence import Rules as PushRules
from chalicelib.services import cron_jobs, push_monitors
from chalicelib.services.announcing import announce
from chalicelib.services.deadlines import find_deadlines
from chalicelib.services.pinging_jobs import Ping, ping_job
from chalicelib.services.pushing import Said, take_push
from tests.fakes import FakeDeps
from tests.services.probing.scene import BASE, SHARD, Scene, collide

TEAM = "team-1"
HOURLY = Rules(Schedule("cron", "0 * * * *"), grace_seconds=300)
UP, _, DOWN = Status


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-01T{text}+00:00")


class Away:
    """A queue that cannot be reached."""

    def send(self, shards: Collection[str]) -> None:
        raise OSError("no route")


def with_queue_away(deps: FakeDeps) -> FakeDeps:
    deps.deliveries = Away()  # type: ignore[assignment]
    return deps


def make_job(deps: FakeDeps, rules: Rules = HOURLY) -> CronJob:
    """Pinged at 12:00:10: due by 13:05, missed from 14:00 on."""
    deps.at = at("12:00:00")
    job = cron_jobs.create_job(deps, TEAM, cron_jobs.Draft("Backup", rules))
    ping(deps, job, "12:00:10")
    return job


def ping(deps: FakeDeps, job: CronJob, now: str, kind: Kind = Kind.SUCCESS) -> None:
    deps.at = at(now)
    assert ping_job(deps, job.place, Ping(kind, None)) is not None


def make_push(deps: FakeDeps) -> PushMonitor:
    """Silent from 12:01:11 on."""
    deps.at = at("12:00:00")
    draft = push_monitors.Draft("Backup", PushRules())
    monitor = push_monitors.create_push_monitor(deps, TEAM, draft).monitor
    deps.at = at("12:00:10")
    take_push(deps, monitor.push_token, Said())
    return monitor


def heard(deps: FakeDeps, work: Callable[[], object]) -> list[str]:
    """The shards that the delivery was told of meanwhile."""
    deps.deliveries.shards.clear()
    work()
    return list(deps.deliveries.shards)


def test_nothing_is_sent_for_nothing() -> None:
    announce(with_queue_away(FakeDeps()), [])


def test_a_failure_is_logged_and_contained(caplog: pytest.LogCaptureFixture) -> None:
    announce(with_queue_away(FakeDeps()), ["HB03", SHARD])
    assert f"{SHARD}, HB03" not in caplog.text
    assert f"HB03, {SHARD}" in caplog.text


def test_a_run_tells_once_of_all_that_it_committed() -> None:
    scene = Scene()
    monitors = [scene.add() for _ in range(60)]
    deps = scene.container()
    scene.run(BASE, deps=deps)
    assert deps.deliveries.shards == []
    scene.run(BASE + 60, down=monitors, deps=deps)
    assert scene.last_plan.calls.count("states.commit") == 2
    assert deps.deliveries.shards == [SHARD]
    scene.run(BASE + 120, down=monitors, deps=deps)
    assert deps.deliveries.shards == [SHARD]


def test_a_run_that_loses_its_second_batch_tells_of_the_first() -> None:
    scene = Scene()
    monitors = [scene.add() for _ in range(60)]
    deps = scene.container(BASE)

    def collide_from_now_on() -> None:
        scene.store.on_call = lambda verb, phase: collide() if verb == "states.commit" else None

    scene.run(BASE, down=monitors, deps=deps, faults={("states.commit", "after"): collide_from_now_on})
    assert 0 < sum(len(scene.rows(monitor)) for monitor in monitors) < 60
    assert deps.deliveries.shards == [SHARD]


def test_the_minutes_run_tells_of_all_partitions_at_once() -> None:
    deps = FakeDeps()
    jobs = [make_job(deps) for _ in range(6)]
    monitor = make_push(deps)
    assert heard(deps, lambda: find_deadlines(deps)) == []
    deps.at = at("13:06")
    there = sorted({monitor.place.name, *(job.place.name for job in jobs)})
    assert heard(deps, lambda: find_deadlines(deps)) == there
    assert heard(deps, lambda: find_deadlines(deps)) == []


def test_a_partition_that_cannot_be_read_holds_back_no_other() -> None:
    deps = FakeDeps()
    job = make_job(deps)
    deps.at = at("13:06")
    pages = deps.heartbeats.of_partition

    def of_partition(partition: int) -> object:
        if partition == (job.place.partition + 1) % 16:
            raise OSError("throttled")
        return pages(partition)

    deps.heartbeats.of_partition = of_partition  # type: ignore[assignment, method-assign]
    deps.deliveries.shards.clear()
    with pytest.raises(ExceptionGroup):
        find_deadlines(deps)
    assert deps.deliveries.shards == [job.place.name]


def test_a_ping_tells_of_the_turn_that_it_makes() -> None:
    deps = FakeDeps()
    job = make_job(deps)
    deps.at = at("13:06")
    find_deadlines(deps)
    assert heard(deps, lambda: ping(deps, job, "13:10")) == []  # late it stays
    assert heard(deps, lambda: ping(deps, job, "13:11", Kind.FAIL)) == [job.place.name]
    assert heard(deps, lambda: ping(deps, job, "14:01")) == [job.place.name]
    assert heard(deps, lambda: ping(deps, job, "15:01")) == []


def test_a_heartbeat_tells_of_the_turn_that_it_makes_and_of_the_silence_before_it() -> None:
    deps = FakeDeps()
    monitor = make_push(deps)
    deps.at = at("12:30")
    shard = monitor.place.name
    assert heard(deps, lambda: take_push(deps, monitor.push_token, Said())) == [shard, shard]
    assert heard(deps, lambda: take_push(deps, monitor.push_token, Said(status="down"))) == [shard]


@pytest.mark.parametrize("is_enabled", [False, True])
def test_a_change_tells_of_what_time_had_made_of_it(*, is_enabled: bool) -> None:
    deps = FakeDeps()
    job = make_job(deps)
    deps.at = at("13:06")
    change = cron_jobs.Change({}, {"is_enabled": is_enabled, "grace_seconds": 301}, {})
    assert heard(deps, lambda: cron_jobs.update_job(deps, TEAM, job.id, change)) == [job.place.name]
    renamed = cron_jobs.Change({"name": "Other"}, {}, {})
    assert heard(deps, lambda: cron_jobs.update_job(deps, TEAM, job.id, renamed)) == []


def test_an_enable_tells_that_the_alarm_is_over() -> None:
    deps = FakeDeps()
    job = make_job(deps)
    deps.at = at("13:06")
    for is_enabled in (False, True):
        change = cron_jobs.Change({}, {"is_enabled": is_enabled}, {})
        told = heard(deps, lambda change=change: cron_jobs.update_job(deps, TEAM, job.id, change))  # type: ignore[misc]
        assert told == [job.place.name]


def test_a_monitor_that_moves_while_its_alarm_turns_tells_where_it_is_now() -> None:
    deps = FakeDeps()
    monitor = make_push(deps)
    deps.at = at("12:30")
    token = next(t for i in range(99) if place_of(t := f"from-kuma-{i}").name != monitor.place.name)
    change = push_monitors.Change({"push_token": token}, {})
    told = heard(deps, lambda: push_monitors.update_push_monitor(deps, TEAM, monitor.id, change))
    (row,) = deps.store.items["outbox"].values()
    assert told == [row.shard] == [place_of(token).name]


def test_without_a_queue_everything_goes_on_as_before(caplog: pytest.LogCaptureFixture) -> None:
    deps = with_queue_away(FakeDeps())
    job, monitor = make_job(deps), make_push(deps)
    deps.at = at("13:06")
    assert find_deadlines(deps) == 2
    ping(deps, job, "14:01", Kind.FAIL)
    take_push(deps, monitor.push_token, Said())
    assert cron_jobs.show_job(deps, TEAM, job.id)[1].alarm.status is DOWN
    assert push_monitors.show_push_monitor(deps, TEAM, monitor.id).pulse.alarm.status is UP
    assert len(deps.store.items["outbox"]) == 4
    assert caplog.text.count("the delivery is not told") == 3


def test_a_run_without_a_queue_commits_all_the_same() -> None:
    scene = Scene()
    monitor = scene.add()
    scene.run(BASE, down=[monitor], deps=with_queue_away(scene.container()))
    assert [row[2] for row in scene.rows(monitor)] == [DOWN]
    assert scene.open_incidents(monitor) == 1
