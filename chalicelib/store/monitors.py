"""Monitors in `teams`, and in the same transaction everything of them in `checks`."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product
from typing import Any

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.domain.extras import NO_EXTRAS, Extras, decode_extras, encode_extras, encode_spec
from chalicelib.domain.incident import SSL
from chalicelib.domain.member import encode_member, member_of
from chalicelib.domain.monitor import Leftover, Locator, Monitor, Placement
from chalicelib.domain.monitor_write import MonitorWrite, Written
from chalicelib.domain.shard import MAX_BYTES, MAX_MEMBERS
from chalicelib.domain.state import State, encode_entries
from chalicelib.store.heartbeats import decode_place
from chalicelib.store.tables import (
    ExtrasItem,
    IncidentItem,
    LeftoverItem,
    LimitItem,
    LocatorItem,
    MemberItem,
    MonitorExtrasItem,
    MonitorItem,
    OutboxItem,
    ShardItem,
    StateItem,
)
from chalicelib.store.transactions import transact


class MonitorStore:
    def get(self, team_id: str, monitor_id: str, *, consistent: bool) -> Monitor | None:
        try:
            item = MonitorItem.get(f"T#{team_id}", f"MON#{monitor_id}", consistent_read=consistent)
        except MonitorItem.DoesNotExist:
            return None
        return _monitor(item)

    def extras(self, team_id: str, monitor_id: str) -> Extras:
        try:
            item = MonitorExtrasItem.get(f"T#{team_id}", f"EXT#{monitor_id}", consistent_read=True)
        except MonitorExtrasItem.DoesNotExist:
            return NO_EXTRAS
        return decode_extras(item.data)

    def of_team(self, team_id: str, kind: str) -> list[Monitor]:
        items = MonitorItem.query(f"T#{team_id}", MonitorItem.sk.startswith("MON#"))
        found = [_monitor(item) for item in items if item.kind == kind]
        return sorted(found, key=lambda m: (m.created_at, m.id), reverse=True)

    def write(self, change: MonitorWrite, limit: int) -> Written:
        plan = _Plan(change, limit)
        lost = transact(MonitorItem, plan.fill)
        if lost is None:
            return Written.YES
        return min((plan.meaning(index) for index in lost), key=_MEANINGS.index)

    def leftovers(self, team_id: str) -> list[Leftover]:
        is_leftover = LeftoverItem.sk.startswith("GONE#")
        found = LeftoverItem.query(f"T#{team_id}", is_leftover, consistent_read=True)
        return [
            Leftover(item.sk.removeprefix("GONE#"), team_id, tuple(item.shards.split())) for item in found
        ]

    def forget(self, leftover: Leftover) -> None:
        keys = ["pk", "sk"]
        with IncidentItem.batch_write() as batch:
            for item in IncidentItem.query(f"M#{leftover.monitor_id}", attributes_to_get=keys):
                batch.delete(item)
        for shard, subject in product(leftover.shards, (leftover.monitor_id, f"{SSL}#{leftover.monitor_id}")):
            is_its = OutboxItem.sk.startswith(f"{subject}#")
            with OutboxItem.batch_write() as batch:
                for row in OutboxItem.query(f"OUT#{shard}", is_its, attributes_to_get=keys):
                    batch.delete(row)
        LeftoverItem(f"T#{leftover.team_id}", f"GONE#{leftover.monitor_id}").delete()

    def locator(self, monitor_id: str) -> Locator | None:
        try:
            item = LocatorItem.get(f"M#{monitor_id}", "L", consistent_read=False)
        except LocatorItem.DoesNotExist:
            return None
        return Locator(
            monitor_id=monitor_id,
            team_id=item.team,
            kind=item.kind,
            is_public=item.is_public,
            is_enabled=item.is_enabled,
            placements=_placements(item.placements),
            place=None if item.place is None else decode_place(item.place),
        )


_MEANINGS = (Written.LOST, Written.LIMIT, Written.NO_ROOM)
"""When several conditions were lost: the one that tells the caller most comes first."""


class _Plan:
    """The actions of one configuration transaction, kept in the order in which DynamoDB reports them."""

    def __init__(self, change: MonitorWrite, limit: int) -> None:
        self._limit = limit
        self._actions: dict[str, list[tuple[Written, Callable[[TransactWrite], None]]]] = {
            "delete": [],
            "put": [],
            "update": [],
        }
        before, after = change.before, change.after
        if after is None:
            assert before is not None
            self._remove(before)
        else:
            self._put_config(before, after)
        self._change_extras(change)
        if before is None:
            assert after is not None
            self._count(after, +1)
            self._enter(after)
            self._bump(after.placement.shard)
        elif after is None:
            self._count(before, -1)
            self._leave(before)
            self._bump(before.placement.shard)
        elif _place(before) == _place(after):
            self._resize(before, after)
            self._bump(after.placement.shard)
        else:
            assert change.states is not None
            self._move(before, after, change.states)

    def fill(self, t: TransactWrite) -> None:
        for actions in self._actions.values():
            for _, action in actions:
                action(t)

    def meaning(self, index: int) -> Written:
        return [meaning for actions in self._actions.values() for meaning, _ in actions][index]

    def _add(
        self, group: str, action: Callable[[TransactWrite], None], meaning: Written = Written.LOST
    ) -> None:
        self._actions[group].append((meaning, action))

    def _remove(self, before: Monitor) -> None:
        item = _monitor_item(before)
        self._add("delete", lambda t: t.delete(item, condition=MonitorItem.rev == before.rev))
        self._add("delete", lambda t: t.delete(LocatorItem(f"M#{before.id}")))
        self._add("delete", lambda t: t.delete(_member_item(before)))
        shards = " ".join(sorted({placement.shard for placement in before.placements}))
        note = LeftoverItem(f"T#{before.team_id}", f"GONE#{before.id}", shards=shards)
        self._add("put", lambda t: t.save(note))

    def _put_config(self, before: Monitor | None, after: Monitor) -> None:
        as_read = MonitorItem.pk.does_not_exist() if before is None else MonitorItem.rev == before.rev
        self._add("put", lambda t: t.save(_monitor_item(after), condition=as_read))
        self._add("put", lambda t: t.save(_locator_item(after)))
        self._add("put", lambda t: t.save(_member_item(after)))

    def _change_extras(self, change: MonitorWrite) -> None:
        """Written only when they change or move: they may be large, and every unit is paid for."""
        before, after, extras = change.before, change.after, change.extras
        old, new = change.old_extras_place, change.new_extras_place
        some = after or before
        assert some is not None
        managed = MonitorExtrasItem(f"T#{some.team_id}", f"EXT#{some.id}")
        if change.changes_extras and (after is None or not after.has_extras):
            self._add("delete", lambda t: t.delete(managed))
        if old is not None:
            gone = _extras_item(old)
            self._add("delete", lambda t: t.delete(gone))
        if new is None:
            return
        assert after is not None
        assert extras is not None
        if change.changes_extras:
            managed.data = encode_extras(extras)
            self._add("put", lambda t: t.save(managed))
        item = _extras_item(new)
        item.rev, item.data = after.extras_rev, encode_spec(extras.as_spec())
        self._add("put", lambda t: t.save(item))

    def _count(self, monitor: Monitor, by: int) -> None:
        item = LimitItem(f"T#{monitor.team_id}", f"LIMIT#{monitor.kind}")
        below = LimitItem.pk.does_not_exist() | (LimitItem.taken < self._limit) if by > 0 else None
        actions: list[Action] = [LimitItem.taken.add(by)]
        self._add("update", lambda t: t.update(item, actions, condition=below), Written.LIMIT)

    def _enter(self, monitor: Monitor) -> None:
        size = len(encode_member(member_of(monitor)))
        item = ShardItem("REG", f"S#{monitor.placement.shard}")
        has_room = (ShardItem.members < MAX_MEMBERS) & (ShardItem.bytes <= MAX_BYTES - size)
        actions: list[Action] = [ShardItem.members.add(1), ShardItem.bytes.add(size)]
        self._add("update", lambda t: t.update(item, actions, condition=has_room), Written.NO_ROOM)

    def _leave(self, monitor: Monitor) -> None:
        size = len(encode_member(member_of(monitor)))
        item = ShardItem("REG", f"S#{monitor.placement.shard}")
        actions: list[Action] = [ShardItem.members.add(-1), ShardItem.bytes.add(-size)]
        self._add("update", lambda t: t.update(item, actions))

    def _resize(self, before: Monitor, after: Monitor) -> None:
        """A longer URL may take a shard a little over its bytes; only new members are refused for that."""
        grown = len(encode_member(member_of(after))) - len(encode_member(member_of(before)))
        if grown:
            item = ShardItem("REG", f"S#{after.placement.shard}")
            self._add("update", lambda t: t.update(item, [ShardItem.bytes.add(grown)]))

    def _bump(self, shard: str) -> None:
        """Cancel every run that still has the old pack."""
        state = StateItem(f"S#{shard}")
        exists = StateItem.pk.exists()
        self._add("update", lambda t: t.update(state, [StateItem.config_version.add(1)], condition=exists))

    def _move(self, before: Monitor, after: Monitor, states: tuple[State, State]) -> None:
        """The entry travels from one STATE to the other, both on the versions read."""
        self._add("delete", lambda t: t.delete(_member_item(before)))
        self._leave(before)
        self._enter(after)
        old, new = states
        entry = old.entries.get(before.placement.position)
        left = {p: e for p, e in old.entries.items() if p != before.placement.position}
        joined = {**new.entries, **({after.placement.position: entry} if entry else {})}
        for shard, read, entries in (
            (before.placement.shard, old, left),
            (after.placement.shard, new, joined),
        ):
            self._replace_state(shard, read, encode_entries(entries))

    def _replace_state(self, shard: str, read: State, entries: bytes) -> None:
        actions: list[Action] = [
            StateItem.entries.set(entries),
            StateItem.version.set(read.version + 1),
            StateItem.config_version.add(1),
        ]
        as_read = StateItem.version == read.version
        self._add("update", lambda t: t.update(StateItem(f"S#{shard}"), actions, condition=as_read))


def _place(monitor: Monitor) -> tuple[str, int]:
    return monitor.placement.shard, monitor.placement.position


def _extras_item(place: tuple[str, int]) -> ExtrasItem:
    shard, position = place
    return ExtrasItem(f"S#{shard}", f"B#{position:04d}")


def _member_item(monitor: Monitor) -> MemberItem:
    place = monitor.placement
    return MemberItem(f"S#{place.shard}", f"M#{place.position:04d}", data=encode_member(member_of(monitor)))


def _locator_item(monitor: Monitor) -> LocatorItem:
    return LocatorItem(
        f"M#{monitor.id}",
        team=monitor.team_id,
        kind=monitor.kind,
        is_public=monitor.is_public,
        is_enabled=monitor.is_enabled,
        placements=_placements_json(monitor),
    )


def _monitor_item(m: Monitor) -> MonitorItem:
    return MonitorItem(
        f"T#{m.team_id}",
        f"MON#{m.id}",
        kind=m.kind,
        name=m.name,
        spec=_json(dict(m.spec)),
        interval_seconds=m.interval_seconds,
        timeout_seconds=m.timeout_seconds,
        is_enabled=m.is_enabled,
        is_public=m.is_public,
        enabled_at=None if m.enabled_at is None else int(m.enabled_at.timestamp()),
        created_at=_milliseconds(m.created_at),
        updated_at=int(m.updated_at.timestamp()),
        rev=m.rev,
        token=m.token,
        placements=_placements_json(m),
        header_names=_json(m.header_names) if m.header_names else None,
        has_body=m.has_body or None,
        extras_rev=m.extras_rev or None,
    )


def _monitor(item: MonitorItem) -> Monitor:
    return Monitor(
        id=item.sk.removeprefix("MON#"),
        team_id=item.pk.removeprefix("T#"),
        kind=item.kind,
        name=item.name,
        spec=json.loads(item.spec),
        interval_seconds=int(item.interval_seconds),
        timeout_seconds=item.timeout_seconds,
        is_enabled=item.is_enabled,
        is_public=item.is_public,
        enabled_at=None if item.enabled_at is None else _instant(item.enabled_at),
        created_at=_instant(item.created_at / 1000),
        updated_at=_instant(item.updated_at),
        rev=int(item.rev),
        token=item.token,
        placements=_placements(item.placements),
        header_names=tuple(json.loads(item.header_names or "[]")),
        has_body=bool(item.has_body),
        extras_rev=int(item.extras_rev or 0),
    )


def _placements_json(monitor: Monitor) -> str:
    return _json(
        [
            [p.shard, p.position, p.from_slot, p.interval_seconds, p.to_slot, p.first_slot]
            + [True] * p.has_retries
            for p in monitor.placements
        ]
    )


def _placements(text: str) -> tuple[Placement, ...]:
    return tuple(Placement(*row) for row in json.loads(text))


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
