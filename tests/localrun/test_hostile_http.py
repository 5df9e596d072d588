"""Bytes that no client library sends, to a run over a real socket. Each gets one well-formed answer in our
shape, and the connection then either ends or is in step for the next request."""

import contextlib
import json
import os
import re
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.localrun.running import Answer, Run, running

PATIENCE_SECONDS = 10
ID = b"mon_" + b"0" * 32
BADGE = b"/api/badge/" + ID + b"/status"
MONITOR = b"/v1/monitors/" + ID
RESULTS = MONITOR + b"/results"
DIGITS = b"c0ffee" * 10 + b"cafe"
CHUNKED = b"Transfer-Encoding: chunked"
LENGTH_2 = b"Content-Length: 2"
WAIT = b"Expect: 100-continue"
HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([\x20-\x7e]*)")
CODES = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """With a limit that these tests do not reach."""
    data = tmp_path_factory.mktemp("run") / "data"
    with running(
        data, UPTIME_REQUESTS_PER_MINUTE="100000", UPTIME_ADDRESS_REQUESTS_PER_MINUTE="100000"
    ) as run:
        yield run


@dataclass
class Line:
    """A connection that is read strictly. Not to be answered at all in time is an error."""

    port: int
    rest: bytes = b""
    is_over: bool = False
    wire: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.wire = socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)
        self.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # an answer may come before the last byte is taken
            self.wire.sendall(request)

    def answer(self, method: bytes = b"GET") -> Answer:
        """The next one, without the interim ones before it."""
        while b"\r\n\r\n" not in self.rest:
            assert self._read(), f"no answer but {self.rest!r}"
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        status = re.fullmatch(rb"HTTP/1\.[01] ([1-5][0-9]{2}) [\x20-\x7e]+", first)
        assert status, first
        if status[1] == b"100":
            assert not lines
            return self.answer(method)
        fields = [HEADER.fullmatch(line) for line in lines]
        assert all(fields), lines
        names = [found[1].lower().decode() for found in fields if found]
        assert len(set(names)) == len(names), names
        headers = dict(zip(names, [found[2].decode() for found in fields if found], strict=True))
        assert "transfer-encoding" not in headers
        size = 0 if method == b"HEAD" else int(headers["content-length"])
        while len(self.rest) < size:
            assert self._read(), "the body ends early"
        raw, self.rest = self.rest[:size], self.rest[size:]
        if headers.get("connection", "").lower() == "close":
            while self._read():
                pass
            assert self.rest == b"", "more than one answer to one request"
        return Answer(int(status[1]), headers, raw)

    def _read(self) -> bool:
        with contextlib.suppress(ConnectionError):
            data = self.wire.recv(65536)
            self.rest += data
            if data:
                return True
        self.is_over = True
        return False


@contextlib.contextmanager
def connected(run: Run) -> Iterator[Line]:
    line = Line(run.port)
    with contextlib.closing(line.wire):
        yield line


def http(method: bytes, target: bytes, *headers: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    first = b"%s %s HTTP/%s" % (method, target, version)
    return b"\r\n".join([first, b"Host: uptime.example", *headers, b"", b""]) + body


def get(target: bytes, *headers: bytes) -> bytes:
    return http(b"GET", target, *headers)


def post(*headers: bytes, body: bytes = b"", target: bytes = b"/v1/monitors") -> bytes:
    return http(b"POST", target, *headers, body=body)


def exchange(run: Run, request: bytes, *, with_key: bool = True) -> Answer:
    """One request, its one answer, and the same connection's next, if it goes on; else a new one's."""
    if with_key:
        first, _, others = request.partition(b"\r\n")
        request = b"%s\r\nAuthorization: Bearer %s\r\n%s" % (first, run.key.encode(), others)
    with connected(run) as line:
        line.send(request)
        answer = line.answer(request.partition(b" ")[0])
        if not line.is_over:
            line.send(get(BADGE))
            assert (line.answer().status, line.rest) == (200, b"")
            return answer
    with connected(run) as line:
        line.send(get(BADGE))
        assert line.answer().status == 200
    return answer


def is_in_our_shape(answer: Answer) -> bool:
    error = answer.json["error"]
    has_details = bool(error.get("details"))
    return (
        answer.headers["content-type"] == "application/json"
        and error["code"] == CODES[answer.status]
        and bool(error["message"])
        and set(error) == {"code", "message"} | ({"details"} if has_details else set())
        and has_details is (answer.status == 400)
    )


TARGETS = {
    "encoded slash": (b"/v1%2Fmonitors", 404),
    "encoded slash, small": (b"/v1/monitors%2f", 404),
    "encoded slash in an id": (b"/v1/monitors/..%2F..%2Fapi-keys", 404),
    "encoded backslash": (b"/v1%5Cmonitors", 404),
    "backslash": (b"/v1\\monitors", 404),
    "encoded twice": (b"/v1/monitors/%252e%252e%252fstatus", 404),
    "encoded twice, a route": (b"/v1/%2573tatus", 404),
    "encoded, a route": (b"/v1/%73tatus", 404),
    "dots": (b"/v1/monitors/../status", 404),
    "encoded dots": (b"/v1/monitors/%2e%2e/status", 404),
    "nul": (b"/v1/monitors/%00", 404),
    "nul after an id": (MONITOR + b"%00.json", 404),
    "nul after a route": (b"/v1/monitors%00", 404),
    "a bare nul": (b"/v1/monitors\0", 404),
    "a bare tab": (b"/v1/moni\ttors", 404),
    "a bare vertical tab": (b"/v1/monitors/\x0bx", 404),
    "a bare byte over 127": (b"/v1/monitors/\xff", 400),
    "a bare blank": (b"/v1/monitors /x", 400),
    "line ends": (b"/v1/monitors/%0d%0aX-Intruder:%201", 404),
    "line ends after a route": (b"/v1/status%0d%0aX-Intruder:%201", 404),
    "bad escapes": (b"/v1/monitors/%zz%u0041%", 404),
    "surrogates": (b"/v1/monitors/%ED%A0%80", 404),
    "parameters": (b"/v1/status;v=1", 404),
    "parameters inside": (b"/v1;v=1/status", 404),
    "a fragment": (b"/v1/status#x", 404),
    "no slash": (b"v1/status", 404),
    "two slashes": (b"//v1/status", 404),
    "three slashes": (b"///v1/status", 404),
    "only slashes": (b"/" * 10_000, 404),
    "very long": (b"/v1/monitors/" + b"a" * 200_000, 404),
    "very deep": (b"/v1" + b"/a" * 50_000, 404),
    "too long": (b"/v1/" + b"a" * 300_000, 400),
    "asterisk": (b"*", 404),
    "authority": (b"uptime.example:443", 404),
    "absolute": (b"http://evil.example/v1/status", 200),
    "absolute with a user": (b"https://a:b@evil.example:1/v1/status", 200),
    "absolute with a bad port": (b"http://evil.example:99999999/v1/status", 200),
    "absolute with a bad address": (b"http://[/v1/status", 400),
    "absolute with half an address": (b"http://[::1/v1/status", 400),
    "absolute with no address": (b"http://[]/v1/status", 400),
    "absolute without a host": (b"http:///v1/status", 200),
    "absolute without a path": (b"http://evil.example", 404),
    "absolute, another scheme": (b"ftp://evil.example/v1/status", 404),
    "absolute, a file": (b"file:///etc/passwd", 404),
    "absolute, the controls": (b"http://127.0.0.1/_local/clock", 404),
    "encoded, the controls": (b"/%5Flocal/clock", 404),
    "line ends in the query": (b"/v1/status?a=%0d%0aX-Intruder:%201", 200),
    "not utf-8 in the query": (b"/v1/status?%FF=%C0%80", 200),
    "a bare byte over 127 in the query": (b"/v1/status?a=\xff", 400),
    "brackets in the query": (b"/v1/status?[=]&[x]=", 200),
    "a huge query": (b"/v1/status?" + b"a" * 200_000, 200),
    "10,000 parameters": (b"/v1/status?" + b"&".join(b"a%d=1" % i for i in range(10_000)), 200),
    "a query too long": (b"/v1/status?" + b"a" * 300_000, 400),
    "a query before the id's 404": (RESULTS + b"?limit=x%00", 404),
}


@pytest.mark.parametrize(("target", "status"), TARGETS.values(), ids=TARGETS)
def test_targets(run: Run, target: bytes, status: int) -> None:
    answer = exchange(run, get(target))
    assert answer.status == status
    assert status == 200 or is_in_our_shape(answer)
    assert "x-intruder" not in answer.headers


METHODS = {
    "TRACE": (b"TRACE", 405),
    "OPTIONS": (b"OPTIONS", 405),
    "PATCH": (b"PATCH", 405),
    "PROPFIND": (b"PROPFIND", 405),
    "one nobody knows": (b"!#$%&'*+-.^_`|~", 405),
    "a long one": (b"A" * 100_000, 405),
    "in small letters": (b"get", 400),
    "mixed": (b"Get", 400),
    "no token": (b"G(T", 400),
    "not ascii": (b"G\xc3\x89T", 400),
    "with a blank": (b"GET GET", 400),
}


@pytest.mark.parametrize(("method", "status"), METHODS.values(), ids=METHODS)
def test_methods(run: Run, method: bytes, status: int) -> None:
    answer = exchange(run, http(method, b"/v1/status", b"X-Secret: " + DIGITS))
    assert answer.status == status
    assert is_in_our_shape(answer)
    assert DIGITS not in answer.raw


def test_connect_is_no_tunnel(run: Run) -> None:
    answer = exchange(run, http(b"CONNECT", b"127.0.0.1:22"))
    assert (answer.status, is_in_our_shape(answer)) == (404, True)


EMPTY = b"2\r\n{}\r\n0\r\n\r\n"
BODIES = {
    "chunked": (post(CHUNKED, body=EMPTY), 400),
    "chunked with an extension": (post(CHUNKED, body=b"2;a=b\r\n{}\r\n0\r\n\r\n"), 400),
    "chunked with a trailer": (post(CHUNKED, body=b"2\r\n{}\r\n0\r\nAuthorization: x\r\n\r\n"), 400),
    "chunked in leading zeros": (post(CHUNKED, body=b"0000002\r\n{}\r\n0\r\n\r\n"), 400),
    "chunked and empty": (post(CHUNKED, body=b"0\r\n\r\n"), 400),
    "chunked, no size": (post(CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n"), 400),
    "chunked, a negative size": (post(CHUNKED, body=b"-2\r\n{}\r\n0\r\n\r\n"), 400),
    "chunked, a size in 0x": (post(CHUNKED, body=b"0x2\r\n{}\r\n0\r\n\r\n"), 400),
    "chunked, a size with a blank": (post(CHUNKED, body=b"2 \r\n{}\r\n0\r\n\r\n"), 400),
    "chunked, too short a size": (post(CHUNKED, body=b"1\r\n{}\r\n0\r\n\r\n"), 400),
    "chunked, a bad extension": (post(CHUNKED, body=b"2;\x00\r\n{}\r\n0\r\n\r\n"), 400),
    "chunked in capitals": (post(b"TRANSFER-ENCODING: Chunked", body=EMPTY), 400),
    "chunked and a length": (post(CHUNKED, b"Content-Length: 2", body=EMPTY), 400),
    "a length and chunked": (post(b"Content-Length: 12", CHUNKED, body=EMPTY), 400),
    "chunked of HTTP/1.0": (
        http(b"POST", b"/v1/monitors", CHUNKED, b"Connection: keep-alive", body=EMPTY, version=b"1.0"),
        400,
    ),
    "gzip": (post(b"Transfer-Encoding: gzip", body=EMPTY), 400),
    "gzip and chunked": (post(b"Transfer-Encoding: gzip, chunked", body=EMPTY), 400),
    "chunked and gzip": (post(CHUNKED, b"Transfer-Encoding: gzip", body=EMPTY), 400),
    "identity": (post(b"Transfer-Encoding: identity", LENGTH_2, body=b"{}"), 400),
    "chunked with a control": (post(CHUNKED + b"\x0b", body=EMPTY), 400),
    "chunked after a blank": (post(b"Transfer-Encoding : chunked", body=EMPTY), 400),
    "chunked with an underscore": (post(b"Transfer_Encoding: chunked", LENGTH_2, body=b"{}"), 400),
    "one length twice": (post(LENGTH_2, LENGTH_2, body=b"{}"), 400),
    "two lengths": (post(LENGTH_2, b"Content-Length: 3", body=b"{}"), 400),
    "no length": (post(b"Content-Length: "), 400),
    "a signed length": (post(b"Content-Length: +2", body=b"{}"), 400),
    "a negative length": (post(b"Content-Length: -2", body=b"{}"), 400),
    "a length in hex": (post(b"Content-Length: 0x2", body=b"{}"), 400),
    "a length in other digits": (post("Content-Length: ٢".encode(), body=b"{}"), 400),
    "a length of 30 digits": (post(b"Content-Length: " + b"9" * 30), 413),
    "a length of 5000 digits": (post(b"Content-Length: " + b"9" * 5000), 400),
    "a body of GET": (http(b"GET", b"/v1/status", LENGTH_2, body=b"{}"), 200),
    "a body of GET over the limit": (
        http(b"GET", b"/v1/status", b"Content-Length: 300000", body=b" " * 300_000),
        413,
    ),
    "no type": (post(LENGTH_2, body=b"{}"), 400),
    "two types": (post(b"Content-Type: application/json", b"Content-Type: a/b", LENGTH_2, body=b"{}"), 400),
    "a type that is not ascii": (post(b"Content-Type: \xff", LENGTH_2, body=b"{}"), 400),
    "waiting": (post(WAIT, LENGTH_2, body=b"{}"), 400),
    "waiting without a body": (get(b"/v1/status", WAIT), 200),
    "waiting with an empty body": (get(b"/v1/status", WAIT, b"Content-Length: 0"), 200),
    "waiting with a bad length": (post(WAIT, b"Content-Length: x"), 400),
    "waiting with too long a body": (post(WAIT, b"Content-Length: 99999999999"), 413),
    "waiting with a bad encoding": (post(WAIT, b"Transfer-Encoding: gzip"), 400),
    "waiting for something else": (get(b"/v1/status", b"Expect: the-unexpected"), 200),
}


@pytest.mark.parametrize(("request_", "status"), BODIES.values(), ids=BODIES)
def test_bodies_and_their_lengths(run: Run, request_: bytes, status: int) -> None:
    answer = exchange(run, request_)
    assert answer.status == status
    assert status == 200 or is_in_our_shape(answer)


def test_a_client_that_waits_is_told_to_go_on(run: Run) -> None:
    authorization = b"Authorization: Bearer " + run.key.encode()
    with connected(run) as line:
        line.send(post(authorization, WAIT, LENGTH_2))
        assert line.wire.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.send(b"{}")
        answer = line.answer()
        assert [detail["field"] for detail in answer.json["error"]["details"]] == ["name", "url"]


@pytest.mark.parametrize(
    "smuggling",
    [
        (CHUNKED, b"Content-Length: 5"),
        (b"Content-Length: x",),
        (LENGTH_2, b"Content-Length: 40"),
        (b"Transfer-Encoding: gzip",),
        (CHUNKED, b"Transfer-Encoding: identity"),
        (b"Transfer-Encoding:\x0bchunked",),
    ],
    ids=repr,
)
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_what_follows_a_body_of_doubtful_length_is_no_request(
    run: Run, smuggling: tuple[bytes, ...], version: bytes
) -> None:
    hidden = b"0\r\n\r\n" + get(b"/v1/openapi.json")
    with connected(run) as line:
        line.send(
            http(
                b"POST", b"/v1/monitors", b"Connection: keep-alive", *smuggling, body=hidden, version=version
            )
        )
        assert line.answer().status == 400
        assert (line.is_over, line.rest) == (True, b"")


HEADERS = {
    "keep-alive": ([b"Connection: keep-alive"], 200),
    "an upgrade": ([b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"], 200),
    "an upgrade to HTTP/2": (
        [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AA"],
        200,
    ),
    "Authorization named as hop-by-hop": ([b"Connection: close, Authorization"], 200),
    "all named as hop-by-hop": ([b"Connection: Host, Content-Length, X-Forwarded-For, Authorization"], 200),
    "a proxy's": ([b"Proxy-Connection: close", b"Proxy-Authorization: Basic eDp5", b"TE: trailers"], 200),
    "Authorization twice": ([b"Authorization: Bearer uptime_" + DIGITS], 401),
    "Authorization twice, empty": ([b"Authorization: "], 401),
    "Authorization with an underscore": ([b"Authorization_: x", b"X_Authorization: x"], 200),
    "Host twice": ([b"Host: evil.example"], 200),
    "a method of its own": ([b"X-HTTP-Method-Override: DELETE"], 200),
    "a path of its own": ([b"X-Original-URL: /v1/nothing", b"X-Rewrite-URL: /v1/nothing"], 200),
    "folded": ([b"X-Long: a\r\n b"], 200),
    "not ascii": ([b"X-Odd: \xff\xfe\x80"], 200),
    "a tab": ([b"X-Odd: a\tb"], 200),
    "a nul": ([b"X-Odd: a\0b"], 400),
    "a bare LF": ([b"X-Odd: a\nX-Intruder: 1"], 400),
    "a bare CR": ([b"X-Odd: a\rX-Intruder: 1"], 400),
    "a blank before the colon": ([b"X-Odd : a"], 400),
    "no colon": ([b"X-Odd"], 400),
    "no name": ([b": a"], 400),
    "a name that is not ascii": ([b"X-\xc3\x96dd: a"], 400),
    "a name with brackets": ([b"X(Odd): a"], 400),
    "a huge one": ([b"X-Long: " + b"a" * 200_000], 200),
    "too huge a one": ([b"X-Long: " + b"a" * 300_000], 400),
    "10,000 of them": ([b"X-%d: a" % i for i in range(10_000)], 200),
    "one 10,000 times": ([b"X-Many: a"] * 10_000, 200),
}


@pytest.mark.parametrize(("headers", "status"), HEADERS.values(), ids=HEADERS)
def test_headers(run: Run, headers: list[bytes], status: int) -> None:
    answer = exchange(run, get(b"/v1/status", *headers))
    assert answer.status == status
    assert status == 200 or is_in_our_shape(answer)
    assert not {"x-intruder", "upgrade", "set-cookie"} & set(answer.headers)


@pytest.mark.parametrize("version", [b"0.9", b"1.2", b"2.0", b"9.9"])
def test_other_versions_are_answered_in_the_oldest_and_the_connection_ends(run: Run, version: bytes) -> None:
    with connected(run) as line:
        line.send(http(b"GET", b"/v1/status", version=version))
        assert (line.answer().status, line.is_over) == (401, True)


@pytest.mark.parametrize(
    "noise",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\r\n\r\n",
        bytes(100) + b"\r\n\r\n",
        b"GET /v1/status HTTP/1.10\r\n\r\n",
        b"GET  /v1/status HTTP/1.1\r\n\r\n",
        b"GET\r\n\r\n",
        b"\xff\xfe\r\n\r\n",
        b"HELO uptime\r\n\r\n",
    ],
    ids=range(8),
)
def test_what_is_not_even_a_request(run: Run, noise: bytes) -> None:
    answer = exchange(run, noise, with_key=False)
    assert answer.status in (400, 404)
    assert is_in_our_shape(answer)


@pytest.mark.parametrize("headers", [(), (b"Content-Length: x",), (b"Transfer-Encoding: gzip",)], ids=repr)
def test_no_answer_to_head_has_a_body(run: Run, headers: tuple[bytes, ...]) -> None:
    with connected(run) as line:
        line.send(http(b"HEAD", b"/v1/nothing", b"Connection: close", *headers))
        answer = line.answer(b"HEAD")
        assert answer.status in (400, 404)
        assert int(answer.headers["content-length"]) > 0
        assert line.rest == b""


def test_who_hangs_up_amid_a_request_leaves_no_trace(run: Run) -> None:
    before = run.errors.read_text()
    for request in (
        b"",
        b"GET",
        get(b"/v1/status")[:-2],
        post(b"Content-Length: 100", body=b"{"),
        post(CHUNKED, body=b"f"),
    ):
        with connected(run) as line:
            line.send(request)
    with connected(run) as line:
        line.send(get(BADGE))
        assert line.answer().status == 200
    assert run.errors.read_text() == before


IDEMPOTENCY = {
    "not ascii": ([b"\xff\xfe"], ["Idempotency-Key"]),
    "not ascii, in utf-8": (["é".encode()], ["Idempotency-Key"]),
    "10 kB": ([b"k" * 10_000], ["Idempotency-Key"]),
    "empty": ([b""], ["Idempotency-Key"]),
    "twice, too long together": ([b"k" * 200, b"k" * 200], ["Idempotency-Key"]),
    "twice, quoted": ([b'"k"', b'"k"'], ["Idempotency-Key"]),
}


@pytest.mark.parametrize(("keys", "fields"), IDEMPOTENCY.values(), ids=IDEMPOTENCY)
def test_idempotency_keys_that_are_none(run: Run, keys: list[bytes], fields: list[str]) -> None:
    body = b'{"name": "Site", "url": "http://127.0.0.1:9/", "enabled": false}'
    headers = [b"Idempotency-Key: " + key for key in keys]
    answer = exchange(run, post(*headers, b"Content-Length: %d" % len(body), body=body))
    assert [detail["field"] for detail in answer.json["error"]["details"]] == fields


def test_an_idempotency_key_sent_twice_is_one_key(run: Run) -> None:
    body = b'{"name": "Site", "url": "http://127.0.0.1:9/", "enabled": false}'

    def send(*keys: bytes) -> Any:
        headers = [b"Idempotency-Key: " + key for key in keys]
        answer = exchange(run, post(*headers, b"Content-Length: %d" % len(body), body=body))
        assert answer.status == 201
        return answer.json["data"]["id"]

    twice = send(b"a", b"b")
    assert send(b"a", b"b") == twice
    assert len({twice, send(b"a"), send(b"b"), send(b"b", b"a")}) == 4


UNKNOWN = b"Authorization: Bearer uptime_" + DIGITS
CANARIES = [
    get(b"/v1/status", UNKNOWN),
    get(b"/v1/nothing", UNKNOWN),
    get(BADGE, UNKNOWN),
    get(b"/_local/clock", UNKNOWN),
    http(b"TRACE", b"/v1/status", UNKNOWN),
    http(b"PATCH", b"/v1/monitors", UNKNOWN),
    post(UNKNOWN, LENGTH_2, body=b"{}"),
    post(UNKNOWN, b"Content-Length: 300000", body=b" " * 300_000),
    post(UNKNOWN, b"Content-Length: x"),
    post(UNKNOWN, b"Content-Length: " + b"9" * 30),
    post(UNKNOWN, b"Content-Length: " + b"9" * 5000),
    post(UNKNOWN, CHUNKED, body=b"zz\r\n\r\n"),
    post(CHUNKED, body=b"0\r\n" + UNKNOWN + b"\r\n\r\n"),
    get(b"http://[/", UNKNOWN),
    get(b"/v1/\xff", UNKNOWN),
    get(b"/v1/status", UNKNOWN + b"\nX: y"),
    get(b"/v1/status", UNKNOWN + b"\rX: y"),
    get(b"/v1/status", UNKNOWN + b"\0"),
    get(b"/v1/status", UNKNOWN + b"\xff"),
    get(b"/v1/status", UNKNOWN.replace(b":", b" :")),
    get(b"/v1/status", UNKNOWN.replace(b":", b"")),
    get(b"/v1/status", UNKNOWN, UNKNOWN),
    get(b"/v1/status", UNKNOWN + b"0" * 300_000),
    b"GET /v1/status HTTP/1.1\r\n " + UNKNOWN + b"\r\n\r\n",
    b"get /v1/status HTTP/1.1\r\n" + UNKNOWN + b"\r\n\r\n",
    b"\x16\x03\x01\r\n" + UNKNOWN + b"\r\n\r\n",
]


def test_no_authorization_header_comes_out_of_a_run(run: Run) -> None:
    for request in CANARIES:
        with connected(run) as line:
            line.send(request)
            answer = line.answer()
            assert DIGITS.decode() not in str(answer).lower()
    assert run.process.stdout is not None
    said = run.errors.read_text()
    while select.select([run.process.stdout], [], [], 0)[0]:
        said += os.read(run.process.stdout.fileno(), 65536).decode()
    assert DIGITS.decode() not in said
    assert run.key.removeprefix("uptime_") not in said


def test_nothing_of_all_this_was_an_error_to_the_server(run: Run) -> None:
    """Last in this module: a crash, and what waitress itself could not cope with, would have been logged."""
    said = run.errors.read_text()
    assert "Traceback" not in said
    assert " ERROR " not in said
    assert json.loads(run.call("GET", "/v1/status", key=run.key).raw)["status"]
