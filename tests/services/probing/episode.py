"""One random episode: a few minutes of shards in trouble, then two clean runs of each and a look."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from chalicelib.domain.job import ProbeJob
from chalicelib.domain.member import member_of
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Status
from chalicelib.domain.schedule import SpeedClass, slot_of, sweep_boundary
from chalicelib.domain.shard import Shard, shard_id, speed_class_of
from chalicelib.domain.state import Entry, State
from chalicelib.errors import NotFound
from chalicelib.services.monitors import Change, Draft, create_monitor, delete_monitor, update_monitor
from chalicelib.services.probing import run
from tests.domain.confirmed import spec_of
from tests.fakes import locator_of

from .world import Container, Faults, SimulatedChecks, Warm, World

TEAM = "team-1"
NORMAL, SLOW, FAST = (
    shard_id("enam", speed, 1) for speed in (SpeedClass.NORMAL, SpeedClass.SLOW, SpeedClass.FAST)
)
NOON = 1_772_366_400
SHAPES = ("stable", "single", "flap", "random", "down", "steps")
INTERVALS = {NORMAL: (60, 60, 90, 300, 3600), SLOW: (60, 90, 300), FAST: (10, 10, 25, 45)}


class Episode:
    """`alter` may put a broken edge into a container, to see whether anybody notices."""

    def __init__(self, seed: int, alter: Callable[[Container], None] = lambda deps: None) -> None:
        self.alter = alter
        dice = self.dice = random.Random(seed * 7919 + 1)
        self.is_calm = dice.random() < 0.15
        self.is_mass = dice.random() < 0.03
        self.shards = [NORMAL, dice.choice((SLOW, FAST))]
        if dice.random() < 0.2:
            self.shards.reverse()
        boundary = sweep_boundary(self.shards[0], NOON) // 60 * 60
        self.base = boundary - 120 if dice.random() < 0.25 else boundary + 900
        self.world = World(seed, self._faults(), float(self.base - 120))
        self.store, self.invariants = self.world.store, self.world.invariants
        self.containers = [Warm({}, {}) for _ in range(3)]
        self.truths: dict[str, Callable[[int], Status]] = {}
        self.slow: dict[str, bool] = {}
        self.offsets: dict[str, float] = {}
        self.ran: set[tuple[str, int]] = set()
        self.waited_for_sweep = False

    def _faults(self) -> Faults:
        dice = self.dice
        skew = dice.choice((0.0, 1.0))
        differ = dice.choice((0.0, 0.3))
        if self.is_calm:
            return Faults(differ=differ, skew_seconds=skew, stale_read=dice.choice((0.0, 0.3)))
        return Faults(
            crash=dice.choice((0.0, 0.01, 0.03, 0.1)),
            conflict=dice.choice((0.0, 0.05, 0.2)),
            answer_lost=dice.choice((0.0, 0.05)),
            throttle=dice.choice((0.0, 0.01, 0.05)),
            differ=differ,
            stall=dice.choice((0.0, 0.05, 0.3)),
            stall_seconds=dice.choice((2.0, 20.0, 60.0)),
            stale_read=dice.choice((0.0, 0.3)),
            skew_seconds=skew,
        )

    def play(self) -> None:
        """Trouble, then rest. Afterwards `invariants.broken` tells what went wrong."""
        dice, world = self.dice, self.world
        for name in self.shards:
            swept = self.base - 60
            world.store.write(("shard", name, _shard(name)), ("state", name, State(0, 0, swept, {})))
        ids = [self._existing() for _ in range(60 if self.is_mass else dice.randrange(1, 5))]
        world.now = float(self.base)
        minutes = 4 if self.is_mass else dice.randrange(3, 8)
        end = self.base + 60 * minutes
        for _ in range(dice.choice((0, 0, 1, 2))):
            world.spawn(dice.uniform(self.base, end), "A create", self._create, is_api=True)
        for name in self.shards:
            self._spawn_runs(name, end)
        for _ in range(dice.choice((0, 1, 2, 2, 3))):
            monitor_id, at = dice.choice(ids), self._instant(end)
            for _ in range(dice.choice((1, 1, 2))):
                self._spawn_change(monitor_id, at + dice.uniform(0, 0.2))
        world.go(end + 400 if self.is_calm else end + dice.choice((0, dice.uniform(0, 100), 200)))
        if self.is_calm:
            self._check_anchors()
        world.is_calm = True
        world.end_all(spare_api=True)
        world.go(world.now + 5)
        world.end_all()
        self.rest()

    def rest(self) -> None:
        """Two clean runs of every shard. What they may leave behind, rarely, is the sweep's: a change whose
        run died, in slots of which the only member that was due has left the shard since."""
        self._run_twice()
        if not self.invariants.broken:
            self.invariants.at_rest()
            if self.invariants.names == {"I3"}:
                self.waited_for_sweep = True
                self.invariants.broken.clear()
                self.world.now += 3600
                self._run_twice()
                self.invariants.at_rest()

    def _run_twice(self) -> None:
        starts = {name: slot_of(self.world.now, _length(name)) + _length(name) for name in self.shards}
        for name, first in starts.items():
            for slot in (first, first + _length(name)):
                self._spawn_run(name, slot, slot + 1.0, Warm({}, {}))
        self.world.go(max(starts.values()) + 200)
        self.world.end_all()

    def _container(self, warm: Warm | None = None) -> Container:
        container = Container.of(self.world, warm)
        self.alter(container)
        return container

    def _existing(self) -> str:
        """A monitor from before, perhaps with a state."""
        deps, dice = Container.of(self.world), self.dice
        name = self.shards[0]
        interval = INTERVALS[name][0] if self.is_mass else dice.choice(INTERVALS[name])
        monitor = create_monitor(deps, TEAM, "mon", _draft(name, interval, _needed(dice)))
        place = monitor.placement
        if interval >= 300 and dice.random() < 0.6:
            place = replace(place, from_slot=self.base + 60 * dice.randrange(0, 4))
            other = replace(monitor, placements=(place,), rev=monitor.rev)
            self._rewrite(other)
        if self.is_mass or dice.random() < 0.7:
            state: State = self.store.get("state", name)
            entry = Entry(Status.UP, self.base - 3600, self.base - 3600)
            entries = {**state.entries, place.position: entry}
            self.store.write(("state", name, replace(state, version=state.version + 1, entries=entries)))
        return monitor.id

    def _rewrite(self, monitor: Monitor) -> None:
        place = monitor.placement
        state: State = self.store.get("state", place.shard)
        self.store.write(
            ("state", place.shard, replace(state, config_version=state.config_version + 1)),
            ("monitor", monitor.id, monitor),
            ("locator", monitor.id, locator_of(monitor)),
            (("member", place.shard), place.position, member_of(monitor)),
        )

    def _spawn_runs(self, name: str, end: int) -> None:
        dice, length = self.dice, _length(name)
        offset = self.offsets[name] = dice.uniform(0, 0.9 * length)
        missing = 0.0 if self.is_calm else dice.choice((0.0, 0.0, 0.2, 0.6))
        first = self.base if length == 60 else max(self.base, end - 120)
        for slot in range(first, end, length):
            if dice.random() < missing:
                continue
            for _ in range(1 if self.is_calm or dice.random() < 0.7 else 2):
                is_delayed = not self.is_calm and dice.random() < 0.25
                delay = dice.uniform(0, 178 if length == 60 else 50) if is_delayed else 0.0
                warm = dice.choice([*self.containers, Warm({}, {})])
                self._spawn_run(name, slot, slot + offset + delay, warm)

    def _spawn_run(self, name: str, slot: int, at: float, warm: Warm) -> None:
        self._spawn_job(ProbeJob(name, slot), at, warm)

    def _spawn_job(self, job: ProbeJob, at: float, warm: Warm) -> None:
        def body() -> None:
            deps = self._container(warm)
            deps.checks = SimulatedChecks(self.world, self._truth, self._is_slow, job)
            run(deps, job)
            if job.first_position is None:
                self.ran.add((job.shard, job.slot))

        self.world.spawn(at, f"R {job}", body)

    def _create(self) -> None:
        deps, dice = self._container(), self.world.random
        name = dice.choice(self.shards)
        try:
            create_monitor(deps, TEAM, "mon", _draft(name, dice.choice(INTERVALS[name]), _needed(dice)))
        finally:
            for job, _ in deps.queue.sent:
                for _ in range(1 if self.is_calm or dice.random() < 0.7 else 2):
                    delay = 1 if self.is_calm else dice.choice((1, 1, 1, 5, 40, 70))
                    self._spawn_job(job, self.world.now + delay, Warm({}, {}))

    def _instant(self, end: int) -> float:
        """Anywhere, or during a run, or just before a slot."""
        dice, at = self.dice, self.dice.uniform(self.base, end)
        where = dice.choice(("anywhere", "anywhere", "run", "run", "slot"))
        if where == "run":
            return slot_of(at, 60) + self.offsets[self.shards[0]] + dice.uniform(0, 12)
        return slot_of(at, 60) + 60 - dice.uniform(0, 0.3) if where == "slot" else at

    def _spawn_change(self, monitor_id: str, at: float) -> None:
        dice = self.dice
        what = dice.choice(
            ("edit", "confirm", "interval", "disable", "enable", "delete", "move", "move", "toggle", "both")
        )
        if what == "toggle":
            self._spawn_update(monitor_id, at, Change(is_enabled=False))
            self._spawn_update(monitor_id, at + dice.uniform(0, 120), Change(is_enabled=True))
        elif what == "delete":
            self.world.spawn(at, "A delete", lambda: self._delete(monitor_id), is_api=True)
        else:
            there = _terms(self.shards[1])
            self._spawn_update(
                monitor_id,
                at,
                {
                    "edit": Change(spec={"url": f"https://example.com/{dice.randrange(1000)}"}),
                    "confirm": Change(spec=_needed(dice, likely=0.7)),
                    "interval": Change(interval_seconds=dice.choice(INTERVALS[self.shards[0]])),
                    "disable": Change(is_enabled=False),
                    "enable": Change(is_enabled=True),
                    "move": dice.choice((there, there, _terms(self.shards[0]))),
                    "both": replace(there, is_enabled=dice.random() < 0.5),
                }[what],
            )

    def _spawn_update(self, monitor_id: str, at: float, change: Change) -> None:
        def body() -> None:
            try:
                update_monitor(self._container(), TEAM, "http", monitor_id, change)
            except NotFound:
                return

        self.world.spawn(at, f"A {change}", body, is_api=True)

    def _delete(self, monitor_id: str) -> None:
        try:
            delete_monitor(self._container(), TEAM, "http", monitor_id)
        except NotFound:
            return

    def _truth(self, monitor_id: str, slot: int) -> Status:
        if monitor_id not in self.truths:
            self.truths[monitor_id] = self._shape()
        return self.truths[monitor_id](slot)

    def _is_slow(self, monitor_id: str) -> bool:
        return self.slow.setdefault(monitor_id, self.world.random.random() < 0.2)

    def _shape(self) -> Callable[[int], Status]:
        dice, base = self.world.random, self.base
        at, salt = dice.randrange(0, 5), dice.getrandbits(32)
        shapes: dict[str, Callable[[int], Status]] = {
            "stable": lambda slot: Status.UP,
            "down": lambda slot: Status.DOWN,
            "single": lambda slot: Status.DOWN if (slot - base) // 60 == at else Status.UP,
            "flap": lambda slot: (Status.UP, Status.DOWN)[slot // 60 % 2],
            "steps": lambda slot: Status(slot // 60 % 3),
            "random": lambda slot: Status(random.Random(salt + slot).choice((0, 0, 1, 2))),
        }
        return shapes["single" if self.is_mass else dice.choice(SHAPES)]

    def _check_anchors(self) -> None:
        """I7."""
        for monitor in self.store.items["monitor"].values():
            place = monitor.placement
            key = (monitor.id, place.anchor)
            if (
                monitor.is_enabled
                and (place.shard, place.anchor) in self.ran
                and key not in self.invariants.results
            ):
                self.invariants.broken.append(("I7", f"{key} not checked in its anchor's slot"))


def _shard(name: str) -> Shard:
    return Shard(name, "enam", speed_class_of(name), TEAM)


def _length(name: str) -> int:
    return speed_class_of(name).slot_seconds


def _draft(name: str, interval: int, needed: Mapping[str, int | None]) -> Draft:
    timeout = 30.0 if name == SLOW else 10.0
    spec = {"url": "https://example.com/", **needed}
    return Draft("http", "Page", spec, interval, timeout, True, False)


def _needed(dice: random.Random, likely: float = 0.6) -> dict[str, int | None]:
    """How many results in a row make a monitor worse, and better; seconds between retries."""
    retry = dice.choice((None, 10, 20, 60, 60, 60, 60, 120))
    if dice.random() >= likely:
        return spec_of((1, 1), retry)
    return spec_of((dice.choice((1, 2, 2, 2, 3, 5)), dice.choice((1, 1, 2, 3))), retry)


def _terms(name: str) -> Change:
    """What takes a monitor into this shard."""
    if name == FAST:
        return Change(interval_seconds=10, timeout_seconds=10.0)
    return Change(interval_seconds=60, timeout_seconds=30.0 if name == SLOW else 10.0)
