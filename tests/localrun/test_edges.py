"""The deployment's stores under the local clock, units and wire."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.domain.api_key import SCOPES, ApiKey, key_digest, key_text
from chalicelib.domain.message import DELIVERED
from chalicelib.mailing import SmtpMailer
from chalicelib.services.authentication import authenticate
from chalicelib.settings import Settings, SmtpServer
from localrun.clock import Clock
from localrun.edges import LocalEdges
from localrun.first_start import key_line
from localrun.units import UnitCounter, work
from localrun.wire import Wire
from tests.channels.notices import notice

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.freeze(True)
    return clock


@pytest.fixture
def edges(settings: Settings, client: "DynamoDBClient", clock: Clock) -> Iterator[LocalEdges]:
    """Over fresh tables. `client` has made them."""
    edges = LocalEdges(settings, clock, UnitCounter())
    assert settings.dynamodb_endpoint is not None
    wire = Wire(settings.dynamodb_endpoint)
    wire.attach(edges.dynamodb)
    yield edges
    wire.close()
    edges.dynamodb.close()


def test_a_key_expires_and_its_window_turns_by_the_local_clock(edges: LocalEdges, clock: Clock) -> None:
    text = key_text(bytes(32))
    key = ApiKey(
        id="key_1",
        team_id="team_1",
        name="short",
        digest=key_digest(text),
        prefix=text[:15],
        scopes=SCOPES,
        created_at=edges.now(),
        expires_at=edges.now() + timedelta(hours=1),
    )
    assert edges.keys.mint(key)
    header = f"Bearer {text}"
    first = authenticate(edges, header, edges.now())
    clock.go_from(clock.seconds() + 3000)
    second = authenticate(edges, header, edges.now())
    assert first is not None
    assert second is not None
    assert first.bucket.remaining == second.bucket.remaining
    clock.go_from(clock.seconds() + 601)
    assert authenticate(edges, header, edges.now()) is None


def test_the_first_start_makes_a_team_and_a_key_that_may_do_everything(edges: LocalEdges) -> None:
    line = key_line(edges, wants_new_key=False)
    caller = authenticate(edges, f"Bearer {line.removeprefix('API key: ')}", edges.now())
    (team,) = edges.teams.all()
    assert caller is not None
    assert (caller.team_id, caller.scopes) == (team.id, frozenset(SCOPES))
    assert key_line(edges, wants_new_key=False) == "API key: unchanged"
    assert len(edges.teams.all()) == 1


def test_new_keys_are_made_until_there_are_ten(edges: LocalEdges) -> None:
    lines = {key_line(edges, wants_new_key=True) for _ in range(10)}
    assert len(lines) == 10
    assert key_line(edges, wants_new_key=True).startswith("API key: none (")


def test_a_first_start_that_died_before_its_key_is_made_up_for(edges: LocalEdges) -> None:
    key_line(edges, wants_new_key=False)
    (team,) = edges.teams.all()
    for item in edges.dynamodb.scan(TableName=edges.settings.teams_table)["Items"]:
        if item["sk"]["S"].startswith("KEY#"):
            edges.dynamodb.delete_item(
                TableName=edges.settings.teams_table, Key={"pk": item["pk"], "sk": item["sk"]}
            )
    assert edges.keys.of_team(team.id) == []
    assert key_line(edges, wants_new_key=False).startswith("API key: uptime_")
    assert edges.teams.all() == [team]


def test_units_are_booked_by_work(edges: LocalEdges) -> None:
    table = edges.settings.checks_table
    item: dict[str, Any] = {"pk": {"S": "a"}, "sk": {"S": "b"}, "d": {"B": b"x" * 2000}}
    key = {"pk": item["pk"], "sk": item["sk"]}
    with work("writer"):
        edges.dynamodb.put_item(TableName=table, Item=item)
    with work("reader"):
        edges.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)
        edges.dynamodb.get_item(TableName=table, Key=key)
    edges.dynamodb.list_tables()
    assert edges.units.report() == {
        "available": True,
        "total": {"calls": 3, "readUnits": 1.5, "writeUnits": 2.0},
        "byWork": {
            "reader": {"calls": 2, "readUnits": 1.5, "writeUnits": 0.0},
            "writer": {"calls": 1, "readUnits": 0.0, "writeUnits": 2.0},
        },
    }


def test_a_refused_write_costs_one_and_shows_what_is_stored(edges: LocalEdges) -> None:
    item: dict[str, Any] = {"pk": {"S": "a"}, "sk": {"S": "b"}, "d": {"B": b"\x00\xff"}}
    table = edges.settings.checks_table
    edges.dynamodb.put_item(TableName=table, Item=item)
    with work("loser"), pytest.raises(ClientError) as lost:
        edges.dynamodb.put_item(
            TableName=table,
            Item=item,
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert lost.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert lost.value.response["Item"] == item  # type: ignore[typeddict-item]
    assert edges.units.report()["byWork"]["loser"]["writeUnits"] == 1


def test_units_that_the_engine_miscounts_are_not_shown() -> None:
    report = UnitCounter(is_believed=False).report()
    assert report["available"] is False
    assert "byWork" not in report


def test_mail_is_kept_unless_there_is_a_server_for_it(settings: Settings, clock: Clock) -> None:
    edges = LocalEdges(replace(settings, mail_from="a@example.com"), clock, UnitCounter())
    assert edges.mailer is edges.mail_box
    server = SmtpServer("127.0.0.1", 25, is_tls=False)
    edges = LocalEdges(replace(settings, smtp=server, mail_from="a@example.com"), clock, UnitCounter())
    assert isinstance(edges.mailer, SmtpMailer)


def test_what_the_channels_mail_is_in_the_box(settings: Settings, clock: Clock) -> None:
    edges = LocalEdges(settings, clock, UnitCounter())
    verdicts = edges.channels.send([("email", {"email": "ops@example.com"}, notice())])
    assert verdicts == [DELIVERED]
    (letter,) = edges.mail_box.newest_first()
    assert (letter["to"], letter["subject"]) == ("ops@example.com", "DOWN: Shop")


def test_checks_are_paced_except_in_an_advance(settings: Settings, clock: Clock) -> None:
    edges = LocalEdges(settings, clock, UnitCounter())
    paced = edges.checks
    clock.is_advancing = True
    assert edges.checks is not paced
    clock.is_advancing = False
    assert edges.checks is paced
