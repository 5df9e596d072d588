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


def _let_through() -> None:
    """What a callback raises goes to whoever runs the loop."""
    raise


class Timer:
    __slots__ = ("callback", "crashed")

    def __init__(self, callback: Callable[[], None], crashed: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback
        self.crashed = crashed

    def cancel(self) -> None:
        # It stays in the heap until its time, and must not keep its owner alive there.
        self.callback, self.crashed = None, _let_through


class _Watch:
    __slots__ = ("crashed", "handler", "since")

    def __init__(self, handler: Callable[[int], None], crashed: Callable[[], None], since: int) -> None:
        self.handler = handler
        self.crashed = crashed
        self.since = since


class Loop:
    """`crashed` is called while what a callback raised is being handled; without it nothing may be raised."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watches: dict[int, _Watch] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._sequence = itertools.count()
        self._round = 0

    def watch(
        self,
        fd: int,
        events: int,
        handler: Callable[[int], None],
        crashed: Callable[[], None] = _let_through,
    ) -> None:
        if fd in self._watches:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)
        self._watches[fd] = _Watch(handler, crashed, self._round)

    def change(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def is_watching(self, fd: int) -> bool:
        return fd in self._watches

    def unwatch(self, fd: int) -> None:
        if self._watches.pop(fd, None) is None:
            return
        with contextlib.suppress(OSError):  # closed already, and with that out of the epoll set
            self._epoll.unregister(fd)

    def forget(self, fd: int) -> None:
        """Unwatch what is closed next, for nothing: that takes it out of the epoll set."""
        self._watches.pop(fd, None)

    def call_later(
        self, seconds: float, callback: Callable[[], None], crashed: Callable[[], None] = _let_through
    ) -> Timer:
        timer = Timer(callback, crashed)
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
                try:
                    watch.handler(what)
                except Exception:
                    watch.crashed()
        # Events first: an answer that came in time beats a deadline that has passed meanwhile.
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if timer.callback is not None:
                try:
                    timer.callback()
                except Exception:
                    timer.crashed()

    def _patience(self, until: float | None) -> float | None:
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        times = [self._timers[0][0]] if self._timers else []
        if until is not None:
            times.append(until)
        return max(0.0, min(times) - time.monotonic()) if times else None

    def watched(self) -> list[int]:
        return list(self._watches)

    def is_idle(self) -> bool:
        """Whether there is nothing to wait for. What was cancelled is gone then."""
        self._timers = [entry for entry in self._timers if entry[2].callback is not None]
        heapq.heapify(self._timers)
        return not (self._timers or self._watches)

    def close(self) -> None:
        self._watches.clear()
        self._timers.clear()
        self._epoll.close()


class Guard:
    """The loop as one owner sees it: what its callbacks raise goes to `crashed` and nowhere else."""

    __slots__ = ("_loop", "crashed")

    def __init__(self, loop: Loop, crashed: Callable[[], None]) -> None:
        self._loop = loop
        self.crashed = crashed

    def wrap(self, callback: Callable[P, None]) -> Callable[P, None]:
        """`crashed` is called while the exception is being handled, so that it can log it."""

        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                callback(*args, **kwargs)
            except Exception:
                self.crashed()

        return guarded

    def watch(self, fd: int, events: int, handler: Callable[[int], None]) -> None:
        self._loop.watch(fd, events, handler, self.crashed)

    def forget(self, fd: int) -> None:
        self._loop.forget(fd)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return self._loop.call_later(seconds, callback, self.crashed)
