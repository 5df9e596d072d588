"""The application over the fakes (fast), and over the real stores where storage is what is asked about."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chalicelib.settings import Settings
from tests.fakes import FakeDeps
from tests.routes.client import Api, People, RealEdges, installed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def generous(settings: Settings) -> Settings:
    """The clock of these tests stands still, so that all of a test is one window. `test_limits` has the
    limits of a deployment."""
    return replace(settings, requests_per_minute=100_000, address_requests_per_minute=100_000)


@pytest.fixture
def deps() -> FakeDeps:
    return FakeDeps(settings=generous(Settings()))


@pytest.fixture
def people(deps: FakeDeps) -> Iterator[People]:
    with installed(deps) as people:
        yield people


@pytest.fixture
def owner(people: People) -> Api:
    return people.owner


@pytest.fixture
def edges(settings: Settings, client: "DynamoDBClient") -> RealEdges:
    return RealEdges(generous(settings), client)


@pytest.fixture
def real(edges: RealEdges) -> Iterator[People]:
    with installed(edges) as people:
        yield people
