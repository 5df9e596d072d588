"""One embedded engine per test process; fresh tables for whoever asks."""

import functools
import itertools
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import hypothesis
import pytest
from botocore.loaders import JSONFileLoader

from chalicelib.settings import Settings
from chalicelib.store.client import dynamodb_client
from chalicelib.store.tables import bind, create_tables
from localrun.engine import Engine, start_dynoxide

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The machine may be busy: examples have no deadline. A gate asks the same questions each time; people's own
# runs look for new ones.
hypothesis.settings.register_profile("uptime", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("uptime")

_numbers = itertools.count()


@pytest.fixture(autouse=True, scope="session")
def descriptions_read_once() -> Iterator[None]:
    """Most of what a new client takes is the reading of AWS's descriptions, and hundreds are made here."""
    with pytest.MonkeyPatch.context() as patch:
        load = functools.cache(JSONFileLoader().load_file)
        patch.setattr(JSONFileLoader, "load_file", staticmethod(load))
        yield


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
