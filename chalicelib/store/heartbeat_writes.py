"""What reports in by itself as it is configured: one transaction in `teams`, and in the same everything of it
in `checks`."""

from collections.abc import Callable, Mapping
from typing import Any, Generic

from pynamodb.expressions.condition import Condition
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from chalicelib.domain.heartbeat import Heartbeat, Place
from chalicelib.domain.heartbeat_write import HeartbeatWrite, Owner, OwnerT
from chalicelib.domain.monitor_write import Written
from chalicelib.store.heartbeats import add_turn, encode_place, heartbeat_item
from chalicelib.store.tables import HeartbeatItem, LeftoverItem, LimitItem, LocatorItem
from chalicelib.store.transactions import transact

Pointers = Callable[[OwnerT], Mapping[str, Model]]
"""Items, by what is unique of them, that others find an owner by, beside its locator."""


def write_owner(
    change: HeartbeatWrite[OwnerT],
    limit: int,
    kind: str,
    config_item: Callable[[OwnerT], Model],
    pointers: Pointers[OwnerT] = lambda owner: {},
) -> Written:
    plan = _Plan(change, limit, kind, config_item, pointers)
    lost = transact(HeartbeatItem, plan.fill)
    if lost is None:
        return Written.YES
    return Written.LIMIT if lost == (plan.index_of_limit,) else Written.LOST


class _Plan(Generic[OwnerT]):
    """The actions of one configuration transaction."""

    def __init__(
        self,
        change: HeartbeatWrite[OwnerT],
        limit: int,
        kind: str,
        config_item: Callable[[OwnerT], Model],
        pointers: Pointers[OwnerT],
    ) -> None:
        self._change, self._limit, self._kind = change, limit, kind
        self._config_item, self._pointers = config_item, pointers
        self._deletes: list[tuple[Model, Condition | None]] = []
        self._puts: list[tuple[Model, Condition | None]] = []
        self._change_config(change.before, change.after)
        self._change_heartbeat(change)
        self._change_found_by(change.before, change.after)

    @property
    def index_of_limit(self) -> int:
        """DynamoDB reports deletes, then puts, then updates. A create's only update is that of the limit."""
        return len(self._deletes) + len(self._puts)

    def fill(self, t: TransactWrite) -> None:
        for item, condition in self._deletes:
            t.delete(item, condition=condition)
        for item, condition in self._puts:
            t.save(item, condition=condition)
        change = self._change
        limit = LimitItem(f"T#{change.owner.team_id}", f"LIMIT#{self._kind}")
        if change.before is None:
            has_room = LimitItem.pk.does_not_exist() | (LimitItem.taken < self._limit)
            t.update(limit, [LimitItem.taken.add(1)], condition=has_room)
        elif change.after is None:
            t.update(limit, [LimitItem.taken.add(-1)])
        if change.turn is not None:
            assert change.before is not None
            assert change.heartbeat is not None
            add_turn(t, change.heartbeat, change.turn)

    def _change_config(self, before: OwnerT | None, after: OwnerT | None) -> None:
        item: Any = self._config_item(self._change.owner)
        model = type(item)
        as_read = model.pk.does_not_exist() if before is None else model.rev == before.rev
        if after is not None:
            self._puts.append((item, as_read))
            return
        assert before is not None
        note = LeftoverItem(f"T#{before.team_id}", f"GONE#{before.id}")
        note.shards = " ".join(before.partitions)
        self._deletes.append((item, as_read))
        self._puts.append((note, None))

    def _change_heartbeat(self, change: HeartbeatWrite[OwnerT]) -> None:
        """A delete takes it whatever its version: that something comes in is no reason to keep its owner."""
        before, read, new = change.before, change.read, change.heartbeat
        if change.after is None:
            assert before is not None
            self._deletes.append((_heartbeat_key(before.place), None))
        elif new is not None and read is not None and read.place == new.place:
            self._puts.append((heartbeat_item(new), _is_as_read(read)))
        elif new is not None:
            if read is not None:
                self._deletes.append((_heartbeat_key(read.place), _is_as_read(read)))
            self._puts.append((heartbeat_item(new), HeartbeatItem.pk.does_not_exist()))

    def _change_found_by(self, before: OwnerT | None, after: OwnerT | None) -> None:
        """Written only when they change: every unit is paid for."""
        old, new = self._found_by(before), self._found_by(after)
        self._deletes += [(item, None) for key, item in old.items() if key not in new]
        self._puts += [
            (item, None)
            for key, item in new.items()
            if key not in old or old[key].serialize() != item.serialize()
        ]

    def _found_by(self, owner: OwnerT | None) -> dict[str, Model]:
        if owner is None:
            return {}
        return {"L": _locator(owner, self._kind), **self._pointers(owner)}


def _locator(owner: Owner, kind: str) -> LocatorItem:
    place = encode_place(owner.place)
    locator = LocatorItem(f"M#{owner.id}", team=owner.team_id, kind=kind, placements="[]", place=place)
    locator.is_public, locator.is_enabled = owner.is_public, owner.is_enabled
    return locator


def _is_as_read(read: Heartbeat[Any, Any]) -> Any:
    return HeartbeatItem.version == read.version


def _heartbeat_key(place: Place) -> HeartbeatItem:
    return HeartbeatItem(f"HB#{place.partition:02d}", place.digest)
