"""Idempotency-Key on creating POSTs: one resource and one answer, however often a request is sent."""

import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.api_key import SCOPES
from tests.fakes import FakeDeps
from tests.routes.client import MINIMAL, START, Answer, Api, People, RealEdges, caller

KEY = {"name": "deploy", "scopes": ["monitors:read"]}


def post(api: Api, path: str, body: Any, key: str = "one") -> Answer:
    return api.send("POST", path, json.dumps(body).encode(), headers={"Idempotency-Key": key})


def is_replay(answer: Answer) -> bool:
    return answer.headers.get("idempotency-replayed") == "true"


def test_the_same_request_gets_the_first_answer_again_and_makes_nothing(people: People) -> None:
    first = post(people.owner, "/v1/monitors", MINIMAL)
    again = post(people.owner, "/v1/monitors", MINIMAL)
    assert (first.status, again.status) == (201, 201)
    assert again.raw == first.raw
    assert (is_replay(first), is_replay(again)) == (False, True)
    assert [monitor["id"] for monitor in people.owner.get("/v1/monitors").data] == [first.data["id"]]


def test_without_the_header_every_request_makes_another(owner: Api) -> None:
    assert owner.create()["id"] != owner.create()["id"]


def test_another_key_makes_another(owner: Api) -> None:
    ids = {post(owner, "/v1/monitors", MINIMAL, key).data["id"] for key in ("a", "b", "A", "a b")}
    assert len(ids) == 4


def test_the_first_answer_comes_again_even_after_the_resource_has_changed_or_gone(owner: Api) -> None:
    first = post(owner, "/v1/monitors", MINIMAL)
    path = f"/v1/monitors/{first.data['id']}"
    assert owner.put(path, {"name": "Other"}).status == 200
    assert post(owner, "/v1/monitors", MINIMAL).raw == first.raw
    assert owner.delete(path).status == 204
    assert post(owner, "/v1/monitors", MINIMAL).raw == first.raw
    assert owner.get("/v1/monitors").data == []


def test_the_same_document_in_other_words_is_the_same_body(owner: Api) -> None:
    first = owner.send(
        "POST",
        "/v1/monitors",
        b'{"name":"a","url":"https://example.com/"}',
        headers={"Idempotency-Key": "k"},
    )
    again = owner.send(
        "POST",
        "/v1/monitors",
        b' { "url" : "https:\\u002f/example.com/" ,\n"name":"\\u0061" }',
        headers={"Idempotency-Key": '"k"'},
    )
    assert again.raw == first.raw


@pytest.mark.parametrize(
    "other", [{**MINIMAL, "name": "x"}, {**MINIMAL, "enabled": True}, {**MINIMAL, "unknown": 1}]
)
def test_another_body_is_409_and_changes_nothing(owner: Api, other: Any) -> None:
    first = post(owner, "/v1/monitors", MINIMAL)
    answer = post(owner, "/v1/monitors", other)
    assert (answer.status, answer.code) == (409, "CONFLICT")
    assert len(owner.get("/v1/monitors").data) == 1
    assert post(owner, "/v1/monitors", MINIMAL).raw == first.raw


def test_a_key_belongs_to_its_team_and_its_route(people: People) -> None:
    first = post(people.owner, "/v1/monitors", MINIMAL)
    assert post(people.stranger, "/v1/monitors", MINIMAL).data["id"] != first.data["id"]
    assert post(people.owner, "/v1/api-keys", KEY).status == 201
    assert not is_replay(post(people.stranger, "/v1/api-keys", KEY))


def test_a_bad_body_uses_up_no_key(owner: Api) -> None:
    assert post(owner, "/v1/monitors", {"name": ""}).status == 400
    assert post(owner, "/v1/monitors", MINIMAL).status == 201


@pytest.mark.parametrize("key", ["", " ", "x" * 256, '"', '"a', '"a"b', 'a"b"\x7f', "é"])
def test_a_key_that_is_none_is_400_beside_every_other_bad_field(owner: Api, key: str) -> None:
    assert post(owner, "/v1/monitors", {"name": "x"}, key).fields == ["Idempotency-Key", "url"]
    assert owner.get("/v1/monitors").data == []


@pytest.mark.parametrize("key", ["x", "x" * 255, '"quoted \\" string"', "with blanks inside", "!#$%"])
def test_a_key_may_be_any_printable_text(owner: Api, key: str) -> None:
    first = post(owner, "/v1/monitors", MINIMAL, key)
    assert first.status == 201
    assert is_replay(post(owner, "/v1/monitors", MINIMAL, key))


def test_a_key_is_kept_for_24_hours(deps: FakeDeps, owner: Api) -> None:
    first = post(owner, "/v1/monitors", MINIMAL)
    deps.at = START + timedelta(hours=24, seconds=-1)
    assert post(owner, "/v1/monitors", MINIMAL).raw == first.raw
    deps.at = START + timedelta(hours=24, seconds=1)
    assert post(owner, "/v1/monitors", MINIMAL).data["id"] != first.data["id"]
    assert len(owner.get("/v1/monitors").data) == 2


def test_other_methods_ignore_the_header(owner: Api) -> None:
    created = owner.create()
    path = f"/v1/monitors/{created['id']}"
    for name in ("a", "b"):
        changed = owner.send(
            "PUT", path, json.dumps({"name": name}).encode(), headers={"Idempotency-Key": "x"}
        )
        assert changed.data["name"] == name
    assert owner.get(path, headers={"Idempotency-Key": ""}).status == 200


def test_a_minted_key_is_shown_again_to_who_minted_it(people: People) -> None:
    first = post(people.owner, "/v1/api-keys", KEY)
    again = post(people.owner, "/v1/api-keys", KEY)
    assert again.raw == first.raw
    assert Api(f"Bearer {again.json['key']}").get("/v1/monitors").status == 200
    assert len(people.owner.get("/v1/api-keys").json) == 3


def test_a_minted_key_is_not_shown_to_another_key_of_the_team(deps: FakeDeps, people: People) -> None:
    first = post(people.owner, "/v1/api-keys", KEY)
    colleague = caller(deps, people.owner.team_id, SCOPES)
    answer = post(colleague, "/v1/api-keys", KEY)
    assert (answer.status, answer.code) == (409, "CONFLICT")
    assert first.json["key"].encode() not in answer.raw


def test_the_first_answer_comes_again_although_the_expiry_has_passed_meanwhile(
    deps: FakeDeps, owner: Api
) -> None:
    body = {**KEY, "expiresAt": "2026-03-01T13:00:00Z"}
    first = post(owner, "/v1/api-keys", body)
    deps.at += timedelta(hours=2)
    assert post(owner, "/v1/api-keys", body).raw == first.raw


def test_a_full_team_still_gets_its_first_answer(people: People) -> None:
    first = post(people.owner, "/v1/api-keys", KEY)
    while people.owner.post("/v1/api-keys", KEY).status == 201:
        pass
    assert post(people.owner, "/v1/api-keys", KEY).raw == first.raw
    assert post(people.owner, "/v1/api-keys", KEY, "two").code == "LIMIT_EXCEEDED"


def test_parallel_requests_make_one_monitor_and_get_one_answer(real: People) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: post(real.owner, "/v1/monitors", MINIMAL), range(32)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.raw for answer in answers}) == 1
    assert [is_replay(answer) for answer in answers].count(False) == 1
    assert [m["id"] for m in real.owner.get("/v1/monitors").data] == [answers[0].data["id"]]


def test_parallel_requests_mint_one_key_and_no_table_knows_it(edges: RealEdges, real: People) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: post(real.owner, "/v1/api-keys", KEY), range(32)))
    assert len({answer.raw for answer in answers}) == 1
    assert answers[0].status == 201
    assert len(real.owner.get("/v1/api-keys").json) == 3
    secret = answers[0].json["key"]
    for table in (edges.settings.teams_table, edges.settings.checks_table, edges.settings.alerts_table):
        stored = edges.dynamodb.scan(TableName=table)["Items"]
        answers_kept = [
            zlib.decompress(bytes(item["a"]["B"])[2:], wbits=-15) for item in stored if "a" in item
        ]
        assert len(answers_kept) == (table == edges.settings.checks_table)
        text = f"{stored} {answers_kept}"
        assert secret.removeprefix("uptime_") not in text
        assert bytes.fromhex(secret.removeprefix("uptime_")) not in [
            bytes(value["B"]) for item in stored for value in item.values() if "B" in value
        ]
