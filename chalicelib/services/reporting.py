"""What reports in by itself, as its team manages it: read, created, changed and deleted with its heartbeat.

Cron jobs and push monitors differ in what they are configured by, and in nothing here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, Protocol, cast

from chalicelib.domain.alarm import turn_between
from chalicelib.domain.heartbeat import Heartbeat
from chalicelib.domain.heartbeat_write import HeartbeatWrite, OwnerT
from chalicelib.domain.instant import whole_milliseconds
from chalicelib.domain.monitor_write import Written
from chalicelib.errors import Contended, LimitExceeded, NotFound
from chalicelib.services.announcing import announce
from chalicelib.services.deps import Deps
from chalicelib.services.judging import judged
from chalicelib.services.leftovers import clear_leftovers
from chalicelib.services.retrying import TRIES, pause
from chalicelib.settings import Settings

AnyHeartbeat = Heartbeat[Any, Any]


class Owners(Protocol[OwnerT]):
    """The store of one sort (`deps`)."""

    def get(self, team_id: str, id: str, /, *, consistent: bool) -> OwnerT | None: ...
    def of_team(self, team_id: str, /) -> list[OwnerT]: ...
    def write(self, change: HeartbeatWrite[OwnerT], limit: int, /) -> Written: ...


@dataclass(frozen=True)
class Sort(Generic[OwnerT]):
    """`pulse_after` is what a change of rules makes of a judged pulse: (before, after, pulse, now)."""

    noun: str
    owners: Callable[[Deps], Owners[OwnerT]]
    limit: Callable[[Settings], int]
    pulse_after: Callable[[Any, Any, Any, datetime], Any]


def list_owners(deps: Deps, sort: Sort[OwnerT], team_id: str) -> list[tuple[OwnerT, AnyHeartbeat]]:
    """Newest first, each as it is now. Eventually consistent."""
    owners = sort.owners(deps).of_team(team_id)
    found = deps.heartbeats.of_places([owner.place for owner in owners])
    now = deps.now()
    shown: list[tuple[OwnerT, AnyHeartbeat]] = []
    for owner in owners:
        heartbeat = found.get(owner.place)
        if heartbeat is not None:
            shown.append((owner, judged(heartbeat, now)))
        else:  # just made, moved or deleted
            shown += _look_again(deps, sort, owner, now)
    return shown


def get_owner(deps: Deps, sort: Sort[OwnerT], team_id: str, id: str) -> OwnerT:
    """Raises NotFound, also for another team's."""
    owner = sort.owners(deps).get(team_id, id, consistent=True)
    if owner is None:
        raise NotFound(f"There is no such {sort.noun}.")
    return owner


def read_owner(deps: Deps, sort: Sort[OwnerT], team_id: str, id: str) -> tuple[OwnerT, AnyHeartbeat]:
    """With its heartbeat, as stored. Raises NotFound."""
    for attempt in range(TRIES):
        pause(deps, attempt)
        owner = get_owner(deps, sort, team_id, id)
        heartbeat = deps.heartbeats.get(owner.place, consistent=True)
        if heartbeat is not None:
            return owner, heartbeat
    raise Contended("read")


def create_owner(
    deps: Deps,
    sort: Sort[OwnerT],
    owner: OwnerT,
    heartbeat: AnyHeartbeat,
    check: Callable[[], None] = lambda: None,
) -> OwnerT:
    """What is stored: this one, or what another try with the same id has made of it. Raises LimitExceeded,
    and what `check` raises before each try."""
    for attempt in range(TRIES):
        pause(deps, attempt)
        check()
        written = _write(deps, sort, HeartbeatWrite(None, owner, None, heartbeat))
        if written is Written.YES:
            return owner
        if written is Written.LOST:
            stored = sort.owners(deps).get(owner.team_id, owner.id, consistent=True)
            if stored is not None:  # ours, whoever edited it since: only this origin makes this id
                return stored
        if written is Written.LIMIT:
            raise LimitExceeded(f"A team has at most {sort.limit(deps.settings)} {sort.noun}s.")
    raise Contended("create")


def rewrite_owner(
    deps: Deps,
    sort: Sort[OwnerT],
    team_id: str,
    id: str,
    changed: Callable[[OwnerT, AnyHeartbeat, datetime], OwnerT],
) -> tuple[OwnerT, AnyHeartbeat]:
    """Store what `changed` makes of it, if that is anything else; as it is then.

    What time has made of it by now comes first, and is told in the same transaction. Raises NotFound.
    """
    token = f"{deps.random_bits(64):016x}"
    for attempt in range(TRIES):
        pause(deps, attempt)
        before, read = read_owner(deps, sort, team_id, id)
        now = whole_milliseconds(deps.now())
        heartbeat = judged(read, now)
        if before.token == token:
            return before, heartbeat
        after = changed(before, read, now)
        if after == before:
            return before, heartbeat
        after = _stamped(before, after, now, token)
        rules = cast(Any, after).rules
        pulse = sort.pulse_after(read.rules, rules, heartbeat.pulse, now)
        heartbeat = replace(heartbeat, place=after.place, rules=rules, pulse=pulse, version=read.version + 1)
        turn = turn_between(read.pulse.alarm, pulse.alarm, pulse.reason)
        if _write(deps, sort, HeartbeatWrite(before, after, read, heartbeat, turn)) is Written.YES:
            if turn is not None:
                announce(deps, [heartbeat.place.name])
            return after, judged(heartbeat, now)
    raise Contended("update")


def delete_owner(deps: Deps, sort: Sort[OwnerT], team_id: str, id: str) -> None:
    """With its history. Raises NotFound.

    What an earlier delete of the team still owes, killed after its transaction, is made good on the way;
    the repeated delete of such a one succeeds.
    """
    was_there = _delete(deps, sort, team_id, id)
    if id not in clear_leftovers(deps, team_id) and not was_there:
        raise NotFound(f"There is no such {sort.noun}.")


def _stamped(before: OwnerT, after: OwnerT, now: datetime, token: str) -> OwnerT:
    enabled_at = cast(Any, before).enabled_at if before.is_enabled else now
    stamps = {"updated_at": now, "rev": before.rev + 1, "token": token}
    stamped = replace(cast(Any, after), enabled_at=enabled_at if after.is_enabled else None, **stamps)
    return cast(OwnerT, stamped)


def _delete(deps: Deps, sort: Sort[OwnerT], team_id: str, id: str) -> bool:
    """Whether there was such a one; after this there is none."""
    was_there = False
    for attempt in range(TRIES):
        pause(deps, attempt)
        owner = sort.owners(deps).get(team_id, id, consistent=True)
        if owner is None:
            return was_there
        was_there = True
        if _write(deps, sort, HeartbeatWrite(owner, None, None, None)) is Written.YES:
            return True
    raise Contended("delete")


def _look_again(
    deps: Deps, sort: Sort[OwnerT], owner: OwnerT, now: datetime
) -> list[tuple[OwnerT, AnyHeartbeat]]:
    try:
        owner, heartbeat = read_owner(deps, sort, owner.team_id, owner.id)
    except NotFound:
        return []
    return [(owner, judged(heartbeat, now))]


def _write(deps: Deps, sort: Sort[OwnerT], write: HeartbeatWrite[OwnerT]) -> Written | None:
    """None when the transaction collided with another, or its answer was lost."""
    try:
        return sort.owners(deps).write(write, sort.limit(deps.settings))
    except Contended:
        return None
