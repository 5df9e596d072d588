"""What reports in by itself, cron jobs and push monitors: the one item that a ping changes and that
deadlines are judged by.

It lies where its token says, so that a ping needs no lookup first.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from chalicelib.domain.alarm import Turn
from chalicelib.domain.beat import Beat
from chalicelib.domain.incident import IncidentChange, OutboxRow

PARTITIONS: Final = 16

RulesT = TypeVar("RulesT", covariant=True)
PulseT = TypeVar("PulseT", covariant=True)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a heartbeat lies: a partition and a sort key. Who reads it there does not learn the token."""

    partition: int
    digest: str

    @property
    def name(self) -> str:
        """The partition as other items name it."""
        return f"HB{self.partition:02d}"


def place_of(token: str) -> Place:
    """Of any text, a well-formed token or not."""
    digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:40]
    return Place(int(digest[:2], 16) % PARTITIONS, digest)


@dataclass(frozen=True)  # with slots, Python 3.11 cannot make one of `Heartbeat[Rules, Pulse]`
class Heartbeat(Generic[RulesT, PulseT]):
    """`version` is counted by every write. `count` is how many beats there ever were, those of `recent`
    (the newest, oldest first) included; the first has the number 1."""

    place: Place
    id: str
    team_id: str
    kind: str
    rules: RulesT
    pulse: PulseT
    version: int = 0
    count: int = 0
    recent: tuple[Beat, ...] = ()

    @property
    def first_recent(self) -> int:
        """The number of the oldest beat of `recent`."""
        return self.count - len(self.recent) + 1


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a beat. Personal data: kept for 30 days, of the newest beats alone."""

    address: str
    user_agent: str
    method: str = ""
    run_id: str = ""


HeartbeatT = TypeVar("HeartbeatT", bound=Heartbeat[object, object])


def with_beat(heartbeat: HeartbeatT, beat: Beat) -> HeartbeatT:
    return replace(heartbeat, count=heartbeat.count + 1, recent=(*heartbeat.recent, beat))


def newest_first(heartbeat: Heartbeat[object, object]) -> Sequence[tuple[int, Beat]]:
    """The recent beats with their numbers."""
    return [(heartbeat.first_recent + i, beat) for i, beat in reversed(list(enumerate(heartbeat.recent)))]


def incident_of_turn(heartbeat: Heartbeat[object, object], turn: Turn) -> IncidentChange:
    """The incident's opening is dated when it was due, its other changes when the alarm turned."""
    is_opening = turn.before.opened_seq == 0
    at = turn.after.opened_at if is_opening and turn.after.opened_at else turn.after.since
    assert at is not None
    return IncidentChange(
        monitor_id=heartbeat.id,
        team_id=heartbeat.team_id,
        opened_seq=turn.opened_seq,
        status=turn.after.status,
        reason=turn.reason,
        status_code=0,
        at=int(at.timestamp()),
        is_opening=is_opening,
        is_resolving=turn.after.status.is_healthy,
    )


def outbox_row_of_turn(heartbeat: Heartbeat[object, object], turn: Turn) -> OutboxRow:
    assert turn.after.since is not None
    at = int(turn.after.since.timestamp())
    return OutboxRow(
        shard=heartbeat.place.name,
        monitor_id=heartbeat.id,
        team_id=heartbeat.team_id,
        kind=heartbeat.kind,
        seq=turn.after.seq,
        opened_seq=turn.opened_seq,
        before=turn.before.status,
        after=turn.after.status,
        slot=at,
        at=at,
        reason=turn.reason,
        status_code=0,
        response_ms=0,
    )
