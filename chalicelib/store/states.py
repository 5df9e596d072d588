"""STATE of a shard, and the transaction that changes it together with incidents and outbox rows."""

from collections.abc import Mapping, Sequence

from pynamodb.transactions import TransactWrite

from chalicelib.domain.incident import incident_of, outbox_row_of
from chalicelib.domain.state import Entry, State, Transition, decode_entries, encode_entries
from chalicelib.store.incidents import add_alarm
from chalicelib.store.tables import StateItem
from chalicelib.store.transactions import transact


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
                add_alarm(t, incident_of(transition), outbox_row_of(shard, transition))
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
