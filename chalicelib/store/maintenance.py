"""Maintenance windows in `teams`."""

from pynamodb.exceptions import DeleteError
from pynamodb.transactions import TransactWrite

from chalicelib.domain.instant import from_milliseconds, to_milliseconds
from chalicelib.domain.maintenance import Window
from chalicelib.store.tables import MaintenanceItem, MonitorItem
from chalicelib.store.transactions import CONDITION_LOST, transact

_GONE = "GONE#"
"""What deletions of monitors still owe (`store/monitors.py`)."""


class MaintenanceStore:
    def get(self, team_id: str, window_id: str) -> Window | None:
        try:
            item = MaintenanceItem.get(f"T#{team_id}", f"MNT#{window_id}", consistent_read=True)
        except MaintenanceItem.DoesNotExist:
            return None
        return _window(item)

    def of_team(self, team_id: str, *, consistent: bool) -> list[Window]:
        """In the order of the sort keys: the notes of monitors that are gone come before the windows, and
        go after them. Between the two lie only the team's few keys and limits."""
        keys = MaintenanceItem.sk.between(_GONE, "MNT#~")
        items = list(MaintenanceItem.query(f"T#{team_id}", keys, consistent_read=consistent))
        gone = {item.sk.removeprefix(_GONE) for item in items if item.sk.startswith(_GONE)}
        windows = [_window(item) for item in items if item.sk.startswith("MNT#")]
        there = [window for window in windows if window.monitor_id not in gone]
        return sorted(there, key=lambda window: (window.created_at, window.id), reverse=True)

    def write(self, before: Window | None, after: Window | None) -> bool:
        is_as_read = (
            MaintenanceItem.pk.does_not_exist() if before is None else MaintenanceItem.rev == before.rev
        )

        def fill(t: TransactWrite) -> None:
            if after is None:
                assert before is not None
                t.delete(_item(before), condition=is_as_read)
                return
            t.save(_item(after), condition=is_as_read)
            if after.monitor_id is not None and (before is None or before.monitor_id != after.monitor_id):
                is_there = MonitorItem.pk.exists()
                t.condition_check(
                    MonitorItem, f"T#{after.team_id}", f"MON#{after.monitor_id}", condition=is_there
                )

        return transact(MaintenanceItem, fill) is None

    def forget_monitor(self, team_id: str, monitor_id: str) -> None:
        found = MaintenanceItem.query(
            f"T#{team_id}", MaintenanceItem.sk.startswith("MNT#"), consistent_read=True
        )
        for item in list(found):
            if item.monitor_id == monitor_id:
                _delete_bound(item, monitor_id)


def _delete_bound(item: MaintenanceItem, monitor_id: str) -> None:
    """Unless somebody has bound it to something else meanwhile."""
    try:
        item.delete(condition=MaintenanceItem.monitor_id == monitor_id)
    except DeleteError as error:
        if error.cause_response_code != f"{CONDITION_LOST}Exception":
            raise


def _item(window: Window) -> MaintenanceItem:
    return MaintenanceItem(
        f"T#{window.team_id}",
        f"MNT#{window.id}",
        name=window.name,
        monitor_id=window.monitor_id,
        starts_at=to_milliseconds(window.starts_at),
        ends_at=to_milliseconds(window.ends_at),
        ended_early_at=None if window.ended_early_at is None else to_milliseconds(window.ended_early_at),
        is_silencing=window.is_silencing,
        is_on_pages=window.is_on_pages,
        created_at=to_milliseconds(window.created_at),
        updated_at=to_milliseconds(window.updated_at),
        rev=window.rev,
        token=window.token,
    )


def _window(item: MaintenanceItem) -> Window:
    return Window(
        id=item.sk.removeprefix("MNT#"),
        team_id=item.pk.removeprefix("T#"),
        name=item.name,
        starts_at=from_milliseconds(int(item.starts_at)),
        ends_at=from_milliseconds(int(item.ends_at)),
        created_at=from_milliseconds(int(item.created_at)),
        updated_at=from_milliseconds(int(item.updated_at)),
        monitor_id=item.monitor_id,
        is_silencing=item.is_silencing,
        is_on_pages=item.is_on_pages,
        ended_early_at=None if item.ended_early_at is None else from_milliseconds(int(item.ended_early_at)),
        rev=int(item.rev),
        token=item.token,
    )
