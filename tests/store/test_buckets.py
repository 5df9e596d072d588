import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from chalicelib.settings import Settings
from chalicelib.store.buckets import BucketStore

from .builders import SLOT, Items, at_once
from .wire import Call, Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Stored = Callable[[str], Items]
ADDRESS = "203.0.113.7"


@pytest.fixture
def store(settings: Settings, client: "DynamoDBClient") -> BucketStore:
    return BucketStore(settings, client)


def test_a_request_costs_one_write(store: BucketStore, wire: Wire) -> None:
    for window in (SLOT, SLOT, SLOT + 60):
        store.count(ADDRESS, window)
    assert wire.calls == [Call("UpdateItem", 1.0)] * 3


def test_a_window_is_an_item_that_goes_by_itself(store: BucketStore, stored: Stored) -> None:
    for window in (SLOT, SLOT, SLOT + 60):
        store.count(ADDRESS, window)
    kept = {sk: (int(i["n"]["N"]), int(i["ttl"]["N"]) - SLOT) for (_, sk), i in stored("checks").items()}
    assert kept == {f"W#{SLOT}": (2, 360), f"W#{SLOT + 60}": (1, 420)}
    assert {pk for pk, _ in stored("checks")} == {f"A#{ADDRESS}"}


def test_50_requests_at_once_count_50(store: BucketStore) -> None:
    assert sorted(at_once(50, lambda _: store.count(ADDRESS, SLOT))) == list(range(1, 51))


def test_a_lost_answer_counts_against_the_caller_and_not_for_him(store: BucketStore, wire: Wire) -> None:
    with wire.losing_one_answer("UpdateItem"):
        assert store.count(ADDRESS, SLOT) == 2


def test_a_failure_of_the_store_is_no_count(store: BucketStore, wire: Wire) -> None:
    with (
        wire.refusing("UpdateItem", "ProvisionedThroughputExceededException"),
        pytest.raises(ClientError, match="Throughput"),
    ):
        store.count(ADDRESS, SLOT)


def test_a_refusal_needs_no_pynamodb() -> None:
    code = "import sys, chalicelib.store.buckets; sys.exit('pynamodb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
