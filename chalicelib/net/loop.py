"""One epoll loop with one heap of timers: everything in a run waits here."""

from __future__ import annotations  # `Guard.wrap` would evaluate some with every call

import contextlib
import heapq
import itertools
import select
import time
from collections.abc import Callable
from typing import Final, ParamSpec

P = ParamSpec("P")

READ: Final = select.EPOLLIN
WRITE: Final = select.EPOLLOUT


class Timer:
    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class _Watch:
    __slots__ = ("handler", "since")

    def __init__(self, handler: Callable[[int], None], since: int) -> None:
        self.handler = handler
        self.since = since


class Loop:
    """Callbacks must not raise; `Guard` is the view of the loop whose callbacks may."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watches: dict[int, _Watch] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._sequence = itertools.count()
        self._round = 0

    def watch(self, fd: int, events: int, handler: Callable[[int], None]) -> None:
        self.unwatch(fd)
        self._epoll.register(fd, events)
        self._watches[fd] = _Watch(handler, self._round)

    def change(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def is_watching(self, fd: int) -> bool:
        return fd in self._watches

    def unwatch(self, fd: int) -> None:
        if self._watches.pop(fd, None) is None:
            return
        with contextlib.suppress(OSError):  # closed already, and with that out of the epoll set
            self._epoll.unregister(fd)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(callback)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._sequence), timer))
        return timer

    def run_once(self, until: float | None = None) -> None:
        """Wait for the next event or timer, but not past `until` (monotonic), and handle what is there."""
        events = self._epoll.poll(self._patience(until))
        now = time.monotonic()
        # The number of a closed socket is given to the next one at once. Events collected above belong to
        # watches older than this round; one that starts while they are handled must not be given them.
        self._round += 1
        for fd, what in events:
            watch = self._watches.get(fd)
            if watch is not None and watch.since < self._round:
                watch.handler(what)
        # Events first: an answer that came in time beats a deadline that has passed meanwhile.
        while self._timers and self._timers[0][0] <= now:
            callback = heapq.heappop(self._timers)[2].callback
            if callback is not None:
                callback()

    def _patience(self, until: float | None) -> float | None:
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        times = [self._timers[0][0]] if self._timers else []
        if until is not None:
            times.append(until)
        return max(0.0, min(times) - time.monotonic()) if times else None

    def close(self) -> None:
        self._watches.clear()
        self._timers.clear()
        self._epoll.close()


class Guard:
    """The loop as one owner sees it: what its callbacks raise goes to `crashed` and nowhere else."""

    __slots__ = ("_crashed", "_loop")

    def __init__(self, loop: Loop, crashed: Callable[[], None]) -> None:
        self._loop = loop
        self._crashed = crashed

    def wrap(self, callback: Callable[P, None]) -> Callable[P, None]:
        """`crashed` is called while the exception is being handled, so that it can log it."""

        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                callback(*args, **kwargs)
            except Exception:
                self._crashed()

        return guarded

    def watch(self, fd: int, events: int, handler: Callable[[int], None]) -> None:
        self._loop.watch(fd, events, self.wrap(handler))

    def change(self, fd: int, events: int) -> None:
        self._loop.change(fd, events)

    def unwatch(self, fd: int) -> None:
        self._loop.unwatch(fd)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return self._loop.call_later(seconds, self.wrap(callback))
