from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.team import Team
from chalicelib.errors import Contended
from chalicelib.store.teams import TeamStore

from .builders import NOW, Items
from .wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ALICES = Team("team_1", "Alice & Söhne", "alice", "user_1", "alice@example.com", NOW)
BOBS = Team("team_2", "Bob", "bob", "user_2", "bob@example.com", NOW)


def test_a_team_comes_back_as_it_was(client: "DynamoDBClient") -> None:
    TeamStore().create(ALICES)
    assert TeamStore().get("team_1") == ALICES


def test_a_stranger_is_absent(client: "DynamoDBClient") -> None:
    assert TeamStore().get("team_1") is None
    assert TeamStore().all() == []


def test_all_teams_are_listed(client: "DynamoDBClient", stored: Callable[[str], Items]) -> None:
    for team in (BOBS, ALICES):
        TeamStore().create(team)
    assert TeamStore().all() == [ALICES, BOBS]
    assert set(stored("teams")) == {
        ("T#team_1", "TEAM"),
        ("T#team_2", "TEAM"),
        ("TEAMS", "T#team_1"),
        ("TEAMS", "T#team_2"),
    }


def test_a_team_is_never_overwritten(client: "DynamoDBClient") -> None:
    TeamStore().create(ALICES)
    TeamStore().create(replace(ALICES, name="Mallory"))
    assert TeamStore().get("team_1") == ALICES


def test_a_collision_is_contended(wire: Wire) -> None:
    with (
        wire.refusing("TransactWriteItems", "TransactionCanceledException", ["TransactionConflict"]),
        pytest.raises(Contended),
    ):
        TeamStore().create(ALICES)
