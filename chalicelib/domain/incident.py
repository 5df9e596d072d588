"""What a transition leaves behind: its incident, and the one outbox row that delivery starts from."""

from dataclasses import dataclass
from typing import Final

from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.state import Transition


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """An incident runs from a monitor's first unhealthy result to its next healthy one (contract 4.8).

    Identified by (monitor, seq of the opening transition). `is_opening` writes the item if absent;
    otherwise `status` is its current word and `resolved_at` its end, in epoch seconds.
    """

    monitor_id: str
    team_id: str
    opened_seq: int
    status: Status
    reason: Reason
    status_code: int
    at: int
    is_opening: bool
    is_resolving: bool


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """The evidence of one transition; written once, found by (shard, monitor, seq)."""

    shard: str
    monitor_id: str
    team_id: str
    kind: str
    seq: int
    opened_seq: int
    before: Status | None
    after: Status
    slot: int
    at: int
    reason: Reason
    status_code: int
    response_ms: int

    @property
    def subject(self) -> str:
        """What is told about: the monitor, or its certificate, whose transitions are counted apart."""
        return f"{SSL}#{self.monitor_id}" if self.kind == SSL else self.monitor_id


SSL: Final = "ssl"
"""The kind of rows about the certificate of an HTTP monitor."""


def incident_of(transition: Transition) -> IncidentChange:
    before, after, outcome = transition.before, transition.after, transition.observed.outcome
    was_open = before is not None and before.opened_seq != 0
    opened_seq = before.opened_seq if before is not None and was_open else after.opened_seq
    return IncidentChange(
        monitor_id=transition.member.monitor_id,
        team_id=transition.member.team_id,
        opened_seq=opened_seq,
        status=after.status,
        reason=outcome.reason,
        status_code=outcome.status_code,
        at=after.since,
        is_opening=not was_open,
        is_resolving=after.status.is_healthy,
    )


def outbox_row_of(shard: str, transition: Transition) -> OutboxRow:
    before, after, outcome = transition.before, transition.after, transition.observed.outcome
    return OutboxRow(
        shard=shard,
        monitor_id=transition.member.monitor_id,
        team_id=transition.member.team_id,
        kind=transition.member.kind,
        seq=after.seq,
        opened_seq=incident_of(transition).opened_seq,
        before=before.status if before else None,
        after=after.status,
        slot=after.slot,
        at=after.since,
        reason=outcome.reason,
        status_code=outcome.status_code,
        response_ms=after.response_ms,
    )
