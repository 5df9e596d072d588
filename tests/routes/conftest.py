"""The application over the fakes (fast), and over the real stores where storage is what is asked about."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from chalicelib.settings import Settings
from tests.fakes import FakeDeps
from tests.routes.client import Api, People, RealEdges, installed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def deps() -> FakeDeps:
    return FakeDeps()


@pytest.fixture
def people(deps: FakeDeps) -> Iterator[People]:
    with installed(deps) as people:
        yield people


@pytest.fixture
def owner(people: People) -> Api:
    return people.owner


@pytest.fixture
def edges(settings: Settings, client: "DynamoDBClient") -> RealEdges:
    return RealEdges(settings, client)


@pytest.fixture
def real(edges: RealEdges) -> Iterator[People]:
    with installed(edges) as people:
        yield people
