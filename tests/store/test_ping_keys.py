import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from chalicelib.errors import Contended
from chalicelib.store.ping_keys import PingKeyStore

from .builders import TEAM, Items, at_once
from .wire import Call, Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Stored = Callable[[str], Items]


@pytest.fixture
def ping_keys(client: "DynamoDBClient") -> PingKeyStore:
    return PingKeyStore()


def test_a_key_lies_with_its_team_and_is_found_by_its_digest(ping_keys: PingKeyStore, stored: Stored) -> None:
    assert ping_keys.replace(TEAM, None, "first")
    assert ping_keys.replace(TEAM, "first", "second")
    lookup = "PK#" + hashlib.sha256(b"second").hexdigest()
    assert stored("teams") == {
        (f"T#{TEAM}", "PINGKEY"): {"pk": {"S": f"T#{TEAM}"}, "sk": {"S": "PINGKEY"}, "v": {"S": "second"}},
        (lookup, "K"): {"pk": {"S": lookup}, "sk": {"S": "K"}, "t": {"S": TEAM}},
    }


def test_the_units(ping_keys: PingKeyStore, wire: Wire) -> None:
    ping_keys.replace(TEAM, None, "first")
    ping_keys.replace(TEAM, "first", "second")
    ping_keys.team_of("second")
    ping_keys.of_team(TEAM)
    assert wire.calls == [
        Call("TransactWriteItems", 4.0),
        Call("TransactWriteItems", 6.0),
        Call("GetItem", 1.0),
        Call("GetItem", 1.0),
    ]


def test_of_many_replacements_of_a_key_one_wins(ping_keys: PingKeyStore, stored: Stored) -> None:
    ping_keys.replace(TEAM, None, "first")

    def attempt(number: int) -> bool:
        try:
            return ping_keys.replace(TEAM, "first", str(number))
        except Contended:
            return False

    won = at_once(10, attempt)
    assert won.count(True) == 1
    assert ping_keys.of_team(TEAM) == str(won.index(True))
    assert len(stored("teams")) == 2


def test_after_a_lost_answer_the_key_is_replaced(ping_keys: PingKeyStore, wire: Wire) -> None:
    with wire.losing_answers("TransactWriteItems"), pytest.raises(Contended):
        ping_keys.replace(TEAM, None, "first")
    assert ping_keys.of_team(TEAM) == "first"
    assert ping_keys.team_of("first") == TEAM
    assert not ping_keys.replace(TEAM, None, "first")
