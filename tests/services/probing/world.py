"""Simulated time for several actors over one store: runs, first runs and API calls.

Each actor is a thread, but only the one that holds the baton moves. It gives the baton away at every
storage call and every pause, with the instant at which it wants to go on; the earliest goes next. All
chance comes from one seed, so an episode can be repeated.
"""

import heapq
import random
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from chalicelib.domain.job import ProbeJob
from chalicelib.domain.member import Member, Pack
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.text import TextRef
from chalicelib.errors import Contended
from tests.fakes import AFTER, BEFORE, FakeCheckRun, FakeChecks, FakeDeps, FakeStore, Killed
from tests.services.probing.invariants import Invariants, Place

TRANSACTIONS = frozenset({"states.commit", "monitors.write", "shards.create"})
TALKATIVE = 3
"""One in so many monitors has results with a text."""
RUN_LIFE_SECONDS = 90.0
_ANSWER = {
    Status.UP: Outcome(Status.UP, status_code=200, response_ms=20),
    Status.DEGRADED: Outcome(Status.DEGRADED, Reason.SLOW, 200, 900),
    Status.DOWN: Outcome(Status.DOWN, Reason.TIMEOUT, 0, 10_000),
}


class Throttled(Exception):
    """What botocore raises after its own tries; nothing of ours expects it."""


@dataclass
class Faults:
    """Chances per storage call, and seconds."""

    crash: float = 0.0
    conflict: float = 0.0
    answer_lost: float = 0.0
    throttle: float = 0.0
    differ: float = 0.0
    stall: float = 0.0
    stall_seconds: float = 2.0
    stale_read: float = 0.0
    skew_seconds: float = 0.0


class Actor:
    """One invocation. `is_api` calls are not killed and end within their client's timeout."""

    def __init__(self, world: "World", name: str, body: Callable[[], object], *, is_api: bool) -> None:
        self.world, self.name, self.is_api = world, name, is_api
        self.skew = world.random.uniform(-1, 1) * world.faults.skew_seconds
        self.ends_at = float("inf")
        self.is_dead = False
        self.newest_at_query: Mapping[Place, int] = {}
        self.told_at_query = 0
        self.error: BaseException | None = None
        self._body = body
        self._turn = threading.Semaphore(0)
        self._thread: threading.Thread | None = None

    def step(self) -> None:
        """Hand over the baton and get it back at the next storage call, pause or end."""
        if self._thread is None:
            self.ends_at = float("inf") if self.is_api else self.world.now + RUN_LIFE_SECONDS
            self._thread = threading.Thread(target=self._main, daemon=True)
            self._thread.start()
        else:
            self._turn.release()
        self.world.baton.acquire()

    def end(self) -> None:
        """Kill it where it waits."""
        self.is_dead = True
        if self._thread is not None and self._thread.is_alive():
            self.step()

    def wait_for_turn(self) -> None:
        self.world.baton.release()
        self._turn.acquire()
        if self.is_dead or self.world.now > self.ends_at:
            raise Killed

    def _main(self) -> None:
        try:
            self._body()
        except (Killed, Throttled, Contended):
            pass
        except BaseException as error:  # told by the world, in the test's own thread
            self.error = error
        finally:
            self.world.baton.release()


class World:
    """The clock, the store, the faults, and the queue of who goes on when."""

    def __init__(self, seed: int, faults: Faults, start: float) -> None:
        self.random = random.Random(seed)
        self.faults, self.now = faults, start
        self.store = FakeStore()
        self.invariants = Invariants(self.store)
        self.invariants.now = lambda: self.now
        self.invariants.newest_at_query = lambda: self.current.newest_at_query if self.current else {}
        self.invariants.told_at_query = lambda: self.current.told_at_query if self.current else 0
        self.baton = threading.Semaphore(0)
        self.calls = 0
        self.is_calm = False
        self.current: Actor | None = None
        self._queue: list[tuple[float, int, Actor]] = []
        self._count = 0
        self.store.on_call = self._on_call
        self.store.lag = self._lag

    def spawn(self, at: float, name: str, body: Callable[[], object], *, is_api: bool = False) -> None:
        self._push(at, Actor(self, name, body, is_api=is_api))

    def go(self, until: float) -> None:
        while self._queue and self._queue[0][0] <= until:
            at, _, actor = heapq.heappop(self._queue)
            self.now = max(self.now, at)
            self.current = actor
            actor.step()
            self.current = None
            if actor.error is not None:
                raise actor.error
        self.now = max(self.now, until)

    def pause(self, seconds: float) -> None:
        """Called by the actor that moves."""
        actor = self.current
        if actor is None:
            return
        self._push(self.now + seconds, actor)
        actor.wait_for_turn()

    def end_all(self, *, spare_api: bool = False) -> None:
        waiting = [actor for _, _, actor in self._queue]
        self._queue = [item for item in self._queue if spare_api and item[2].is_api]
        heapq.heapify(self._queue)
        for actor in waiting:
            if not (spare_api and actor.is_api):
                actor.end()

    def chance(self, probability: float) -> bool:
        return not self.is_calm and self.random.random() < probability

    def _push(self, at: float, actor: Actor) -> None:
        self._count += 1
        heapq.heappush(self._queue, (at, self._count, actor))

    def _lag(self) -> int:
        return self.random.choice((1, 1, 2)) if self.chance(self.faults.stale_read) else 0

    def _on_call(self, verb: str, phase: str) -> None:
        actor, faults = self.current, self.faults
        if actor is None:
            return
        is_transaction = verb in TRANSACTIONS
        if phase == BEFORE:
            self.calls += 1
            self.pause(self._latency(actor))
            if self.chance(faults.conflict) and is_transaction:
                raise Contended("conflict")
            if self.chance(faults.throttle):
                raise Contended("throttled") if is_transaction else Throttled(verb)
        if phase == AFTER and verb == "ticks.since":
            actor.newest_at_query = dict(self.invariants.newest)
            actor.told_at_query = len(self.invariants.told)
        if phase == AFTER and self.chance(faults.answer_lost) and is_transaction:
            raise Contended("answer lost")
        if not actor.is_api and self.chance(faults.crash / 2):
            raise Killed

    def _latency(self, actor: Actor) -> float:
        if self.is_calm:
            return 0.01
        if not self.chance(self.faults.stall):
            return self.random.uniform(0.005, 0.1)
        return self.random.uniform(0.1, 9.9 if actor.is_api else self.faults.stall_seconds)


class SimulatedChecks(FakeChecks):
    """Observes the truth of a slot; observed again, it may look different. Takes simulated time."""

    def __init__(
        self, world: World, truth: Callable[[str, int], Status], slow: Callable[[str], bool], job: ProbeJob
    ) -> None:
        super().__init__(on_collect=self._take_time)
        self._world, self._truth, self._slow, self._job = world, truth, slow, job

    def start(self, members: Sequence[Member], extras: Mapping[int, Mapping[str, Any]]) -> FakeCheckRun:
        for member in members:
            status = self._truth(member.monitor_id, self._job.slot)
            if self._world.chance(self._world.faults.differ):
                status = Status.UP if status is Status.DOWN else Status.DOWN
            text = _text(member.monitor_id, status, self._job.slot)
            self.outcomes[member.monitor_id] = replace(_ANSWER[status], text=text)
            if self._slow(member.monitor_id) and self._world.chance(0.7):
                self.late.add(member.monitor_id)
        return super().start(members, extras)

    def _take_time(self, is_second: bool) -> None:
        world = self._world
        if world.is_calm:
            world.pause(0.5)
        elif is_second:
            world.pause(world.random.uniform(1, 3 if ".fast." in self._job.shard else 50))
        else:
            world.pause(12 if self.late else world.random.uniform(0.2, 11))


def _text(monitor_id: str, status: Status, slot: int) -> str:
    """What some monitors' checks say beside their status; it changes with it, and every other minute."""
    is_talkative = zlib.crc32(monitor_id.encode()) % TALKATIVE == 0
    return f"{status.name} since {slot // 120}" if is_talkative else ""


class Warm(NamedTuple):
    """What a container keeps from one invocation to the next."""

    packs: dict[str, Pack]
    saved_texts: dict[TextRef, float]


class Container(FakeDeps):
    """The Deps of one invocation, on simulated time."""

    world: World

    @classmethod
    def of(cls, world: World, warm: Warm | None = None) -> "Container":
        packs, saved_texts = warm or Warm({}, {})
        container = cls(store=world.store, packs=packs, saved_texts=saved_texts)
        container.world = world
        return container

    def now(self) -> datetime:
        skew = self.world.current.skew if self.world.current else 0.0
        return datetime.fromtimestamp(self.world.now + skew, UTC)

    def random_bits(self, count: int) -> int:
        return self.world.random.getrandbits(count)

    def wait(self, seconds: float) -> None:
        self.world.pause(seconds)
