"""The one clock of a local run: the wall's, shifted, held still or stepped."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """`now = wall + offset`, unless frozen or in an advance. Deadlines of exchanges do not follow it."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._lock = threading.Lock()
        self._offset = 0.0
        self._held_at: float | None = None
        self._is_frozen = False
        self.is_advancing = False

    def seconds(self) -> float:
        with self._lock:
            return self._held_at if self._held_at is not None else self._wall() + self._offset

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds(), UTC)

    @property
    def is_frozen(self) -> bool:
        return self._is_frozen

    def hold(self) -> float:
        """Stand still now, until the next `hold_at` or `go_from`; where that is."""
        with self._lock:
            if self._held_at is None:
                self._held_at = self._wall() + self._offset
            return self._held_at

    def hold_at(self, seconds: float) -> None:
        with self._lock:
            self._held_at = seconds

    def go_from(self, seconds: float) -> None:
        """Be at an instant and go on from there, or stand there if frozen."""
        with self._lock:
            self._offset = seconds - self._wall()
            self._held_at = seconds if self._is_frozen else None

    def freeze(self, is_frozen: bool) -> None:
        at = self.hold()
        self._is_frozen = is_frozen
        self.go_from(at)
