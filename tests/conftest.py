"""One embedded engine per test process; fresh tables for whoever asks."""

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from chalicelib.settings import Settings
from chalicelib.store.client import dynamodb_client
from chalicelib.store.tables import bind, create_tables
from localrun.engine import Engine, start_dynoxide

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_numbers = itertools.count()


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    engine = start_dynoxide(None)
    yield engine
    engine.stop()


@pytest.fixture
def settings(engine: Engine) -> Settings:
    number = next(_numbers)
    return Settings(
        teams_table=f"teams-{number}",
        checks_table=f"checks-{number}",
        alerts_table=f"alerts-{number}",
        dynamodb_endpoint=engine.endpoint,
    )


@pytest.fixture
def client(settings: Settings) -> Iterator["DynamoDBClient"]:
    """The client of fresh tables, with the models bound to it."""
    client = dynamodb_client(settings)
    create_tables(settings, client)
    bind(settings, client)
    yield client
    client.close()
