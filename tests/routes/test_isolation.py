"""Two teams: what one has is to the other as if it were not there.

No list of routes is kept here: a new one is tried as soon as it exists.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.routes.operation import Operation
from chalicelib.settings import Settings
from chalicelib.store.client import dynamodb_client
from chalicelib.store.tables import bind, create_tables
from localrun.engine import Engine
from tests.fakes import FakeDeps
from tests.routes.client import Answer, Api, People, RealEdges, installed, settle
from tests.routes.furnish import ID, ZEROS, Ids, every_route, example, furnish, path_of

BAD_JSON = b"{"


@dataclass(frozen=True)
class World:
    """The real stores with two furnished teams: ours, and the stranger's."""

    edges: RealEdges
    people: People
    ours: Ids
    theirs: Ids


@pytest.fixture(scope="module")
def world(engine: Engine) -> Iterator[World]:
    """One for all routes: what a stranger does leaves it as it was."""
    settings = Settings(
        teams_table="isolation-teams",
        checks_table="isolation-checks",
        alerts_table="isolation-alerts",
        dynamodb_endpoint=engine.endpoint,
        requests_per_minute=100_000,
    )
    with contextlib.closing(dynamodb_client(settings)) as client:
        create_tables(settings, client)
        bind(settings, client)
        edges = RealEdges(settings, client)
        with installed(edges) as people:
            yield World(edges, people, furnish(edges, people.owner), furnish(edges, people.stranger))


def routes(wanted: Callable[[str, Operation], bool]) -> pytest.MarkDecorator:
    """Those wanted of the application's routes, as the parameters `method` and `operation`."""
    chosen = [(method, operation) for method, operation in every_route() if wanted(method, operation)]
    names = [f"{method} {operation.path}" for method, operation in chosen]
    return pytest.mark.parametrize(("method", "operation"), chosen, ids=names)


def unknown(prefixes: set[str]) -> list[str]:
    return [f"{prefix}_{ZEROS}" for prefix in sorted(prefixes)]


def malformed(id: str) -> Iterator[str]:
    prefix, _, digits = id.partition("_")
    yield from (id.upper(), f"{prefix}_{digits.upper()}", f"{prefix.upper()}_{digits}")
    yield from (id[:-1], f"{id}0", digits, f"_{digits}", f"{prefix}_", prefix, f"{prefix}-{digits}")
    yield from (f"{id}%00", f"%00{id}", f"{id}%0A", f"{id}%20", f"{id}%2F", f"..%2F{id}", f"%5C{id}")
    yield from (f"%25{ord(id[0]):02X}{id[1:]}", f"{id};", f"{id}%3F", f"{id}%FF", f"{id}.json", f"%22{id}%22")
    yield from ("..", "*", "null", "%ED%A0%80", f"{prefix}_{'%D9%A0' * 32}", "%EF%BC%AD" * 700)


def of_right_kind(operation: Operation, ids: Ids) -> str:
    prefixes = [*(id.prefix for id in operation.ids.values()), *ids]
    return next(ids[prefix][0] for prefix in prefixes if prefix in ids)


def encoded(id: str) -> str:
    """The same id, every character of it escaped."""
    return "".join(f"%{byte:02X}" for byte in id.encode())


def tries(operation: Operation, ids: Ids) -> list[tuple[bytes, str]]:
    """Bodies and queries, good and bad ones: an id is looked at before either."""
    if operation.body is not None:
        return [(example(operation, ids), ""), (BAD_JSON, "")]
    bad = [f"{parameter.name}=x" for parameter in operation.query]
    return [(b"", query) for query in ("", *bad[:1])]


def stored(edges: RealEdges) -> Mapping[Any, Any]:
    """All items of all tables, by table and key."""
    found = {}
    for table in (edges.settings.teams_table, edges.settings.checks_table, edges.settings.alerts_table):
        for page in edges.dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                found[table, item["pk"]["S"], item["sk"]["S"]] = item
    return found


def changed(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> set[Any]:
    return {key for key in {**before, **after} if before.get(key) != after.get(key)}


@routes(lambda method, operation: bool(operation.variables) and not operation.texts)
def test_a_foreign_an_unknown_and_a_malformed_id_are_one_to_every_route(
    world: World, method: str, operation: Operation
) -> None:
    edges, ours, theirs, stranger = world.edges, world.ours, world.theirs, world.people.stranger
    foreign = [id for ids in ours.values() for id in ids]
    prefixes = {*ours, *(id.prefix for id in operation.ids.values())}
    absent = [*unknown(prefixes), *malformed(of_right_kind(operation, ours))]
    wanted = {id.prefix for id in operation.ids.values()} or prefixes
    swapped = [f"{prefix}_{id.partition('_')[2]}" for prefix in wanted for id in foreign]
    hostile = [*foreign, *(encoded(id) for id in foreign), *swapped, *absent]

    edges.at += timedelta(minutes=1)  # some buckets of an address are whoever's who calls from there
    idle = stored(edges)
    assert stranger.get("/v1/status").status == 200
    before = stored(edges)
    of_counting = changed(idle, before)

    for raw, query in tries(operation, ours):
        for name in operation.variables:
            paths = {id: path_of(operation, theirs, **{name: id}) for id in hostile}
            answers = {id: stranger.send(method, path, raw, query=query) for id, path in paths.items()}
            expected = answers[unknown(prefixes)[0]]
            assert operation.is_public or expected.status == 404
            assert [id for id, answer in answers.items() if answer.seen != expected.seen] == []
    others = changed(before, stored(edges)) - of_counting
    assert not [key for key in others if key in before or world.people.owner.team_id in str(key)]


@routes(lambda method, operation: bool(operation.variables) and not operation.is_public)
def test_the_team_itself_gets_through_with_its_ids(
    deps: FakeDeps, owner: Api, method: str, operation: Operation
) -> None:
    """Else the test above would tell nothing. Also when the ids are escaped. What it gets may be a refusal
    of its state."""
    ids = furnish(deps, owner)
    escaped = {prefix: [encoded(id) for id in found] for prefix, found in ids.items()}
    answer = owner.send(method, path_of(operation, escaped), example(operation, ids))
    assert answer.status in (operation.status, 400, 409, 429)
    assert answer.status == operation.status or answer.code != "VALIDATION_ERROR"


def test_what_a_team_makes_changes_no_answer_to_another(world: World) -> None:
    people = settle(world.edges)
    paths = [o.path for method, o in every_route() if method == "GET" and not o.variables and not o.is_public]

    def ask() -> dict[str, Any]:
        return {path: people.stranger.get(path).seen for path in paths}

    ask()  # a key's first use shows in the list of keys
    before = ask()
    furnish(world.edges, people.owner)
    assert ask() == before


def test_an_idempotency_key_of_one_team_is_free_in_another(world: World) -> None:
    owner, stranger = world.people.owner, world.people.stranger

    def send(api: Api, operation: Operation, ids: Ids) -> Answer:
        raw = example(operation, ids)
        return api.send("POST", path_of(operation, ids), raw, headers={"Idempotency-Key": "shared"})

    for operation in (operation for _, operation in every_route() if operation.is_creating):
        world.edges.at += timedelta(minutes=1)  # until when a job may be pinged again
        first, second = send(owner, operation, world.ours), send(stranger, operation, world.theirs)
        assert (first.status, second.status) == (201, 201), operation.path
        assert "idempotency-replayed" not in second.headers
        assert not {found[0] for found in ID.finditer(first.raw.decode())} & {
            found[0] for found in ID.finditer(second.raw.decode())
        }
        for api, ids, made in ((owner, world.ours, first), (stranger, world.theirs, second)):
            again = send(api, operation, ids)
            assert (again.raw, again.headers["idempotency-replayed"]) == (made.raw, "true")
