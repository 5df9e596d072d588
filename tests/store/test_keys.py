from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.api_key import MAX_KEYS_PER_TEAM
from chalicelib.errors import Contended
from chalicelib.store.keys import KeyStore

from .builders import NOW, Items, api_key, at_once, until_settled
from .wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Stored = Callable[[str], Items]


def test_a_key_comes_back_as_it_was(client: "DynamoDBClient") -> None:
    plain = api_key(1)
    full = api_key(2, expires_at=NOW + timedelta(days=30), created_by="user_1", scopes=("alerts:read",))
    assert KeyStore().mint(plain)
    assert KeyStore().mint(full)
    assert KeyStore().of_team("team_1") == [full, plain]


def test_the_newest_key_is_listed_first(client: "DynamoDBClient") -> None:
    for number in (2, 3, 1):
        KeyStore().mint(api_key(number))
    assert [key.name for key in KeyStore().of_team("team_1")] == ["Key 3", "Key 2", "Key 1"]


def test_a_team_sees_its_own_keys_only(client: "DynamoDBClient") -> None:
    KeyStore().mint(api_key(1))
    assert KeyStore().of_team("team_2") == []


def test_a_key_is_two_items_and_none_holds_its_text(client: "DynamoDBClient", stored: Stored) -> None:
    key = api_key(1)
    KeyStore().mint(key)
    items = stored("teams")
    assert set(items) == {("T#team_1", "KEY#00"), (f"K#{key.digest}", "K")}
    assert f"{1:064x}" not in repr(items)


def test_an_eleventh_key_is_refused(client: "DynamoDBClient", stored: Stored) -> None:
    for number in range(MAX_KEYS_PER_TEAM):
        assert KeyStore().mint(api_key(number))
    before = stored("teams")
    assert not KeyStore().mint(api_key(99))
    assert stored("teams") == before


def test_a_full_team_leaves_others_their_slots(client: "DynamoDBClient") -> None:
    for number in range(MAX_KEYS_PER_TEAM):
        KeyStore().mint(api_key(number))
    assert KeyStore().mint(api_key(99, team_id="team_2"))


def test_30_minters_at_once_get_exactly_ten_keys(client: "DynamoDBClient", stored: Stored) -> None:
    minted = at_once(30, lambda number: until_settled(lambda: KeyStore().mint(api_key(number))))
    assert minted.count(True) == MAX_KEYS_PER_TEAM
    winners = {api_key(number).digest for number, is_minted in enumerate(minted) if is_minted}
    assert {key.digest for key in KeyStore().of_team("team_1")} == winners
    assert {pk for pk, _ in stored("teams")} == {"T#team_1", *(f"K#{digest}" for digest in winners)}


def test_tries_of_one_request_at_once_mint_one_key(client: "DynamoDBClient") -> None:
    minted = at_once(20, lambda _: until_settled(lambda: KeyStore().mint(api_key(1))))
    assert minted == [True] * 20
    assert KeyStore().of_team("team_1") == [api_key(1)]


def test_tries_of_one_request_at_once_share_the_last_slot(client: "DynamoDBClient") -> None:
    for number in range(1, MAX_KEYS_PER_TEAM):
        KeyStore().mint(api_key(number))
    assert all(at_once(20, lambda _: until_settled(lambda: KeyStore().mint(api_key(99)))))
    assert len(KeyStore().of_team("team_1")) == MAX_KEYS_PER_TEAM


def test_a_try_that_looked_before_another_one_minted_finds_that_it_is_minted(wire: Wire) -> None:
    """In another slot, since one became free between their looks."""
    for number in (1, 2):
        KeyStore().mint(api_key(number))

    def overtake() -> None:
        KeyStore().revoke("team_1", api_key(1).id)
        KeyStore().mint(api_key(3))

    wire.calls.clear()
    with wire.interrupting("TransactWriteItems", 1, overtake):
        assert KeyStore().mint(api_key(3))
    assert wire.operations.count("TransactWriteItems") == 3, "revoke, mint, and one that was lost"
    assert KeyStore().of_team("team_1") == [api_key(3), api_key(2)]


def test_a_try_that_finds_every_free_slot_taken_by_others_is_refused(wire: Wire) -> None:
    for number in range(1, MAX_KEYS_PER_TEAM):
        KeyStore().mint(api_key(number))

    def overtake() -> None:
        KeyStore().mint(api_key(98))

    with wire.interrupting("TransactWriteItems", 1, overtake):
        assert not KeyStore().mint(api_key(99))
    assert api_key(99) not in KeyStore().of_team("team_1")


def test_a_key_known_to_another_team_is_not_taken_over(client: "DynamoDBClient", stored: Stored) -> None:
    KeyStore().mint(api_key(1))
    before = stored("teams")
    assert not KeyStore().mint(api_key(1, team_id="team_2"))
    assert stored("teams") == before


def test_minting_again_after_a_lost_answer_finds_the_key(wire: Wire) -> None:
    with wire.losing_answers("TransactWriteItems"), pytest.raises(Contended):
        KeyStore().mint(api_key(1))
    assert KeyStore().mint(api_key(1))
    assert KeyStore().of_team("team_1") == [api_key(1)]


def test_a_collision_is_contended(wire: Wire) -> None:
    with (
        wire.refusing("TransactWriteItems", "TransactionCanceledException", ["TransactionConflict"]),
        pytest.raises(Contended),
    ):
        KeyStore().mint(api_key(1))
