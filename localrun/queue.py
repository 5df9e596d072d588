"""The queue of a local run: delayed messages, worker threads, redelivery, a dead end that says so."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence

from chalicelib.domain.job import ProbeJob, encode_job

log = logging.getLogger(__name__)

WORKERS = 4
DELIVERIES = 3
REDELIVERY_SECONDS = 100


class LocalQueue:
    """Satisfies `Queue`. Delays follow the wall, so that a frozen clock lets the queue drain.

    `work(body)` is what the deployed function would do with one message. Messages do not survive the
    process; the next minute's tick makes up for them, as it would for lost ones of SQS.
    """

    def __init__(self, work: Callable[[str], int]) -> None:
        self._work = work
        self._heap: list[tuple[float, int, int, str]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._active = 0
        self._is_paused = False
        self._is_closed = False

    def start(self) -> None:
        for number in range(WORKERS):
            threading.Thread(target=self._serve, name=f"worker-{number}", daemon=True).start()

    def send(self, jobs: Sequence[tuple[ProbeJob, int]]) -> None:
        at = time.monotonic()
        with self._changed:
            for job, delay_seconds in jobs:
                heapq.heappush(self._heap, (at + delay_seconds, next(self._numbers), 1, encode_job(job)))
            self._changed.notify_all()

    def pause(self) -> None:
        """Let running messages end and start no other: an advance takes over with `drain`."""
        with self._changed:
            self._is_paused = True
            while self._active:
                self._changed.wait()

    def resume(self) -> None:
        with self._changed:
            self._is_paused = False
            self._changed.notify_all()

    def drain(self, before_each: Callable[[str], None]) -> int:
        """Work off everything that waits, in order and without delays; the number of checks made."""
        checks = 0
        while True:
            with self._changed:
                if not self._heap:
                    return checks
                _, _, delivery, body = heapq.heappop(self._heap)
            before_each(body)
            checks += self._attempt(body, delivery, is_draining=True)

    def close(self, timeout_seconds: float) -> None:
        """Start nothing more; give what runs a moment to end."""
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            while self._active and time.monotonic() < deadline:
                self._changed.wait(deadline - time.monotonic())

    def _serve(self) -> None:
        while True:
            with self._changed:
                item = self._next()
                if item is None:
                    return
                self._active += 1
            try:
                self._attempt(item[3], item[2], is_draining=False)
            finally:
                with self._changed:
                    self._active -= 1
                    self._changed.notify_all()

    def _next(self) -> tuple[float, int, int, str] | None:
        while not self._is_closed:
            wait: float | None = None
            if self._heap and not self._is_paused:
                wait = self._heap[0][0] - time.monotonic()
                if wait <= 0:
                    return heapq.heappop(self._heap)
            self._changed.wait(wait)
        return None

    def _attempt(self, body: str, delivery: int, *, is_draining: bool) -> int:
        try:
            return self._work(body)
        except Exception:
            if self._is_closed:
                return 0
            if delivery == DELIVERIES or is_draining:
                log.exception("dead letter: %s", body)
                return 0
            log.exception("message comes back: %s", body)
            with self._changed:
                at = time.monotonic() + REDELIVERY_SECONDS
                heapq.heappush(self._heap, (at, next(self._numbers), delivery + 1, body))
            return 0
