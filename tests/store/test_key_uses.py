import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.domain.api_key import ApiKey, KeyUse
from chalicelib.settings import Settings
from chalicelib.store.key_uses import KeyUseStore
from chalicelib.store.keys import KeyStore

from .builders import NOW, SLOT, TEAM, Items, api_key, at_once
from .wire import Call, Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Stored = Callable[[str], Items]
KEY = api_key(1)
ONE_WRITE = Call("UpdateItem", 1.0)
LOST = Call("UpdateItem", 0)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def container(settings: Settings, client: "DynamoDBClient") -> Callable[[], KeyUseStore]:
    """A fresh container that knows nothing; KEY is minted."""
    KeyStore().mint(KEY)
    return lambda: KeyUseStore(settings, client)


def change(client: "DynamoDBClient", settings: Settings, key: ApiKey, **values: Any) -> None:
    """Set attributes of the item that requests find."""
    client.update_item(
        TableName=settings.teams_table,
        Key={"pk": {"S": f"K#{key.digest}"}, "sk": {"S": "K"}},
        UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in values),
        ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
    )


Container = Callable[[], KeyUseStore]


def test_a_use_tells_whose_key_it_is_and_what_is_left(container: Container) -> None:
    assert container().use(KEY.digest, NOW) == KeyUse(
        key_id=KEY.id,
        team_id=TEAM,
        scopes=("monitors:read", "monitors:write"),
        used_in_window=1,
        window_ends_at=SLOT + 60,
    )


def test_uses_add_up_within_their_minute(container: Container) -> None:
    store = container()
    uses = [store.use(KEY.digest, NOW + seconds * SECOND) for seconds in (0, 30, 59, 60, 61)]
    assert [use and (use.used_in_window, use.window_ends_at - SLOT) for use in uses] == [
        (1, 60),
        (2, 60),
        (3, 60),
        (1, 120),
        (2, 120),
    ]


def test_a_use_stamps_the_key(container: Container, stored: Stored) -> None:
    container().use(KEY.digest, NOW + 7 * SECOND)
    assert stored("teams")[f"K#{KEY.digest}", "K"]["lu"] == {"N": str(SLOT + 7)}


def test_a_fast_client_costs_one_write_a_request(container: Container, wire: Wire) -> None:
    store = container()
    for second in range(5):
        store.use(KEY.digest, NOW + second * SECOND)
    assert wire.calls == [ONE_WRITE] * 5


def test_a_client_that_calls_once_a_minute_costs_one_write_a_request(
    container: Container, wire: Wire
) -> None:
    store = container()
    for minute in range(5):
        store.use(KEY.digest, NOW + minute * MINUTE)
    assert wire.calls == [ONE_WRITE] * 5


def test_only_the_first_request_to_a_further_container_costs_two_calls(
    container: Container, wire: Wire
) -> None:
    container().use(KEY.digest, NOW)
    other = container()
    uses = [other.use(KEY.digest, NOW) for _ in range(3)]
    assert [use and use.used_in_window for use in uses] == [2, 3, 4]
    assert wire.calls == [ONE_WRITE, LOST, ONE_WRITE, ONE_WRITE, ONE_WRITE]


def test_a_window_that_went_back_is_opened_again(
    container: Container, settings: Settings, client: "DynamoDBClient"
) -> None:
    store = container()
    store.use(KEY.digest, NOW)
    change(client, settings, KEY, w={"N": "0"}, n={"N": "5"})
    use = store.use(KEY.digest, NOW)
    assert use is not None
    assert (use.used_in_window, use.window_ends_at) == (1, SLOT + 60)


def test_a_window_that_another_opens_in_between_is_counted_in(
    container: Container, settings: Settings, client: "DynamoDBClient", wire: Wire
) -> None:
    store = container()
    store.use(KEY.digest, NOW)
    change(client, settings, KEY, w={"N": "0"})
    with wire.interrupting(
        "UpdateItem", 2, lambda: change(client, settings, KEY, w={"N": str(SLOT)}, n={"N": "9"})
    ):
        use = store.use(KEY.digest, NOW)
    assert use is not None
    assert (use.used_in_window, use.window_ends_at) == (10, SLOT + 60)


def test_a_stored_window_of_a_faster_clock_is_counted_in(container: Container, wire: Wire) -> None:
    ahead, behind = container(), container()
    ahead.use(KEY.digest, NOW + MINUTE)
    for used in (2, 3):
        use = behind.use(KEY.digest, NOW)
        assert use is not None
        assert (use.used_in_window, use.window_ends_at) == (used, SLOT + 120)
    assert wire.calls == [ONE_WRITE, LOST, ONE_WRITE, ONE_WRITE]


def test_50_uses_at_once_count_50(container: Container) -> None:
    stores = [container() for _ in range(5)]
    uses = at_once(50, lambda number: stores[number % 5].use(KEY.digest, NOW))
    assert sorted(use.used_in_window for use in uses if use) == list(range(1, 51))


def test_one_of_many_containers_opens_the_next_window(container: Container) -> None:
    container().use(KEY.digest, NOW)
    stores = [container() for _ in range(20)]
    uses = at_once(20, lambda number: stores[number].use(KEY.digest, NOW + MINUTE))
    assert sorted(use.used_in_window for use in uses if use) == list(range(1, 21))
    assert {use.window_ends_at for use in uses if use} == {SLOT + 120}


def test_an_unknown_key_is_nobody_and_leaves_nothing(
    settings: Settings, client: "DynamoDBClient", wire: Wire, stored: Stored
) -> None:
    assert KeyUseStore(settings, client).use("0" * 64, NOW) is None
    assert wire.calls == [LOST]
    assert stored("teams") == {}


def test_a_key_is_valid_until_the_second_it_expires(settings: Settings, client: "DynamoDBClient") -> None:
    key = api_key(2, expires_at=NOW + MINUTE)
    KeyStore().mint(key)
    store = KeyUseStore(settings, client)
    assert store.use(key.digest, NOW + 59 * SECOND)
    assert store.use(key.digest, NOW + 60 * SECOND) is None
    assert store.use(key.digest, NOW + 61 * SECOND) is None


def test_an_expired_key_is_refused_with_one_call(
    settings: Settings, client: "DynamoDBClient", wire: Wire
) -> None:
    KeyStore().mint(api_key(2, expires_at=NOW))
    wire.calls.clear()
    assert KeyUseStore(settings, client).use(api_key(2).digest, NOW) is None
    assert wire.calls == [LOST]


def test_a_disabled_key_is_nobody_from_then_on(
    container: Container, settings: Settings, client: "DynamoDBClient", stored: Stored
) -> None:
    store = container()
    assert store.use(KEY.digest, NOW)
    change(client, settings, KEY, dis={"BOOL": True})
    before = stored("teams")
    assert store.use(KEY.digest, NOW) is None
    assert container().use(KEY.digest, NOW + MINUTE) is None
    assert stored("teams") == before


def test_a_deleted_key_is_nobody_and_does_not_rise_again(
    container: Container, settings: Settings, client: "DynamoDBClient", stored: Stored
) -> None:
    store = container()
    store.use(KEY.digest, NOW)
    client.delete_item(TableName=settings.teams_table, Key={"pk": {"S": f"K#{KEY.digest}"}, "sk": {"S": "K"}})
    assert store.use(KEY.digest, NOW) is None
    assert (f"K#{KEY.digest}", "K") not in stored("teams")


def test_a_failure_of_the_store_is_not_a_bad_key(container: Container, wire: Wire) -> None:
    store = container()
    with (
        wire.refusing("UpdateItem", "ProvisionedThroughputExceededException"),
        pytest.raises(ClientError, match="Throughput"),
    ):
        store.use(KEY.digest, NOW)


def test_the_authorizer_needs_no_pynamodb() -> None:
    code = "import sys, chalicelib.store.key_uses; sys.exit('pynamodb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
