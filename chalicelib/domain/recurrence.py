"""When a job is expected: by a cron expression, by systemd's OnCalendar or by a period.

The parsers know the calendar and are asked for wall times alone. What the clocks of a zone make of those is
said here, for both directions of time; `cronsim` itself means the same rule, but loses times where the clocks
are changed by half an hour or at midnight.

- cron, a fixed time (neither minute nor hour begins with a star): Debian cron runs it exactly once. A time
  that the clocks skip is the instant at which they do, one that they repeat is its first pass.
- cron, any other: at every instant whose wall time matches.
- OnCalendar: a time that the clocks skip does not occur, one that they repeat is its first pass.
"""

import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, Protocol
from zoneinfo import ZoneInfo

from chalicelib.domain.cron_expression import BadExpression, check_text, to_cronsim

if TYPE_CHECKING:
    from oncalendar import BaseIterator

MAX_YEARS: Final = 50
MIN_PERIOD_SECONDS: Final = 60
MAX_PERIOD_SECONDS: Final = 365 * 86_400
MAX_CALENDAR_LENGTH: Final = 255
"""A longer one could exhaust the stack: `oncalendar` takes commas off by recursion."""
MAX_CALENDAR_LINES: Final = 10

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_LONGEST_REPEAT: Final = timedelta(hours=3)
"""By no more are clocks turned back."""
_UNITS: Final = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, slots=True)
class Schedule:
    kind: Literal["cron", "calendar", "period"]
    expression: str = ""
    """Cron, or OnCalendar: one or several lines, each of which may end with a zone of its own."""
    timezone: str = "UTC"
    period_seconds: int = 0


class Recurrence(Protocol):
    """Takes aware instants, of any zone and any fraction of a second. Occurrences are UTC, whole seconds."""

    def next_after(self, at: datetime) -> datetime | None:
        """The first occurrence strictly after `at`; None when none comes within 50 years."""

    def newest_until(self, at: datetime, after: datetime) -> datetime | None:
        """The newest occurrence in (after, at]. A period's are `after` + k * period."""

    def describe(self) -> str:
        """In words, without the zone."""


@lru_cache(maxsize=4096)
def recurrence_of(schedule: Schedule) -> Recurrence:
    """Raises BadExpression."""
    if schedule.kind == "period":
        return _Period(schedule.period_seconds)
    zone = _zone(schedule.timezone)
    if schedule.kind == "cron":
        return _Cron(schedule.expression, zone)
    return _Calendar(schedule.expression, zone)


def check_schedule(schedule: Schedule, now: datetime) -> None:
    """Raises BadExpression, also for a schedule that never occurs after `now`."""
    if recurrence_of(schedule).next_after(now) is None:
        raise BadExpression("the schedule never occurs again")


def check_timezone(name: str) -> None:
    """Raises BadExpression for all but IANA's own spellings of IANA's names."""
    if name not in _zone_names():
        shown = ascii(name[:40])
        raise BadExpression(f"{shown} is not a time zone; names are as in Europe/Riga, capitals included")


class _Period:
    def __init__(self, seconds: int) -> None:
        if not MIN_PERIOD_SECONDS <= seconds <= MAX_PERIOD_SECONDS:
            raise BadExpression("the period is not within 60 seconds to 365 days")
        self._period = timedelta(seconds=seconds)

    def next_after(self, at: datetime) -> datetime:
        return _whole(at) + self._period

    def newest_until(self, at: datetime, after: datetime) -> datetime | None:
        start = _whole(after)
        periods = (at - start) // self._period
        return start + periods * self._period if periods > 0 else None

    def describe(self) -> str:
        rest = self._period // _SECOND
        words = []
        for name, seconds in _UNITS:
            count, rest = divmod(rest, seconds)
            if count:
                words.append(f"{count} {name}{'s' * (count > 1)}")
        return f"Every {' '.join(words)}"


class _Cron:
    def __init__(self, text: str, zone: ZoneInfo) -> None:
        from cronsim import CronSim  # on use: for cold start

        expression = to_cronsim(text)
        minute, hour, *_ = expression.split()
        self._is_fixed = not minute.startswith("*") and not hour.startswith("*")
        self._zone = zone
        # Parsed once and copied, as parsing takes as long as the search itself.
        self._walk = CronSim(expression, datetime(2000, 1, 1))  # noqa: DTZ001 (wall time)

    def next_after(self, at: datetime) -> datetime | None:
        at = _whole(at)
        start = _wall(at, self._zone) - _turned_back(at, at + _LONGEST_REPEAT, self._zone)
        best: datetime | None = None
        for wall in self._walls(start, direction=1):
            instants = self._instants(wall)
            best = min((instant for instant in (best, *instants) if instant and instant > at), default=None)
            if instants and instants[0] > at:
                break
        return best

    def newest_until(self, at: datetime, after: datetime) -> datetime | None:
        at = _whole(at)
        start = _wall(at, self._zone) + _turned_back(at - _LONGEST_REPEAT, at, self._zone) + _SECOND
        best: datetime | None = None
        for wall in self._walls(start, direction=-1):
            instants = self._instants(wall)
            best = max((instant for instant in (best, *instants) if instant and instant <= at), default=None)
            if instants and instants[-1] <= at:
                break
        return best if best and best > after else None

    def describe(self) -> str:
        return copy(self._walk).explain()

    def _walls(self, start: datetime, *, direction: int) -> Iterator[datetime]:
        """The wall times that match, from the first one beyond `start` on, for 50 years."""
        walk = copy(self._walk)
        walk.dt = start
        walk.tick_direction = direction
        for wall in walk:
            if abs(wall.year - start.year) > MAX_YEARS:
                return
            yield wall

    def _instants(self, wall: datetime) -> tuple[datetime, ...]:
        """When the clocks show it, in order."""
        first = _instant(wall, self._zone)
        if self._is_fixed:
            while first is None:
                wall += _MINUTE
                first = _instant(wall, self._zone)
            return (first,)
        if first is None:
            return ()
        second = wall.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
        return (first,) if first == second else (first, second)


class _Calendar:
    def __init__(self, text: str, zone: ZoneInfo) -> None:
        check_text(text, MAX_CALENDAR_LENGTH)
        self._texts = [line for line in map(str.strip, _LINE_END.split(text)) if line]
        if not 1 <= len(self._texts) <= MAX_CALENDAR_LINES:
            raise BadExpression(f"an OnCalendar schedule has 1 to {MAX_CALENDAR_LINES} lines")
        self._lines = [_CalendarLine(line, zone) for line in self._texts]
        if len({second for line in self._lines for second in line.seconds}) > 1:
            raise BadExpression("too frequent: at most one occurrence a minute, all at the same second of it")

    def next_after(self, at: datetime) -> datetime | None:
        at = _whole(at)
        found = (line.next_after(at) for line in self._lines)
        return min((instant for instant in found if instant), default=None)

    def newest_until(self, at: datetime, after: datetime) -> datetime | None:
        """By halving the time between an occurrence and an instant with none after it."""
        if at <= after:
            return None
        before, newest = self._look_back(at, after)
        while newest:
            following = self.next_after(newest)
            if following is None or following > at:
                break
            newest = following
            middle = newest + (before - newest) / 2
            found = self.next_after(middle)
            if found is None or found > at:
                before = middle
            else:
                newest = found
        return newest

    def describe(self) -> str:
        return f"OnCalendar {'; '.join(self._texts)}"

    def _look_back(self, at: datetime, after: datetime) -> tuple[datetime, datetime | None]:
        """An instant with no occurrence between it and `at`, and an occurrence before it."""
        before, back = at, timedelta()
        while before > after:
            back = min(max(back * 4, _MINUTE), at - after)
            found = self.next_after(at - back)
            if found and found <= at:
                return before, found
            before = at - back
        return before, None


class _CalendarLine:
    def __init__(self, text: str, zone: ZoneInfo) -> None:
        *head, last = text.split()
        has_zone = bool(head) and last in _zone_names()
        self._zone = _zone(last) if has_zone else zone
        self._walk = _calendar_walk(" ".join(head) if has_zone else text)
        self.seconds = self._walk.seconds
        if next(copy(self._walk), None) is None:  # to look for what never comes takes long each time
            raise BadExpression(f"{text} never occurs")

    def next_after(self, at: datetime) -> datetime | None:
        walk = copy(self._walk)
        walk.dt = start = _wall(at, self._zone)
        walk.years = self._walk.years & set(range(start.year, start.year + MAX_YEARS + 1))
        for wall in walk:
            instant = _instant(wall, self._zone)
            if instant and instant > at:
                return instant
        return None


def _calendar_walk(text: str) -> "BaseIterator":
    from oncalendar import BaseIterator, OnCalendarError  # on use: for cold start

    try:
        return BaseIterator(text, datetime(1969, 12, 31, 23, 59, 59))  # noqa: DTZ001 (wall time)
    except OnCalendarError as error:
        raise BadExpression(f"OnCalendar: {str(error).lower()} in {text[:40]}") from error


def _whole(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _instant(wall: datetime, zone: ZoneInfo) -> datetime | None:
    """When the clocks show it for the first time; None when they skip it."""
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    return instant if _wall(instant, zone) == wall else None


def _turned_back(earlier: datetime, later: datetime, zone: ZoneInfo) -> timedelta:
    """By how much the clocks are turned back in between: the wall times of so long occur twice."""
    before, after = earlier.astimezone(zone).utcoffset(), later.astimezone(zone).utcoffset()
    return max((before or timedelta()) - (after or timedelta()), timedelta())


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    from importlib.resources import files

    return frozenset(files("tzdata").joinpath("zones").read_text("ascii").split())


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    """Always of the package's database, so that every machine computes alike."""
    from importlib.resources import files

    check_timezone(name)
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
