"""A team that watches and is told: the real services from the tick to the sink, over the fakes.

The strategy of an alert here is its id, so that the sink knows whose notification arrives. Every call to a
table, a queue or a channel goes through the store's `on_call`.
"""

import itertools
import math
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from chalicelib.domain.alert import HEALTHY, MAX_ALERTS_PER_TEAM, Alert, hears
from chalicelib.domain.alert_event import AlertEvent, EventStatus, Skip, event_id
from chalicelib.domain.course import Course
from chalicelib.domain.event_type import EventType
from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.job import ProbeJob
from chalicelib.domain.maintenance import Window
from chalicelib.domain.message import DELIVERED, Fate, Verdict, retry
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.monitor_write import Written
from chalicelib.domain.notice import Notice
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.errors import Contended
from chalicelib.services import probing
from chalicelib.services.deadlines import find_deadlines
from chalicelib.services.delivering.run import deliver
from chalicelib.services.monitors import Draft, create_monitor
from chalicelib.services.sweeping import sweep
from chalicelib.services.ticking import tick
from tests.fakes import BEFORE, FakeChecks, FakeDeliveries, FakeDeps, FakeQueue, FakeStore, Killed

TEAM, OTHERS = "team-1", "team-2"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
LIFE = timedelta(seconds=90)
"""Of an invocation."""
SPEC = {"expectedStatus": 200, "degradedAfterMs": 500}
UP = Outcome(Status.UP, status_code=200, response_ms=20)
DEGRADED = Outcome(Status.DEGRADED, Reason.SLOW, 200, 900)
DOWN = Outcome(Status.DOWN, Reason.TIMEOUT, 0, 10_000)
TRANSACTIONS = frozenset(
    {"states.commit", "courses.save", "monitors.write", "heartbeats.save", "ssl_readings.save"}
)
"""What may collide; the answer to it may be lost, and whoever calls it must find what it wrote."""

MAX_ACTIONS = 100
"""Of a transaction: each record is put with a pointer to it, beside the course and its look."""
PER_PARTITION = frozenset({"outbox.is_anything_due", "heartbeats.of_partition"})
"""Made so many times alike that one stands for all."""


class Throttled(Exception):
    """What botocore raises after its own tries; nothing of ours expects it."""


class Arrival(NamedTuple):
    alert_id: str
    notice: Notice
    at: datetime


class Told(NamedTuple):
    """What an id stands for."""

    alert_id: str
    subject: str
    opened_seq: int
    event: EventType
    number: int


Answer = Callable[[Notice], tuple[bool, Verdict]]
"""Whether it arrives, and what the sender is told of it."""


def good(notice: Notice) -> tuple[bool, Verdict]:
    return True, DELIVERED


def away(notice: Notice) -> tuple[bool, Verdict]:
    return False, retry("timeout")


def deaf(notice: Notice) -> tuple[bool, Verdict]:
    """It arrives, and the answer is lost."""
    return True, retry("timeout")


class Container(FakeDeps):
    """The edges of one invocation."""

    world: "World"

    def now(self) -> datetime:
        """Never a whole millisecond, which is all that the tables keep."""
        return self.world.at + timedelta(microseconds=456)

    def random_bits(self, count: int) -> int:
        return super().random_bits(count) if count > 16 else self.world.random.getrandbits(count)

    def wait(self, seconds: float) -> None:
        self.world.at += timedelta(seconds=seconds)


@dataclass
class Queue(FakeQueue):
    world: "World" = field(kw_only=True)

    def send(self, jobs: Sequence[tuple[ProbeJob, int]]) -> None:
        self.world.store.call("queue.send", lambda: super(Queue, self).send(jobs))


class Messages(FakeDeliveries):
    def __init__(self, world: "World") -> None:
        super().__init__()
        self.world = world

    def send(self, shards: Collection[str]) -> None:
        if not shards:
            return
        self.world.store.call(
            "deliveries.send", lambda: self.shards.extend(s for s in shards if self.world.is_sent(s))
        )


class Sink:
    """All channels; a killed sender does not learn what arrived."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.arrivals: list[Arrival] = []
        self.answers: defaultdict[str, Answer] = defaultdict(lambda: good)
        self.attempts = 0

    def send(self, wanted: Sequence[tuple[str, Mapping[str, Any], Notice]]) -> list[Verdict]:
        return self.world.store.call("channels.send", lambda: [self._take(*one) for one in wanted])

    def _take(self, alert_id: str, config: Mapping[str, Any], notice: Notice) -> Verdict:
        self.attempts += 1
        arrives, verdict = self.answers[alert_id](notice)
        if arrives:
            self.arrivals.append(Arrival(alert_id, notice, self.world.at))
        return verdict


class World:
    def __init__(self, seed: int = 0, break_it: Callable[[Container], None] = lambda deps: None) -> None:
        self.break_it = break_it
        self.random = random.Random(seed)
        self.at = START
        self.store = FakeStore()
        self.store.on_write = self._on_write
        self.sink, self.messages = Sink(self), Messages(self)
        self.queue, self.checks = Queue(world=self), FakeChecks()
        self.is_sent: Callable[[str], bool] = lambda shard: True
        self.rows: list[OutboxRow] = []
        """Every one that was ever left."""
        self.told: dict[str, Told] = {}
        self.errors: list[BaseException] = []
        self.calls: list[str] = []
        self._counter = itertools.count(1)
        self.deps = self.container()

    def container(self) -> Container:
        made = Container(self.store, queue=self.queue, checks=self.checks, counter=self._counter)
        made.world = self
        made.deliveries, made.channels = self.messages, self.sink  # type: ignore[assignment]
        self.break_it(made)
        return made

    # What there is

    def monitor(self, team_id: str = TEAM, **fields: Any) -> str:
        number = len(self.store.items["monitor"])
        spec = {**SPEC, "url": f"https://{number}.example.com/"}
        draft = Draft("http", f"Site {number}", spec, 60, 10.0, is_enabled=True, is_public=False)
        return create_monitor(self.deps, team_id, "mon", replace(draft, **fields)).id

    def alert(self, team_id: str = TEAM, **fields: Any) -> Alert:
        id = f"alt_{next(self._counter):032x}"
        values = {"cooldown_minutes": 60, "created_at": self.at, "updated_at": self.at, **fields}
        alert = Alert(id, team_id, f"Alert {id[-3:]}", id, {}, **values)
        assert self.deps.alerts.write(None, alert, MAX_ALERTS_PER_TEAM) is Written.YES
        return alert

    def change(self, alert: Alert, **fields: Any) -> Alert:
        stored = self.deps.alerts.get(alert.team_id, alert.id)
        assert stored is not None
        after = replace(stored, rev=stored.rev + 1, updated_at=self.at, **fields)
        assert self.deps.alerts.write(stored, after, MAX_ALERTS_PER_TEAM) is Written.YES
        return after

    def remove(self, alert: Alert) -> None:
        stored = self.deps.alerts.get(alert.team_id, alert.id)
        assert stored is not None
        assert self.deps.alerts.write(stored, None, MAX_ALERTS_PER_TEAM) is Written.YES
        self.deps.courses.forget(alert.id)

    def window(self, span: timedelta, **fields: Any) -> Window:
        begins_at = fields.pop("starts_at", self.at)
        id = f"mnt_{next(self._counter):032x}"
        window = Window(id, TEAM, "Work", begins_at, begins_at + span, self.at, self.at, **fields)
        assert self.deps.maintenance.write(None, window)
        return window

    def find(self, monitor_id: str) -> Monitor:
        found: Monitor = self.store.items["monitor"][monitor_id]
        return found

    def shard(self, monitor_id: str) -> str:
        return self.find(monitor_id).placement.shard

    def goes(self, outcome: Outcome, *monitor_ids: str) -> None:
        """What the checks find from the next one on."""
        self.checks.outcomes.update(dict.fromkeys(monitor_ids, outcome))

    # What happens

    def minute(self, count: int = 1) -> None:
        for _ in range(count):
            self.at = self.at.replace(second=0, microsecond=0) + MINUTE
            self.slot()

    def slot(self) -> None:
        """What a minute brings, one after the other; what is killed or fails is not tried again."""
        for body in self.duties():
            self.invoke(body)
        self.drain()

    def duties(self) -> Iterator[Callable[[], object]]:
        yield lambda: tick(self.container(), self.at)
        jobs, self.queue.sent = [job for job, _ in self.queue.sent], []
        for job in jobs:
            yield lambda job=job: probing.run(self.container(), job)  # type: ignore[misc]
        yield lambda: find_deadlines(self.container())
        yield lambda: sweep(self.container())

    def drain(self) -> None:
        for _ in range(30):
            if not self.messages.shards:
                return
            self.invoke(lambda: deliver(self.container(), self.messages.shards.pop(0)))
        raise AssertionError("messages without an end")

    def invoke(self, body: Callable[[], object]) -> None:
        try:
            body()
        except (Killed, Contended, Throttled, ExceptionGroup) as error:
            self.errors.append(error)

    def quiet(self, minutes: int = 4) -> None:
        """No more faults: what is left is made good on by the minutes and their sweeps alone, in jumps as
        long as something is to be tried again."""
        self.store.on_call = lambda verb, phase: None
        self.is_sent = lambda shard: True
        self.sink.answers.clear()
        self.minute(minutes)
        for _ in range(400):
            waiting = [c.next_at for c in self.courses if c.waiting and c.next_at]
            if not waiting:
                return
            ahead = max(min(waiting), self.at + SECOND)
            self.at = datetime.fromtimestamp(math.ceil(ahead.timestamp() / 60) * 60 - 60, UTC)
            self.minute()
        raise AssertionError("something waits without an end")

    def disturb(self, at: tuple[int, str], what: Callable[[], object]) -> None:
        """Something happens, once, before or after the call of this number, from 1 on."""
        self.calls = []

        def on_call(verb: str, phase: str) -> None:
            if phase == BEFORE:
                self.calls.append(verb)
            if (len(self.calls), phase) == at:
                self.store.on_call = lambda verb, phase: None
                what()

        self.store.on_call = on_call

    def count(self, body: Callable[[], object]) -> dict[str, int]:
        """How often it calls what."""
        self.disturb((0, ""), lambda: None)
        body()
        self.store.on_call = lambda verb, phase: None
        return {verb: self.calls.count(verb) for verb in sorted(set(self.calls))}

    # What came of it

    @property
    def courses(self) -> list[Course]:
        return list(self.store.items["course"].values())

    @property
    def records(self) -> list[AlertEvent]:
        found = self.store.items["event"].values()
        return sorted(found, key=lambda event: event.created_at)

    def arrived(self, alert: Alert, about: str | None = None) -> list[tuple[EventType, datetime]]:
        """Each notification when it came first."""
        return [(a.notice.event, a.at) for a in self.first_arrivals(alert, about)]

    def words(self, alert: Alert, about: str | None = None) -> list[EventType]:
        return [event for event, _ in self.arrived(alert, about)]

    def first_arrivals(self, alert: Alert, about: str | None = None) -> list[Arrival]:
        found: dict[str, Arrival] = {}
        for arrival in self.sink.arrivals:
            its = self.told[arrival.notice.event_id]
            if arrival.alert_id == alert.id and about in (None, its.subject):
                found.setdefault(arrival.notice.event_id, arrival)
        return list(found.values())

    def check(self) -> None:
        """What holds whatever happens."""
        self._check_transitions()
        self._check_order()

    def check_quiet(self) -> None:
        """And what holds when all has come to rest."""
        self.check()
        assert not self.store.items["outbox"]
        assert not [c for c in self.courses if c.waiting or c.is_leased(self.at)]
        arrived = {a.notice.event_id for a in self.sink.arrivals}
        for record in self.records:
            if record.alert_id in self.store.items["alert"]:
                assert record.status is not EventStatus.PENDING, record
                assert record.status is not EventStatus.DELIVERED or record.id in arrived, record

    def check_complete(self, alert: Alert) -> None:
        """Of an alert that nothing has held up: the first of each kind in each incident, and its recovery,
        unless that kept its distance to the one before until the next incident came."""
        arrived = {self.told[a.notice.event_id][1:4] for a in self.sink.arrivals if a.alert_id == alert.id}
        spaced = {r.id for r in self.records if r.skip is Skip.COOLDOWN and r.event is EventType.UP}
        opened: set[tuple[str, int]] = set()
        for row in self.rows:
            if row.team_id != alert.team_id or not hears(
                alert, row.monitor_id, datetime.fromtimestamp(row.at, UTC)
            ):
                continue
            event = EVENTS[row.after]
            is_owed = event is not EventType.UP or (row.subject, row.opened_seq) in opened
            opened.add((row.subject, row.opened_seq))
            what = (row.subject, row.opened_seq, event)
            its_id = event_id(alert.id, row.subject, row.opened_seq, event, 0)
            assert not is_owed or what in arrived or its_id in spaced, row

    def _check_transitions(self) -> None:
        seqs: defaultdict[str, list[int]] = defaultdict(list)
        for row in self.rows:
            seqs[row.subject].append(row.seq)
        for subject, its in seqs.items():
            if not subject.startswith("ssl#"):
                assert its == list(range(its[0], its[0] + len(its))), (subject, its)

    def _check_order(self) -> None:
        """By alert and subject, of all that arrived: incidents in their order, and nothing of one after its
        recovery. What has one id is the same."""
        newest: dict[tuple[str, str], tuple[int, bool]] = {}
        said: dict[str, Notice] = {}
        for alert_id, notice, _ in self.sink.arrivals:
            its = self.told[notice.event_id]
            assert its.alert_id == alert_id
            now = (its.opened_seq, its.event is EventType.UP)
            before = newest.get((alert_id, its.subject), (0, False))
            assert now >= before, (its, before)
            newest[alert_id, its.subject] = now
            same = said.setdefault(notice.event_id, notice)
            assert (same.event, same.since, same.at) == (notice.event, notice.since, notice.at)

    def _on_write(self, changes: Sequence[tuple[Any, Any, Any, Any]]) -> None:
        records = sum(kind == "event" for kind, *_ in changes)
        assert 2 * records + 3 <= MAX_ACTIONS, "more than one transaction takes"
        for kind, key, old, new in changes:
            if kind == "outbox" and new is not None:
                assert old is None
                self.rows.append(new)
            if kind == "course" and new is not None:
                for waiting in new.waiting:
                    what = Told(key[0], key[1], waiting.opened_seq, waiting.finding.event, waiting.number)
                    assert self.told.setdefault(waiting.event_id, what) == what


EVENTS = {Status.UP: EventType.UP, Status.DEGRADED: EventType.DEGRADED, Status.DOWN: EventType.DOWN}


@dataclass
class Faults:
    """Chances by call."""

    crash: float = 0.0
    collide: float = 0.0
    lose: float = 0.0
    throttle: float = 0.0
    stall: float = 0.0


class _Actor:
    def __init__(self, body: Callable[[], object], ends_at: datetime) -> None:
        self.body, self.ends_at = body, ends_at
        self.turn = threading.Lock()
        self.turn.acquire()
        self.is_begun = False

    def wait(self) -> None:
        self.turn.acquire()


class Stage:
    """Several invocations at once. Only one moves; at every call chance says who goes on, and what fails."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world, self.faults = world, faults
        self._over = threading.Lock()
        self._over.acquire()
        self._alive: list[_Actor] = []
        self._current: _Actor | None = None
        self._errors: list[BaseException] = []

    def play(self, bodies: Sequence[Callable[[], object]]) -> None:
        self._alive = [_Actor(body, self.world.at + LIFE) for body in bodies]
        self.world.store.on_call = self._on_call
        self._hand_over()
        self._over.acquire()
        self.world.store.on_call = lambda verb, phase: None
        for error in self._errors:
            raise error

    def _hand_over(self) -> None:
        if not self._alive:
            self._over.release()
            return
        actor = self._current = self.world.random.choice(self._alive)
        if actor.is_begun:
            actor.turn.release()
        else:
            actor.is_begun = True
            threading.Thread(target=self._main, args=(actor,), daemon=True).start()

    def _main(self, actor: _Actor) -> None:
        try:
            self.world.invoke(actor.body)
        except BaseException as error:  # raised in the test's own thread
            self._errors.append(error)
        finally:
            self._alive.remove(actor)
            self._hand_over()

    def _on_call(self, verb: str, phase: str) -> None:
        actor = self._current
        assert actor is not None
        if verb in PER_PARTITION:
            return
        if self._chance(0.3):
            self._hand_over()
            actor.wait()
        if self._chance(self.faults.stall):
            self.world.at += timedelta(seconds=self.world.random.uniform(0, 10))
        if self.world.at >= actor.ends_at or self._chance(self.faults.crash):
            raise Killed
        is_transaction = verb in TRANSACTIONS
        if is_transaction and self._chance(self.faults.collide if phase == BEFORE else self.faults.lose):
            raise Contended(verb)
        if phase == BEFORE and verb != "channels.send" and self._chance(self.faults.throttle):
            raise Contended(verb) if is_transaction else Throttled(verb)

    def _chance(self, probability: float) -> bool:
        return self.world.random.random() < probability


def enable(world: World, alert: Alert) -> None:
    """As the API does it, before it nudges."""
    world.deps.courses.save_health(alert.id, HEALTHY)


def failing(problem: str = "gone") -> Answer:
    return lambda notice: (False, Verdict(Fate.FAILED, problem))


def leaves(error: BaseException) -> Iterator[BaseException]:
    """What a group is made of."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each)
    else:
        yield error
