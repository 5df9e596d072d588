"""The minute schedule of a local run, and the advance that replays it at once."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.domain.job import decode_job
from localrun.clock import Clock
from localrun.queue import LocalQueue

log = logging.getLogger(__name__)

MINUTE = 60
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Advanced:
    """What an advance did."""

    ticks: int
    checks: int
    deliveries: int


class Scheduler:
    """Runs `tick(minute)` once for every minute of the clock: none doubled, none skipped by an advance."""

    def __init__(self, clock: Clock, queue: LocalQueue, tick: Callable[[datetime], int]) -> None:
        self._clock = clock
        self._queue = queue
        self._tick = tick
        self._lock = threading.Lock()
        self._last_minute = int(clock.seconds()) // MINUTE * MINUTE

    def start(self) -> None:
        threading.Thread(target=self._serve, name="schedule", daemon=True).start()

    def advance(self, seconds: float, *, run: bool) -> Advanced:
        """Move the clock by `seconds`; with `run`, through every minute on the way.

        The wall stands still meanwhile: `now` steps to each slot's start and ends at exactly old now +
        seconds.
        """
        with self._lock:
            begin = self._clock.seconds()
            end = begin + seconds
            if not run:
                self._last_minute = max(self._last_minute, int(end) // MINUTE * MINUTE)
                self._clock.go_from(end)
                return Advanced(0, 0, 0)
            self._queue.pause()
            self._clock.hold_at(begin)
            self._clock.is_advancing = True
            try:
                return self._replay(begin, end)
            finally:
                self._clock.is_advancing = False
                self._clock.go_from(end)
                self._queue.resume()

    def _replay(self, begin: float, end: float) -> Advanced:
        ticks, checks = 0, self._queue.drain(lambda body: None)
        for minute in range((int(begin) // MINUTE + 1) * MINUTE, int(end) + 1, MINUTE):
            if minute <= self._last_minute:
                continue
            self._clock.hold_at(minute)
            self._last_minute = minute
            self._run_tick(minute)
            ticks += 1
            checks += self._queue.drain(self._step_to_slot)
        self._clock.hold_at(end)
        checks += self._queue.drain(lambda body: None)
        return Advanced(ticks, checks, deliveries=0)

    def _step_to_slot(self, body: str) -> None:
        """Slots of fast shards begin inside the minute."""
        slot = decode_job(body).slot
        if slot > self._clock.seconds():
            self._clock.hold_at(slot)

    def _serve(self) -> None:
        while True:
            with self._lock:
                minute = int(self._clock.seconds()) // MINUTE * MINUTE
                is_new = minute > self._last_minute and not self._clock.is_frozen
                if is_new:
                    self._last_minute = minute
                    self._run_tick(minute)
            time.sleep(_LOOK_SECONDS)

    def _run_tick(self, minute: int) -> None:
        try:
            self._tick(datetime.fromtimestamp(minute, UTC))
        except Exception:
            log.exception("the tick of %s failed", minute)
