"""The history of whatever reports in, newest first. Beats are numbered without gaps, so that a page is found
by its numbers, and what it skips is not read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.domain.beat import Beat
from chalicelib.domain.heartbeat import Heartbeat, newest_first
from chalicelib.services.deps import Deps

RETENTION: Final = timedelta(days=365)
KEPT_IN_FULL: Final = 100
"""Of so many newest ones it is known what came with them."""

AnyHeartbeat = Heartbeat[Any, Any]


@dataclass(frozen=True, slots=True)
class BeatPage:
    """Beats with their numbers, and the exact total of those that are not older than a year."""

    beats: list[tuple[int, Beat]]
    total: int


def page_of_beats(deps: Deps, heartbeat: AnyHeartbeat, *, limit: int, offset: int, now: datetime) -> BeatPage:
    first = _first_kept(deps, heartbeat, now)
    newest = heartbeat.count - offset
    oldest = max(first, newest - limit + 1)
    return BeatPage(list(beats_between(deps, heartbeat, newest, oldest, now)), heartbeat.count - first + 1)


def beats_between(
    deps: Deps, heartbeat: AnyHeartbeat, newest: int, oldest: int, now: datetime
) -> Iterator[tuple[int, Beat]]:
    """The beats of these numbers. A block may overlap the recent ones, and the block after it."""
    for number, beat in newest_first(heartbeat):
        if oldest <= number <= newest:
            yield number, beat
    wanted = min(newest, heartbeat.first_recent - 1)
    if wanted < oldest:
        return
    for first, beats in deps.beats.blocks(heartbeat.id, wanted, now):
        for number in range(min(wanted, first + len(beats) - 1), max(first, oldest) - 1, -1):
            yield number, beats[number - first]
        wanted = first - 1
        if wanted < oldest:
            return


def find_mark(deps: Deps, heartbeat: AnyHeartbeat, mark: bytes, since: datetime) -> tuple[int, Beat] | None:
    """What an earlier try of a request that began at `since` has left, however long ago it was."""
    for number, beat in beats_between(deps, heartbeat, heartbeat.count, 1, deps.now()):
        if beat.mark == mark:
            return number, beat
        if beat.at < since:
            break
    return None


def _first_kept(deps: Deps, heartbeat: AnyHeartbeat, now: datetime) -> int:
    """The number of the oldest beat that is not too old; one more than the newest's when all are."""
    stored = deps.beats.oldest(heartbeat.id, now) if heartbeat.first_recent > 1 else None
    first, beats = stored or (heartbeat.first_recent, heartbeat.recent)
    return first + sum(beat.at <= now - RETENTION for beat in beats)
