from typing import TYPE_CHECKING

from pynamodb.models import Model

from chalicelib.settings import Settings
from chalicelib.store.client import dynamodb_client
from chalicelib.store.tables import ALERTS, CHECKS, TEAMS, TeamItem, bind, create_tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def test_the_three_tables_are_made_once(settings: Settings, client: "DynamoDBClient") -> None:
    """However many others there are: the engine lists a hundred at a time."""
    create_tables(settings, client)
    for table in (settings.teams_table, settings.checks_table, settings.alerts_table):
        keys = client.describe_table(TableName=table)["Table"]["KeySchema"]
        assert [(key["AttributeName"], key["KeyType"]) for key in keys] == [("pk", "HASH"), ("sk", "RANGE")]


def test_every_model_stands_in_the_table_of_its_lifetime(
    settings: Settings, client: "DynamoDBClient"
) -> None:
    for models, table in (
        (TEAMS, settings.teams_table),
        (CHECKS, settings.checks_table),
        (ALERTS, settings.alerts_table),
    ):
        assert {model.Meta.table_name for model in models} == {table}


def client_of(model: type[Model]) -> object:
    return model._get_connection().connection.client


def test_every_model_uses_the_one_client(client: "DynamoDBClient") -> None:
    assert all(client_of(model) is client for model in (*TEAMS, *CHECKS, *ALERTS))


def test_binding_again_moves_the_models(settings: Settings, client: "DynamoDBClient") -> None:
    other = dynamodb_client(settings)
    bind(settings, other)
    try:
        assert client_of(TeamItem) is other
        assert list(TeamItem.query("T#nobody")) == []
    finally:
        bind(settings, client)
        other.close()


def test_the_attribute_names_of_an_item_are_its_own() -> None:
    for model in (*TEAMS, *CHECKS, *ALERTS):
        names = [attribute.attr_name for attribute in model.get_attributes().values()]
        assert len(set(names)) == len(names)
        assert {"pk", "sk"} <= set(names)
