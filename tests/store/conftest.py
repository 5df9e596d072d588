from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.settings import Settings
from chalicelib.store.client import dynamodb_client
from chalicelib.store.tables import bind, create_tables
from localrun.engine import Engine

from .builders import Items
from .wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture(scope="session")
def shared_client(engine: Engine) -> Iterator["DynamoDBClient"]:
    client = dynamodb_client(Settings(dynamodb_endpoint=engine.endpoint))
    yield client
    client.close()


@pytest.fixture
def client(settings: Settings, shared_client: "DynamoDBClient") -> "DynamoDBClient":
    """The client of fresh tables, as everywhere, but made once: that takes ten times as long as a test."""
    create_tables(settings, shared_client)
    bind(settings, shared_client)
    return shared_client


@pytest.fixture
def wire(client: "DynamoDBClient") -> Iterator[Wire]:
    """Watches the client from here on."""
    with Wire(client) as wire:
        yield wire


@pytest.fixture
def stored(settings: Settings, client: "DynamoDBClient") -> Callable[[str], Items]:
    """What a table (teams, checks or alerts) holds, read past the stores."""
    names = {"teams": settings.teams_table, "checks": settings.checks_table, "alerts": settings.alerts_table}

    def scan(table: str) -> Items:
        pages = client.get_paginator("scan").paginate(TableName=names[table], ConsistentRead=True)
        rows: list[dict[str, Any]] = [row for page in pages for row in page["Items"]]
        return {(row["pk"]["S"], row["sk"]["S"]): row for row in rows}

    return scan
