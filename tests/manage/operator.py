"""Somebody at the command line, and a region of AWS with a deployed stage in it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

import manage
from chalicelib.services.authentication import Caller, authenticate
from chalicelib.settings import Settings
from chalicelib.wiring import Edges

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OWNER = "owner@example.com"
REGION = "eu-west-1"
OUTPUTS = {
    "TeamsTable": "stage-teams",
    "ChecksTable": "stage-checks",
    "AlertsTable": "stage-alerts",
    "ProbeQueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/probe",
    "EndpointURL": "https://a1b2c3.example/api/",
}


class Operator:
    """`ask` reads the answer as JSON, `read` as text, `fail` reads the one line that tells what is wrong."""

    def __init__(self, capsys: pytest.CaptureFixture[str], stage: str) -> None:
        self._capsys = capsys
        self._stage = stage

    def ask(self, *words: str) -> Any:
        assert manage.main([*words, "--stage", self._stage, "--json"]) == 0
        return json.loads(self._capsys.readouterr().out)

    def read(self, *words: str) -> str:
        assert manage.main(["--stage", self._stage, *words]) == 0
        return self._capsys.readouterr().out

    def fail(self, *words: str) -> str:
        assert manage.main(["--stage", self._stage, *words]) == 1
        captured = self._capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("manage.py: ")
        assert captured.err.count("\n") == 1
        assert captured.err.rstrip("\n").isprintable()
        return captured.err

    def team(self) -> str:
        """The id of a new team."""
        return str(self.ask("create-team", "Blue", "--owner", OWNER)["id"])

    def key_ids(self, team: str) -> Sequence[str]:
        return [key["id"] for key in self.ask("list-keys", team)["keys"]]


@dataclass(frozen=True)
class Door:
    """What requests with a key meet: the real authentication over the tables at hand."""

    edges: Edges

    def open(self, plaintext: str) -> Caller | None:
        return authenticate(self.edges, f"Bearer {plaintext}", datetime.now(UTC))


def edges_over(settings: Settings, client: "DynamoDBClient") -> Edges:
    edges = Edges(settings)
    edges.dynamodb = client
    return edges


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
