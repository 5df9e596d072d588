"""Push monitors in `teams`."""

from chalicelib.domain.instant import from_milliseconds, to_milliseconds
from chalicelib.domain.monitor_write import Written
from chalicelib.domain.push_monitor import KIND, PushMonitor, PushMonitorWrite
from chalicelib.domain.silence_json import decode_rules, encode_rules
from chalicelib.store.heartbeat_writes import write_owner
from chalicelib.store.tables import PushMonitorItem


class PushMonitorStore:
    def get(self, team_id: str, monitor_id: str, *, consistent: bool) -> PushMonitor | None:
        try:
            item = PushMonitorItem.get(f"T#{team_id}", f"PUSH#{monitor_id}", consistent_read=consistent)
        except PushMonitorItem.DoesNotExist:
            return None
        return _monitor(item)

    def of_team(self, team_id: str) -> list[PushMonitor]:
        items = PushMonitorItem.query(f"T#{team_id}", PushMonitorItem.sk.startswith("PUSH#"))
        return sorted(map(_monitor, items), key=lambda found: (found.created_at, found.id), reverse=True)

    def write(self, change: PushMonitorWrite, limit: int) -> Written:
        return write_owner(change, limit, KIND, _monitor_item)


def _monitor_item(monitor: PushMonitor) -> PushMonitorItem:
    return PushMonitorItem(
        f"T#{monitor.team_id}",
        f"PUSH#{monitor.id}",
        name=monitor.name,
        rules=encode_rules(monitor.rules),
        push_token=monitor.push_token,
        partitions=" ".join(monitor.partitions),
        is_public=monitor.is_public,
        enabled_at=None if monitor.enabled_at is None else to_milliseconds(monitor.enabled_at),
        created_at=to_milliseconds(monitor.created_at),
        updated_at=to_milliseconds(monitor.updated_at),
        rev=monitor.rev,
        token=monitor.token,
    )


def _monitor(item: PushMonitorItem) -> PushMonitor:
    return PushMonitor(
        id=item.sk.removeprefix("PUSH#"),
        team_id=item.pk.removeprefix("T#"),
        name=item.name,
        rules=decode_rules(item.rules),
        created_at=from_milliseconds(int(item.created_at)),
        updated_at=from_milliseconds(int(item.updated_at)),
        push_token=item.push_token,
        partitions=tuple(item.partitions.split()),
        is_public=item.is_public,
        enabled_at=None if item.enabled_at is None else from_milliseconds(int(item.enabled_at)),
        rev=int(item.rev),
        token=item.token,
    )
