"""A shard with a few monitors, and runs of it that can be killed, disturbed and interrupted at any call."""

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError
from pynamodb.exceptions import PynamoDBException

from chalicelib.domain.job import ProbeJob
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.schedule import sweep_boundary
from chalicelib.domain.shard import Shard, speed_class_of
from chalicelib.domain.state import Entry, State
from chalicelib.errors import Contended
from chalicelib.services.monitors import Draft, create_monitor
from chalicelib.services.probing import run
from chalicelib.settings import Settings
from chalicelib.store.members import MemberStore
from chalicelib.store.monitors import MonitorStore
from chalicelib.store.shards import ShardStore
from chalicelib.store.ssl_readings import SslReadingStore
from chalicelib.store.states import StateStore
from chalicelib.store.tables import IncidentItem, OutboxItem
from chalicelib.store.texts import TextStore
from chalicelib.store.ticks import TickStore
from tests.domain.confirmed import spec_of
from tests.fakes import AFTER, BEFORE, FakeDeps, FakeStore, Killed

from .invariants import Invariants
from .world import Throttled

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TEAM = "team-1"
SHARD = "enam.normal.00001"
SLOW_SHARD = "enam.slow.00001"
FAST_SHARD = "enam.fast.00001"
BASE = sweep_boundary(SHARD, 1_772_366_400) // 60 * 60 + 15 * 60
"""A slot a quarter of an hour after the shard's sweep: nothing but what a test does happens around it."""
HOUR = 3600
UP, DEGRADED, DOWN = Status.UP, Status.DEGRADED, Status.DOWN
OUTCOMES = {
    UP: Outcome(UP, status_code=200, response_ms=20),
    DEGRADED: Outcome(DEGRADED, Reason.SLOW, 200, 900),
    DOWN: Outcome(DOWN, Reason.TIMEOUT, 0, 10_000),
}
Row = tuple[int, Status | None, Status, int]
"""(seq, before, after, slot) of an outbox row."""
Fault = Callable[[], object]
Faults = Mapping[tuple[int | str, str], Fault]


def die() -> None:
    raise Killed


def collide() -> None:
    """Before a transaction: TransactionConflict. After it: its answer is lost."""
    raise Contended("injected")


def throttle() -> None:
    raise Throttled("injected")


@dataclass
class Plan:
    """What happens around which call of the run under way: one by number, or the first of a verb."""

    faults: Faults = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    told_at_query: int = 0


class Scene:
    """One shard over one store; every run has a container of its own unless told otherwise.

    `texts` is what the checks of these monitors find, whatever their status.
    """

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.last_plan = Plan()
        self.bits = itertools.count()
        self.texts: dict[str, str] = {}
        self.setup()
        for name in (SHARD, SLOW_SHARD, FAST_SHARD):
            self.container().shards.create(Shard(name, "enam", speed_class_of(name), TEAM), swept=BASE - 600)

    def setup(self) -> None:
        self.store = FakeStore()
        self.invariants = Invariants(self.store)
        told = self.invariants.told
        self.invariants.told_at_query = lambda: self.plans[-1].told_at_query if self.plans else len(told)
        self.store.on_call = self.on_call

    def container(self, at: float = BASE) -> FakeDeps:
        return FakeDeps(store=self.store, at=datetime.fromtimestamp(at, UTC), counter=self.bits)

    def on_call(self, verb: str, phase: str) -> None:
        """Runs the fault planned here; what it calls itself is not disturbed."""
        if not self.plans:
            return
        plan = self.plans[-1]
        if phase == BEFORE:
            plan.calls.append(verb)
        if (verb, phase) == ("ticks.since", AFTER):
            plan.told_at_query = len(self.invariants.told)
        fault = plan.faults.get((len(plan.calls), phase))
        if fault is None and plan.calls.count(verb) == 1:
            fault = plan.faults.get((verb, phase))
        if fault is not None:
            with self.planned(Plan()):
                fault()

    @contextmanager
    def planned(self, plan: Plan) -> Iterator[None]:
        self.plans.append(plan)
        try:
            yield
        finally:
            self.plans.pop()

    def add(
        self,
        name: str = SHARD,
        *,
        interval: int = 60,
        at: float = BASE - 300,
        entry: Status | None = UP,
        limit: int = 100,
        url: str = "https://e.com/",
        needed: tuple[int, int] = (1, 1),
        retry: int | None = None,
    ) -> Monitor:
        """A monitor whose anchor is BASE at the latest unless `at` says otherwise; by default known as up."""
        deps = self.container(at)
        deps.settings = replace(deps.settings, monitors_per_team=limit)
        timeout = 30.0 if name == SLOW_SHARD else 10.0
        monitor = create_monitor(
            deps,
            TEAM,
            "mon",
            Draft("http", "Page", {"url": url, **spec_of(needed, retry)}, interval, timeout, True, False),
        )
        if entry is not None:
            self.seed(monitor, entry)
        return monitor

    def seed(self, monitor: Monitor, status: Status) -> None:
        place, deps = monitor.placement, self.container()
        state = deps.states.get(place.shard, consistent=True)
        assert state is not None
        seq = int(not status.is_healthy)
        entry = Entry(status, BASE - HOUR, BASE - HOUR, seq, seq)
        assert deps.states.commit(
            place.shard, state, {**state.entries, place.position: entry}, state.swept, ()
        )

    def run(
        self,
        slot: int,
        down: Collection[Monitor] = (),
        late: Collection[Monitor] = (),
        *,
        faults: Faults | None = None,
        first: Monitor | None = None,
        shard: str = SHARD,
        at: float | None = None,
        deps: FakeDeps | None = None,
        degraded: Collection[Monitor] = (),
    ) -> int | None:
        """The number of checks made; None when the run died."""
        deps = deps or self.container()
        deps.at = datetime.fromtimestamp(slot + 5 if at is None else at, UTC)
        deps.checks.outcomes = {m.id: OUTCOMES[DOWN] for m in down} | {
            m.id: OUTCOMES[DEGRADED] for m in degraded
        }
        for monitor_id, text in self.texts.items():
            outcome = deps.checks.outcomes.get(monitor_id, OUTCOMES[UP])
            deps.checks.outcomes[monitor_id] = replace(outcome, text=text)
        deps.checks.late = {m.id for m in late}
        self.last_plan = Plan(faults or {})
        with self.planned(self.last_plan):
            try:
                return run(deps, ProbeJob(shard, slot, first.placement.position if first else None))
            except (Killed, Throttled, ClientError, PynamoDBException):
                return None

    def settle(self, slot: int, down: Collection[Monitor] = ()) -> None:
        """Two clean runs of every shard, and the invariants of a store at rest."""
        for name in (SHARD, SLOW_SHARD, FAST_SHARD):
            length = speed_class_of(name).slot_seconds
            for at in (slot, slot + length):
                self.run(at, down, shard=name)
        self.at_rest()

    def at_rest(self) -> None:
        self.invariants.at_rest()
        self.check()

    def state(self, shard: str = SHARD) -> State:
        state = self.container().states.get(shard, consistent=True)
        assert state is not None
        return state

    def entry(self, monitor: Monitor) -> Entry | None:
        return self.state(monitor.placement.shard).entries.get(monitor.placement.position)

    def rows(self, monitor: Monitor) -> list[Row]:
        return [(r.seq, r.before, r.after, r.slot) for r in self.invariants.rows[monitor.id]]

    def open_incidents(self, monitor: Monitor) -> int:
        held = self.store.items["incident"].items()
        return sum(not i.is_resolving for key, i in held if key[0] == monitor.id)

    def check(self) -> None:
        """The invariants so far."""
        assert not self.invariants.broken, self.invariants.broken[:3]


class RealScene(Scene):
    """The same over the real stores; faults go through botocore's events."""

    def __init__(self, settings: Settings, client: "DynamoDBClient") -> None:
        self.settings, self.client = settings, client
        super().__init__()

    def setup(self) -> None:
        super().setup()
        events: Any = self.client.meta.events
        events.register("before-call.dynamodb.*", self._before)
        events.register("after-call.dynamodb.*", self._after)

    def container(self, at: float = BASE) -> FakeDeps:
        deps: Any = super().container(at)
        deps.shards, deps.states, deps.members = ShardStore(), StateStore(), MemberStore()
        deps.ticks, deps.monitors = TickStore(self.settings, self.client), MonitorStore()
        deps.texts, deps.ssl_readings = TextStore(), SslReadingStore()
        found: FakeDeps = deps
        return found

    def at_rest(self) -> None:
        """Nobody saw the single writes here; what a test looks at has to do."""

    def rows(self, monitor: Monitor) -> list[Row]:
        rows = []
        for name in (SHARD, SLOW_SHARD, FAST_SHARD):
            for item in OutboxItem.query(
                f"OUT#{name}", OutboxItem.sk.startswith(f"{monitor.id}#"), consistent_read=True
            ):
                before = None if item.before is None else Status(int(item.before))
                rows.append((int(item.sk.split("#")[1]), before, Status(int(item.after)), int(item.slot)))
        return sorted(rows)

    def open_incidents(self, monitor: Monitor) -> int:
        return sum(i.resolved_at is None for i in IncidentItem.query(f"M#{monitor.id}", consistent_read=True))

    def _before(self, model: Any, **_: object) -> tuple[Any, dict[str, Any]] | None:
        try:
            self.on_call(model.name, BEFORE)
        except Contended:
            reasons = [{"Code": "TransactionConflict"}]
            error = {"Code": "TransactionCanceledException", "Message": "[TransactionConflict]"}
            return Refused(), {"Error": error, "CancellationReasons": reasons}
        except Throttled:
            return Refused(), {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
        return None

    def _after(self, model: Any, **_: object) -> None:
        try:
            self.on_call(model.name, AFTER)
        except Contended:
            raise ReadTimeoutError(endpoint_url="injected") from None


@dataclass
class Refused:
    """As much of an HTTP response as botocore looks at."""

    status_code: int = 400
    headers: Mapping[str, str] = field(default_factory=dict)
