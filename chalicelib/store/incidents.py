"""Incidents and outbox rows: what every change of an alarm adds to the transaction that makes it."""

from datetime import timedelta

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.domain.incident import IncidentChange, OutboxRow
from chalicelib.store.tables import IncidentItem, OutboxItem

OUTBOX_TTL = timedelta(days=7)
INCIDENT_TTL = timedelta(days=400)
"""From its end on: one that is open stays, since its end is written on the condition that it is there."""


def add_alarm(t: TransactWrite, change: IncidentChange, row: OutboxRow) -> None:
    _change_incident(t, change)
    add_outbox_row(t, row)


def _change_incident(t: TransactWrite, change: IncidentChange) -> None:
    item = IncidentItem(f"M#{change.monitor_id}", f"I#{change.opened_seq:08d}")
    if change.is_opening and not change.is_resolving:
        item.team, item.opened_at = change.team_id, change.at
        item.status, item.reason, item.status_code = change.status, change.reason, change.status_code
        t.save(item, condition=IncidentItem.pk.does_not_exist())
        return
    actions: list[Action] = [IncidentItem.status.set(int(change.status))]
    if change.is_resolving:
        actions.append(IncidentItem.resolved_at.set(change.at))
        actions.append(IncidentItem.ttl.set(change.at + _seconds(INCIDENT_TTL)))
    t.update(item, actions=actions, condition=IncidentItem.pk.exists())


def add_outbox_row(t: TransactWrite, row: OutboxRow) -> None:
    """Alone where no incident is kept, as of a certificate."""
    item = OutboxItem(f"OUT#{row.shard}", f"{row.subject}#{row.seq:08d}")
    item.team, item.kind, item.opened_seq = row.team_id, row.kind, row.opened_seq
    item.before = None if row.before is None else int(row.before)
    item.after, item.slot, item.at = int(row.after), row.slot, row.at
    item.reason, item.status_code, item.response_ms = int(row.reason), row.status_code, row.response_ms
    item.ttl = row.at + _seconds(OUTBOX_TTL)
    t.save(item, condition=OutboxItem.pk.does_not_exist())


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
