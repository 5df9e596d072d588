"""The events that the gateway makes, and what it answers by itself."""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest

from localrun.clock import Clock
from localrun.gate import Gate
from localrun.gateway import MAX_BODY_BYTES, Gateway
from tests.localrun.idle import idle_scheduler

KEY = f"Bearer uptime_{'0' * 64}"
ROUTES = {
    "/v1/things": {"GET": True, "POST": True},
    "/v1/things/{id}": {"GET": True},
    "/v1/things/newest": {"GET": True},
    "/v1/{kind}/newest/parts": {"GET": True},
    "/v1/things/{id}/parts": {"GET": True},
    "/open/{file}": {"GET": False, "HEAD": False},
    "/written/{file}": {"GET": False, "HEAD": False},
}
"""Path -> method -> whether it has the authorizer."""


def _entry(path: str, guarded: bool) -> SimpleNamespace:
    operation = SimpleNamespace(is_writing=path.startswith("/written"))
    return SimpleNamespace(authorizer=guarded or None, view_function=SimpleNamespace(operation=operation))


@dataclass
class Rig:
    """A gateway before a function that answers with what it was asked."""

    response: dict[str, Any] = field(default_factory=lambda: {"statusCode": 200, "body": "{}"})
    context: Mapping[str, Any] = field(default_factory=lambda: {"auth": "ok"})
    source_ip_header: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    authorized: list[dict[str, Any]] = field(default_factory=list)
    gate: Gate = field(default_factory=Gate)

    def send(
        self, method: str, uri: str, raw: bytes = b"", authorization: str | None = KEY, **environ: str
    ) -> tuple[int, dict[str, str], bytes]:
        routes = {
            path: {m: _entry(path, guarded) for m, guarded in methods.items()}
            for path, methods in ROUTES.items()
        }
        gateway = Gateway(routes, self._function, self._authorizer, self.source_ip_header, self.gate)
        if authorization is not None:
            environ["HTTP_AUTHORIZATION"] = authorization
        began: list[tuple[str, list[tuple[str, str]]]] = []
        body = gateway(
            {
                "REQUEST_METHOD": method,
                "REQUEST_URI": uri,
                "QUERY_STRING": uri.partition("?")[2],
                "REMOTE_ADDR": "127.0.0.1",
                "CONTENT_LENGTH": str(len(raw)),
                "wsgi.input": io.BytesIO(raw),
                **environ,
            },
            lambda status, headers: began.append((status, headers)),
        )
        ((status, headers),) = began
        return int(status.split()[0]), dict(headers), b"".join(body)

    def event(self, method: str, uri: str, raw: bytes = b"", **environ: str) -> dict[str, Any]:
        self.send(method, uri, raw, **environ)
        return self.events[-1]

    def _function(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        self.events.append(event)
        return self.response

    def _authorizer(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        self.authorized.append(event)
        return {"context": self.context}


def test_an_event_has_the_shape_of_the_deployed_ones() -> None:
    rig = Rig()
    event = rig.event(
        "POST",
        "/v1/things?a=1&a=2&b=&c=%C3%A4+x",
        b'{"name": "x"}',
        CONTENT_TYPE="application/json",
        HTTP_X_COLOUR="red",
    )
    context = event.pop("requestContext")
    headers = {"authorization": KEY, "content-type": "application/json", "x-colour": "red"}
    assert event == {
        "resource": "/v1/things",
        "path": "/v1/things",
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {"a": "2", "b": "", "c": "ä x"},
        "multiValueQueryStringParameters": {"a": ["1", "2"], "b": [""], "c": ["ä x"]},
        "pathParameters": None,
        "stageVariables": None,
        "body": base64.b64encode(b'{"name": "x"}').decode(),
        "isBase64Encoded": True,
    }
    assert context["resourcePath"] == "/v1/things"
    assert context["httpMethod"] == "POST"
    assert context["identity"] == {"sourceIp": "127.0.0.1", "userAgent": None}
    assert context["requestId"]
    json.dumps([event, context])


def test_what_is_absent_is_null() -> None:
    event = Rig().event("GET", "/v1/things")
    absent = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "body")
    assert [event[name] for name in absent] == [None] * 4


@pytest.mark.parametrize("raw", ["ä\0".encode(), b"\xff\xd8", b"{}"])
@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain", "no type at all"])
def test_every_body_is_encoded_as_the_template_asks_for(raw: bytes, content_type: str) -> None:
    event = Rig().event("POST", "/v1/things", raw, CONTENT_TYPE=content_type)
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (raw, True)


@pytest.mark.parametrize(
    ("uri", "resource", "params"),
    [
        ("/v1/things", "/v1/things", None),
        ("/v1/things/", "/v1/things", None),
        ("/v1/things/x1", "/v1/things/{id}", {"id": "x1"}),
        ("/v1/things/x1/", "/v1/things/{id}", {"id": "x1"}),
        ("/v1/things/newest", "/v1/things/newest", None),
        ("/v1/things/newest/parts", "/v1/things/{id}/parts", {"id": "newest"}),
        ("/v1/others/newest/parts", "/v1/{kind}/newest/parts", {"kind": "others"}),
        ("/v1/things/a%2Fb", "/v1/things/{id}", {"id": "a%2Fb"}),
        ("/v1/things/a%00b", "/v1/things/{id}", {"id": "a%00b"}),
        ("/v1/things/%C3%A4%20", "/v1/things/{id}", {"id": "%C3%A4%20"}),
        ("/v1/things/a+b", "/v1/things/{id}", {"id": "a+b"}),
        ("/open/x.svg", "/open/{file}", {"file": "x.svg"}),
        ("/", "/{proxy+}", {"proxy": ""}),
        ("//", "/{proxy+}", {"proxy": ""}),
        ("/v1", "/{proxy+}", {"proxy": "v1"}),
        ("//v1/things", "/{proxy+}", {"proxy": "v1/things"}),
        ("/v1//things", "/{proxy+}", {"proxy": "v1//things"}),
        ("/V1/things", "/{proxy+}", {"proxy": "V1/things"}),
        ("/v1/things/a/b/c", "/{proxy+}", {"proxy": "v1/things/a/b/c"}),
        ("/v1/things\n", "/{proxy+}", {"proxy": "v1/things\n"}),
        ("http://127.0.0.1:8000/v1/things?a=1", "/v1/things", None),
        ("HTTPS://uptime.example/v1/things/x1/", "/v1/things/{id}", {"id": "x1"}),
        ("http://uptime.example", "/{proxy+}", {"proxy": ""}),
        ("http://uptime.example?a=/v1/things", "/{proxy+}", {"proxy": ""}),
        ("/http://uptime.example/v1/things", "/{proxy+}", {"proxy": "http://uptime.example/v1/things"}),
    ],
)
def test_which_route_a_path_means(uri: str, resource: str, params: dict[str, str] | None) -> None:
    event = Rig().event("GET", uri)
    assert (event["resource"], event["pathParameters"]) == (resource, params)
    assert event["requestContext"]["resourcePath"] == resource


def test_the_callers_address_may_come_from_a_header() -> None:
    with_seam = Rig(source_ip_header="X-Real-Ip")
    given = with_seam.event("GET", "/v1/things", HTTP_X_REAL_IP="203.0.113.7")
    assert given["requestContext"]["identity"]["sourceIp"] == "203.0.113.7"
    absent = with_seam.event("GET", "/v1/things")
    assert absent["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    unasked = Rig().event("GET", "/v1/things", HTTP_X_REAL_IP="203.0.113.7")
    assert unasked["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"


def test_the_authorizers_context_arrives_as_strings() -> None:
    rig = Rig(context={"auth": "ok", "limit": 100, "limited": False})
    event = rig.event("GET", "/v1/things")
    assert event["requestContext"]["authorizer"] == {"auth": "ok", "limit": "100", "limited": "False"}
    assert rig.authorized[0]["type"] == "TOKEN"
    assert rig.authorized[0]["authorizationToken"] == KEY


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer x",
        KEY[:-1],
        KEY + "0",
        KEY + "\n",
        f"Basic {KEY[7:]}",
        KEY.upper(),
        KEY[7:],
    ],
)
def test_a_header_that_fails_the_pre_check_is_refused_by_itself(
    authorization: str | None,
) -> None:
    rig = Rig()
    status, headers, body = rig.send("GET", "/v1/things", authorization=authorization)
    assert status == 401
    assert set(headers) == {"Content-Type", "Content-Length", "WWW-Authenticate"}
    assert (headers["Content-Type"], headers["WWW-Authenticate"]) == ("application/json", "Bearer")
    assert json.loads(body)["error"]["code"] == "UNAUTHORIZED"
    assert (rig.authorized, rig.events) == ([], [])


def test_a_lower_case_scheme_and_more_spaces_pass_the_pre_check() -> None:
    rig = Rig()
    assert rig.send("GET", "/v1/things", authorization=f"bearer   {KEY[7:]}  ")[0] == 200


@pytest.mark.parametrize(
    ("method", "uri"), [("GET", "/open/x"), ("GET", "/nothing"), ("DELETE", "/v1/things")]
)
def test_open_routes_and_what_is_no_route_have_no_authorizer(method: str, uri: str) -> None:
    rig = Rig()
    rig.send(method, uri, authorization=None)
    assert rig.authorized == []
    assert "authorizer" not in rig.events[0]["requestContext"]


def test_a_body_over_ten_megabytes_is_refused() -> None:
    rig = Rig()
    assert rig.send("POST", "/v1/things", CONTENT_LENGTH=str(MAX_BODY_BYTES))[0] == 200
    status, headers, body = rig.send("POST", "/v1/things", CONTENT_LENGTH=str(MAX_BODY_BYTES + 1))
    assert status == 413
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body)["error"]["code"] == "PAYLOAD_TOO_LARGE"
    assert len(rig.events) == 1


def test_an_answer_to_head_has_the_length_and_no_body() -> None:
    rig = Rig(response={"statusCode": 200, "headers": {"Content-Type": "image/svg+xml"}, "body": "<svg/>"})
    assert rig.send("HEAD", "/open/x") == (200, {"Content-Type": "image/svg+xml", "Content-Length": "6"}, b"")


def test_the_functions_headers_and_body_are_passed_on() -> None:
    rig = Rig(
        response={
            "statusCode": 201,
            "headers": {"X-One": 1},
            "multiValueHeaders": {"Set-Cookie": ["a=1"]},
            "body": base64.b64encode(b"\xff").decode(),
            "isBase64Encoded": True,
        }
    )
    expected = {"X-One": "1", "Set-Cookie": "a=1", "Content-Length": "1"}
    assert rig.send("GET", "/v1/things") == (201, expected, b"\xff")


@pytest.mark.parametrize("status", [204, 304])
def test_answers_that_have_no_body_have_no_length(status: int) -> None:
    rig = Rig(response={"statusCode": status, "headers": {}, "body": ""})
    assert rig.send("GET", "/open/x") == (status, {}, b"")


class BrokenFunction(Rig):
    def _function(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        raise RuntimeError("secret")


class BrokenAuthorizer(Rig):
    def _authorizer(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        raise RuntimeError("secret")


@pytest.mark.parametrize("rig", [BrokenFunction(), BrokenAuthorizer()])
def test_a_crash_is_our_500(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    status, headers, body = rig.send("GET", "/v1/things")
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (500, "INTERNAL_ERROR")
    assert headers["X-Request-Id"] in error["message"]
    assert b"secret" not in body
    assert headers["X-Request-Id"] in caplog.text


NOON = 1_800_000_000.0


@dataclass
class SlowFunction(Rig):
    """A function that is amid its work until it is told to go on, under a clock that an advance moves."""

    def __post_init__(self) -> None:
        self.clock = Clock(lambda: NOON)
        self.scheduler = idle_scheduler(self.clock, self.gate)
        self.is_inside, self.may_go_on = Event(), Event()
        self.seen: list[float] = []

    def _function(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        self.seen.append(self.clock.seconds())
        self.is_inside.set()
        self.may_go_on.wait(10)
        self.seen.append(self.clock.seconds())
        return self.response


@pytest.mark.parametrize("is_run", [True, False])
@pytest.mark.parametrize(
    ("method", "uri"), [("POST", "/v1/things"), ("GET", "/written/x"), ("HEAD", "/written/x")]
)
def test_the_clock_is_not_moved_amid_a_write(is_run: bool, method: str, uri: str) -> None:
    rig = SlowFunction()
    write = Thread(target=rig.send, args=(method, uri))
    write.start()
    assert rig.is_inside.wait(10)
    advance = Thread(target=rig.scheduler.advance, args=(3600,), kwargs={"run": is_run})
    advance.start()
    advance.join(0.1)
    assert advance.is_alive()
    rig.may_go_on.set()
    write.join(10)
    advance.join(10)
    assert rig.seen == [NOON, NOON]
    assert rig.clock.seconds() == NOON + 3600


@pytest.mark.parametrize(("method", "uri"), [("GET", "/v1/things"), ("HEAD", "/open/x")])
def test_an_advance_does_not_wait_for_a_read(method: str, uri: str) -> None:
    rig = SlowFunction()
    read = Thread(target=rig.send, args=(method, uri))
    read.start()
    assert rig.is_inside.wait(10)
    rig.scheduler.advance(3600, run=True)
    rig.may_go_on.set()
    read.join(10)
    assert rig.seen == [NOON, NOON + 3600]
