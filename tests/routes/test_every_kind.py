"""What is alike for the monitors of every kind (contract, sections 1 and 3.3 to 3.5)."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.api_key import SCOPES
from tests.fakes import UP, FakeDeps
from tests.routes.client import Api, People, RealEdges, caller
from tests.routes.kinds import DNS, HTTP, KINDS, TCP, Kind, live

every_kind = pytest.mark.parametrize("kind", KINDS, ids=[kind.prefix for kind in KINDS])


@every_kind
def test_ids_and_timestamps_have_the_contracts_form(deps: FakeDeps, owner: Api, kind: Kind) -> None:
    deps.at += timedelta(microseconds=999_999)
    made = kind.make(owner)
    assert re.fullmatch(rf"{kind.prefix}_[0-9a-f]{{32}}", made["id"])
    assert (made["createdAt"], made["updatedAt"]) == ("2026-03-01T12:00:00Z",) * 2


@every_kind
def test_the_list_is_newest_first_and_holds_one_kind(deps: FakeDeps, owner: Api, kind: Kind) -> None:
    made = []
    for number in range(4):
        deps.at += timedelta(seconds=number % 2, milliseconds=1)
        made.append(kind.make(owner, name=str(number)))
        for other in KINDS:
            if other is not kind:
                other.make(owner)
    assert owner.get(kind.path).json == {"data": made[::-1]}


@every_kind
def test_an_empty_list_is_an_empty_array(owner: Api, kind: Kind) -> None:
    assert owner.get(kind.path).raw == b'{"data":[]}'


@every_kind
def test_an_empty_update_and_one_to_the_same_values_change_nothing(
    deps: FakeDeps, owner: Api, kind: Kind
) -> None:
    made = kind.make(owner)
    deps.at += timedelta(minutes=5)
    for body in ({}, kind.minimal, {kind.switch: True, "public": False}):
        answer = owner.put(kind.path_of(made), body)
        assert (answer.status, answer.json) == (200, {"data": made})


@every_kind
def test_a_partial_update_leaves_every_other_field_and_moves_updated_at(
    deps: FakeDeps, owner: Api, kind: Kind
) -> None:
    made = kind.make(owner, public=True)
    deps.at += timedelta(minutes=5)
    updated = owner.put(kind.path_of(made), {"name": "Other"}).data
    assert updated == {**made, "name": "Other", "updatedAt": "2026-03-01T12:05:00Z"}
    assert owner.get(kind.path_of(made)).json == {"data": updated}
    assert owner.get(kind.path).data == [updated]


@every_kind
def test_checks_do_not_move_updated_at(deps: FakeDeps, owner: Api, kind: Kind) -> None:
    made = kind.make(owner)
    live(deps, made, [UP] * 2)
    shown = owner.get(kind.path_of(made)).data
    assert (shown["updatedAt"], shown["lastCheckedAt"]) == (made["updatedAt"], "2026-03-01T12:02:00Z")


@every_kind
def test_creating_enqueues_the_first_run_unless_it_is_disabled(
    deps: FakeDeps, owner: Api, kind: Kind
) -> None:
    kind.make(owner, **{kind.switch: False})
    assert deps.queue.sent == []
    kind.make(owner)
    ((job, delay),) = deps.queue.sent
    assert (job.first_position, job.slot, delay) == (2, int(deps.at.timestamp()), 1)


@every_kind
def test_deleting_is_204_with_an_empty_body_and_then_404(owner: Api, kind: Kind) -> None:
    made, other = kind.make(owner), kind.make(owner)
    answer = owner.delete(kind.path_of(made))
    assert (answer.status, answer.raw) == (204, b"")
    for again in (
        owner.get(kind.path_of(made)),
        owner.put(kind.path_of(made), {}),
        owner.delete(kind.path_of(made)),
        kind.results(owner, made),
    ):
        assert (again.status, again.code) == (404, "NOT_FOUND")
    assert owner.get(kind.path).data == [other]


@pytest.mark.parametrize("there", KINDS, ids=lambda kind: kind.prefix)
@pytest.mark.parametrize("here", KINDS, ids=lambda kind: kind.prefix)
def test_a_monitor_of_another_kind_is_404_whatever_its_id_says(owner: Api, here: Kind, there: Kind) -> None:
    made = there.make(owner)
    suffix = made["id"].partition("_")[2]
    ids = {made["id"], f"{here.prefix}_{suffix}"} if here is not there else set()
    for id in ids:
        for answer in (
            owner.get(f"{here.path}/{id}"),
            owner.put(f"{here.path}/{id}", {"name": "x"}),
            owner.put(f"{here.path}/{id}", {"name": 5}),
            owner.delete(f"{here.path}/{id}"),
            owner.get(f"{here.path}/{id}/results"),
            owner.get(f"{here.path}/{id}/results", {"limit": "x"}),
        ):
            assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert owner.get(there.path_of(made)).data == made


@every_kind
def test_a_foreign_monitor_can_be_neither_read_nor_changed_nor_deleted(people: People, kind: Kind) -> None:
    made, stranger = kind.make(people.owner), people.stranger
    assert stranger.get(kind.path).data == []
    for answer in (
        stranger.get(kind.path_of(made)),
        stranger.put(kind.path_of(made), {"name": "mine"}),
        stranger.put(kind.path_of(made), {}),
        stranger.delete(kind.path_of(made)),
        kind.results(stranger, made),
    ):
        assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert people.owner.get(kind.path_of(made)).data == made


@every_kind
def test_reading_takes_the_kinds_read_scope_and_writing_its_write_scope(
    deps: FakeDeps, people: People, kind: Kind
) -> None:
    made, team = kind.make(people.owner), people.owner.team_id
    reads = [("GET", kind.path), ("GET", kind.path_of(made)), ("GET", f"{kind.path_of(made)}/results")]
    writes = [("POST", kind.path), ("PUT", kind.path_of(made)), ("DELETE", kind.path_of(made))]
    for routes, scope in ((reads, f"{kind.scope}:read"), (writes, f"{kind.scope}:write")):
        lacking = caller(deps, team, [other for other in SCOPES if other != scope])
        holding = caller(deps, team, [scope])
        for method, path in routes:
            raw = b"{}" if method in ("POST", "PUT") else b""
            assert lacking.send(method, path, raw).code == "FORBIDDEN"
            assert holding.send(method, path, raw).status in (200, 204, 400)


LIMITS = [
    (HTTP, "monitors_per_team", 100),
    (DNS, "dns_monitors_per_team", 20),
    (TCP, "tcp_monitors_per_team", 100),
]


@pytest.mark.parametrize(("kind", "setting", "most"), LIMITS, ids=lambda value: getattr(value, "prefix", ""))
def test_each_kind_has_its_own_limit_and_deleting_frees_a_slot(
    deps: FakeDeps, people: People, kind: Kind, setting: str, most: int
) -> None:
    made = [kind.make(people.owner, name=str(number)) for number in range(most)]
    assert getattr(deps.settings, setting) == most
    refused = people.owner.post(kind.path, kind.minimal)
    assert (refused.status, refused.code) == (400, "LIMIT_EXCEEDED")
    assert str(most) in refused.json["error"]["message"]
    assert people.owner.post(kind.path, {}).code == "VALIDATION_ERROR"
    for other in KINDS:
        if other is not kind:
            other.make(people.owner)
    kind.make(people.stranger)
    assert owner_frees_one(people.owner, kind, made[0]) == [201, 400]


def owner_frees_one(owner: Api, kind: Kind, monitor: Any) -> list[int]:
    """What two creates answer after a delete."""
    assert owner.delete(kind.path_of(monitor)).status == 204
    return [owner.post(kind.path, kind.minimal).status for _ in range(2)]


@pytest.mark.parametrize(("kind", "setting", "most"), LIMITS, ids=lambda value: getattr(value, "prefix", ""))
def test_a_deployment_may_set_each_limit(
    deps: FakeDeps, people: People, kind: Kind, setting: str, most: int
) -> None:
    changes: dict[str, Any] = {setting: 1}
    deps.settings = replace(deps.settings, **changes)
    for other in KINDS:
        statuses = [people.owner.post(other.path, other.minimal).status for _ in range(2)]
        assert statuses == ([201, 400] if other is kind else [201, 201])


@pytest.mark.parametrize("kind", [DNS, TCP], ids=["dns", "tcp"])
def test_of_30_creates_at_once_exactly_20_succeed(edges: RealEdges, real: People, kind: Kind) -> None:
    edges.settings = replace(edges.settings, tcp_monitors_per_team=20)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: real.owner.post(kind.path, kind.minimal), range(30)))
    assert sorted(answer.status for answer in answers) == [201] * 20 + [400] * 10
    assert {answer.code for answer in answers if answer.status == 400} == {"LIMIT_EXCEEDED"}
    assert len(real.owner.get(kind.path).data) == 20


@every_kind
def test_a_repeated_create_is_one_monitor(owner: Api, kind: Kind) -> None:
    def create() -> Any:
        headers = {"Idempotency-Key": "one"}
        raw = str(kind.minimal).replace("'", '"').encode()
        return owner.send("POST", kind.path, raw, headers=headers)

    first, again = create(), create()
    assert (first.status, again.status, again.raw) == (201, 201, first.raw)
    assert owner.get(kind.path).data == [first.data]


MOVES = [(HTTP, {"timeoutSeconds": 60}), (TCP, {"intervalSeconds": 10}), (TCP, {"timeoutMs": 15001})]


@pytest.mark.parametrize(("kind", "moved"), MOVES, ids=["slow http", "fast tcp", "slow tcp"])
def test_history_survives_a_move_to_another_shard(
    edges: RealEdges, real: People, kind: Kind, moved: dict[str, Any]
) -> None:
    """On the real stores."""
    made = kind.make(real.owner)
    live(edges, made, [UP] * 3)
    before = kind.results(real.owner, made).data
    assert len(before) == 3
    shown = real.owner.get(kind.path_of(made)).data
    changed = real.owner.put(kind.path_of(made), moved).data
    assert changed == {**shown, **moved, "updatedAt": changed["updatedAt"]}
    assert kind.results(real.owner, made).data == before
    live(edges, made, [UP] * 3)
    after = kind.results(real.owner, made).data
    assert after[-3:] == before
    assert len(after) > 3
