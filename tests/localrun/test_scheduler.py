"""The minutes that the schedule runs, under a wall of our own. No thread: `look` is what it does."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random
from threading import Event, Thread

import pytest

from chalicelib.domain.delivery import decode_delivery, encode_delivery
from chalicelib.domain.job import ProbeJob, encode_job
from localrun.clock import Clock
from localrun.gate import Gate
from localrun.queue import LocalDeliveries, LocalQueue
from localrun.scheduler import MINUTE, Advanced, Scheduler

START = 1_800_000_000.0


class Rig:
    """A scheduler whose ticks enqueue `slots` (seconds after the minute) and whose probe notes the clock.

    With `finds` every probe has something to tell, with `owes` every sweep.
    """

    def __init__(self, *, at: float = START, slots: Sequence[int] = (0,)) -> None:
        self.wall = at
        self.minutes: list[int] = []
        self.probed: list[float] = []
        self.slots = slots
        self.finds = self.owes = False
        self.clock = Clock(lambda: self.wall)
        self.swept: list[float] = []
        self.told: list[tuple[str, float]] = []
        self.probes = LocalQueue(self._probe, encode_job)
        self.deliveries = LocalQueue(self._deliver, encode_delivery)
        self.scheduler = self.scheduler_of(self._tick)

    def scheduler_of(self, tick: Callable[[datetime], int], gate: Gate | None = None) -> Scheduler:
        return Scheduler(self.clock, self.probes, self.deliveries, tick, self._sweep, gate)

    def _tick(self, at: datetime) -> int:
        minute = int(at.timestamp())
        self.minutes.append(minute)
        self.probes.send([(ProbeJob("shard", minute + slot), slot) for slot in self.slots])
        return len(self.slots)

    def _probe(self, body: str) -> int:
        self.probed.append(self.clock.seconds())
        if self.finds:
            LocalDeliveries(self.deliveries).send(["found"])
        return 1

    def _sweep(self) -> int:
        self.swept.append(self.clock.seconds())
        if self.owes:
            LocalDeliveries(self.deliveries).send(["swept"])
        return 1

    def _deliver(self, body: str) -> int:
        self.told.append((decode_delivery(body).shard, self.clock.seconds()))
        return 1

    def advance(self, seconds: float, *, run: bool = True, freeze: bool | None = None) -> Advanced:
        return self.scheduler.advance(seconds, run=run, freeze=freeze)


def minutes_in(begin: float, end: float) -> list[int]:
    """The minute starts in (begin, end]."""
    return list(range(int(begin) // MINUTE * MINUTE + MINUTE, int(end) + 1, MINUTE))


@pytest.mark.parametrize("offset", [0, 0.001, 1, 30, 59.999])
@pytest.mark.parametrize("seconds", [0, 0.5, 1, 59, 60, 61, 3600])
def test_an_advance_runs_the_minute_starts_on_its_way(offset: float, seconds: float) -> None:
    rig = Rig(at=START + offset)
    done = rig.advance(seconds)
    assert rig.clock.seconds() == START + offset + seconds
    assert rig.minutes == minutes_in(START + offset, START + offset + seconds)
    assert done == Advanced(rig.clock.seconds(), len(rig.minutes), len(rig.minutes), deliveries=0)


def test_a_jump_runs_nothing_and_its_minutes_are_not_made_up_for() -> None:
    rig = Rig()
    assert rig.advance(600, run=False) == Advanced(START + 600, 0, 0, 0)
    assert rig.clock.seconds() == START + 600
    rig.scheduler.look()
    assert rig.minutes == []
    rig.wall += 60
    rig.scheduler.look()
    assert rig.minutes == [int(START) + 660]


def test_a_jump_that_had_to_wait_for_a_write_begins_at_its_end() -> None:
    gate, rig = Gate(), Rig()
    rig.scheduler = rig.scheduler_of(lambda at: 0, gate)
    jump = Thread(target=rig.advance, args=(1,), kwargs={"run": False})
    with gate.shared():
        jump.start()
        jump.join(0.05)
        rig.wall += 5
    jump.join(10)
    assert rig.clock.seconds() == START + 6


def test_the_clock_steps_to_each_slot_of_a_fast_shard_up_to_the_end() -> None:
    rig = Rig(at=START + 30, slots=range(0, 60, 10))
    assert rig.advance(62).checks == 4
    assert rig.probed == [START + 60 + slot for slot in (0, 10, 20, 30)]
    assert rig.clock.seconds() == START + 92
    assert rig.advance(60).checks == 6
    assert rig.probed == [START + 60 + slot for slot in range(0, 100, 10)]


@pytest.mark.parametrize("seed", range(10))
def test_no_fast_slot_is_doubled_and_none_skipped_by_advances(seed: int) -> None:
    random = Random(seed)
    rig = Rig(at=START, slots=range(0, 60, 10))
    rig.advance(60)
    for _ in range(50):
        rig.advance(random.choice([1, 10, 60, random.uniform(0, 200)]))
    now = rig.clock.seconds()
    assert rig.probed == list(range(int(START) + 60, int(now) + 1, 10))


def test_the_wall_stands_still_while_an_advance_runs() -> None:
    rig = Rig(at=START + 1)

    def slow(at: datetime) -> int:
        rig.wall += 500
        return 0

    rig.scheduler = rig.scheduler_of(slow)
    rig.advance(120)
    assert rig.clock.seconds() == START + 121


def test_a_minute_that_begins_just_before_an_advance_is_not_skipped_by_it() -> None:
    rig = Rig(at=START + 59)
    rig.wall += 1.1
    done = rig.advance(60)
    assert rig.minutes == [START + 60, START + 120]
    assert done.ticks == 1
    rig.scheduler.look()
    assert len(rig.minutes) == 2


def test_a_minute_that_begins_just_before_a_jump_is_not_skipped_by_it() -> None:
    rig = Rig(at=START + 59)
    rig.wall += 1.1
    rig.advance(600, run=False)
    assert rig.minutes == [START + 60]


def test_a_frozen_clock_runs_no_minute_by_itself() -> None:
    rig = Rig(at=START + 59)
    rig.advance(0, freeze=True)
    rig.wall += 600
    rig.scheduler.look()
    assert rig.minutes == []
    rig.advance(60)
    assert rig.minutes == [START + 60]
    rig.advance(0, freeze=False)
    rig.wall += 1
    rig.scheduler.look()
    assert rig.minutes == [START + 60, START + 120]


@pytest.mark.parametrize("seed", range(20))
def test_no_minute_is_doubled_and_none_skipped(seed: int) -> None:
    """Looks, waits, advances and freezes in any order."""
    random = Random(seed)
    rig = Rig(at=START + random.uniform(0, 60))
    begin = rig.clock.seconds()
    for _ in range(200):
        match random.randrange(4):
            case 0:
                rig.wall += random.uniform(0, 30)
                rig.scheduler.look()
            case 1:
                rig.advance(random.choice([0, 1, 59.5, 60, random.uniform(0, 600)]))
            case 2:
                rig.advance(0, freeze=random.random() < 0.5)
            case _:
                rig.scheduler.look()
    rig.advance(0, freeze=False)
    rig.scheduler.look()
    assert rig.minutes == minutes_in(begin, rig.clock.seconds())


def test_a_wall_set_back_doubles_no_minute() -> None:
    rig = Rig()
    rig.wall += 120
    rig.scheduler.look()
    rig.wall -= 90
    rig.scheduler.look()
    rig.advance(120)
    assert len(rig.minutes) == len(set(rig.minutes))


def test_a_tick_that_fails_costs_its_minute_alone(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.scheduler = rig.scheduler_of(_fail)
    assert rig.advance(120).ticks == 2
    assert "the tick of" in caplog.text


def _fail(at: datetime) -> int:
    raise RuntimeError("no table")


def test_freezing_waits_for_the_advance_that_runs() -> None:
    rig = Rig(at=START + 30)
    inside, go_on = Event(), Event()
    seen: list[float] = []

    def tick(at: datetime) -> int:
        inside.set()
        go_on.wait(10)
        seen.append(rig.clock.seconds())
        return 0

    rig.scheduler = rig.scheduler_of(tick)
    first = Thread(target=rig.advance, args=(60,))
    first.start()
    assert inside.wait(10)
    second = Thread(target=rig.advance, args=(0,), kwargs={"freeze": False})
    second.start()
    rig.wall += 1000
    go_on.set()
    first.join()
    second.join()
    assert seen == [START + 60]
    assert rig.clock.seconds() == START + 90


def test_closed_it_begins_no_other_minute() -> None:
    rig = Rig()

    def tick(at: datetime) -> int:
        rig.minutes.append(int(at.timestamp()))
        rig.scheduler.close()
        return 0

    rig.scheduler = rig.scheduler_of(tick)
    rig.advance(600)
    rig.wall += 600
    rig.scheduler.look()
    assert rig.minutes == [START + 60]


def test_minutes_are_handed_over_as_utc() -> None:
    seen: list[datetime] = []
    rig = Rig()

    def tick(at: datetime) -> int:
        seen.append(at)
        return 0

    rig.scheduler = rig.scheduler_of(tick)
    rig.advance(60)
    assert seen == [datetime.fromtimestamp(START + 60, UTC)]


def test_what_checks_find_and_what_is_due_is_told_in_its_minute() -> None:
    rig = Rig()
    rig.finds = rig.owes = True
    assert rig.advance(120) == Advanced(START + 120, ticks=2, checks=2, deliveries=4)
    assert rig.told == [(what, START + at) for at in (60, 120) for what in ("found", "swept")]
    assert rig.swept == [START + 60, START + 120]


def test_what_a_fast_slot_finds_is_told_before_the_clock_moves_on() -> None:
    rig = Rig(slots=range(0, 60, 20))
    rig.finds = True
    assert rig.advance(119).deliveries == 3
    assert rig.told == [("found", START + at) for at in (60, 80, 100)]


def test_what_waits_when_an_advance_begins_is_told_by_it() -> None:
    rig = Rig(at=START + 1)
    LocalDeliveries(rig.deliveries).send(["waiting"])
    assert rig.advance(1) == Advanced(START + 2, ticks=0, checks=0, deliveries=1)


def test_every_real_minute_is_swept_once() -> None:
    rig = Rig()
    for _ in range(3):
        rig.wall += 30
        rig.scheduler.look()
        rig.scheduler.look()
    assert rig.swept == [START + 60]
    assert rig.advance(0, run=False).deliveries == 0


@pytest.mark.parametrize("real", [True, False])
def test_a_sweep_that_fails_costs_its_minute_alone(real: bool, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()

    def fail() -> int:
        raise RuntimeError("no table")

    rig.scheduler = Scheduler(rig.clock, rig.probes, rig.deliveries, rig._tick, fail)
    if real:
        rig.wall += 60
        rig.scheduler.look()
    assert rig.advance(60).ticks == 1
    assert len(rig.minutes) == 1 + real
    assert "the sweep of" in caplog.text


def test_a_sweep_comes_also_where_the_tick_has_failed() -> None:
    rig = Rig()
    rig.scheduler = rig.scheduler_of(_fail)
    rig.advance(60)
    assert rig.swept == [START + 60]
