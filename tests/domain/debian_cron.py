"""What Debian's cron daemon does, minute by minute, as cron(8) and its main loop describe it.

It knows nothing of `cronsim`: each real minute it reads the clock on the wall. Jobs whose minute or hour
begins with a star follow that clock. The others follow a virtual one, which never goes back and which is
brought up to the wall's through every minute that this one skipped.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
_NAMES = {
    name: str(number)
    for names in ("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", "MON TUE WED THU FRI SAT SUN")
    for number, name in enumerate(names.split(), start=1)
}


class Job:
    def __init__(self, text: str) -> None:
        minute, hour, day, month, weekday = text.upper().split()
        self._minutes = _values(minute, 0, 59)
        self._hours = _values(hour, 0, 23)
        self._days = _values(day, 1, 31)
        self._months = _values(month, 1, 12)
        self._weekdays = {number % 7 for number in _values(weekday, 0, 7)}
        self._needs_both_days = day[0] == "*" or weekday[0] == "*"
        self.is_wild = minute[0] == "*" or hour[0] == "*"

    def matches(self, wall: datetime) -> bool:
        if wall.minute not in self._minutes or wall.hour not in self._hours or wall.month not in self._months:
            return False
        days = (wall.day in self._days, wall.isoweekday() % 7 in self._weekdays)
        return all(days) if self._needs_both_days else any(days)


def minutes_between(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """Each minute in [start, end), and what the wall's clock shows then."""
    at = start
    while at < end:
        yield at, at.astimezone(zone).replace(tzinfo=None, fold=0)
        at += MINUTE


def runs(text: str, minutes: Iterable[tuple[datetime, datetime]]) -> list[datetime]:
    job = Job(text)
    virtual: datetime | None = None
    found = []
    for at, wall in minutes:
        virtual = wall - MINUTE if virtual is None else virtual
        if job.is_wild:
            is_run = job.matches(wall)
        else:
            skipped = (wall - virtual) // MINUTE
            is_run = any(job.matches(virtual + MINUTE * k) for k in range(1, skipped + 1))
            virtual = max(virtual, wall)
        if is_run:
            found.append(at.astimezone(UTC))
    return found


def _values(field: str, low: int, high: int) -> set[int]:
    return {number for term in field.split(",") for number in _term(term, low, high)}


def _term(term: str, low: int, high: int) -> range:
    span, _, step = term.partition("/")
    if span == "*":
        return range(low, high + 1, int(step or 1))
    first, _, last = span.partition("-")
    if not last:
        last = str(high) if step else first
    return range(_number(first, high), _number(last, high) + 1, int(step or 1))


def _number(text: str, high: int) -> int:
    number = int(_NAMES.get(text, text))
    return 0 if text == "SUN" and high == 7 else number
