"""STATE of a shard, and the transaction that changes it together with incidents and outbox rows."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.domain.incident import IncidentChange, OutboxRow, incident_of, outbox_row_of
from chalicelib.domain.state import Entry, State, Transition, decode_entries, encode_entries
from chalicelib.store.tables import IncidentItem, OutboxItem, StateItem
from chalicelib.store.transactions import transact

OUTBOX_TTL = timedelta(days=7)
INCIDENT_TTL = timedelta(days=400)


class StateStore:
    def get(self, shard: str, *, consistent: bool) -> State | None:
        try:
            item = StateItem.get(f"S#{shard}", "STATE", consistent_read=consistent)
        except StateItem.DoesNotExist:
            return None
        return state_of(item)

    def commit(
        self,
        shard: str,
        read: State,
        entries: Mapping[int, Entry],
        swept: int,
        transitions: Sequence[Transition],
    ) -> bool:
        def fill(t: TransactWrite) -> None:
            for transition in transitions:
                _change_incident(t, incident_of(transition))
                _put_outbox_row(t, outbox_row_of(shard, transition))
            t.update(
                StateItem(f"S#{shard}"),
                actions=[
                    StateItem.entries.set(encode_entries(entries)),
                    StateItem.version.set(read.version + 1),
                    StateItem.swept.set(swept),
                ],
                condition=(StateItem.version == read.version)
                & (StateItem.config_version == read.config_version),
            )

        return transact(StateItem, fill) is None


def state_of(item: StateItem) -> State:
    return State(
        version=int(item.version),
        config_version=int(item.config_version),
        swept=int(item.swept),
        entries=decode_entries(item.entries),
    )


def _change_incident(t: TransactWrite, change: IncidentChange) -> None:
    item = IncidentItem(f"M#{change.monitor_id}", f"I#{change.opened_seq:08d}")
    if change.is_opening and not change.is_resolving:
        item.team, item.opened_at, item.ttl = change.team_id, change.at, change.at + _seconds(INCIDENT_TTL)
        item.status, item.reason, item.status_code = change.status, change.reason, change.status_code
        t.save(item, condition=IncidentItem.pk.does_not_exist())
        return
    actions: list[Action] = [IncidentItem.status.set(int(change.status))]
    if change.is_resolving:
        actions.append(IncidentItem.resolved_at.set(change.at))
    t.update(item, actions=actions, condition=IncidentItem.pk.exists())


def _put_outbox_row(t: TransactWrite, row: OutboxRow) -> None:
    item = OutboxItem(f"OUT#{row.shard}", f"{row.monitor_id}#{row.seq:08d}")
    item.team, item.kind, item.opened_seq = row.team_id, row.kind, row.opened_seq
    item.before = None if row.before is None else int(row.before)
    item.after, item.slot, item.at = int(row.after), row.slot, row.at
    item.reason, item.status_code, item.response_ms = int(row.reason), row.status_code, row.response_ms
    item.ttl = row.at + _seconds(OUTBOX_TTL)
    t.save(item, condition=OutboxItem.pk.does_not_exist())


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
