"""Uptime, counts and response times over the last 24 hours, 7 and 30 days (contract, section 4.2).

What is taken inside a maintenance window is counted like any result, but is no part of the uptime.

The windows roll: a result is inside when it was checked less than so long before `now`, so that a monitor
checked every minute never has more than 1,440 results in 24 hours.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chalicelib.domain import positions
from chalicelib.domain.histogram import Histogram
from chalicelib.domain.maintenance import Stretches
from chalicelib.domain.outcome import Outcome, Status
from chalicelib.domain.tick import MAX_OFFSET_MS, Tick

WINDOW_DAYS = (1, 7, 30)
LONGEST_SECONDS = max(WINDOW_DAYS) * 86400
_DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(slots=True)
class Tally:
    """Numbers of results by status, and of those that the uptime leaves out."""

    up: int = 0
    degraded: int = 0
    down: int = 0
    left_out: int = 0
    left_out_down: int = 0

    @property
    def total(self) -> int:
        return self.up + self.degraded + self.down

    @property
    def uptime(self) -> float:
        """Percent of results that are not down, two decimals; 100 when there are none."""
        total, down = self.total - self.left_out, self.down - self.left_out_down
        return round(100 * (total - down) / total, 2) if total else 100.0

    def add(self, up: int, degraded: int, down: int) -> None:
        self.up += up
        self.degraded += degraded
        self.down += down

    def leave_out(self, total: int, down: int) -> None:
        """Of the results that were added."""
        self.left_out += total
        self.left_out_down += down


class Windows:
    """Counts results in the three windows that end `now`."""

    def __init__(self, now: datetime) -> None:
        now_ms = _milliseconds(now)
        self._edges = [now_ms - days * _DAY_MS for days in WINDOW_DAYS]
        self._bands = [Tally() for _ in WINDOW_DAYS]
        """What each window has beyond the next shorter one."""

    def add(self, status: Status, checked_at: datetime) -> bool:
        """Count one result. False when it is older than the longest window."""
        return self._add_one(status, _milliseconds(checked_at))

    def add_tick(self, tick: Tick, wanted: int) -> None:
        """Count the results at these positions (a bitmap), at once unless an edge runs through the tick."""
        begin = tick.started_ms
        band = self._band(begin)
        if band == self._band(begin + MAX_OFFSET_MS):
            if band is not None:
                self._bands[band].add(*tick.tally(wanted))
            return
        for position, outcome in tick.outcomes():
            if wanted >> position & 1:
                self._add_one(outcome.status, begin + outcome.offset_ms)

    def leave_out(self, status: Status, checked_at: datetime) -> None:
        """A result that was counted."""
        self._leave_one_out(status, _milliseconds(checked_at))

    def leave_out_of_tick(self, tick: Tick, wanted: int, stretches: Stretches) -> None:
        """Those results at these positions of a tick that was counted which were checked in the stretches;
        all at once unless an edge runs through the tick."""
        begin, last = tick.started_ms, tick.started_ms + MAX_OFFSET_MS
        if not stretches.meets(begin, last):
            return
        band = self._band(begin)
        if stretches.holds(begin, last) and band == self._band(last):
            if band is not None:
                up, degraded, down = tick.tally(wanted)
                self._bands[band].leave_out(up + degraded + down, down)
            return
        for position in positions.members(tick.bitmap & wanted):
            outcome = tick.outcome(position)
            assert outcome is not None
            checked_ms = begin + outcome.offset_ms
            if checked_ms in stretches:
                self._leave_one_out(outcome.status, checked_ms)

    def tallies(self) -> tuple[Tally, Tally, Tally]:
        """The last 24 hours, 7 days and 30 days."""
        day, week, month = Tally(), Tally(), Tally()
        for inside, band in zip(((day, week, month), (week, month), (month,)), self._bands, strict=True):
            for tally in inside:
                tally.add(band.up, band.degraded, band.down)
                tally.leave_out(band.left_out, band.left_out_down)
        return day, week, month

    def _band(self, checked_ms: int) -> int | None:
        return next((band for band, edge in enumerate(self._edges) if checked_ms > edge), None)

    def _add_one(self, status: Status, checked_ms: int) -> bool:
        band = self._band(checked_ms)
        if band is None:
            return False
        self._bands[band].add(status is Status.UP, status is Status.DEGRADED, status is Status.DOWN)
        return True

    def _leave_one_out(self, status: Status, checked_ms: int) -> None:
        band = self._band(checked_ms)
        if band is not None:
            self._bands[band].leave_out(1, status is Status.DOWN)


@dataclass(slots=True)
class MonitorStats:
    """The figures of one monitor, taken in result by result."""

    windows: Windows
    response_times: Histogram = field(default_factory=Histogram)
    """Of the results of 30 days that got a response, whatever was thought of it."""
    maintenance: Stretches = field(default_factory=Stretches)

    def add(self, outcome: Outcome, checked_at: datetime) -> None:
        if not self.windows.add(outcome.status, checked_at):
            return
        if outcome.status_code:
            self.response_times.add(outcome.response_ms)
        if self.maintenance and _milliseconds(checked_at) in self.maintenance:
            self.windows.leave_out(outcome.status, checked_at)


@dataclass(frozen=True, slots=True)
class StatusCounts:
    """`total` counts all monitors, the others enabled ones by their current status."""

    total: int
    up: int
    degraded: int
    down: int


def count_statuses(statuses: Iterable[Status | None]) -> StatusCounts:
    """`statuses` holds every monitor once, as None when it is disabled or was never checked."""
    found = list(statuses)
    up, degraded, down = (found.count(s) for s in (Status.UP, Status.DEGRADED, Status.DOWN))
    return StatusCounts(len(found), up, degraded, down)


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND
