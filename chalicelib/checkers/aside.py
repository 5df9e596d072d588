"""Judging aside: what takes long to judge is judged in a thread, so that the checks still under way are not
held up. RE2, which may need a second of its own for a body, lets other threads run meanwhile."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from chalicelib.domain.outcome import Outcome

HELD_BYTES: Final = 64 << 20
"""The bodies that may wait. A run that is sent more than it can judge gives up some, and not its memory."""

Judge = Callable[[int, Any], Outcome | None]


class Aside:
    """The cheapest first: costly patterns wait for those of everybody else."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._waiting: list[tuple[int, int, int, Any]] = []
        self._numbers = itertools.count()
        self._judged: dict[int, Outcome] = {}
        self._held_bytes = 0
        self._is_busy = False
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @property
    def left(self) -> int:
        """How many are not judged yet."""
        with self._changed:
            return len(self._waiting) + self._is_busy

    def give(self, position: int, answer: Any, cost: int) -> bool:
        """False when there is no room for its body."""
        with self._changed:
            if self._held_bytes + len(answer.body) > HELD_BYTES:
                return False
            self._held_bytes += len(answer.body)
            heapq.heappush(self._waiting, (cost, next(self._numbers), position, answer))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="judging", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return True

    def take(self) -> dict[int, Outcome]:
        """What was judged since the last call."""
        with self._changed:
            judged, self._judged = self._judged, {}
            return judged

    def wait(self, seconds: float) -> None:
        """Until nothing is left, or so long."""
        until = time.monotonic() + seconds
        with self._changed:
            while (self._waiting or self._is_busy) and time.monotonic() < until:
                self._changed.wait(until - time.monotonic())

    def close(self) -> None:
        """Begin no other. One that has begun ends by itself: it is given so much time and no more."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._is_closed:
                    self._changed.wait()
                if self._is_closed:
                    return
                _, _, position, answer = heapq.heappop(self._waiting)
                self._is_busy = True
            outcome = self._judge(position, answer)
            with self._changed:
                self._is_busy = False
                self._held_bytes -= len(answer.body)
                if outcome is not None:
                    self._judged[position] = outcome
                self._changed.notify_all()
