"""`/v1/api-keys` (contract, sections 2 and 3.11)."""

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import FakeDeps
from tests.routes.client import Api, People, RealEdges, caller

KEY = {"name": "CI", "scopes": ["monitors:read"]}
FIELDS = {"id", "name", "scopes", "createdAt", "lastUsedAt", "expiresAt", "keyPrefix"}


def create(api: Api, **fields: Any) -> Any:
    answer = api.post("/v1/api-keys", {**KEY, **fields})
    assert answer.status == 201, answer.json
    return answer.json


def test_a_new_key_is_shown_once_and_works(owner: Api) -> None:
    made = create(owner)
    assert set(made) == FIELDS | {"key"}
    assert re.fullmatch(r"uptime_[0-9a-f]{64}", made["key"])
    assert re.fullmatch(r"key_[0-9a-f]{32}", made["id"])
    assert made["keyPrefix"] == made["key"][:15]
    assert (made["name"], made["scopes"]) == ("CI", ["monitors:read"])
    assert (made["lastUsedAt"], made["expiresAt"]) == (None, None)
    theirs = Api(f"Bearer {made['key']}", owner.team_id)
    assert theirs.get("/v1/monitors").status == 200
    assert theirs.post("/v1/monitors", {}).status == 403


def test_the_list_is_a_bare_array_newest_first_without_the_key(deps: FakeDeps, owner: Api) -> None:
    deps.at += timedelta(seconds=1)
    first = create(owner, name="first")
    deps.at += timedelta(seconds=1)
    second = create(owner, name="second")
    listed = owner.get("/v1/api-keys").json
    assert [key["id"] for key in listed[:2]] == [second["id"], first["id"]]
    assert all(set(key) == FIELDS for key in listed)
    assert listed[1] == {name: value for name, value in first.items() if name != "key"}


def test_a_use_moves_last_used_at_also_when_it_is_refused(deps: FakeDeps, owner: Api) -> None:
    made = create(owner)
    deps.at += timedelta(minutes=5)
    assert Api(f"Bearer {made['key']}").post("/v1/monitors", {}).status == 403
    [listed] = [key for key in owner.get("/v1/api-keys").json if key["id"] == made["id"]]
    assert listed["lastUsedAt"] == deps.at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_revoked_key_is_refused_on_the_very_next_request(owner: Api) -> None:
    made = create(owner)
    theirs = Api(f"Bearer {made['key']}")
    assert theirs.get("/v1/monitors").status == 200
    answer = owner.delete(f"/v1/api-keys/{made['id']}")
    assert (answer.status, answer.json) == (200, {"deleted": True})
    assert theirs.get("/v1/monitors").status == 401
    assert owner.delete(f"/v1/api-keys/{made['id']}").status == 404


def test_a_key_may_revoke_itself(owner: Api) -> None:
    made = create(owner, scopes=["api-keys:write"])
    itself = Api(f"Bearer {made['key']}")
    assert itself.delete(f"/v1/api-keys/{made['id']}").status == 200
    assert itself.delete(f"/v1/api-keys/{made['id']}").status == 401


def test_an_expired_key_is_refused_from_the_second_of_its_expiry_on(deps: FakeDeps, owner: Api) -> None:
    at = deps.at.replace(microsecond=0) + timedelta(minutes=5)
    made = create(owner, expiresAt=at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    theirs = Api(f"Bearer {made['key']}")
    deps.at = at - timedelta(seconds=1)
    assert theirs.get("/v1/monitors").status == 200
    deps.at = at
    assert theirs.get("/v1/monitors").status == 401


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2099-01-01T00:00:00Z", "2099-01-01T00:00:00Z"),
        ("2099-01-01T02:30:00+02:30", "2099-01-01T00:00:00Z"),
        ("2099-01-01t00:00:00.750z", "2099-01-01T00:00:00Z"),
    ],
)
def test_any_rfc_3339_expiry_is_normalised_to_utc(owner: Api, given: str, stored: str) -> None:
    assert create(owner, expiresAt=given)["expiresAt"] == stored


def test_aliases_are_expanded_and_duplicates_collapse(owner: Api) -> None:
    wanted = ["team:write", "monitors:read", "monitors:read", "team:read", "invites:read"]
    assert create(owner, scopes=wanted)["scopes"] == [
        "monitors:read",
        "teams:read",
        "teams:write",
        "invites:read",
        "invites:write",
    ]


@pytest.mark.parametrize(
    ("fields", "bad"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "x" * 256}, ["name"]),
        ({"name": None}, ["name"]),
        ({"scopes": []}, ["scopes"]),
        ({"scopes": ["monitors:read", "monitors:own"]}, ["scopes"]),
        ({"scopes": "monitors:read"}, ["scopes"]),
        ({"scopes": [1]}, ["scopes.0"]),
        ({"expiresAt": None}, ["expiresAt"]),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, ["expiresAt"]),
        ({"expiresAt": "2099-01-01T00:00:00"}, ["expiresAt"]),
        ({"expiresAt": "2099-01-01"}, ["expiresAt"]),
        ({"expiresAt": "2099-02-30T00:00:00Z"}, ["expiresAt"]),
        ({"expiresAt": "0001-01-01T00:00:00+23:59"}, ["expiresAt"]),
        ({"expiresAt": 4102444800}, ["expiresAt"]),
        ({"name": 1, "scopes": [], "expiresAt": "soon"}, ["expiresAt", "name", "scopes"]),
    ],
)
def test_every_bad_field_is_named(owner: Api, fields: dict[str, Any], bad: list[str]) -> None:
    answer = owner.post("/v1/api-keys", {**KEY, **fields})
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert sorted(detail["field"] for detail in answer.json["error"]["details"]) == bad


def test_missing_fields_are_named(owner: Api) -> None:
    answer = owner.post("/v1/api-keys", {})
    assert [detail["field"] for detail in answer.json["error"]["details"]] == ["name", "scopes"]


def test_a_key_hands_on_only_what_it_holds(deps: FakeDeps, people: People) -> None:
    minter = caller(deps, people.owner.team_id, ["api-keys:write", "monitors:read"])
    assert create(minter)["scopes"] == ["monitors:read"]
    answer = minter.post("/v1/api-keys", {"name": "more", "scopes": ["monitors:write", "team:read"]})
    assert (answer.status, answer.code) == (403, "FORBIDDEN")
    for missing in ("monitors:write", "teams:read", "invites:read"):
        assert missing in answer.json["error"]["message"]


def test_an_eleventh_key_is_409_and_a_revoked_one_frees_its_place(owner: Api) -> None:
    made = [create(owner) for _ in range(10 - len(owner.get("/v1/api-keys").json))]
    answer = owner.post("/v1/api-keys", KEY)
    assert (answer.status, answer.code) == (409, "LIMIT_EXCEEDED")
    owner.delete(f"/v1/api-keys/{made[0]['id']}")
    create(owner)


def test_thirty_concurrent_creators_end_with_exactly_ten(real: People) -> None:
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: real.owner.post("/v1/api-keys", KEY).status, range(30)))
    assert set(statuses) == {201, 409}
    assert len(real.owner.get("/v1/api-keys").json) == 10


def test_a_strangers_key_is_as_unknown_as_any(people: People) -> None:
    ours = create(people.owner)
    foreign = people.stranger.delete(f"/v1/api-keys/{ours['id']}")
    unknown = people.stranger.delete("/v1/api-keys/key_" + "0" * 32)
    assert (foreign.status, foreign.raw) == (unknown.status, unknown.raw)
    assert foreign.status == 404
    assert ours["id"] not in str(people.stranger.get("/v1/api-keys").json)


def test_the_key_is_found_in_no_table_and_no_log(
    edges: RealEdges, real: People, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = create(real.owner)
    theirs = Api(f"Bearer {made['key']}")
    theirs.get("/v1/monitors")
    theirs.post("/v1/monitors", {"name": "x"})
    real.owner.get("/v1/api-keys")
    names = (edges.settings.teams_table, edges.settings.checks_table, edges.settings.alerts_table)
    stored = str([edges.dynamodb.scan(TableName=name)["Items"] for name in names])
    assert made["keyPrefix"] in stored
    assert made["key"] not in stored
    assert made["key"] not in caplog.text
