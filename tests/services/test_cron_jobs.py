"""Changes of cron jobs that collide, lose their answers, die, or meet others at any storage call."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.domain.cron_job import CronHeartbeat, CronJob
from chalicelib.domain.heartbeat import Caller, place_of
from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.lateness import JobStatus, Kind, Rules
from chalicelib.domain.origin import Origin
from chalicelib.domain.outcome import Status
from chalicelib.domain.recurrence import Schedule
from chalicelib.errors import Contended, LimitExceeded, NotFound
from chalicelib.services.cron_jobs import (
    Change,
    Draft,
    create_job,
    delete_job,
    list_jobs,
    rotate_token,
    show_job,
    token_of,
    update_job,
)
from chalicelib.services.deadlines import find_deadlines
from chalicelib.services.monitors import delete_monitor
from chalicelib.services.pinging_jobs import Ping, ping_job
from chalicelib.services.retrying import TRIES
from tests.fakes import AFTER, BEFORE, FakeDeps, FakeStore, Killed

TEAM = "team-1"
DRAFT = Draft("Backup", Rules(Schedule("cron", "0 * * * *"), grace_seconds=300), slug="backup")
WRITES = ("cron_jobs.write", "ping_keys.replace")
Verb = Callable[[FakeDeps, str], object]


def ping(deps: FakeDeps, job: CronJob, kind: Kind = Kind.SUCCESS) -> None:
    assert ping_job(deps, place_of(job.ping_token), Ping(kind, Caller("192.0.2.1", "curl"), body=b"log"))


def seq_of(row: OutboxRow) -> int:
    return row.seq


def alarm_of(heartbeat: CronHeartbeat) -> tuple[Status, int]:
    return heartbeat.pulse.alarm.status, heartbeat.pulse.alarm.seq


class World:
    """A job that was pinged once and has been missed since, which nobody has noticed yet."""

    def __init__(self, *, is_enabled: bool = True) -> None:
        self.store = FakeStore()
        self.deps = FakeDeps(self.store)
        self.job = create_job(self.deps, TEAM, DRAFT)
        ping(self.deps, self.job)
        if not is_enabled:
            self.deps.at += timedelta(hours=2)
            update_job(self.deps, TEAM, self.job.id, switch(False))
        self.deps.at += timedelta(hours=2)
        self.calls: list[str] = []

    def disturb(self, at: tuple[int, str], what: Callable[[], object]) -> None:
        def on_call(verb: str, phase: str) -> None:
            if phase == BEFORE:
                self.calls.append(verb)
            if (len(self.calls), phase) == at:
                self.store.on_call = lambda verb, phase: None
                what()

        self.store.on_call = on_call

    def check(self) -> None:
        """Heartbeats, locators, pointers and the limit agree with the jobs; every turn was told once."""
        self.store.on_call = lambda verb, phase: None
        items = self.store.items
        jobs: list[CronJob] = list(items["cron_job"].values())
        assert set(items["heartbeat"]) == {place_of(job.ping_token) for job in jobs}
        for job in jobs:
            heartbeat = items["heartbeat"][place_of(job.ping_token)]
            assert (heartbeat.id, heartbeat.rules, heartbeat.team_id) == (job.id, job.rules, TEAM)
            assert (heartbeat.pulse.expected_at is None) is not job.is_enabled
            assert (job.enabled_at is None) is not job.is_enabled
            assert items["locator"][job.id].place == place_of(job.ping_token)
            told = sorted((row for row in items["outbox"].values() if row.monitor_id == job.id), key=seq_of)
            words = [Status.UP, *(row.after for row in told)]
            assert [row.before for row in told] == words[:-1]
            assert (words[-1], told[-1].seq if told else 0) == alarm_of(heartbeat)
        assert set(items["locator"]) == {job.id for job in jobs}
        pointers = {(job.slug, job.id): place_of(job.ping_token) for job in jobs if job.slug}
        assert items["pointer", TEAM] == pointers
        assert (items["limit"].get((TEAM, "cron")) or 0) == len(jobs)
        assert not pointers or self.deps.ping_keys.of_team(TEAM)


def switch(is_enabled: bool) -> Change:
    return Change({}, {"is_enabled": is_enabled}, {})


def change(job: dict[str, object] | None = None, **schedule: object) -> Verb:
    def update(deps: FakeDeps, job_id: str) -> object:
        return update_job(deps, TEAM, job_id, Change(job or {}, {}, schedule))

    return update


def create(deps: FakeDeps, job_id: str) -> object:
    """Always of one origin, as a request with an Idempotency-Key is."""
    return create_job(deps, TEAM, DRAFT, Origin(deps.at, b"s" * 32), b"t" * 32)


def delete(deps: FakeDeps, job_id: str) -> object:
    delete_job(deps, TEAM, job_id)
    return None


VERBS: dict[str, Verb] = {
    "create": create,
    "rename": change({"name": "New"}),
    "slug": change({"slug": "other"}),
    "no slug": change({"slug": ""}),
    "reschedule": change(expression="30 * * * *"),
    "disable": lambda deps, job_id: update_job(deps, TEAM, job_id, switch(False)),
    "enable": lambda deps, job_id: update_job(deps, TEAM, job_id, switch(True)),
    "rotate": lambda deps, job_id: rotate_token(deps, TEAM, job_id),
    "delete": delete,
}


def world_of(name: str) -> World:
    return World(is_enabled=name != "enable")


def points(name: str) -> list[tuple[int, str]]:
    world = world_of(name)
    world.disturb((0, ""), lambda: None)
    VERBS[name](world.deps, world.job.id)
    return [(number + 1, phase) for number in range(len(world.calls)) for phase in (BEFORE, AFTER)]


def die() -> None:
    raise Killed


EVERY_POINT = [(name, point) for name in VERBS for point in points(name)]


@pytest.mark.parametrize(("name", "point"), EVERY_POINT)
def test_killed_anywhere_and_repeated_it_is_done_once(name: str, point: tuple[int, str]) -> None:
    world = world_of(name)
    expected = world_of(name)
    VERBS[name](expected.deps, expected.job.id)
    world.disturb(point, die)
    with pytest.raises(Killed):
        VERBS[name](world.deps, world.job.id)
    world.check()
    try:
        VERBS[name](world.deps, world.job.id)
    except NotFound:
        assert name == "delete"
    world.check()
    assert len(world.store.items["cron_job"]) == len(expected.store.items["cron_job"])
    kinds = ("incident", "outbox", "leftover", ("block", world.job.id), ("body", world.job.id))
    for kind in kinds:
        assert len(world.store.items[kind]) == len(expected.store.items[kind]), kind


@pytest.mark.parametrize("phase", [BEFORE, AFTER])
@pytest.mark.parametrize("name", VERBS)
def test_a_collision_or_a_lost_answer_is_tried_again(name: str, phase: str) -> None:
    world = world_of(name)
    jobs = len(world.store.items["cron_job"]) + {"create": 1, "delete": -1}.get(name, 0)
    left = dict.fromkeys(WRITES, 1)

    def on_call(verb: str, at: str) -> None:
        if at == phase and left.get(verb):
            left[verb] -= 1
            raise Contended(verb)

    world.store.on_call = on_call
    VERBS[name](world.deps, world.job.id)
    assert left["cron_jobs.write"] == 0
    world.check()
    assert len(world.store.items["cron_job"]) == jobs


@pytest.mark.parametrize("name", VERBS)
def test_throttled_for_ever_it_gives_up_after_some_seconds(name: str) -> None:
    world = world_of(name)

    def throttle(verb: str, phase: str) -> None:
        if verb == "cron_jobs.write" and phase == BEFORE:
            raise Contended(verb)

    world.store.on_call = throttle
    with pytest.raises(Contended):
        VERBS[name](world.deps, world.job.id)
    assert len(world.deps.waits) == TRIES - 1
    assert sum(world.deps.waits) < 20
    world.check()


MEETINGS: dict[str, Verb] = {
    **{name: verb for name, verb in VERBS.items() if name not in ("create", "delete")},
    "ping": lambda deps, job_id: ping(deps, stored(deps, job_id)),
    "fail": lambda deps, job_id: ping(deps, stored(deps, job_id), Kind.FAIL),
    "the minute's run": lambda deps, job_id: find_deadlines(deps),
}


def stored(deps: FakeDeps, job_id: str) -> CronJob:
    job = deps.cron_jobs.get(TEAM, job_id, consistent=True)
    assert job is not None
    return job


@pytest.mark.parametrize("other", MEETINGS)
@pytest.mark.parametrize(
    ("name", "point"), [(name, point) for name, point in EVERY_POINT if name != "create"]
)
def test_whatever_happens_in_between_nothing_is_lost(name: str, point: tuple[int, str], other: str) -> None:
    world = world_of(name)

    def meddle() -> None:
        if world.store.items["cron_job"]:
            MEETINGS[other](FakeDeps(world.store, at=world.deps.at), world.job.id)

    world.disturb(point, meddle)
    VERBS[name](world.deps, world.job.id)
    world.check()
    pings = 1 + (other in ("ping", "fail"))
    for heartbeat in world.store.items["heartbeat"].values():
        assert heartbeat.count in (1, pings)


def test_a_full_team_is_told_so_and_nothing_is_left() -> None:
    world = World()
    world.deps.settings = world.deps.settings.__class__(cron_jobs_per_team=1)
    with pytest.raises(LimitExceeded):
        create_job(world.deps, TEAM, DRAFT)
    world.check()


def test_another_try_of_one_origin_is_the_first_ones_job_even_in_a_full_team() -> None:
    world = World()
    first = create(world.deps, "")
    world.deps.settings = world.deps.settings.__class__(cron_jobs_per_team=2)
    assert create(world.deps, "") == first


def test_the_token_comes_from_the_secret() -> None:
    deps = FakeDeps()
    job = create_job(deps, TEAM, DRAFT, None, bytes(range(32)))
    assert job.ping_token == token_of(bytes(range(32))) == "10111213-1415-4617-9819-1a1b1c1d1e1f"


def test_the_list_looks_again_at_jobs_that_moved_or_went_while_it_was_read() -> None:
    world = World()
    doomed, kept = (create_job(world.deps, TEAM, DRAFT) for _ in range(2))

    def on_call(verb: str, phase: str) -> None:
        if (verb, phase) == ("cron_jobs.of_team", AFTER):
            world.store.on_call = lambda verb, phase: None
            rotate_token(world.deps, TEAM, world.job.id)
            delete_job(world.deps, TEAM, doomed.id)

    world.store.on_call = on_call
    shown = {job.id: (job.ping_token, pulse.status) for job, pulse in list_jobs(world.deps, TEAM)}
    assert shown == {
        world.job.id: (stored(world.deps, world.job.id).ping_token, JobStatus.MISSED),
        kept.id: (kept.ping_token, JobStatus.NEW),
    }


def test_a_change_tells_the_turn_that_was_due_with_its_own_time() -> None:
    world = World()
    update_job(world.deps, TEAM, world.job.id, Change({"name": "x"}, {}, {}))
    (row,) = world.store.items["outbox"].values()
    assert (row.before, row.after) == (Status.UP, Status.DOWN)
    update_job(world.deps, TEAM, world.job.id, switch(False))
    update_job(world.deps, TEAM, world.job.id, switch(True))
    rows = sorted(world.store.items["outbox"].values(), key=lambda row: row.seq)
    assert [row.after for row in rows][-1] is Status.UP
    _, pulse = show_job(world.deps, TEAM, world.job.id)
    assert (pulse.status, pulse.alarm.opened_seq) == (JobStatus.HEALTHY, 0)
    world.check()


def test_a_delete_of_anything_clears_what_a_killed_one_left() -> None:
    world = World()
    world.disturb((3, BEFORE), die)
    with pytest.raises(Killed):
        delete_job(world.deps, TEAM, world.job.id)
    assert world.store.items["body", world.job.id]
    assert world.store.items["leftover"]
    with pytest.raises(NotFound):
        delete_monitor(world.deps, TEAM, "http", "mon_1")
    assert not world.store.items["body", world.job.id]
    assert not world.store.items["leftover"]
