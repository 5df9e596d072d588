"""A beat of whatever reports in by itself: one write that counts it, and blocks when there is no room."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic

from chalicelib.domain.alarm import turn_between
from chalicelib.domain.beat import BLOCK_FROM, MOST_RECENT, Beat
from chalicelib.domain.heartbeat import Heartbeat, HeartbeatT, Place, newest_first
from chalicelib.domain.instant import whole_milliseconds
from chalicelib.errors import Contended
from chalicelib.services.announcing import announce
from chalicelib.services.beat_history import find_mark
from chalicelib.services.deps import Deps
from chalicelib.services.retrying import TRIES, pause


@dataclass(frozen=True)  # without slots, as `Heartbeat`
class Taken(Generic[HeartbeatT]):
    """A beat as it is stored, with its number, and the heartbeat afterwards."""

    heartbeat: HeartbeatT
    number: int
    beat: Beat


def take_beat(
    deps: Deps, place: Place, kind: str, mark: bytes, hear: Callable[[Any, datetime], Any]
) -> Taken[Any] | None:
    """Store what `hear` makes of the heartbeat, a version and a beat later. None when there is none of this
    kind. A repeated `mark` finds what its first try has stored."""
    now = whole_milliseconds(deps.now())
    for attempt in range(TRIES):
        pause(deps, attempt)
        read = deps.heartbeats.get(place, consistent=True)
        if read is None or read.kind != kind:
            return None
        # By the second try the minute's run may have moved what the first has left.
        left = find_mark(deps, read, mark, now) if attempt else _recent_mark(read, mark)
        if left is not None:
            return Taken(read, *left)
        try:
            after = save_beats(deps, read, hear(read, now))
        except Contended:
            continue
        if after is not None:
            return Taken(after, after.count, after.recent[-1])
    raise Contended("beat")


def save_beats(deps: Deps, read: HeartbeatT, after: HeartbeatT) -> HeartbeatT | None:
    """The heartbeat as it is saved over the one that was read, its turn told; None when that is no longer
    stored. Raises Contended."""
    before_alarm, pulse = _pulse(read).alarm, _pulse(after)
    turn = turn_between(before_alarm, pulse.alarm, pulse.reason)
    after = replace(after, version=read.version + 1)
    if len(after.recent) > MOST_RECENT:
        after = move_to_block(deps, after)
    if not deps.heartbeats.save(after, turn):
        return None
    if turn is not None:
        announce(deps, [after.place.name])
    return after


def move_to_block(deps: Deps, heartbeat: HeartbeatT) -> HeartbeatT:
    """The heartbeat without its recent beats but the newest, before which no other can come; those are in the
    history now. Until it is saved they are in both places, which readers know."""
    moving = heartbeat.recent[:-1]
    deps.beats.put_block(heartbeat.id, heartbeat.first_recent, moving)
    return replace(heartbeat, recent=heartbeat.recent[len(moving) :])


def is_block_due(heartbeat: Heartbeat[Any, Any]) -> bool:
    return len(heartbeat.recent) >= BLOCK_FROM


def _recent_mark(heartbeat: Heartbeat[Any, Any], mark: bytes) -> tuple[int, Beat] | None:
    return next((found for found in newest_first(heartbeat) if found[1].mark == mark), None)


def _pulse(heartbeat: Heartbeat[Any, Any]) -> Any:
    return heartbeat.pulse
