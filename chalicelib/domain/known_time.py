"""Uptime as a share of time: how long it is known what a monitor was, and how long of that it was up."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

WINDOW_DAYS: Final = (1, 7, 30)
HOUR: Final = timedelta(hours=1)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Tally:
    """Milliseconds since the beginning of a monitor's life. They never become fewer."""

    up_ms: int = 0
    known_ms: int = 0


NOTHING: Final = Tally()


@dataclass(frozen=True, slots=True)
class KnownTime:
    """The tally up to `until`, from which on what the monitor is goes on being known; None when it is not.
    `since` is when something was known first."""

    tally: Tally = NOTHING
    since: datetime | None = None
    until: datetime | None = None


UNKNOWN: Final = KnownTime()


def counted(known: KnownTime, until: datetime, *, was_up: bool) -> KnownTime:
    """With the time up to this instant, at which something is known."""
    if known.until is None:
        return replace(known, since=known.since or until, until=until)
    if until <= known.until:
        return known
    more = (until - known.until) // _MILLISECOND
    tally = Tally(known.tally.up_ms + more * was_up, known.tally.known_ms + more)
    return replace(known, tally=tally, until=known.until + more * _MILLISECOND)


def stopped(known: KnownTime) -> KnownTime:
    """Nothing is known from here on."""
    return replace(known, until=None)


def window_begins(now: datetime, days: int) -> datetime:
    """So many days before now, cut to the hour: the first full hour inside."""
    edge = now - timedelta(days=days)
    cut = edge.replace(minute=0, second=0, microsecond=0)
    return cut if cut == edge else cut + HOUR


def percent(now: Tally, before: Tally) -> float | None:
    """Of the time between; two decimals. None when nothing is known of it."""
    known = now.known_ms - before.known_ms
    return round(100 * (now.up_ms - before.up_ms) / known, 2) if known > 0 else None
