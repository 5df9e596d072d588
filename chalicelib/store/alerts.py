"""Alerts in `teams`."""

import json

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.domain.alert import KIND, Alert
from chalicelib.domain.instant import from_milliseconds, to_milliseconds
from chalicelib.domain.monitor_write import Written
from chalicelib.store.tables import AlertItem, LeftoverItem, LimitItem, MonitorItem
from chalicelib.store.transactions import transact

_GONE = "GONE#"
"""What deletions still owe, those of monitors too (`store/monitors.py`)."""


class AlertStore:
    def get(self, team_id: str, alert_id: str) -> Alert | None:
        try:
            item = AlertItem.get(f"T#{team_id}", f"HEAR#{alert_id}", consistent_read=True)
        except AlertItem.DoesNotExist:
            return None
        return _alert(item)

    def of_team(self, team_id: str, *, consistent: bool) -> list[Alert]:
        """In the order of the sort keys: the notes of monitors that are gone come before the alerts, and go
        after them. Nothing lies between the two."""
        items = list(
            AlertItem.query(f"T#{team_id}", AlertItem.sk.between(_GONE, "HEAR#~"), consistent_read=consistent)
        )
        gone = {item.sk.removeprefix(_GONE) for item in items if item.sk.startswith(_GONE)}
        alerts = [_alert(item) for item in items if item.sk.startswith("HEAR#")]
        there = [alert for alert in alerts if alert.monitor_id not in gone]
        return sorted(there, key=lambda alert: (alert.created_at, alert.id), reverse=True)

    def write(self, before: Alert | None, after: Alert | None, limit: int) -> Written:
        if after is None:
            assert before is not None
            is_deleted = _delete(before.team_id, before.id, AlertItem.rev == before.rev)
            return Written.YES if is_deleted else Written.LOST
        is_as_read = AlertItem.pk.does_not_exist() if before is None else AlertItem.rev == before.rev
        bound_before = None if before is None else before.monitor_id
        newly_bound = None if after.monitor_id == bound_before else after.monitor_id

        def fill(t: TransactWrite) -> None:
            if newly_bound is not None:
                is_there = MonitorItem.pk.exists()
                t.condition_check(MonitorItem, f"T#{after.team_id}", f"MON#{newly_bound}", condition=is_there)
            t.save(_item(after), condition=is_as_read)
            if before is None:
                has_room = LimitItem.pk.does_not_exist() | (LimitItem.taken < limit)
                t.update(_limit(after.team_id), [LimitItem.taken.add(1)], condition=has_room)

        lost = transact(AlertItem, fill)
        if lost is None:
            return Written.YES
        index_of_limit = 1 if newly_bound is None else 2  # checks are reported first, updates last
        return Written.LIMIT if lost == (index_of_limit,) else Written.LOST

    def forget_monitor(self, team_id: str, monitor_id: str) -> None:
        """Whatever their revision; what somebody has bound to something else meanwhile stays."""
        found = AlertItem.query(f"T#{team_id}", AlertItem.sk.startswith("HEAR#"), consistent_read=True)
        for item in list(found):
            if item.monitor_id == monitor_id:
                _delete(team_id, item.sk.removeprefix("HEAR#"), AlertItem.monitor_id == monitor_id)


def _delete(team_id: str, alert_id: str, condition: Condition) -> bool:
    note = LeftoverItem(f"T#{team_id}", f"{_GONE}{alert_id}", shards="")

    def fill(t: TransactWrite) -> None:
        t.delete(AlertItem(f"T#{team_id}", f"HEAR#{alert_id}"), condition=condition)
        t.save(note)
        t.update(_limit(team_id), [LimitItem.taken.add(-1)])

    return transact(AlertItem, fill) is None


def _limit(team_id: str) -> LimitItem:
    return LimitItem(f"T#{team_id}", f"LIMIT#{KIND}")


def _item(alert: Alert) -> AlertItem:
    return AlertItem(
        f"T#{alert.team_id}",
        f"HEAR#{alert.id}",
        name=alert.name,
        strategy=alert.strategy,
        config=json.dumps(dict(alert.config), ensure_ascii=False, separators=(",", ":")),
        monitor_id=alert.monitor_id,
        notifies_on_recovery=alert.notifies_on_recovery,
        cooldown_minutes=alert.cooldown_minutes,
        flapping_after=alert.flapping_after,
        created_at=to_milliseconds(alert.created_at),
        updated_at=to_milliseconds(alert.updated_at),
        rev=alert.rev,
        token=alert.token,
    )


def _alert(item: AlertItem) -> Alert:
    return Alert(
        id=item.sk.removeprefix("HEAR#"),
        team_id=item.pk.removeprefix("T#"),
        name=item.name,
        strategy=item.strategy,
        config=json.loads(item.config),
        created_at=from_milliseconds(int(item.created_at)),
        updated_at=from_milliseconds(int(item.updated_at)),
        monitor_id=item.monitor_id,
        notifies_on_recovery=item.notifies_on_recovery,
        cooldown_minutes=int(item.cooldown_minutes),
        flapping_after=None if item.flapping_after is None else int(item.flapping_after),
        rev=int(item.rev),
        token=item.token,
    )
