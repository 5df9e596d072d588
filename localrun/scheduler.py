"""The minute schedule of a local run, and the advance that replays it at once."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.domain.delivery import DeliveryJob
from chalicelib.domain.job import ProbeJob, decode_job
from localrun.clock import Clock
from localrun.gate import Gate
from localrun.queue import LocalQueue

log = logging.getLogger(__name__)

MINUTE = 60
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Advanced:
    """What an advance did; `now` is where it has left the clock, a delivery an attempt to tell somebody."""

    now: float
    ticks: int
    checks: int
    deliveries: int


class Scheduler:
    """Runs `tick(minute)` and `sweep()` once for every minute of the clock: none doubled, none skipped by an
    advance, where the sweep comes after what the tick's checks have found.

    `gate` is what keeps writes of the API whole: the clock is moved while none is under way.
    """

    def __init__(
        self,
        clock: Clock,
        probes: LocalQueue[ProbeJob],
        deliveries: LocalQueue[DeliveryJob],
        tick: Callable[[datetime], int],
        sweep: Callable[[], int],
        gate: Gate | None = None,
    ) -> None:
        self._clock = clock
        self._probes = probes
        self._deliveries = deliveries
        self._tick = tick
        self._sweep = sweep
        self._gate = gate or Gate()
        self._lock = threading.Lock()
        self._last_minute = _minute_of(clock.seconds())
        self._is_closing = False

    def start(self) -> None:
        threading.Thread(target=self._serve, name="schedule", daemon=True).start()

    def close(self) -> None:
        """Begin no other minute, of an advance neither. Safe in a signal handler: takes no lock."""
        self._is_closing = True

    def look(self) -> None:
        """Run the minute of now if it is new. Nothing happens by itself while the clock is frozen."""
        with self._lock:
            if not (self._clock.is_frozen or self._is_closing):
                self._catch_up(self._clock.seconds())

    def advance(self, seconds: float, *, run: bool, freeze: bool | None = None) -> Advanced:
        """Move the clock by `seconds`; with `run`, through every minute on the way.

        The wall stands still meanwhile: `now` steps to each slot's start and ends at exactly old now +
        seconds. One advance at a time.
        """
        with self._lock:
            if freeze is not None:
                self._clock.freeze(freeze)
            if not run:
                with self._gate.exclusive():
                    begin = self._clock.seconds()
                    self._catch_up(begin)
                    self._last_minute = max(self._last_minute, _minute_of(begin + seconds))
                    self._clock.go_from(begin + seconds)
                return Advanced(begin + seconds, 0, 0, 0)
            self._probes.pause()
            self._deliveries.pause()
            begin = self._clock.hold()
            self._clock.is_advancing = True
            try:
                return self._replay(begin, begin + seconds)
            finally:
                self._clock.is_advancing = False
                self._clock.go_from(begin + seconds)
                self._deliveries.resume()
                self._probes.resume()

    def _replay(self, begin: float, end: float) -> Advanced:
        """Slots of fast shards begin inside a minute: the clock steps to them too, and those past the end
        wait for their time. What is found out is told before the clock moves on."""
        ticks = checks = deliveries = 0

        def step(body: str) -> float:
            nonlocal deliveries
            slot = decode_job(body).slot
            if self._clock.seconds() < slot <= end:
                deliveries += self._deliveries.drain()
                self._step_to(slot)
            return max(0.0, slot - end)

        self._catch_up(begin)
        checks += self._probes.drain(step)
        deliveries += self._deliveries.drain()
        for minute in range(_minute_of(begin) + MINUTE, int(end) + 1, MINUTE):
            if self._is_closing:
                break
            if minute <= self._last_minute:  # the wall was set back
                continue
            self._step_to(minute)
            self._run_tick(minute)
            ticks += 1
            checks += self._probes.drain(step)
            deliveries += self._deliveries.drain()
            self._run_sweep(minute)
            deliveries += self._deliveries.drain()
        self._step_to(end)
        return Advanced(end, ticks, checks, deliveries)

    def _step_to(self, at: float) -> None:
        """A write that has read the clock commits before it moves: a run past what the write took for the
        next slot would not know of it."""
        with self._gate.exclusive():
            self._clock.hold_at(at)

    def _serve(self) -> None:
        while not self._is_closing:
            self.look()
            time.sleep(_LOOK_SECONDS)

    def _catch_up(self, now: float) -> None:
        """The minute that has begun, which nobody has looked for yet."""
        if _minute_of(now) > self._last_minute:
            self._run_tick(_minute_of(now))
            self._run_sweep(_minute_of(now))

    def _run_tick(self, minute: int) -> None:
        self._last_minute = minute
        try:
            self._tick(datetime.fromtimestamp(minute, UTC))
        except Exception:
            log.exception("the tick of %s failed", minute)

    def _run_sweep(self, minute: int) -> None:
        try:
            self._sweep()
        except Exception:
            log.exception("the sweep of %s failed", minute)


def _minute_of(seconds: float) -> int:
    return int(seconds) // MINUTE * MINUTE
