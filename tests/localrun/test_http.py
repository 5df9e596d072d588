"""The API over real sockets: what a client of the deployed gateway relies on."""

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from localrun.gateway import MAX_BODY_BYTES
from localrun.server import MAX_READ_BYTES, build_server
from tests.localrun.running import PATIENCE_SECONDS, Answer, Run

BADGE = f"/api/badge/mon_{'0' * 32}/status"


@pytest.fixture
def connection(run: Run) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", run.port, timeout=PATIENCE_SECONDS)
    with contextlib.closing(connection):
        yield connection


def send(connection: http.client.HTTPConnection, method: str, path: str, **given: Any) -> Answer:
    connection.request(method, path, **given)
    response = connection.getresponse()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def raw(run: Run, request: bytes) -> Answer:
    """What comes back to bytes that no client library would send."""
    with socket.create_connection(("127.0.0.1", run.port), PATIENCE_SECONDS) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        with contextlib.closing(response):
            response.begin()
            headers = {k.lower(): v for k, v in response.getheaders()}
            return Answer(response.status, headers, response.read())


def bearer(run: Run) -> dict[str, str]:
    return {"Authorization": f"Bearer {run.key}"}


def booked(run: Run) -> dict[str, Any]:
    return dict(run.call("GET", "/_local/units").json["byWork"])


def test_one_connection_serves_many_requests(run: Run, connection: http.client.HTTPConnection) -> None:
    connection.connect()
    port = connection.sock.getsockname()[1]
    for _ in range(3):
        assert send(connection, "GET", "/v1/monitors", headers=bearer(run)).status == 200
        assert send(connection, "GET", "/nowhere").status == 404
        assert send(connection, "GET", "/v1/monitors").status == 401
        assert send(connection, "GET", BADGE).status == 200
    assert connection.sock.getsockname()[1] == port


def test_head_has_no_body_and_leaves_the_connection_intact(
    connection: http.client.HTTPConnection,
) -> None:
    with_body = send(connection, "GET", BADGE)
    head = send(connection, "HEAD", BADGE)
    assert (head.status, head.raw) == (200, b"")
    assert head.headers["content-length"] == str(len(with_body.raw))
    assert head.headers["content-type"] == with_body.headers["content-type"]
    assert send(connection, "HEAD", "/v1/monitors").status in (401, 405)
    assert send(connection, "GET", BADGE).raw == with_body.raw
    unchanged = send(connection, "GET", BADGE, headers={"If-None-Match": with_body.headers["etag"]})
    assert (unchanged.status, unchanged.raw) == (304, b"")
    assert send(connection, "GET", BADGE).raw == with_body.raw


def test_small_answers_are_not_held_back_for_a_delayed_acknowledgement() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = build_server(lambda environ, start: [], listener)
        try:
            assert (socket.SOL_TCP, socket.TCP_NODELAY, 1) in server.adj.socket_options
        finally:
            server.task_dispatcher.shutdown()
            server.close()


def test_a_chunked_body_is_read(run: Run, connection: http.client.HTTPConnection) -> None:
    whole = json.dumps({"name": "Chunked", "url": "http://127.0.0.1:9/", "enabled": False}).encode()
    pieces = (whole[i : i + 7] for i in range(0, len(whole), 7))
    headers = {**bearer(run), "Content-Type": "application/json"}
    answer = send(connection, "POST", "/v1/monitors", body=pieces, headers=headers, encode_chunked=True)
    assert answer.status in (201, 400)
    assert b"Chunked" in answer.raw or b'"enabled"' in answer.raw
    assert send(connection, "GET", BADGE).status == 200


def test_a_body_over_ten_megabytes_is_refused_in_our_shape(
    run: Run, connection: http.client.HTTPConnection
) -> None:
    headers = {**bearer(run), "Content-Type": "application/json"}
    answer = send(connection, "POST", "/v1/monitors", body=b" " * (MAX_BODY_BYTES + 1), headers=headers)
    assert (answer.status, answer.json["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert send(connection, "GET", BADGE).status == 200
    declared = b"POST /v1/monitors HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (MAX_READ_BYTES + 1)
    unread = raw(run, declared)
    assert (unread.status, unread.json["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /v1/monitors\r\n HTTP/1.1\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 300_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_in_our_shape(run: Run, request_: bytes) -> None:
    answer = raw(run, request_)
    assert (answer.status, answer.json["error"]["code"]) == (400, "VALIDATION_ERROR")
    (detail,) = answer.json["error"]["details"]
    assert detail["field"] == "body"
    assert detail["message"]
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "NOT_FOUND"),
        ("GET", "//v1/monitors", 404, "NOT_FOUND"),
        ("GET", "/v1//monitors", 404, "NOT_FOUND"),
        ("GET", "/v1/nothing", 404, "NOT_FOUND"),
        ("PATCH", "/v1/monitors", 405, "METHOD_NOT_ALLOWED"),
        ("OPTIONS", "/v1/monitors", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v1/monitors/a%2Fb", 404, "NOT_FOUND"),
        ("GET", "/v1/monitors/%00", 404, "NOT_FOUND"),
        ("GET", "/v1/monitors/mon_%00", 404, "NOT_FOUND"),
        ("GET", "/v1/monitors/%FF", 404, "NOT_FOUND"),
        ("GET", f"/v1/monitors/{'x' * 5000}", 404, "NOT_FOUND"),
        ("GET", "/v1/monitors/..%2f..", 404, "NOT_FOUND"),
    ],
)
def test_paths_that_lead_nowhere(run: Run, method: str, path: str, status: int, code: str) -> None:
    answer = run.call(method, path, key=run.key)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)


def test_a_trailing_slash_makes_no_difference(run: Run) -> None:
    assert run.call("GET", "/v1/monitors/", key=run.key).status == 200


def test_unknown_paths_are_unknown_whatever_the_case_and_the_absolute_form(run: Run) -> None:
    assert run.call("GET", "/V1/monitors", key=run.key).status == 404
    known = b"GET http://127.0.0.1:8000/v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n"
    assert raw(run, known % run.key.encode()).status == 200
    absolute = raw(run, b"GET http://127.0.0.1/_local/units HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert absolute.status == 404


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Bearer uptime_" + "0" * 63])
def test_the_gateways_own_401_asks_no_function(run: Run, authorization: str | None) -> None:
    before = booked(run)
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = run.call("GET", "/v1/monitors", **headers)
    assert (answer.status, answer.json["error"]["code"]) == (401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert not [name for name in answer.headers if "ratelimit" in name]
    assert booked(run) == before


def test_a_request_is_booked_under_its_route_and_a_run_under_its_job(run: Run) -> None:
    monitor_id = run.create(run.key, "http://127.0.0.1:9/")
    before = booked(run)
    run.monitor(run.key, monitor_id)
    route = "GET /v1/monitors/{id}"
    after = booked(run)
    spent = after[route]["writeUnits"] - before.get(route, {"writeUnits": 0})["writeUnits"]
    assert spent == 1
    run.advance(60)
    assert booked(run)["tick"]["calls"] > before.get("tick", {"calls": 0})["calls"]
    assert booked(run)["probe"]["writeUnits"] > 0


def test_the_control_is_for_this_machine_alone(run: Run) -> None:
    assert run.call("GET", "/_local/clock", Host="uptime.example").status == 403
    assert run.call("GET", "/_local/mail").json == []
