"""Figures of one monitor and of a team's monitors over the last 24 hours, 7 and 30 days.

Computed from the ticks of 30 days, for now: exact to the millisecond at the edges, but for a monitor that is
due every minute in a full shard of 200 that is 43,200 ticks of 0.7 KB: 3,750 RRU (half a thousandth of a
dollar), 30 calls and 2.4 s of CPU. All monitors of that shard together cost the same, a sparse one 0.5 RRU a
result. Compaction replaces this by day rollups and histograms, which leave only the ticks at the edges to
read. Ticks are folded as they arrive, a day at a time.

Ticks know nothing of maintenance: every reading asks for the team's windows, one Query of 0.5 RRU for some
15 of them, and counts anew what lies inside.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.histogram import Histogram
from chalicelib.domain.maintenance import Span, Stretches, covers, merged
from chalicelib.domain.monitor import Monitor, Placement
from chalicelib.domain.rollup import shown_status
from chalicelib.domain.schedule import SETTLED_SECONDS
from chalicelib.domain.stats import (
    LONGEST_SECONDS,
    MonitorStats,
    StatusCounts,
    Tally,
    Windows,
    count_statuses,
)
from chalicelib.domain.tick import MAX_OFFSET_MS
from chalicelib.services.deps import Deps
from chalicelib.services.history import places_of, read, ticks_of_shard
from chalicelib.services.maintenance import windows_of_team
from chalicelib.services.readings import read_monitors


@dataclass(frozen=True, slots=True)
class Figures:
    """Results by status in the three windows."""

    day: Tally
    week: Tally
    month: Tally


@dataclass(frozen=True, slots=True)
class MonitorFigures(Figures):
    response_times: Histogram


@dataclass(frozen=True, slots=True)
class TeamFigures(Figures):
    monitors: StatusCounts


def monitor_figures(deps: Deps, monitor: Monitor) -> MonitorFigures:
    """Eventually consistent."""
    now = deps.now()
    windows = windows_of_team(deps, monitor.team_id, consistent=False)
    spans = merged(window for window in windows if covers(window, monitor.id))
    stats = MonitorStats(Windows(now), maintenance=Stretches(spans))
    for place in places_of(monitor.placements):
        for result in read(deps, place, *_range(now), wanted=None):
            stats.add(result.outcome, result.checked_at)
    return MonitorFigures(*stats.windows.tallies(), stats.response_times)


def team_figures(deps: Deps, monitors: Sequence[Monitor]) -> TeamFigures:
    """Of these monitors together. Every shard is read once for all of them. Eventually consistent."""
    now = deps.now()
    windows = Windows(now)
    stretches: defaultdict[str, list[Placement]] = defaultdict(list)
    for monitor in monitors:
        for placement in monitor.placements:
            stretches[placement.shard].append(placement)
    maintenance, busy = _maintenance(deps, monitors)
    for shard, here in stretches.items():
        left_out = maintenance.get(shard, {})
        for tick, wanted in ticks_of_shard(deps, shard, here, *_range(now)):
            windows.add_tick(tick, wanted)
            if not left_out or not busy.meets(tick.started_ms, tick.started_ms + MAX_OFFSET_MS):
                continue
            for spans, positions in left_out.items():
                windows.leave_out_of_tick(tick, wanted & positions, spans)
    readings = read_monitors(deps, monitors, consistent=False, with_texts=False)
    shown = (shown_status(readings[m.id].status, is_enabled=m.is_enabled) for m in monitors)
    return TeamFigures(*windows.tallies(), count_statuses(shown))


def _maintenance(
    deps: Deps, monitors: Sequence[Monitor]
) -> tuple[dict[str, dict[Stretches, int]], Stretches]:
    """By shard, the stretches in which monitors are worked on, each with their positions (a bitmap); and
    when any is. Nothing when there are no windows."""
    windows = windows_of_team(deps, monitors[0].team_id, consistent=False) if monitors else []
    known: dict[tuple[Span, ...], Stretches] = {}
    found: defaultdict[str, defaultdict[Stretches, int]] = defaultdict(lambda: defaultdict(int))
    for monitor in monitors if windows else ():
        spans = tuple(merged(window for window in windows if covers(window, monitor.id)))
        stretches = known.setdefault(spans, Stretches(spans))
        for placement in monitor.placements if stretches else ():
            found[placement.shard][stretches] |= 1 << placement.position
    return {shard: dict(its) for shard, its in found.items()}, Stretches(merged(windows))


def _range(now: datetime) -> tuple[int, int]:
    """The slots whose results may have been checked in the longest window."""
    seconds = int(now.timestamp())
    return seconds - LONGEST_SECONDS - SETTLED_SECONDS, seconds + 1
