from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.monitor_write import MonitorWrite, Written
from chalicelib.store.alerts import AlertStore, _delete
from chalicelib.store.monitors import MonitorStore
from chalicelib.store.shards import ShardStore
from chalicelib.store.tables import AlertItem, MaintenanceItem
from tests.contract.makers import monitor, shard
from tests.contract.test_alerts import LIMIT, TEAM, alert, changed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def alerts(client: "DynamoDBClient") -> AlertStore:
    """With `mon_1` and `mon_2` to bind to."""
    ShardStore().create(shard(), 0)
    for n in (1, 2):
        assert MonitorStore().write(MonitorWrite(None, monitor(f"mon_{n}", n)), 10) is Written.YES
    return AlertStore()


@pytest.mark.parametrize("elsewhere", ["mon_2", None])
def test_what_was_bound_elsewhere_since_it_was_read_stays(alerts: AlertStore, elsewhere: str | None) -> None:
    bound = alert(1, "mon_1")
    assert alerts.write(None, bound, LIMIT) is Written.YES
    moved = changed(bound, monitor_id=elsewhere)
    assert alerts.write(bound, moved, LIMIT) is Written.YES
    assert not _delete(TEAM, bound.id, AlertItem.monitor_id == "mon_1")
    assert alerts.get(TEAM, bound.id) == moved
    assert MonitorStore().leftovers(TEAM) == []
    assert [alerts.write(None, alert(n), LIMIT) for n in (2, 3, 4)] == [
        Written.YES,
        Written.YES,
        Written.LIMIT,
    ]


def test_an_alert_has_no_attribute_of_a_window(alerts: AlertStore) -> None:
    """Which of both a list reads depends on the range of keys alone."""
    keys = {"pk", "sk"}
    names = [
        {str(a.attr_name) for a in item.get_attributes().values()} for item in (AlertItem, MaintenanceItem)
    ]
    assert names[0] & names[1] == keys
