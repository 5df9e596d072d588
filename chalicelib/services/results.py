"""A page of a monitor's results, newest first, with their exact number.

The number comes from the shard's cumulative counts plus the ticks since.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.counts import Counts
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.retention import retained_days
from chalicelib.services.deps import Deps
from chalicelib.services.history import Result, places_of, read, with_texts

_CUT_SECONDS = 3600
_NAVIGATE_FROM = 300
"""Offsets past this are crossed by the hourly counts instead of reading what is skipped."""


@dataclass(frozen=True, slots=True)
class Page:
    results: Sequence[Result]
    total: int


def list_results(deps: Deps, monitor: Monitor, *, limit: int, offset: int) -> Page:
    """A page of the retained results (and of up to two hours more), eventually consistent."""
    now = int(deps.now().timestamp())
    horizon = ((now - retained_days(monitor.kind) * 86400) // 3600 - 1) * 3600
    is_young = monitor.created_at.timestamp() >= horizon
    window = _Window(skip=offset, limit=limit)
    total = 0
    for place in places_of(monitor.placements):
        shard, position = place[0].shard, place[0].position
        latest = deps.ticks.counts(shard) or Counts(upto=0)
        floor, expired = (horizon, 0) if is_young else _expired(deps, shard, position, horizon)
        fresh = 0
        for result in read(deps, place, max(latest.upto, floor), now + 1, wanted=None):
            fresh += 1
            window.take(result)
        counted = latest.by_position.get(position, 0) - expired if latest.upto > floor else 0
        total += fresh + counted
        if counted and window.wanted:
            ceiling = _cross(deps, shard, position, latest, floor, window)
            for result in read(deps, place, floor, ceiling, wanted=window.wanted):
                window.take(result)
                if not window.wanted:
                    break
    return Page(with_texts(deps, window.results), total)


def _expired(deps: Deps, shard: str, position: int, horizon: int) -> tuple[int, int]:
    """Where the results that are kept begin, and how many counted ones lie before.

    The hourly counts cut to the hour. After a stop of the whole service the newest counts before the
    horizon may be old; the few ticks that came after them and before the stop are looked through.
    """
    cut = deps.ticks.counts(shard, horizon // 3600) or Counts(upto=0)
    counted = cut.by_position.get(position, 0)
    if cut.upto >= horizon - _CUT_SECONDS:
        return cut.upto, counted
    ticks = deps.ticks.since(shard, cut.upto, consistent=False, until_slot=horizon)
    return horizon, counted + sum(tick.bitmap >> position & 1 for tick in ticks)


class _Window:
    """Skips the offset, then keeps results until the page is full."""

    def __init__(self, skip: int, limit: int) -> None:
        self.skip = skip
        self.limit = limit
        self.results: list[Result] = []

    @property
    def wanted(self) -> int:
        """How many more results have to be seen; 0 when the page is full."""
        return self.skip + self.limit - len(self.results)

    def take(self, result: Result) -> None:
        if self.skip:
            self.skip -= 1
        elif self.wanted:
            self.results.append(result)


def _cross(deps: Deps, shard: str, position: int, latest: Counts, floor: int, window: _Window) -> int:
    """Cross a deep offset: the newest hour boundary before which the page begins, by bisection over the
    hourly counts; `window.skip` shrinks by the results crossed. Returns the slot to read below."""
    if window.skip <= _NAVIGATE_FROM:
        return latest.upto
    newest = latest.by_position.get(position, 0)
    best = latest
    low, high = floor // 3600, latest.upto // 3600 + 1
    while low <= high:
        middle = (low + high) // 2
        found = deps.ticks.counts(shard, middle)
        if found is None or newest - found.by_position.get(position, 0) > window.skip:
            low = middle + 1
        else:
            if found.upto < best.upto:
                best = found
            high = middle - 1
    window.skip -= newest - best.by_position.get(position, 0)
    return best.upto
