"""Requests with an Idempotency-Key in real parallel, each in a container of its own, over the real stores."""

from typing import TYPE_CHECKING

import pytest

from chalicelib.settings import Settings
from chalicelib.wiring import Edges
from tests.fakes import FakeQueue
from tests.services.test_idempotency import KINDS, TEAM, id_of, post
from tests.store.builders import at_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def container(settings: Settings, client: "DynamoDBClient") -> Edges:
    edges = Edges(settings)
    edges.dynamodb, edges.queue = client, FakeQueue()
    assert all((edges.shards, edges.monitors, edges.keys))  # built here: the models are bound process-wide
    return edges


@pytest.mark.parametrize("name", KINDS)
def test_tries_at_once_make_one_resource_and_have_one_answer(
    settings: Settings, client: "DynamoDBClient", name: str
) -> None:
    kind = KINDS[name]
    containers = [container(settings, client) for _ in range(8)]
    for key in ("one", "two", "three"):
        answers = at_once(8, lambda number, key=key: post(containers[number], kind, key=key))  # type: ignore[misc]
        assert answers == answers[:1] * 8
        assert id_of(answers[0]) in kind.ids(containers[0], TEAM)
    assert len(kind.ids(containers[0], TEAM)) == 3
