"""The minute's run: what was due is told once, whatever meets it, ends it or holds it up."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.domain.beat import BLOCK_FROM, MOST_RECENT, Beat
from chalicelib.domain.cron_job import CronHeartbeat
from chalicelib.domain.lateness import JobStatus, Kind, Rules
from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.recurrence import Schedule
from chalicelib.errors import Contended
from chalicelib.services.beat_history import beats_between
from chalicelib.services.deadlines import LAG, find_deadlines
from chalicelib.services.pinging_jobs import Ping, ping_job
from chalicelib.settings import Settings
from chalicelib.store.heartbeats import heartbeat_item
from chalicelib.store.tables import HeartbeatItem
from tests.contract.conftest import Edges, real_edges
from tests.contract.jobs import CALLER, created, heartbeat, job, pinged, where
from tests.fakes import AFTER, BEFORE, FakeDeps, Killed
from tests.store.wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

UP, DEGRADED, DOWN = Status
HOURLY = Rules(Schedule("cron", "0 * * * *"), grace_seconds=300)
MS, MINUTE, HOUR, DAY = (
    timedelta(milliseconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)
Point = tuple[int, str]


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-01T{text}+00:00")


class Watched:
    """An edge around whose calls something happens."""

    def __init__(self, edge: Any) -> None:
        self.edge = edge
        self.on_call: Callable[[str, str], None] = lambda verb, phase: None

    def __getattr__(self, verb: str) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            self.on_call(verb, BEFORE)
            result = getattr(self.edge, verb)(*arguments, **options)
            self.on_call(verb, AFTER)
            return result

        return call


@dataclass
class World:
    """Jobs that were pinged at 12:00:10, so that each is due by 13:05 and missed from 14:00 on."""

    deps: Any
    rows: Callable[[int], list[Any]]
    """(monitor, seq, before, after, slot) of a job."""

    def make(self, number: int = 1, rules: Rules = HOURLY, pings: int = 1) -> None:
        made = job(number, rules=rules)
        self.deps.cron_jobs.write(created(made), 100)
        for _ in range(pings):
            self.ping("12:00:10", number=number)

    def ping(self, now: str | datetime, kind: Kind = Kind.SUCCESS, number: int = 1) -> CronHeartbeat:
        self.deps.at = at(now) if isinstance(now, str) else now
        pinged = ping_job(self.deps, where(number), Ping(kind, CALLER))
        assert pinged is not None
        return pinged[0]

    def run(self, now: str | datetime) -> int:
        self.deps.at = at(now) if isinstance(now, str) else now
        return find_deadlines(self.deps)

    def read(self, number: int = 1) -> CronHeartbeat:
        found: CronHeartbeat | None = self.deps.heartbeats.get(where(number), consistent=True)
        assert found is not None
        return found

    def told(self, number: int = 1) -> list[Status]:
        """What was told, one after the other, of which the alarm as stored is the last."""
        rows = [row for row in self.rows(number) if row[0] == job(number).id]
        words = [UP, *(row[3] for row in rows)]
        assert [row[2] for row in rows] == words[:-1]
        alarm = self.read(number).pulse.alarm
        assert (alarm.status, alarm.seq) == (words[-1], rows[-1][1] if rows else alarm.seq)
        return words[1:]

    def history(self, number: int = 1) -> list[Beat]:
        """Oldest first; each exactly once."""
        found = self.read(number)
        beats = list(beats_between(self.deps, found, found.count, 1, self.deps.at))[::-1]
        assert [n for n, _ in beats] == list(range(1, found.count + 1))
        assert len({beat.mark for _, beat in beats}) == found.count
        return [beat for _, beat in beats]

    def once(self, verb: str, phase: str, what: Callable[[], object], edge: str = "heartbeats") -> None:
        """At the next such call something happens."""
        watched = getattr(self.deps, edge)

        def on_call(called: str, its: str) -> None:
            if (called, its) == (verb, phase):
                watched.on_call = lambda verb, phase: None
                what()

        watched.on_call = on_call


def watched(deps: FakeDeps) -> Any:
    world: Any = deps
    world.heartbeats, world.beats = Watched(world.heartbeats), Watched(world.beats)
    return world


def fake_world() -> World:
    deps = FakeDeps(at=at("12:00"))

    def rows(number: int) -> list[Any]:
        found = [row for row in deps.store.items["outbox"].values() if row.shard == where(number).name]
        return sorted((r.monitor_id, r.seq, r.before, r.after, r.slot) for r in found)

    return World(watched(deps), rows)


@pytest.fixture(params=["fake", "real"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "fake":
        return fake_world()
    edges: Edges = real_edges(request.getfixturevalue("settings"), request.getfixturevalue("client"))
    deps: Any = FakeDeps(at=at("12:00"))
    deps.heartbeats, deps.beats, deps.cron_jobs = edges.heartbeats, edges.beats, edges.cron_jobs
    return World(watched(deps), lambda number: edges.outbox(where(number).name))


ORDERS = ["the ping first", "the run first", "the ping amid the run", "the run amid the ping"]


def meet(world: World, order: str, now: datetime) -> None:
    def ping() -> None:
        world.ping(now)

    def run() -> None:
        world.run(now)

    first, second = (ping, run) if order.startswith("the ping") else (run, ping)
    if "amid" in order:
        world.once("save", BEFORE, first)
        second() if first is ping else ping()
    else:
        first()
        second()


@pytest.mark.parametrize("offset", [-1, 0, 1])
@pytest.mark.parametrize("order", ORDERS)
def test_a_deadline_and_a_ping_make_one_transition(world: World, order: str, offset: int) -> None:
    world.make()
    meet(world, order, at("13:05") + offset * MS)
    assert world.told() == ([DEGRADED] if offset > 0 else [])
    assert world.read().pulse.status is (JobStatus.LATE if offset > 0 else JobStatus.HEALTHY)
    assert world.run("13:10") == 0
    assert len(world.history()) == 2


@pytest.mark.parametrize("offset", [-1, 0, 1])
@pytest.mark.parametrize("order", ORDERS)
def test_so_do_the_next_occurrence_and_a_ping(world: World, order: str, offset: int) -> None:
    """Which is missed or has come, after which the ping is on time."""
    world.make()
    meet(world, order, at("14:00") + offset * MS)
    was_told = order in ("the run first", "the run amid the ping")
    expected = [DEGRADED] if offset < 0 else [DOWN, UP] if was_told else []
    assert world.told() == expected
    assert world.run("14:01") == 0
    assert len(world.history()) == 2


@pytest.mark.parametrize("kind", [Kind.START, Kind.FAIL, Kind.LOG])
@pytest.mark.parametrize("order", ORDERS)
def test_no_other_ping_hides_what_is_overdue(world: World, order: str, kind: Kind) -> None:
    world.make()
    first = order.startswith("the ping")
    for is_ping in (first, not first):
        if is_ping:
            world.ping("14:00:05", kind)
        else:
            world.run("14:00:05")
    assert world.told() == [DOWN]
    pulse = world.read().pulse
    assert (pulse.alarm.opened_seq, pulse.alarm.opened_at) == (1, at("13:05"))


def test_two_runs_at_once_tell_it_once(world: World) -> None:
    world.make()
    world.once("save", BEFORE, lambda: world.run("13:06"))
    assert world.run("13:06") == 0
    assert world.told() == [DEGRADED]


@pytest.mark.parametrize("away", [HOUR, 5 * HOUR, 40 * HOUR, 400 * DAY])
def test_after_an_outage_there_is_one_turn_dated_by_when_it_was_due(world: World, away: timedelta) -> None:
    world.make()
    assert world.run(at("13:00") + away) == 1
    assert world.told() == [DOWN]
    assert [row[4] for row in world.rows(1)] == [int(at("14:00").timestamp())]
    pulse = world.read().pulse
    assert (pulse.alarm.since, pulse.alarm.opened_at) == (at("14:00"), at("13:05"))
    assert pulse.expected_at == at("13:00") + away
    world.ping(at("13:02") + away)
    assert world.told() == [DOWN, UP]
    assert world.read().pulse.status is JobStatus.HEALTHY
    assert world.run(at("13:10") + away) == 0


def test_an_incident_opens_when_it_was_due_and_ends_with_the_ping() -> None:
    world = fake_world()
    world.make()
    world.run("18:30")
    incidents = world.deps.store.items["incident"]
    ((_, opened),) = incidents.items()
    assert (opened.at, opened.is_opening, opened.status) == (int(at("13:05").timestamp()), True, DOWN)
    assert opened.reason is Reason.MISSED
    world.ping("19:01")
    ((_, ended),) = incidents.items()
    assert (ended.at, ended.is_resolving) == (int(at("19:01").timestamp()), True)


def test_a_job_that_stays_missed_is_stored_seldom(world: World) -> None:
    world.make(rules=replace(HOURLY, schedule=Schedule("cron", "*/5 * * * *")))
    world.run("13:00")
    version = world.read().version
    for minute in range(121):
        world.run(at("13:00") + minute * MINUTE)
    assert world.read().version == version + 1
    n = world.read().pulse.expected_at
    assert n is not None
    assert at("15:00") - n <= LAG
    assert world.told() == [DOWN]


def busy_world() -> World:
    """One job is missed, one has a block due, and one has a strike that is not told yet."""
    world = fake_world()
    world.make(1)
    world.make(2, pings=BLOCK_FROM)
    world.ping("13:00:10", number=2)
    world.make(3, replace(HOURLY, failures_to_alarm=2))
    world.deps.at = at("14:01")
    return world


def points() -> list[Point]:
    world, calls = busy_world(), []
    world.deps.store.on_call = lambda verb, phase: calls.append(phase)
    find_deadlines(world.deps)
    return [(number + 1, phase) for number in range(calls.count(BEFORE)) for phase in (BEFORE, AFTER)]


def disturb(world: World, point: Point, what: Callable[[], object]) -> None:
    seen = 0

    def on_call(verb: str, phase: str) -> None:
        nonlocal seen
        seen += phase == BEFORE
        if (seen, phase) == point:
            world.deps.store.on_call = lambda verb, phase: None
            what()

    world.deps.store.on_call = on_call


def die() -> None:
    raise Killed


def contend() -> None:
    raise Contended("once")


def left(world: World) -> Any:
    """All that there is, but for versions: a number that a lost race has left."""
    items = world.deps.store.items
    return (
        {place: replace(found, version=0) for place, found in items["heartbeat"].items()},
        items["outbox"],
        items["incident"],
        [items["block", job(number).id] for number in (1, 2, 3)],
    )


@pytest.mark.parametrize("point", points())
@pytest.mark.parametrize("fault", [die, contend])
def test_ended_anywhere_and_run_again_it_is_done_once(point: Point, fault: Callable[[], None]) -> None:
    expected, world = busy_world(), busy_world()
    find_deadlines(expected.deps)
    disturb(world, point, fault)
    with contextlib.suppress(Killed, ExceptionGroup):
        find_deadlines(world.deps)
    assert find_deadlines(world.deps) <= 3
    assert left(world) == left(expected)
    assert (world.told(1), world.told(2), world.told(3)) == ([DOWN], [], [DEGRADED])
    assert [len(world.history(number)) for number in (1, 2, 3)] == [1, BLOCK_FROM + 1, 1]
    assert find_deadlines(world.deps) == 0
    assert left(world) == left(expected)


@pytest.mark.parametrize("point", points())
def test_pings_anywhere_amid_a_run_lose_nothing(point: Point) -> None:
    world = busy_world()

    def meddle() -> None:
        for number in (1, 2, 3):
            world.ping("14:01", number=number)

    disturb(world, point, meddle)
    find_deadlines(world.deps)
    find_deadlines(world.deps)
    for number, pings in ((1, 2), (2, BLOCK_FROM + 2), (3, 2)):
        assert len(world.history(number)) == pings
        assert world.told(number) in ([], [DOWN, UP], [DEGRADED, UP])
        assert world.read(number).pulse.status is JobStatus.HEALTHY


def test_throttled_for_ever_a_run_leaves_it_to_the_next(world: World) -> None:
    world.make(1)
    world.make(2, pings=BLOCK_FROM)

    def throttle(verb: str, phase: str) -> None:
        if verb in ("save", "put_block") and phase == BEFORE:
            raise Contended(verb)

    world.deps.heartbeats.on_call = world.deps.beats.on_call = throttle
    assert world.run("13:06") == 0
    assert world.told() == []
    world.deps.heartbeats.on_call = world.deps.beats.on_call = lambda verb, phase: None
    assert world.run("13:07") == 2
    assert world.told() == [DEGRADED]


@pytest.mark.parametrize("number", range(1, 6))
def test_a_heartbeat_that_crashes_takes_no_other_with_it(number: int) -> None:
    world = fake_world()
    for each in range(1, 6):
        world.make(each)
    found = world.read(number)
    world.deps.store.write(("heartbeat", found.place, replace(found, kind="odd")))
    assert world.run("13:06") == 4
    assert [world.told(each) for each in range(1, 6) if each != number] == [[DEGRADED]] * 4


@pytest.mark.parametrize("broken", [{"pulse": "[7]"}, {"rules": ""}, {"kind": "odd"}, {"recent": b"x"}])
def test_nor_does_one_that_cannot_be_decoded(
    settings: Settings, client: "DynamoDBClient", broken: dict[str, Any]
) -> None:
    deps: Any = FakeDeps(at=at("12:00"))
    edges = real_edges(settings, client)
    deps.heartbeats, deps.beats, deps.cron_jobs = edges.heartbeats, edges.beats, edges.cron_jobs
    world = World(deps, lambda number: edges.outbox(where(number).name))
    same = [n for n in range(1, 200) if where(n).partition == where(1).partition][:3]
    for number in same:
        world.make(number)
    place = sorted((where(n) for n in same), key=lambda place: place.digest)[0]
    item = HeartbeatItem.get(f"HB#{place.partition:02d}", place.digest)
    for name, value in broken.items():
        setattr(item, name, value)
    item.save()
    assert world.run("13:06") == 2


@pytest.mark.parametrize("phase", [BEFORE, AFTER])
def test_a_partition_that_cannot_be_read_takes_no_other_with_it(phase: str) -> None:
    """Also when it is a later page of it that fails. The run fails at its end."""
    world = fake_world()
    for number in range(1, 9):
        world.make(number)
    failed = where(1).partition
    others = [number for number in range(1, 9) if where(number).partition != failed]
    heartbeats = world.deps.heartbeats
    of_partition = heartbeats.of_partition

    def failing(partition: int) -> Any:
        if partition == failed and phase == AFTER:
            yield next(iter(of_partition(partition)))
        if partition == failed:
            raise OSError("the query failed")
        yield from of_partition(partition)

    heartbeats.of_partition = failing
    with pytest.raises(ExceptionGroup) as caught:
        world.run("13:06")
    assert [str(error) for error in caught.value.exceptions] == ["the query failed"]
    heartbeats.of_partition = of_partition
    assert all(world.told(number) == [DEGRADED] for number in others)
    assert world.run("13:07") == 8 - len(others) - (phase == AFTER)


def test_a_block_is_moved_once_and_the_newest_ping_stays(world: World) -> None:
    world.make(pings=BLOCK_FROM - 1)
    world.run("12:01")
    assert len(world.read().recent) == BLOCK_FROM - 1
    world.ping("12:02")
    before = world.history()
    world.run("12:03")
    version = world.read().version
    world.run("12:04")
    assert (world.read().version, len(world.read().recent)) == (version, 1)
    assert world.history() == before


def test_time_does_not_run_backwards_after_a_block_was_moved(world: World) -> None:
    """The next ping comes through a function whose clock is behind."""
    world.make(pings=BLOCK_FROM)
    world.run("12:01")
    world.ping("12:00:09")
    assert world.history()[-1].at == at("12:00:10")


@pytest.mark.parametrize("moved_by", ["the run", "pings", "the run, and others came"])
def test_a_ping_whose_answer_was_lost_is_found_in_the_history(world: World, moved_by: str) -> None:
    world.make(pings=BLOCK_FROM)

    def lose() -> None:
        if moved_by == "the run, and others came":
            world.ping("12:00:20")
        if moved_by == "pings":
            for _ in range(MOST_RECENT):
                world.ping("12:00:20")
        find_deadlines(world.deps)
        raise Contended("no answer")

    world.once("save", AFTER, lose)
    world.ping("12:00:20")
    others = {"the run": 0, "pings": MOST_RECENT, "the run, and others came": 1}[moved_by]
    assert len(world.history()) == BLOCK_FROM + 1 + others
    callers = world.deps.beats.callers(job().id, [BLOCK_FROM + 1], at("12:00:20"))
    assert callers == {BLOCK_FROM + 1: CALLER}


@pytest.mark.parametrize("phase", [BEFORE, AFTER])
@pytest.mark.parametrize(
    ("count", "edge", "verb"),
    [
        (1, "heartbeats", "save"),
        (BLOCK_FROM, "heartbeats", "save"),
        (MOST_RECENT, "heartbeats", "save"),
        (MOST_RECENT, "beats", "put_block"),
    ],
)
def test_block_moves_anywhere_amid_a_ping_lose_and_double_nothing(
    world: World, count: int, edge: str, verb: str, phase: str
) -> None:
    world.make(pings=count)

    def meddle() -> None:
        find_deadlines(world.deps)
        world.ping("12:00:30")
        find_deadlines(world.deps)

    world.once(verb, phase, meddle, edge)
    world.ping("12:00:30")
    assert len(world.history()) == count + 2
    find_deadlines(world.deps)
    assert len(world.history()) == count + 2


def test_healthy_jobs_cost_half_a_unit_for_four_kilobytes_and_no_write(
    settings: Settings, client: "DynamoDBClient"
) -> None:
    deps: Any = FakeDeps(at=datetime(2026, 3, 1, 12, 30, tzinfo=UTC))
    edges = real_edges(settings, client)
    deps.heartbeats, deps.beats = edges.heartbeats, edges.beats
    with HeartbeatItem.batch_write() as batch:
        for number in range(300):
            batch.save(heartbeat_item(pinged(heartbeat(job(number, rules=HOURLY)), times=6)))
    with Wire(client) as wire:
        assert find_deadlines(deps) == 0
    assert set(wire.operations) == {"Query"}
    assert len(wire.operations) == 16
    assert wire.units <= 16 * 0.5 + 300 * 600 / 8192
