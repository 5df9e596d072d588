"""The queue of a local run: delayed messages, worker threads, redelivery, a dead end that says so."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Generic, TypeVar

from chalicelib.domain.delivery import DeliveryJob

log = logging.getLogger(__name__)

WORKERS = 4
DELIVERIES = 3
REDELIVERY_SECONDS = 100
LOOK_SECONDS = 0.2


JobT = TypeVar("JobT")


class LocalQueue(Generic[JobT]):
    """Satisfies `Queue`. Delays follow the wall, so that a frozen clock lets the queue drain.

    `work(body)` is what the deployed function would do with one message, and answers how much that was.
    Messages do not survive the process; the next minute's tick or sweep makes up for them, as it would for
    lost ones of SQS.
    """

    def __init__(
        self,
        work: Callable[[str], int],
        encode: Callable[[JobT], str],
        redelivery_seconds: float = REDELIVERY_SECONDS,
    ) -> None:
        self._work = work
        self._encode = encode
        self._redelivery_seconds = redelivery_seconds
        self._heap: list[tuple[float, int, int, str]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._active = 0
        self._is_paused = False
        self._is_closing = False

    def start(self) -> None:
        for number in range(WORKERS):
            threading.Thread(target=self._serve, name=f"worker-{number}", daemon=True).start()

    def send(self, jobs: Sequence[tuple[JobT, int]]) -> None:
        with self._changed:
            for job, delay_seconds in jobs:
                self._push(delay_seconds, 1, self._encode(job))
            self._changed.notify_all()

    def pause(self) -> None:
        """Let running messages end and start no other: an advance takes over with `drain`."""
        with self._changed:
            self._is_paused = True
            while self._active and not self._is_closing:
                self._changed.wait(LOOK_SECONDS)

    def resume(self) -> None:
        with self._changed:
            self._is_paused = False
            self._changed.notify_all()

    def drain(self, delay_of: Callable[[str], float] = lambda body: 0) -> int:
        """Work off everything that waits, in order; how much that was.

        `delay_of(body)` is asked just before: what it still gives seconds stays in the queue for so long.
        """
        done = 0
        later: list[tuple[float, int, str]] = []
        while not self._is_closing:
            with self._changed:
                if not self._heap:
                    break
                _, _, delivery, body = heapq.heappop(self._heap)
            delay = delay_of(body)
            if delay > 0:
                later.append((delay, delivery, body))
            else:
                done += self._attempt(body, delivery, redelivery_seconds=0)
        with self._changed:
            for delay, delivery, body in later:
                self._push(delay, delivery, body)
        return done

    def close(self) -> None:
        """Start nothing more. Safe in a signal handler: takes no lock."""
        self._is_closing = True

    def join(self, timeout_seconds: float) -> None:
        """After `close`: give what runs a moment to end."""
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
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
                self._attempt(item[3], item[2], redelivery_seconds=self._redelivery_seconds)
            finally:
                with self._changed:
                    self._active -= 1
                    self._changed.notify_all()

    def _next(self) -> tuple[float, int, int, str] | None:
        while not self._is_closing:
            wait: float | None = None
            if self._heap and not self._is_paused:
                wait = self._heap[0][0] - time.monotonic()
                if wait <= 0:
                    return heapq.heappop(self._heap)
            self._changed.wait(wait)
        return None

    def _attempt(self, body: str, delivery: int, *, redelivery_seconds: float) -> int:
        try:
            return self._work(body)
        except Exception:
            if self._is_closing:
                return 0
            if delivery == DELIVERIES:
                log.exception("dead letter: %s", body)
                return 0
            log.exception("message comes back: %s", body)
            with self._changed:
                self._push(redelivery_seconds, delivery + 1, body)
            return 0

    def _push(self, delay_seconds: float, delivery: int, body: str) -> None:
        """Under the lock."""
        at = time.monotonic() + delay_seconds
        heapq.heappush(self._heap, (at, next(self._numbers), delivery, body))


class LocalDeliveries:
    """Satisfies `Deliveries`. A shard that is named twice gets one message."""

    def __init__(self, queue: LocalQueue[DeliveryJob]) -> None:
        self._queue = queue

    def send(self, shards: Collection[str]) -> None:
        self._queue.send([(DeliveryJob(shard), 0) for shard in dict.fromkeys(shards)])
