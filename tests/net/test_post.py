"""Messages out by HTTP, against a receiver on the loopback."""

import gzip
import json
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from standardwebhooks import Webhook

from chalicelib.channels import webhook
from chalicelib.domain.message import HttpMessage, post_json
from chalicelib.domain.outcome import Reason
from chalicelib.net.engine import Engine, EngineOptions
from chalicelib.net.policy import Policy
from chalicelib.net.post import MAX_ANSWER_BYTES, Posted, Poster
from chalicelib.net.transfer import REDIRECT_CODES
from tests.channels.notices import HOSTILE, notice
from tests.net import servers
from tests.net.running import options

Web = Callable[..., servers.WebServer]


def poster(using: EngineOptions | None = None, timeout_seconds: float = 5.0) -> Poster:
    return Poster(Engine(using or options()), timeout_seconds)


def message_to(web: servers.WebServer, path: str = "/") -> HttpMessage:
    return post_json(f"{web.url}{path}", {"a": "é"}, ("X-One", "1"))


class Receiver:
    """Keeps what it is sent, and answers."""

    def __init__(self, answer: bytes = servers.response(204)) -> None:
        self.answer = answer
        self.requests: list[tuple[dict[str, str], bytes]] = []

    def __call__(self, connection: servers.Connection) -> None:
        head, _, body = connection.head.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")[1:]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        while len(body) < int(headers["content-length"]):
            body += connection.stream.recv(65536)
        self.requests.append((headers, body))
        connection.send(self.answer)


def test_a_message_arrives_as_it_is(web: Web) -> None:
    receiver = Receiver()
    server = web(receiver)
    assert poster().post(message_to(server, "/x?y=1")) == Posted(204, {"content-length": "0"})
    assert server.heads[0].startswith(b"POST /x?y=1 HTTP/1.1\r\n")
    ((headers, body),) = receiver.requests
    assert body == '{"a":"é"}'.encode()
    assert (headers["content-type"], headers["x-one"]) == ("application/json", "1")
    assert "expect" not in headers


@pytest.mark.parametrize("secret", ["correct horse", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"])
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_signature_holds_over_the_wire(web: Web, secret: str, name: str) -> None:
    receiver = Receiver()
    config = webhook.parse({"url": web(receiver).url, "secret": secret})
    message = webhook.render(config, notice(name=name, attempted_at=datetime.now(UTC)))
    posted = poster().post(message)
    assert webhook.judge(posted.status, posted.body, posted.headers).fate == "delivered"
    ((headers, body),) = receiver.requests
    key: Any = secret if secret.startswith("whsec_") else secret.encode()
    assert Webhook(key).verify(body, headers) == json.loads(body)


@pytest.mark.parametrize("status", sorted(REDIRECT_CODES))
def test_a_redirect_is_an_answer_and_not_followed(web: Web, status: int) -> None:
    elsewhere = web(Receiver())
    server = web(Receiver(servers.redirect(elsewhere.url, status)))
    posted = poster().post(message_to(server))
    assert (posted.status, posted.headers["location"]) == (status, elsewhere.url)
    assert elsewhere.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://localhost:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://0177.0.0.1/",
        "http://2130706433/",
        "file:///etc/passwd",
        "http://a@127.0.0.1:{port}/",
        "not a url",
    ],
)
def test_an_address_that_checks_may_not_have_messages_may_not_have(web: Web, url: str) -> None:
    server = web(Receiver())
    message = HttpMessage(url.format(port=server.port), (), b"{}")
    assert poster(options(policy=Policy())).post(message) == Posted(fault=Reason.BLOCKED)
    assert server.connections == 0


def test_a_name_with_one_forbidden_address_is_refused(web: Web, names: Callable[..., Any]) -> None:
    server = web(Receiver())
    zone = names(servers.zone({"two.test": ["A 127.0.0.1", "A 10.0.0.1"]}))
    message = HttpMessage(f"http://two.test:{server.port}/", (), b"{}")
    assert poster(options(nameserver=zone.address)).post(message).fault is Reason.BLOCKED
    assert server.connections == 0


def test_a_name_is_sent_to_its_vetted_address(web: Web, names: Callable[..., Any]) -> None:
    receiver = Receiver()
    server = web(receiver)
    zone = names(servers.zone({"one.test": ["A 127.0.0.1"]}))
    message = HttpMessage(f"http://one.test:{server.port}/", (), b"{}")
    assert poster(options(nameserver=zone.address)).post(message).status == 204
    assert receiver.requests[0][0]["host"] == f"one.test:{server.port}"


@pytest.mark.parametrize("handler", [servers.hang, servers.drip_headers], ids=["hang", "drip"])
def test_a_slow_receiver_is_cut_at_the_deadline(web: Web, handler: servers.Handler) -> None:
    began_at = time.monotonic()
    assert poster(timeout_seconds=0.4).post(message_to(web(handler))) == Posted(fault=Reason.TIMEOUT)
    assert time.monotonic() - began_at < 2


def test_a_status_counts_though_the_body_never_ends(web: Web) -> None:
    def begin(connection: servers.Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")
        servers.hang(connection)

    began_at = time.monotonic()
    posted = poster(timeout_seconds=0.4).post(message_to(web(begin)))
    assert (posted.status, posted.body, posted.fault) == (200, b"ok", Reason.NONE)
    assert time.monotonic() - began_at < 2


@pytest.mark.parametrize(
    "answer",
    [
        servers.response(503, b"x" * 1_000_000, {"Retry-After": "7"}),
        servers.response(
            503, gzip.compress(b"x" * 10_000_000), {"Retry-After": "7", "Content-Encoding": "gzip"}
        ),
        servers.response(503, b"not so", {"Retry-After": "7", "Content-Encoding": "gzip, br"}),
    ],
    ids=["long", "bomb", "unknown coding"],
)
def test_of_a_large_or_garbled_answer_an_excerpt_is_read(web: Web, answer: bytes) -> None:
    posted = poster().post(message_to(web(Receiver(answer))))
    assert (posted.status, posted.headers["retry-after"]) == (503, "7")
    assert len(posted.body) <= MAX_ANSWER_BYTES


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("Retry-After:  5 \r\nretry-after: 9\r\n", {"retry-after": "5"}),
        ("X: caf\u00e9\r\nEmpty:\r\n", {"x": "café", "empty": ""}),
        ("A: b:c\r\n folded\r\n", {"a": "b:c"}),
    ],
)
def test_header_fields_are_read_as_they_are(web: Web, lines: str, expected: Mapping[str, str]) -> None:
    answer = f"HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n".encode()
    headers = poster().post(message_to(web(Receiver(answer)))).headers
    assert {name: headers[name].split(" folded")[0] for name in expected} == expected


def test_an_interim_answers_fields_do_not_count(web: Web) -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\nRetry-After: 1\r\n\r\n" + servers.response(503)
    assert poster().post(message_to(web(Receiver(answer)))) == Posted(503, {"content-length": "0"})


@pytest.mark.parametrize(
    ("handler", "fault"),
    [
        (lambda connection: None, Reason.CLOSED),
        (servers.reset, Reason.CLOSED),
        (servers.sends(b"junk\r\n\r\n"), Reason.PROTOCOL),
        (servers.endless_headers, Reason.TOO_LARGE),
    ],
    ids=["closed", "reset", "junk", "endless"],
)
def test_no_answer_has_a_reason(web: Web, handler: servers.Handler, fault: Reason) -> None:
    assert poster().post(message_to(web(handler))) == Posted(fault=fault)


def test_nobody_there_is_refused(web: Web) -> None:
    with servers.WebServer(servers.hang) as server:
        message = message_to(server)
    assert poster().post(message).fault is Reason.REFUSED


def test_certificates_are_verified(web: Web, authority: trustme.CA, ca_file: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    receiver = Receiver()
    server = web(receiver, context)
    assert poster(options(ca_file=ca_file)).post(message_to(server)).status == 204
    assert poster().post(message_to(server)) == Posted(fault=Reason.TLS_UNTRUSTED)
    assert len(receiver.requests) == 1


def test_many_are_sent_at_a_time_and_answered_in_order(web: Web) -> None:
    slow, good, bad = web(servers.hang), web(Receiver()), web(Receiver(servers.response(500)))
    messages = [message_to(slow), *[message_to(good), message_to(bad)] * 3, message_to(slow)]
    began_at = time.monotonic()
    answers = poster(timeout_seconds=0.5).post_all(messages)
    assert [answer.status for answer in answers] == [0, 204, 500, 204, 500, 204, 500, 0]
    assert time.monotonic() - began_at < 2


def test_nothing_to_send_is_nothing_to_answer() -> None:
    assert poster().post_all([]) == []


def test_a_header_that_would_be_two_is_not_sent(web: Web) -> None:
    server = web(Receiver())
    message = HttpMessage(server.url, (("X", "a\r\nY: b"),), b"{}")
    assert poster().post(message).fault is Reason.INTERNAL
    assert server.connections == 0


def test_what_is_secret_stands_in_no_repr(web: Web) -> None:
    posted = poster().post(message_to(web(Receiver(servers.response(200, b"CANARY", {"X": "CANARY"})))))
    assert posted.body == b"CANARY"
    assert "CANARY" not in repr(posted)
