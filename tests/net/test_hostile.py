"""All hostile servers in one run, together with good ones: each check ends in time with a reason of its own,
and the good ones' times stay true."""

import contextlib
import errno
import gzip
import itertools
import socket
import ssl
import statistics
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from chalicelib.domain.outcome import Reason
from chalicelib.net.exchange import Answer, HttpAnswer, HttpExchange
from chalicelib.net.policy import Policy, parse_allowances

from . import servers
from .running import check, options, run
from .servers import Connection, Handler, WebServer, redirect, response, routes, sends
from .test_http import YESTERDAY, closed_port, tls_server

Web = Callable[..., WebServer]

TIMEOUT_SECONDS = 2.0
MAX_BODY = 1 << 20
GOOD = 50
OK = b"HTTP/1.1 200 OK\r\n"


def repeats(start: bytes, unit: bytes, pause: float = 0.0) -> Handler:
    """Sends `start`, then `unit` for ever, with a pause before each."""

    def handle(connection: Connection) -> None:
        connection.send(start)
        while not connection.stopping.wait(pause) if pause else not connection.stopping.is_set():
            connection.send(unit)

    return handle


def hangs_after(data: bytes) -> Handler:
    def handle(connection: Connection) -> None:
        connection.send(data)
        servers.hang(connection)

    return handle


def half_closes(data: bytes) -> Handler:
    def handle(connection: Connection) -> None:
        connection.send(data)
        connection.stream.shutdown(socket.SHUT_WR)
        servers.hang(connection)

    return handle


def resets_after(data: bytes) -> Handler:
    def handle(connection: Connection) -> None:
        connection.send(data)
        time.sleep(0.05)
        servers.reset(connection)

    return handle


def bomb(coding: str) -> Handler:
    """Sends zeros without end, a thousand times smaller than they are."""

    def handle(connection: Connection) -> None:
        deflater = zlib.compressobj(9, wbits=31 if coding == "gzip" else -15)
        connection.send(OK + f"Content-Encoding: {coding}\r\n\r\n".encode())
        while not connection.stopping.is_set():
            connection.send(deflater.compress(bytes(1 << 20)))

    return handle


def loops_slowly(connection: Connection) -> None:
    time.sleep(0.3)
    connection.send(redirect("/"))


TWICE = gzip.compress(gzip.compress(bytes(10_000_000)))
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Case:
    handle: Handler
    fault: Reason
    status: int = 0
    body: bytes | None = None
    reads_body: bool = True


UP = Reason.NONE
CASES = {
    # time
    "accepts and hangs": Case(servers.hang, Reason.TIMEOUT),
    "drips headers": Case(servers.drip_headers, Reason.TIMEOUT),
    "drips a header": Case(repeats(OK + b"X: ", b"y", 0.02), Reason.TIMEOUT),
    "drips a status line": Case(repeats(b"H", b"T", 0.02), Reason.PROTOCOL),
    "drips interim responses": Case(repeats(b"", b"HTTP/1.1 103 E\r\n\r\n", 0.02), Reason.TIMEOUT),
    "drips a body": Case(repeats(OK + b"\r\n", b"x", 0.02), Reason.TIMEOUT, 200),
    "drips a body in chunks": Case(repeats(CHUNKED, b"1\r\nx\r\n", 0.02), Reason.TIMEOUT, 200),
    "drips a body in gzip": Case(
        repeats(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10], b"\0\0\0\xff\xff", 0.02),
        Reason.TIMEOUT,
        200,
    ),
    "drips trailers": Case(repeats(CHUNKED + b"0\r\n", b"X: y\r\n", 0.02), Reason.TIMEOUT, 200),
    "drips what nobody reads": Case(repeats(OK + b"\r\n", b"x", 0.02), UP, 200, b"", reads_body=False),
    "hangs before the body": Case(hangs_after(OK + b"Content-Length: 5\r\n\r\n"), Reason.TIMEOUT, 200),
    "changes protocols and hangs": Case(
        hangs_after(b"HTTP/1.1 101 Upgrade\r\n\r\n"), UP, 101, reads_body=False
    ),
    # size
    "endless headers": Case(servers.endless_headers, Reason.TOO_LARGE),
    "an endless header": Case(servers.endless_line, Reason.TOO_LARGE),
    "endless interim responses": Case(repeats(b"", b"HTTP/1.1 100 C\r\n\r\n" * 1000), Reason.TOO_LARGE),
    "an endless status line": Case(repeats(b"HTTP/1.1 200 ", b"O" * 10_000), Reason.TOO_LARGE),
    "an endless body": Case(repeats(OK + b"\r\n", b"x" * 65536), UP, 200, b"x" * MAX_BODY),
    "endless chunks": Case(repeats(CHUNKED, b"1\r\nx\r\n" * 5000), UP, 200, b"x" * 16384),
    "endless trailers": Case(repeats(CHUNKED + b"0\r\n", b"X: y\r\n" * 5000), Reason.TOO_LARGE, 200),
    "an endless chunk size": Case(repeats(CHUNKED, b"0" * 10_000), Reason.PROTOCOL, 200),
    "a gzip bomb": Case(bomb("gzip"), UP, 200, bytes(MAX_BODY)),
    "a deflate bomb": Case(bomb("deflate"), UP, 200, bytes(MAX_BODY)),
    "a bomb nobody reads": Case(bomb("gzip"), UP, 200, b"", reads_body=False),
    "gzip in gzip": Case(
        sends(response(200, TWICE, {"Content-Encoding": "gzip, gzip"})), Reason.BAD_CODING, 200
    ),
    "gzip in gzip, half admitted": Case(
        sends(response(200, TWICE, {"Content-Encoding": "gzip"})), UP, 200, gzip.decompress(TWICE)
    ),
    "an unknown coding": Case(sends(response(200, b"x", {"Content-Encoding": "br"})), Reason.BAD_CODING, 200),
    "no gzip at all": Case(sends(response(200, b"x", {"Content-Encoding": "gzip"})), Reason.BAD_CODING, 200),
    # lies
    "a length too long": Case(sends(OK + b"Content-Length: 9\r\n\r\nfour"), Reason.CLOSED, 200),
    "a length too short": Case(sends(OK + b"Content-Length: 2\r\n\r\nfour"), UP, 200, b"fo"),
    "a negative length": Case(sends(OK + b"Content-Length: -5\r\n\r\nfour"), Reason.PROTOCOL),
    "two lengths": Case(sends(OK + b"Content-Length: 4\r\nContent-Length: 2\r\n\r\nfour"), Reason.PROTOCOL),
    "a length that is none": Case(sends(OK + b"Content-Length: four\r\n\r\nfour"), Reason.PROTOCOL),
    "a length beyond all": Case(
        sends(OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nfour"), UP, 200, b"four"
    ),
    "a chunk too long": Case(sends(CHUNKED + b"9\r\nfour"), Reason.CLOSED, 200),
    "a chunk too short": Case(sends(CHUNKED + b"2\r\nfour\r\n0\r\n\r\n"), Reason.PROTOCOL, 200),
    "a negative chunk": Case(sends(CHUNKED + b"-1\r\nx\r\n0\r\n\r\n"), Reason.PROTOCOL, 200),
    "a chunk beyond all": Case(sends(CHUNKED + b"f" * 30 + b"\r\nx"), Reason.PROTOCOL, 200),
    "no last chunk": Case(sends(CHUNKED + b"1\r\nx\r\n"), Reason.CLOSED, 200),
    "not HTTP": Case(sends(b"220 mail.example ESMTP\r\n"), Reason.PROTOCOL),
    "HTTP/0.9": Case(sends(b"<html>hello</html>"), Reason.PROTOCOL),
    "a long status": Case(sends(b"HTTP/1.1 2000 OK\r\n\r\n"), Reason.PROTOCOL),
    "a short status": Case(sends(b"HTTP/1.1 20 OK\r\n\r\n"), Reason.PROTOCOL),
    "a NUL in a header": Case(sends(OK + b"X: a\0b\r\n\r\n"), Reason.PROTOCOL),
    "a header without a colon": Case(sends(OK + b"hello\r\n\r\n"), Reason.PROTOCOL),
    # connections
    "resets": Case(servers.reset, Reason.CLOSED),
    "resets amid the headers": Case(resets_after(OK), Reason.CLOSED),
    "resets amid the body": Case(resets_after(OK + b"Content-Length: 9\r\n\r\nfour"), Reason.CLOSED, 200),
    "closes": Case(sends(b""), Reason.CLOSED),
    "half-closes": Case(half_closes(b""), Reason.CLOSED),
    "half-closes amid the headers": Case(half_closes(OK + b"X: y\r\n"), Reason.CLOSED),
    "half-closes amid the body": Case(half_closes(OK + b"Content-Length: 9\r\n\r\nfour"), Reason.CLOSED, 200),
    # redirects
    "a loop": Case(sends(redirect("/")), Reason.TOO_MANY_REDIRECTS, 302),
    "a slow loop": Case(loops_slowly, Reason.TIMEOUT),
    "to a private address": Case(sends(redirect("http://10.0.0.1/")), Reason.BLOCKED),
    "to the metadata": Case(sends(redirect("http://169.254.169.254/latest/")), Reason.BLOCKED),
    "to a file": Case(sends(redirect("file:///proc/self/environ")), Reason.BAD_REDIRECT, 302),
    "to a gopher": Case(sends(redirect("gopher://127.0.0.1/")), Reason.BAD_REDIRECT, 302),
    "to credentials": Case(sends(redirect("http://u:p@127.0.0.1/")), Reason.BAD_REDIRECT, 302),
    "to a disguise": Case(sends(redirect("http://0x7f.1/")), Reason.BAD_REDIRECT, 302),
    "far away": Case(sends(redirect("/" + "x" * 9000)), Reason.BAD_REDIRECT, 302),
}


SPEAKS = sends(response())


@dataclass(frozen=True)
class TlsCase:
    context: Callable[[trustme.CA], ssl.SSLContext | None]
    fault: Reason
    handle: Handler = SPEAKS


def old_server(authority: trustme.CA) -> ssl.SSLContext:
    context = tls_server(authority, "127.0.0.1")
    with pytest.warns(DeprecationWarning, match="TLSv1 "):
        context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def self_signed(authority: trustme.CA) -> ssl.SSLContext:
    return tls_server(trustme.CA(), "127.0.0.1")


TLS_CASES = {
    "expired": TlsCase(lambda ca: tls_server(ca, "127.0.0.1", YESTERDAY), Reason.TLS_EXPIRED),
    "of an unknown authority": TlsCase(self_signed, Reason.TLS_UNTRUSTED),
    "for another host": TlsCase(lambda ca: tls_server(ca, "b.test"), Reason.TLS_WRONG_HOST),
    "TLS 1.0 only": TlsCase(old_server, Reason.TLS_FAILED),
    "plain text": TlsCase(lambda ca: None, Reason.TLS_FAILED, sends(b"hello, hello, hello\r\n")),
    "an alert": TlsCase(lambda ca: None, Reason.TLS_FAILED, sends(b"\x15\x03\x03\x00\x02\x02\x28")),
    "half a greeting": TlsCase(lambda ca: None, Reason.TIMEOUT, hangs_after(b"\x16\x03\x03\x40\x00")),
    "a silent port": TlsCase(lambda ca: None, Reason.TIMEOUT, servers.hang),
    "a closing port": TlsCase(lambda ca: None, Reason.TLS_FAILED, sends(b"")),
    "truncated": TlsCase(lambda ca: tls_server(ca, "127.0.0.1"), Reason.CLOSED, sends(OK)),
}


@dataclass(frozen=True)
class Scene:
    answers: dict[str, HttpAnswer]
    good: list[HttpAnswer]


def http_answer(answer: Answer) -> HttpAnswer:
    assert isinstance(answer, HttpAnswer)
    return answer


@pytest.fixture(scope="module")
def scene(authority: trustme.CA, ca_file: Path) -> Iterator[Scene]:
    """One run of everything. The good checks start between the bad ones."""
    with contextlib.ExitStack() as stack:
        exchanges: dict[str, HttpExchange] = {}
        for name, case in CASES.items():
            server = stack.enter_context(WebServer(case.handle))
            limit = MAX_BODY if case.reads_body else 0
            exchanges[name] = HttpExchange(server.url, timeout_seconds=TIMEOUT_SECONDS, max_body_bytes=limit)
        for name, tls_case in TLS_CASES.items():
            server = stack.enter_context(WebServer(tls_case.handle, tls_case.context(authority)))
            url = f"https://127.0.0.1:{server.port}/"
            exchanges[name] = HttpExchange(url, timeout_seconds=TIMEOUT_SECONDS)
        good = stack.enter_context(WebServer(sends(response(body=b"good"))))
        for n in range(GOOD):
            exchanges[f"good {n}"] = HttpExchange(f"{good.url}/{n}", timeout_seconds=TIMEOUT_SECONDS)
        pairs = itertools.zip_longest(list(exchanges)[:-GOOD], list(exchanges)[-GOOD:])
        names = [name for name in itertools.chain(*pairs) if name]
        using = options(ca_file=ca_file, starts_per_second=200)
        answers = run({n: exchanges[name] for n, name in enumerate(names)}, using)
        found = {name: http_answer(answers[n]) for n, name in enumerate(names)}
        yield Scene(found, [found[f"good {n}"] for n in range(GOOD)])


def test_every_check_has_ended(scene: Scene) -> None:
    assert len(scene.answers) == len(CASES) + len(TLS_CASES) + GOOD


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_server_is_told_in_time(scene: Scene, name: str) -> None:
    case, answer = CASES[name], scene.answers[name]
    assert (answer.fault, answer.status_code) == (case.fault, case.status)
    assert answer.elapsed_ms < (TIMEOUT_SECONDS + 1) * 1000
    assert case.body is None or answer.body == case.body
    assert len(answer.body) <= MAX_BODY
    if case.fault is Reason.TIMEOUT:
        assert answer.elapsed_ms >= TIMEOUT_SECONDS * 1000


@pytest.mark.parametrize("name", TLS_CASES)
def test_hostile_tls_is_told_in_time(scene: Scene, name: str) -> None:
    answer = scene.answers[name]
    assert (answer.fault, answer.status_code) == (TLS_CASES[name].fault, 0)
    assert answer.elapsed_ms < (TIMEOUT_SECONDS + 1) * 1000


def test_the_good_ones_are_not_delayed(scene: Scene) -> None:
    assert {(answer.fault, answer.status_code) for answer in scene.good} == {(Reason.NONE, 200)}
    times = sorted(answer.elapsed_ms for answer in scene.good)
    assert statistics.median(times) < 50
    assert times[int(GOOD * 0.9)] < 250


@pytest.mark.parametrize("kind", ["name", "address", "redirect"])
def test_a_refusal_takes_as_long_whatever_listens(web: Web, kind: str) -> None:
    """Nothing is sent to a forbidden address, so its ports cannot be told apart."""
    inside = [web(sends(response())).port, web(servers.hang).port, closed_port()]
    host = "localhost" if kind == "name" else "127.0.0.1"
    pages = {f"/{port}": redirect(f"http://127.0.0.1:{port}/") for port in inside}
    outside = web(routes(pages))
    using = options(Policy(parse_allowances(f"127.0.0.0/8:{outside.port}") if kind == "redirect" else ()))
    times = []
    for port in inside:
        url = f"{outside.url}/{port}" if kind == "redirect" else f"http://{host}:{port}/"
        answers = run({n: HttpExchange(url, timeout_seconds=30) for n in range(10)}, using)
        assert {answer.fault for answer in answers.values()} == {Reason.BLOCKED}
        times.append(statistics.median(answer.elapsed_ms for answer in answers.values()))
    assert max(times) < 100


def test_a_redirect_that_arrives_with_the_deadline_is_a_timeout(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.net.multi.Transfers._stop", lambda *_: None)
    server = web(hangs_after(b"HTTP/1.1 302 F\r\nLocation: /\r\nContent-Length: 9\r\n\r\n"))
    answer = check(HttpExchange(server.url, timeout_seconds=0.2, max_body_bytes=10))
    assert (answer.fault, answer.redirects) == (Reason.TIMEOUT, 0)


def test_being_out_of_files_is_no_fault_of_the_target(
    web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    url = web(sends(response())).url
    monkeypatch.setattr("chalicelib.net.transfer.socket.socket", fails)
    assert check(HttpExchange(url)).fault is Reason.INTERNAL
    assert "too many open files" in caplog.text
