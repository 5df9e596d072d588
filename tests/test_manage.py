"""`manage.py` against the local engine, and against a stage whose tables its stack names."""

import itertools
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws

import manage
from chalicelib.domain.api_key import SCOPES, key_digest
from chalicelib.services.keys import mint_key
from chalicelib.settings import Settings, from_environment
from chalicelib.store.client import dynamodb_client
from chalicelib.store.key_uses import KeyUseStore
from chalicelib.store.tables import create_tables
from chalicelib.wiring import Edges
from localrun.engine import Engine

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OWNER = "owner@example.com"
REGION = "eu-west-1"
KEY = re.compile("uptime_[0-9a-f]{64}")
_numbers = itertools.count()


class Operator:
    """Somebody at the command line; what was printed is read as JSON."""

    def __init__(self, capsys: pytest.CaptureFixture[str], stage: str) -> None:
        self._capsys = capsys
        self._stage = stage

    def ask(self, *words: str) -> Any:
        assert manage.main(["--stage", self._stage, "--json", *words]) == 0
        return json.loads(self._capsys.readouterr().out)

    def read(self, *words: str) -> str:
        assert manage.main(["--stage", self._stage, *words]) == 0
        return self._capsys.readouterr().out

    def fail(self, *words: str) -> str:
        assert manage.main(["--stage", self._stage, *words]) == 1
        captured = self._capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("manage.py: ")
        assert "Traceback" not in captured.err
        return captured.err


@pytest.fixture
def local(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Operator:
    """The engine of the tests, with tables of this test's own."""
    number = next(_numbers)
    for name in ("teams", "checks", "alerts"):
        monkeypatch.setenv(f"UPTIME_{name.upper()}_TABLE", f"manage-{name}-{number}")
    monkeypatch.setenv("UPTIME_DYNAMODB_ENDPOINT", engine.endpoint)
    monkeypatch.setenv("UPTIME_LOCAL_DATA", str(tmp_path))
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    return Operator(capsys, "local")


@pytest.fixture
def local_client(local: Operator, engine: Engine) -> Iterator["DynamoDBClient"]:
    client = dynamodb_client(Settings(dynamodb_endpoint=engine.endpoint))
    yield client
    client.close()


OUTPUTS = {
    "TeamsTable": "stage-teams",
    "ChecksTable": "stage-checks",
    "AlertsTable": "stage-alerts",
    "ProbeQueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/probe",
    "EndpointURL": "https://a1b2c3.example/api/",
}


@dataclass
class Region:
    """moto's DynamoDB; CloudFormation is answered here, since moto's needs packages that we do not have."""

    stacks: dict[str, dict[str, str]] = field(default_factory=dict)

    def describe(self, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        name = params["body"]["StackName"]
        if name not in self.stacks:
            error = {"Code": "ValidationError", "Message": f"Stack with id {name} does not exist"}
            return AWSResponse("", 400, HTTPHeaders(), None), {"Error": error}
        outputs = [{"OutputKey": k, "OutputValue": v} for k, v in self.stacks[name].items()]
        return AWSResponse("", 200, HTTPHeaders(), None), {
            "Stacks": [{"StackName": name, "Outputs": outputs}]
        }


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Region]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        region, session = Region(), boto3.Session()
        answer: Callable[..., Any] = region.describe
        session.events.register("before-call.cloudformation.DescribeStacks", answer)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
        yield region


@pytest.fixture
def stage_client(aws: Region) -> Iterator["DynamoDBClient"]:
    client = dynamodb_client(Settings(aws_region=REGION))
    names = Settings(teams_table="stage-teams", checks_table="stage-checks", alerts_table="stage-alerts")
    create_tables(names, client)
    yield client
    client.close()


def key_opens(client: "DynamoDBClient", teams_table: str, plaintext: str) -> tuple[str, tuple[str, ...]]:
    """The team and the scopes with which the key would be let in."""
    store = KeyUseStore(Settings(teams_table=teams_table), client)
    use = store.use(key_digest(plaintext), datetime.now(UTC))
    assert use is not None
    return use.team_id, use.scopes


def teams_table() -> str:
    return os.environ["UPTIME_TEAMS_TABLE"]


def test_a_team_is_made_and_listed(local: Operator) -> None:
    made = local.ask("create-team", "Blue Team", "--owner", OWNER)
    assert set(made) == {"id", "name", "slug", "ownerId"}
    assert re.fullmatch("team_[0-9a-f]{32}", made["id"])
    assert local.ask("list-teams") == {"teams": [{"id": made["id"], "name": "Blue Team", "owner": OWNER}]}


def test_a_key_without_scopes_may_do_everything_and_works(
    local: Operator, local_client: "DynamoDBClient"
) -> None:
    team = local.ask("create-team", "Blue", "--owner", OWNER)
    made = local.ask("create-key", team["id"])
    assert set(made) == {"id", "team", "key"}
    assert KEY.fullmatch(made["key"])
    assert key_opens(local_client, teams_table(), made["key"]) == (team["id"], SCOPES)


def test_a_key_has_the_scopes_it_was_given(local: Operator, local_client: "DynamoDBClient") -> None:
    team = local.ask("create-team", "Blue", "--owner", OWNER)
    words = ["--name", "reader", "--scope", "monitors:read", "--scope", "alerts:read"]
    made = local.ask("create-key", team["id"], *words)
    expected = (team["id"], ("monitors:read", "alerts:read"))
    assert key_opens(local_client, teams_table(), made["key"]) == expected


def test_the_eleventh_key_is_refused(local: Operator, local_client: "DynamoDBClient") -> None:
    team = local.ask("create-team", "Blue", "--owner", OWNER)
    edges = Edges(from_environment(os.environ))
    edges.dynamodb = local_client
    for number in range(10):
        mint_key(edges, team["id"], str(number), SCOPES)
    assert "10" in local.fail("create-key", team["id"])


def test_an_unknown_team_and_an_unknown_scope_are_refused_by_name(local: Operator) -> None:
    assert "team_0" in local.fail("create-key", "team_0")
    team = local.ask("create-team", "Blue", "--owner", OWNER)
    assert "monitors:all" in local.fail("create-key", team["id"], "--scope", "monitors:all")


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("", OWNER),
        ("x" * 256, OWNER),
        *[
            ("Blue", owner)
            for owner in ("", "owner", "@example.com", "owner@", "a@b@c", "a b@c.d", "a@b,c@d")
        ],
        ("Blue", f"{OWNER}\n"),
    ],
)
def test_a_team_without_a_name_or_an_owner_to_write_to_is_refused(
    local: Operator, name: str, owner: str
) -> None:
    assert local.fail("create-team", name, "--owner", owner).count("\n") == 1
    assert local.ask("list-teams") == {"teams": []}


def test_without_json_the_answer_is_plain_text(local: Operator) -> None:
    assert local.read("list-teams") == "no teams\n"
    created = local.read("create-team", "Blue", "--owner", OWNER)
    assert "name: Blue\n" in created
    listed = local.read("list-teams")
    assert OWNER in listed
    assert "Blue" in listed


def test_a_wrong_setting_is_named(local: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPTIME_REGION", "moon")
    assert "UPTIME_REGION" in local.fail("list-teams")


@pytest.mark.parametrize("words", [[], ["no-such-command"], ["create-team"], ["create-team", "Blue"]])
def test_wrong_usage_is_told_by_the_parser(local: Operator, words: list[str]) -> None:
    with pytest.raises(SystemExit):
        manage.main(words)


def test_a_stages_tables_are_found_in_the_outputs_of_its_stack(
    aws: Region, stage_client: "DynamoDBClient", capsys: pytest.CaptureFixture[str]
) -> None:
    aws.stacks["uptime-prod"] = OUTPUTS
    prod = Operator(capsys, "prod")
    team = prod.ask("create-team", "Blue", "--owner", OWNER)
    made = prod.ask("create-key", team["id"], "--scope", "monitors:read")
    assert key_opens(stage_client, "stage-teams", made["key"]) == (team["id"], ("monitors:read",))
    assert prod.ask("list-teams")["teams"] == [{"id": team["id"], "name": "Blue", "owner": OWNER}]
    assert set(stage_client.list_tables()["TableNames"]) == {"stage-teams", "stage-checks", "stage-alerts"}


def test_a_stage_that_was_never_deployed_is_named(aws: Region, capsys: pytest.CaptureFixture[str]) -> None:
    aws.stacks["uptime-dev"] = OUTPUTS
    assert "prod" in Operator(capsys, "prod").fail("list-teams")


def test_a_stack_without_the_outputs_is_told_which_it_lacks(
    aws: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.stacks["uptime-prod"] = {k: v for k, v in OUTPUTS.items() if k != "ChecksTable"}
    assert "ChecksTable" in Operator(capsys, "prod").fail("list-teams")


def test_a_stage_whose_tables_are_gone_or_closed_is_refused_in_words(
    aws: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.stacks["uptime-prod"] = OUTPUTS
    assert "stage-teams" in Operator(capsys, "prod").fail("list-teams")


def test_without_credentials_a_stage_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "prod" in Operator(capsys, "prod").fail("list-teams")
