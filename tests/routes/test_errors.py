"""One shape for every error under /v1, whoever made it."""

import logging
from dataclasses import replace

import pytest

from chalicelib.domain.monitor import Monitor
from tests.fakes import FakeDeps
from tests.routes.client import Api, People, invoke, lambda_event

LIMIT = 256 * 1024
SECRET = "the secret of the store"


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/monitor",
        "/v1/Monitors",
        "/v1//monitors",
        "/v1/monitors/a/b/c",
        "/v2/monitors",
        "/v1/monitors/mon_1/results/more",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_an_unknown_path_is_404(owner: Api, method: str, path: str) -> None:
    answer = owner.send(method, path)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert "allow" not in answer.headers


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/monitors", {"GET", "POST"}),
        ("/v1/monitors/mon_1", {"GET", "PUT", "DELETE"}),
        ("/v1/monitors/mon_1/results", {"GET"}),
        ("/v1/monitors/stats", {"GET"}),
        ("/v1/monitors/mon_1/stats", {"GET"}),
        ("/v1/status", {"GET"}),
    ],
)
def test_a_known_path_without_the_method_is_405_and_allow_says_which_it_has(
    owner: Api, path: str, allowed: set[str]
) -> None:
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} - allowed:
        answer = owner.send(method, path)
        assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
        assert set(answer.headers["allow"].split(", ")) == allowed


def test_a_head_request_on_a_path_that_has_only_get_is_405_without_a_body(owner: Api) -> None:
    answer = owner.send("HEAD", "/v1/monitors")
    assert (answer.status, answer.raw) == (405, b"")


def padded(size: int) -> bytes:
    raw = b'{"name":"Front page","url":"https://example.com/"}'
    return raw + b" " * (size - len(raw))


def test_a_body_of_exactly_256_kib_passes(owner: Api) -> None:
    assert owner.send("POST", "/v1/monitors", padded(LIMIT)).status == 201


def test_one_byte_more_is_413(owner: Api) -> None:
    answer = owner.send("POST", "/v1/monitors", padded(LIMIT + 1))
    assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")


def test_the_limit_counts_bytes_and_not_characters(owner: Api) -> None:
    raw = ('{"x":"' + "é" * (LIMIT // 2) + '"}').encode()
    assert len(raw.decode()) < LIMIT < len(raw)
    assert owner.send("POST", "/v1/monitors", raw).status == 413


def test_the_limit_also_holds_for_bodies_that_are_not_utf8(owner: Api) -> None:
    assert owner.send("POST", "/v1/monitors", b"\xff" * (LIMIT + 1)).status == 413
    assert owner.send("POST", "/v1/monitors", b"\xff" * LIMIT).fields == ["body"]


def test_what_the_gateway_itself_refuses_for_its_size_has_our_shape(owner: Api) -> None:
    answer = owner.send("POST", "/v1/monitors", b" " * (10 * 1024 * 1024 + 1))
    assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("error", [RuntimeError(SECRET), KeyError(SECRET), ValueError(SECRET)])
def test_a_500_tells_nothing_but_the_request_id_under_which_it_is_logged(
    deps: FakeDeps, owner: Api, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(verb: str, phase: str) -> None:
        if verb == "monitors.of_team":
            raise error

    deps.store.on_call = fail
    with caplog.at_level(logging.ERROR):
        answer = owner.get("/v1/monitors")
    assert (answer.status, answer.code) == (500, "INTERNAL_ERROR")
    assert SECRET.encode() not in answer.raw
    assert b"Traceback" not in answer.raw
    request_id = answer.headers["x-request-id"]
    assert request_id
    assert request_id in answer.json["error"]["message"]
    logged = [record for record in caplog.records if request_id in record.getMessage()]
    assert len(logged) == 1
    assert logged[0].exc_info is not None


def test_an_answer_that_is_not_json_is_a_500_that_is_logged_too(
    deps: FakeDeps, owner: Api, caplog: pytest.LogCaptureFixture
) -> None:
    created = owner.create()
    stored: Monitor = deps.store.items["monitor"][created["id"]]
    spec = {**stored.spec, "url": {1, 2}}
    deps.store.items["monitor"][created["id"]] = replace(stored, name=float("nan"), spec=spec)  # type: ignore[arg-type]
    for path in ("/v1/status", "/v1/monitors"):
        answer = owner.get(path)
        assert (answer.status, answer.code) == (500, "INTERNAL_ERROR")
        assert any(answer.headers["x-request-id"] in record.getMessage() for record in caplog.records)


def test_every_answer_forbids_storing_and_sniffing(people: People) -> None:
    created = people.owner.create()
    answers = [
        people.owner.get("/v1/monitors"),
        people.owner.get(f"/v1/monitors/{created['id']}"),
        people.owner.get("/v1/status"),
        people.owner.get("/v1/nothing"),
        people.owner.send("PATCH", "/v1/monitors"),
        people.owner.post("/v1/monitors", {}),
        people.teammate.post("/v1/monitors", {}),
        invoke(lambda_event("GET", "/v1/monitors", {})),
        people.owner.delete(f"/v1/monitors/{created['id']}"),
    ]
    assert [a.status for a in answers] == [200, 200, 200, 404, 405, 400, 403, 401, 204]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers


def test_details_stand_on_validation_errors_and_nowhere_else(people: People) -> None:
    """`Answer.code` asserts the exact shape of each."""
    owner = people.owner
    assert owner.post("/v1/monitors", {}).code == "VALIDATION_ERROR"
    assert owner.get("/v1/nothing").code == "NOT_FOUND"
    assert owner.get("/v1/monitors/mon_1").code == "NOT_FOUND"
    assert owner.send("PATCH", "/v1/monitors").code == "METHOD_NOT_ALLOWED"
    assert people.teammate.post("/v1/monitors", {}).code == "FORBIDDEN"
    assert Api().get("/v1/monitors").code == "UNAUTHORIZED"


def test_json_answers_are_utf8_and_not_escaped(owner: Api) -> None:
    owner.create(name="Vorderseite – déjà 🎉")
    assert "Vorderseite – déjà 🎉".encode() in owner.get("/v1/monitors").raw
