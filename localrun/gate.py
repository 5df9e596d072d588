"""What lets no write of the API straddle a step of the replayed clock."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Shared by requests, exclusive for the moment of a step.

    A step waits for the requests that are inside, and those that come meanwhile wait for it; afterwards all
    of them are inside before the next step. So neither side starves.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._waiting = 0
        self._steps = 0
        self.is_stepping = False
        """Whether a step waits or happens: who comes now comes after it."""

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._changed:
            if self.is_stepping:
                step = self._steps
                self._waiting += 1
                self._changed.wait_for(lambda: self._steps > step)
            else:
                self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One at a time: the scheduler's lock sees to that."""
        with self._changed:
            self.is_stepping = True
            self._changed.wait_for(lambda: self._inside == 0)
        try:
            yield
        finally:
            with self._changed:
                self.is_stepping = False
                self._steps += 1
                self._inside, self._waiting = self._waiting, 0
                self._changed.notify_all()
