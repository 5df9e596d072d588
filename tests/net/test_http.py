import datetime
import gzip
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from chalicelib.domain.outcome import Reason
from chalicelib.net.exchange import HttpExchange
from chalicelib.net.http import becomes_get
from chalicelib.net.policy import Policy, parse_allowances

from . import servers
from .running import check, options
from .servers import Connection, DnsServer, Replier, WebServer, redirect, response, routes, sends, zone

Web = Callable[..., WebServer]
Names = Callable[[Replier], DnsServer]

SHORT = 0.3


@pytest.mark.parametrize("status", [200, 204, 301, 404, 500])
def test_a_response_is_an_answer_whatever_its_status(web: Web, status: int) -> None:
    answer = check(HttpExchange(web(sends(response(status))).url))
    assert (answer.fault, answer.status_code) == (Reason.NONE, status)
    assert answer.remote_address == "127.0.0.1"
    assert answer.elapsed_ms > 0


def test_the_request_is_what_was_asked_for(web: Web) -> None:
    server = web(sends(response()))
    headers = (("X-One", "1"), ("X-Empty", ""), ("User-Agent", "Mine"), ("X-Text", "grüß"))
    check(HttpExchange(f"{server.url}/a/../b?c=ü#d", headers=headers))
    lines = server.heads[0].decode().split("\r\n")
    assert lines[0] == "GET /b?c=%C3%BC HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert {"X-One: 1", "X-Empty:", "User-Agent: Mine", "X-Text: grüß"} <= set(lines)
    assert "Accept-Encoding: identity" in lines


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_body_is_sent_with_its_length_and_nothing_invented(web: Web, method: str) -> None:
    bodies: list[bytes] = []

    def read_body(connection: Connection) -> None:
        body = connection.head.partition(b"\r\n\r\n")[2]
        while len(body) < 5:
            body += connection.stream.recv(100)
        bodies.append(body)
        connection.send(response(201))

    server = web(read_body)
    answer = check(HttpExchange(server.url, method=method, body=b"a=b&c"))
    assert answer.status_code == 201
    assert bodies == [b"a=b&c"]
    assert server.heads[0].startswith(method.encode() + b" / ")
    assert b"Content-Length: 5\r\n" in server.heads[0]
    assert b"Content-Type" not in server.heads[0]


@pytest.mark.parametrize(("method", "says_length"), [("POST", True), ("PUT", True), ("DELETE", False)])
def test_a_request_without_a_body(web: Web, method: str, says_length: bool) -> None:
    server = web(sends(response()))
    assert check(HttpExchange(server.url, method=method)).status_code == 200
    assert server.heads[0].startswith(method.encode() + b" / ")
    assert (b"Content-Length: 0\r\n" in server.heads[0]) is says_length


def test_head_is_answered_by_headers_alone(web: Web) -> None:
    server = web(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"))
    for wanted in (0, 100):
        answer = check(HttpExchange(server.url, method="HEAD", max_body_bytes=wanted))
        assert (answer.fault, answer.status_code, answer.body) == (Reason.NONE, 200, b"")
    assert server.heads[0].startswith(b"HEAD / ")


def hang_after(data: bytes) -> servers.Handler:
    def handle(connection: Connection) -> None:
        connection.send(data)
        servers.hang(connection)

    return handle


def test_a_body_nobody_wants_is_not_waited_for(web: Web) -> None:
    server = web(hang_after(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome"))
    answer = check(HttpExchange(server.url, timeout_seconds=30))
    assert (answer.fault, answer.status_code, answer.body) == (Reason.NONE, 200, b"")


def test_a_body_is_read_up_to_what_is_wanted(web: Web) -> None:
    server = web(hang_after(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789"))
    assert check(HttpExchange(server.url, max_body_bytes=10, timeout_seconds=30)).body == b"0123456789"
    assert check(HttpExchange(server.url, max_body_bytes=4, timeout_seconds=30)).body == b"0123"


@pytest.mark.parametrize(
    "page",
    [
        response(body=b"hello"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Late: 1\r\n\r\n",
        b"HTTP/1.0 200 OK\n\nhello",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
        + response(body=b"hello"),
    ],
)
def test_a_body_is_read_to_its_end(web: Web, page: bytes) -> None:
    answer = check(HttpExchange(web(sends(page)).url, max_body_bytes=1000))
    assert (answer.fault, answer.status_code, answer.body) == (Reason.NONE, 200, b"hello")


def test_a_body_that_breaks_off_is_a_fault(web: Web) -> None:
    server = web(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome"))
    answer = check(HttpExchange(server.url, max_body_bytes=1000))
    assert (answer.fault, answer.status_code) == (Reason.CLOSED, 200)


def test_a_body_that_stalls_is_a_timeout_with_a_status(web: Web) -> None:
    server = web(hang_after(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome"))
    answer = check(HttpExchange(server.url, max_body_bytes=1000, timeout_seconds=SHORT))
    assert (answer.fault, answer.status_code) == (Reason.TIMEOUT, 200)


def test_a_compressed_body_is_decoded_and_its_type_is_told(web: Web) -> None:
    headers = {"content-encoding": "gzip", "CONTENT-TYPE": "text/html; charset=x"}
    server = web(sends(response(200, gzip.compress(b"hello" * 1000), headers)))
    answer = check(HttpExchange(server.url, max_body_bytes=5000))
    assert (answer.fault, answer.body) == (Reason.NONE, b"hello" * 1000)
    assert answer.content_type == "text/html; charset=x"
    assert check(HttpExchange(server.url)).fault is Reason.NONE


def test_what_an_interim_response_says_of_its_body_does_not_count(web: Web) -> None:
    interim = b"HTTP/1.1 103 E\r\nContent-Encoding: br\r\nContent-Type: x\r\n\r\n"
    answer = check(HttpExchange(web(sends(interim + response(body=b"hello"))).url, max_body_bytes=100))
    assert (answer.fault, answer.body, answer.content_type) == (Reason.NONE, b"hello", "")


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Proxy-Authorization"])
def test_headers_that_frame_the_message_are_never_sent(web: Web, name: str) -> None:
    server = web(sends(response()))
    assert check(HttpExchange(server.url, headers=((name, "1"),))).fault is Reason.INTERNAL
    assert server.heads == []


def test_elapsed_time_ends_with_the_last_header_not_with_the_first_byte(web: Web) -> None:
    def slow(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n")
        time.sleep(0.1)
        connection.send(b"Content-Length: 0\r\n\r\n")

    answer = check(HttpExchange(web(slow).url))
    assert answer.status_code == 200
    assert 100 <= answer.elapsed_ms < 2000
    assert answer.phases.wait_ms < 100


def test_the_wait_for_the_first_byte_is_a_phase(web: Web) -> None:
    def slow(connection: Connection) -> None:
        time.sleep(0.1)
        connection.send(response())

    answer = check(HttpExchange(web(slow).url))
    assert 95 <= answer.phases.wait_ms <= answer.elapsed_ms + 1


def closed_port() -> int:
    with WebServer(sends(b"")) as server:
        return server.port


def test_a_closed_port_is_refused() -> None:
    answer = check(HttpExchange(f"http://127.0.0.1:{closed_port()}/"))
    assert (answer.fault, answer.status_code) == (Reason.REFUSED, 0)


@pytest.mark.parametrize(
    ("handle", "fault"),
    [
        (sends(b""), Reason.CLOSED),
        (servers.reset, Reason.CLOSED),
        (sends(b"HTTP/1.1 200 OK\r\nX: y\r\n"), Reason.CLOSED),
        (sends(b"hello, this is not HTTP\r\n\r\n"), Reason.PROTOCOL),
        (sends(b"SSH-2.0-OpenSSH_9.0\r\n"), Reason.PROTOCOL),
        (sends(b"HTTP/1.1 OK\r\n\r\n"), Reason.PROTOCOL),
        (sends(b"HTTP/1.1 2 OK\r\n\r\n"), Reason.PROTOCOL),
        (servers.hang, Reason.TIMEOUT),
        (servers.drip_headers, Reason.TIMEOUT),
        (servers.endless_headers, Reason.TOO_LARGE),
        (servers.endless_line, Reason.TOO_LARGE),
    ],
)
def test_a_bad_server_is_a_fault(web: Web, handle: servers.Handler, fault: Reason) -> None:
    timeout = SHORT if fault is Reason.TIMEOUT else 5.0
    answer = check(HttpExchange(web(handle).url, timeout_seconds=timeout))
    assert (answer.fault, answer.status_code) == (fault, 0)
    assert answer.elapsed_ms < 3000
    assert fault is not Reason.TIMEOUT or answer.elapsed_ms >= SHORT * 1000


# --- redirects ---


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(web: Web, status: int) -> None:
    server = web(routes({"/": redirect("/there", status), "/there": response(418)}))
    answer = check(HttpExchange(server.url, headers=(("X-Mine", "1"),)))
    assert (answer.fault, answer.status_code, answer.redirects) == (Reason.NONE, 418, 1)
    assert server.connections == 2
    assert b"X-Mine: 1" in server.heads[1]


def test_a_redirect_is_not_followed_unless_wanted(web: Web) -> None:
    server = web(sends(response(302, b"body", {"Location": "/there"})))
    answer = check(HttpExchange(server.url, follow_redirects=False, max_body_bytes=10))
    assert (answer.status_code, answer.redirects, answer.body) == (302, 0, b"body")
    assert server.connections == 1


@pytest.mark.parametrize("page", [response(302), redirect(""), response(304, headers={"Location": "/x"})])
def test_a_redirect_that_leads_nowhere_is_final(web: Web, page: bytes) -> None:
    answer = check(HttpExchange(web(sends(page)).url))
    assert answer.fault is Reason.NONE
    assert answer.status_code in (302, 304)


def test_the_eleventh_redirect_is_one_too_many(web: Web) -> None:
    server = web(routes({f"/{n}": redirect(f"/{n + 1}") for n in range(11)} | {"/11": response()}))
    answer = check(HttpExchange(f"{server.url}/1"))
    assert (answer.fault, answer.status_code, answer.redirects) == (Reason.NONE, 200, 10)
    answer = check(HttpExchange(f"{server.url}/0"))
    assert (answer.fault, answer.redirects) == (Reason.TOO_MANY_REDIRECTS, 10)


def test_a_loop_of_redirects_ends(web: Web) -> None:
    server = web(sends(redirect("/")))
    assert check(HttpExchange(server.url)).fault is Reason.TOO_MANY_REDIRECTS
    assert server.connections == 11


@pytest.mark.parametrize(
    "location", ["ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://127.1/", "//u:p@127.0.0.1/"]
)
def test_a_location_that_the_door_cannot_read_is_a_bad_redirect(web: Web, location: str) -> None:
    answer = check(HttpExchange(web(sends(redirect(location))).url))
    assert (answer.fault, answer.status_code, answer.redirects) == (Reason.BAD_REDIRECT, 302, 0)


def test_what_was_meant_for_one_origin_is_not_sent_to_another(web: Web) -> None:
    home = web(routes({"/back": response()}))
    away = web(sends(redirect(f"{home.url}/back", 307)))
    start = web(sends(redirect(f"{away.url}/", 307)))
    secrets = (
        ("Authorization", "s3cret"),
        ("Cookie", "s3cret"),
        ("X-Key", "s3cret"),
        ("User-Agent", "s3cret"),
    )
    answer = check(HttpExchange(start.url, method="POST", headers=secrets, body=b"s3cret"))
    assert (answer.status_code, answer.redirects) == (200, 2)
    assert start.heads[0].count(b"s3cret") >= 4
    for server in (away, home):
        assert server.heads[0].startswith(b"POST ")
        assert b"s3cret" not in server.heads[0]
        assert b"Content-Length: 0\r\n" in server.heads[0]


@pytest.mark.parametrize(
    ("status", "method", "is_get"),
    [
        (301, "POST", True),
        (302, "POST", True),
        (303, "POST", True),
        (303, "PUT", True),
        (303, "HEAD", False),
        (301, "PUT", False),
        (301, "HEAD", False),
        (307, "POST", False),
        (308, "POST", False),
    ],
)
def test_which_redirects_turn_into_a_get(status: int, method: str, is_get: bool) -> None:
    assert becomes_get(status, method) is is_get


def test_a_get_after_a_post_says_nothing_of_the_body(web: Web) -> None:
    server = web(routes({"/": redirect("/there", 303), "/there": response()}))
    headers = (("Content-Type", "text/x"), ("X-Key", "1"))
    check(HttpExchange(server.url, method="POST", headers=headers, body=b"x"))
    assert server.heads[1].startswith(b"GET /there ")
    assert b"Content-" not in server.heads[1]
    assert b"X-Key: 1" in server.heads[1]


def test_the_deadline_is_one_over_all_redirects(web: Web) -> None:
    def slow(connection: Connection) -> None:
        time.sleep(0.08)
        connection.send(redirect("/"))

    answer = check(HttpExchange(web(slow).url, timeout_seconds=SHORT))
    assert answer.fault is Reason.TIMEOUT
    assert SHORT * 1000 <= answer.elapsed_ms < 2000


# --- names and the policy ---


def test_a_name_is_looked_up_and_sent_as_host(web: Web, names: Names) -> None:
    server = web(sends(response()))
    resolver = names(zone({"xn--bcher-kva.test": ["A 127.0.0.1"]}))
    answer = check(HttpExchange(f"http://bücher.test:{server.port}/"), options(nameserver=resolver.address))
    assert (answer.status_code, answer.remote_address) == (200, "127.0.0.1")
    assert f"Host: xn--bcher-kva.test:{server.port}".encode() in server.heads[0]


def test_localhost_needs_no_name_server(web: Web) -> None:
    server = web(sends(response()))
    answer = check(HttpExchange(f"http://app.localhost:{server.port}/"), options(nameserver=("127.0.0.1", 9)))
    assert (answer.status_code, answer.remote_address) == (200, "127.0.0.1")


def test_the_next_address_is_tried(web: Web, names: Names) -> None:
    server = web(sends(response()))  # listens on 127.0.0.1 only
    resolver = names(zone({"a.test": ["A 127.0.0.2", "A 127.0.0.1", "AAAA ::1"]}))
    answer = check(HttpExchange(f"http://a.test:{server.port}/"), options(nameserver=resolver.address))
    assert (answer.status_code, answer.remote_address) == (200, "127.0.0.1")


def test_an_ipv4_mapped_literal_is_the_address_it_maps(web: Web) -> None:
    server = web(sends(response()))
    assert check(HttpExchange(f"http://[::ffff:127.0.0.1]:{server.port}/")).status_code == 200


def test_a_name_that_is_not_there_is_a_fault(names: Names) -> None:
    resolver = names(zone({}))
    answer = check(HttpExchange("http://a.test/"), options(nameserver=resolver.address))
    assert (answer.fault, answer.status_code) == (Reason.NAME_NOT_FOUND, 0)


def test_a_silent_name_server_is_bounded_by_the_deadline(names: Names) -> None:
    resolver = names(servers.silent)
    exchange = HttpExchange("http://a.test/", timeout_seconds=SHORT)
    answer = check(exchange, options(nameserver=resolver.address))
    assert answer.fault is Reason.TIMEOUT


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://127.1/", "http://u:p@127.0.0.1/", "nonsense"])
def test_a_url_that_the_door_cannot_read_is_blocked(url: str) -> None:
    assert check(HttpExchange(url)).fault is Reason.BLOCKED


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "localhost", "a.test"]
)
def test_a_forbidden_address_is_never_connected_to(web: Web, names: Names, host: str) -> None:
    server = web(sends(response()))
    resolver = names(zone({"a.test": ["A 127.0.0.1"]}))
    using = options(Policy(()), nameserver=resolver.address)
    answer = check(HttpExchange(f"http://{host}:{server.port}/"), using)
    assert (answer.fault, answer.status_code) == (Reason.BLOCKED, 0)
    assert server.connections == 0


def test_one_forbidden_address_spoils_a_name(web: Web, names: Names) -> None:
    server = web(sends(response()))
    resolver = names(zone({"a.test": ["A 127.0.0.1", "A 169.254.169.254"]}))
    answer = check(HttpExchange(f"http://a.test:{server.port}/"), options(nameserver=resolver.address))
    assert answer.fault is Reason.BLOCKED
    assert server.connections == 0


def test_a_redirect_to_a_forbidden_address_is_blocked(web: Web) -> None:
    inside = web(sends(response()))
    outside = web(sends(redirect(f"{inside.url}/")))
    using = options(Policy(parse_allowances(f"127.0.0.0/8:{outside.port}")))
    answer = check(HttpExchange(outside.url), using)
    assert (answer.fault, answer.redirects) == (Reason.BLOCKED, 1)
    assert inside.connections == 0


def test_a_name_that_turns_inward_between_two_hops_is_blocked(web: Web, names: Names) -> None:
    server = web(sends(redirect("/again")))
    asked: list[str] = []

    def rebinding(query: servers.Query, over_tcp: bool) -> list[bytes]:
        asked.append(servers.kind_of(query))
        address = "127.0.0.1" if asked.count("A") == 1 else "10.0.0.1"
        return list(zone({"a.test": [f"A {address}"]})(query, over_tcp))

    answer = check(
        HttpExchange(f"http://a.test:{server.port}/"), options(nameserver=names(rebinding).address)
    )
    assert (answer.fault, answer.redirects) == (Reason.BLOCKED, 1)
    assert server.connections == 1


def test_libcurl_is_checked_again_when_it_opens_a_socket(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vetting before is made blind: what is left is the callback that libcurl asks for its socket."""
    server = web(sends(response()))
    asked: list[str] = []

    def permits(policy: Policy, address: str, port: int) -> bool:
        asked.append(address)
        return len(asked) == 1

    monkeypatch.setattr(Policy, "permits", permits)
    assert check(HttpExchange(server.url)).fault is Reason.BLOCKED
    assert server.connections == 0


# --- TLS ---


def tls_server(
    authority: trustme.CA, name: str, not_after: datetime.datetime | None = None
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_after=not_after).configure_cert(context)
    return context


YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)


@pytest.fixture
def resolver(names: Names) -> tuple[str, int]:
    return names(zone({"a.test": ["A 127.0.0.1"]})).address


def test_a_good_certificate_is_accepted(
    web: Web, authority: trustme.CA, ca_file: Path, resolver: tuple[str, int]
) -> None:
    server = web(sends(response()), tls_server(authority, "a.test"))
    using = options(nameserver=resolver, ca_file=ca_file)
    answer = check(HttpExchange(f"https://a.test:{server.port}/"), using)
    assert (answer.fault, answer.status_code) == (Reason.NONE, 200)


def test_a_certificate_for_an_address_is_accepted(web: Web, authority: trustme.CA, ca_file: Path) -> None:
    server = web(sends(response()), tls_server(authority, "127.0.0.1"))
    assert check(HttpExchange(server.url), options(ca_file=ca_file)).status_code == 200


@pytest.mark.parametrize("host", ["a.test", "127.0.0.1"])
def test_a_certificate_for_another_host_is_told(
    web: Web, authority: trustme.CA, ca_file: Path, resolver: tuple[str, int], host: str
) -> None:
    server = web(sends(response()), tls_server(authority, "b.test"))
    using = options(nameserver=resolver, ca_file=ca_file)
    answer = check(HttpExchange(f"https://{host}:{server.port}/"), using)
    assert (answer.fault, answer.status_code) == (Reason.TLS_WRONG_HOST, 0)
    assert server.heads == []


def test_an_expired_certificate_is_told(
    web: Web, authority: trustme.CA, ca_file: Path, resolver: tuple[str, int]
) -> None:
    server = web(sends(response()), tls_server(authority, "a.test", not_after=YESTERDAY))
    using = options(nameserver=resolver, ca_file=ca_file)
    assert check(HttpExchange(f"https://a.test:{server.port}/"), using).fault is Reason.TLS_EXPIRED


def test_an_unknown_authority_is_told(web: Web, ca_file: Path, resolver: tuple[str, int]) -> None:
    server = web(sends(response()), tls_server(trustme.CA(), "a.test"))
    for using in (options(nameserver=resolver, ca_file=ca_file), options(nameserver=resolver)):
        assert check(HttpExchange(f"https://a.test:{server.port}/"), using).fault is Reason.TLS_UNTRUSTED


def test_old_tls_fails(web: Web, authority: trustme.CA, ca_file: Path) -> None:
    context = tls_server(authority, "127.0.0.1")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    server = web(sends(response()), context)
    assert check(HttpExchange(server.url), options(ca_file=ca_file)).fault is Reason.TLS_FAILED


def test_https_to_a_plain_server_fails(web: Web) -> None:
    server = web(sends(b"hello"))
    assert check(HttpExchange(f"https://127.0.0.1:{server.port}/")).fault is Reason.TLS_FAILED


def test_a_handshake_that_hangs_is_a_timeout(web: Web) -> None:
    server = web(servers.hang)
    exchange = HttpExchange(f"https://127.0.0.1:{server.port}/", timeout_seconds=SHORT)
    assert check(exchange).fault is Reason.TIMEOUT
