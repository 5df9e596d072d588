from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.settings import Settings

from .builders import Items
from .wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def wire(client: "DynamoDBClient") -> Wire:
    """Watches the client from here on."""
    return Wire(client)


@pytest.fixture
def stored(settings: Settings, client: "DynamoDBClient") -> Callable[[str], Items]:
    """What a table (teams, checks or alerts) holds, read past the stores."""
    names = {"teams": settings.teams_table, "checks": settings.checks_table, "alerts": settings.alerts_table}

    def scan(table: str) -> Items:
        pages = client.get_paginator("scan").paginate(TableName=names[table], ConsistentRead=True)
        rows: list[dict[str, Any]] = [row for page in pages for row in page["Items"]]
        return {(row["pk"]["S"], row["sk"]["S"]): row for row in rows}

    return scan
