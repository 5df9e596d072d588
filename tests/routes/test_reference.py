"""The API's own description: for anybody, cacheable, and on nobody's account."""

import json

import pytest

from app import app
from packager.openapi import document
from tests.routes.client import Api, People, invoke, lambda_event

OFFERED = ["/v1/openapi.json", "/docs"]


@pytest.mark.parametrize("path", OFFERED)
@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Bearer uptime_" + "0" * 64])
def test_no_key_is_asked_for_and_none_is_looked_at(
    people: People, path: str, authorization: str | None
) -> None:
    for _ in range(101):
        answer = Api(authorization).get(path)
    assert answer.status == 200
    assert answer.headers["cache-control"].startswith("public")
    assert not any(name.startswith("x-ratelimit") for name in answer.headers)


def test_the_document_is_the_one_of_the_live_routes(people: People) -> None:
    answer = Api().get("/v1/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == json.loads(json.dumps(document(app)))


def test_the_page_is_html_that_may_be_framed_by_nobody(people: People) -> None:
    answer = Api().get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert b"v1/openapi.json" in answer.raw
    assert len(answer.raw) < 5_500_000


def test_behind_a_stage_of_the_gateway_the_document_says_so(people: People) -> None:
    context = {"path": "/api/v1/openapi.json"}
    assert invoke(lambda_event("GET", "/v1/openapi.json", context)).json["servers"] == [{"url": "/api"}]
    assert Api().get("/v1/openapi.json").json["servers"] == [{"url": "/"}]


@pytest.mark.parametrize("path", OFFERED)
def test_who_has_it_already_is_told_so(people: People, path: str) -> None:
    tag = Api().get(path).headers["etag"]
    for given in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        answer = Api().get(path, headers={"If-None-Match": given})
        assert (answer.status, answer.raw, answer.headers["etag"]) == (304, b"", tag)
    assert Api().get(path, headers={"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", OFFERED)
def test_it_can_only_be_read(people: People, path: str, method: str) -> None:
    answer = Api().send(method, path)
    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "METHOD_NOT_ALLOWED", "GET")
