"""An operator of the local engine, and one of the stage `prod` in moto's AWS."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.settings import Settings, from_environment
from chalicelib.store.client import dynamodb_client
from chalicelib.store.tables import create_tables
from chalicelib.wiring import Edges
from localrun.engine import Engine
from tests.manage.operator import OUTPUTS, REGION, Door, Operator, Region, edges_over

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_numbers = itertools.count()


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
def edges(local: Operator, engine: Engine) -> Iterator[Edges]:
    """The tables of `local`, past the command line. For use after its first command, which makes them."""
    client = dynamodb_client(Settings(dynamodb_endpoint=engine.endpoint))
    yield edges_over(from_environment(os.environ), client)
    client.close()


@pytest.fixture
def door(edges: Edges) -> Door:
    return Door(edges)


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


@pytest.fixture
def stage_door(stage_client: "DynamoDBClient") -> Door:
    return Door(edges_over(Settings(teams_table="stage-teams"), stage_client))


@pytest.fixture
def prod(aws: Region, stage_client: "DynamoDBClient", capsys: pytest.CaptureFixture[str]) -> Operator:
    """The one deployed stage."""
    aws.stacks["uptime-prod"] = OUTPUTS
    return Operator(capsys, "prod")
