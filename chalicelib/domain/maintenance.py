"""Maintenance windows: when a team works on what it watches (contract, sections 3.9 and 4.9).

A window is active from its start on and no longer at its end. One that is bound to a monitor is about that
monitor alone, for ever: when the monitor goes, so does the window.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from chalicelib.domain.instant import to_milliseconds


class Phase(Enum):
    UPCOMING = "upcoming"
    ACTIVE = "active"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class Window:
    """`monitor_id` None covers every monitor of every kind. Instants a caller gave are whole seconds.
    `token` is that of the write that made this revision."""

    id: str
    team_id: str
    name: str
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    updated_at: datetime
    monitor_id: str | None = None
    is_silencing: bool = True
    is_on_pages: bool = True
    ended_early_at: datetime | None = None
    rev: int = 1
    token: str = ""

    @property
    def over_at(self) -> datetime:
        """From when on it is active no more."""
        return self.ends_at if self.ended_early_at is None else self.ended_early_at

    def phase(self, now: datetime) -> Phase:
        """One that was ended stays past, even when its start is moved into the future."""
        if now >= self.over_at:
            return Phase.PAST
        return Phase.UPCOMING if now < self.starts_at else Phase.ACTIVE


def covers(window: Window, monitor_id: str) -> bool:
    """Whether a window is about this monitor, of whatever kind, whenever it is."""
    return window.monitor_id is None or window.monitor_id == monitor_id


def suppressing(windows: Iterable[Window], monitor_id: str, at: datetime) -> list[Window]:
    """Those because of which nothing is to be sent about this monitor, of whatever kind."""
    return [
        window
        for window in windows
        if window.is_silencing and covers(window, monitor_id) and window.phase(at) is Phase.ACTIVE
    ]


class Span(NamedTuple):
    """From `begins_at` on, `ends_at` excluded."""

    begins_at: datetime
    ends_at: datetime


def merged(windows: Iterable[Window]) -> list[Span]:
    """When any of them is active: spans that neither touch nor overlap, oldest first."""
    spans: list[Span] = []
    for begins_at, ends_at in sorted((window.starts_at, window.over_at) for window in windows):
        if begins_at >= ends_at:
            continue
        if spans and begins_at <= spans[-1].ends_at:
            spans[-1] = Span(spans[-1].begins_at, max(ends_at, spans[-1].ends_at))
        else:
            spans.append(Span(begins_at, ends_at))
    return spans


class Stretches:
    """Spans as `merged` makes them, in milliseconds of the epoch, to look many instants up in."""

    def __init__(self, spans: Sequence[Span] = ()) -> None:
        self._begins = [to_milliseconds(span.begins_at) for span in spans]
        self._ends = [to_milliseconds(span.ends_at) for span in spans]

    def __bool__(self) -> bool:
        return bool(self._begins)

    def __contains__(self, at_ms: int) -> bool:
        return self.meets(at_ms, at_ms)

    def holds(self, first_ms: int, last_ms: int) -> bool:
        """Whether all of the instants from the first to the last one, both included, lie in them."""
        at = bisect_right(self._begins, first_ms) - 1
        return at >= 0 and last_ms < self._ends[at]

    def meets(self, first_ms: int, last_ms: int) -> bool:
        """Whether any of the instants from the first to the last one, both included, lies in them."""
        at = bisect_right(self._begins, last_ms) - 1
        return at >= 0 and first_ms < self._ends[at]
