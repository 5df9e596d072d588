from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.monitor_write import MonitorWrite, Written
from chalicelib.store.maintenance import MaintenanceStore, _delete_bound
from chalicelib.store.monitors import MonitorStore
from chalicelib.store.shards import ShardStore
from chalicelib.store.tables import MaintenanceItem
from tests.contract.makers import monitor, shard
from tests.contract.test_maintenance import TEAM, changed, window

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def windows(client: "DynamoDBClient") -> MaintenanceStore:
    """With `mon_1` and `mon_2` to bind to."""
    ShardStore().create(shard(), 0)
    for n in (1, 2):
        assert MonitorStore().write(MonitorWrite(None, monitor(f"mon_{n}", n)), 10) is Written.YES
    return MaintenanceStore()


@pytest.mark.parametrize("elsewhere", ["mon_2", None])
def test_what_was_bound_elsewhere_since_it_was_read_stays(
    windows: MaintenanceStore, elsewhere: str | None
) -> None:
    bound = window(1, "mon_1")
    assert windows.write(None, bound)
    read = MaintenanceItem.get(f"T#{TEAM}", f"MNT#{bound.id}")
    moved = changed(bound, monitor_id=elsewhere)
    assert windows.write(bound, moved)
    _delete_bound(read, "mon_1")
    assert windows.get(TEAM, bound.id) == moved


def test_a_window_takes_few_bytes(windows: MaintenanceStore) -> None:
    """Fifteen of them are half a read unit."""
    ids = ("mon", "mnt", "team")
    mon, mnt, team = (f"{prefix}_{'0' * 32}" for prefix in ids)
    assert windows.write(None, window(1, "mon_1"))
    item = MaintenanceItem.get(f"T#{TEAM}", "MNT#mnt_1").serialize()
    longer = len(mon) + len(mnt) + len(team) - len("mon_1") - len("mnt_1") - len(TEAM) + 16
    size = sum(len(name) + len(str(next(iter(value.values())))) for name, value in item.items()) + longer
    assert size < 4096 / 15
