"""The one clock of a local run: the wall's, shifted, held still or stepped."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger(__name__)


class Clock:
    """`now = wall + offset`, unless frozen or in an advance. Deadlines of exchanges do not follow it.

    `kept` is the file in which the offset survives the process: the next clock goes on from wherever this one
    was last moved to, frozen or not, and so never stands before a slot that was run.
    """

    def __init__(self, wall: Callable[[], float] = time.time, kept: Path | None = None) -> None:
        self._wall = wall
        self._kept = kept
        self._lock = threading.Lock()
        self._offset = self._read()
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
            self._keep(seconds - self._wall())
            self._held_at = seconds

    def go_from(self, seconds: float) -> None:
        """Be at an instant and go on from there, or stand there if frozen."""
        with self._lock:
            self._offset = seconds - self._wall()
            self._keep(self._offset)
            self._held_at = seconds if self._is_frozen else None

    def freeze(self, is_frozen: bool) -> None:
        at = self.hold()
        self._is_frozen = is_frozen
        self.go_from(at)

    def _read(self) -> float:
        try:
            offset = float(self._kept.read_text()) if self._kept is not None else 0.0
            datetime.fromtimestamp(self._wall() + offset, UTC)
        except (OSError, ValueError, OverflowError):  # none yet, or none that a clock can show
            return 0.0
        return offset

    def _keep(self, offset: float) -> None:
        """Once for every slot of an advance: replaced whole, and not synchronized to the disk."""
        if self._kept is None:
            return
        fresh = self._kept.with_suffix(".new")
        try:
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(repr(offset))
            fresh.replace(self._kept)
        except OSError as error:
            log.warning("the clock's offset is not kept: %s", error)
