"""A stage's tables are those that its stack names."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.manage.operator import OUTPUTS, OWNER, Door, Operator, Region

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def test_a_stages_tables_are_found_in_the_outputs_of_its_stack(
    prod: Operator, stage_client: "DynamoDBClient", stage_door: Door
) -> None:
    team = prod.team()
    made = prod.ask("create-key", team, "--scope", "monitors:read")
    caller = stage_door.open(made["key"])
    assert caller is not None
    assert (caller.team_id, caller.scopes) == (team, frozenset({"monitors:read"}))
    assert prod.ask("list-teams")["teams"] == [{"id": team, "name": "Blue", "owner": OWNER}]
    assert set(stage_client.list_tables()["TableNames"]) == {"stage-teams", "stage-checks", "stage-alerts"}


def test_a_stages_keys_are_listed_and_revoked(prod: Operator, stage_door: Door) -> None:
    team, other = prod.team(), prod.team()
    made = prod.ask("create-key", team, "--expires-at", "2999-01-31T12:00:00Z")
    assert prod.key_ids(team) == [made["id"]]
    assert "expires 2999-01-31T12:00:00Z" in prod.read("list-keys", team)
    prod.fail("revoke-key", other, made["id"])
    assert stage_door.open(made["key"]) is not None
    prod.ask("revoke-key", team, made["id"])
    assert stage_door.open(made["key"]) is None
    assert prod.key_ids(team) == []
    prod.fail("list-keys", "team_0")


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
