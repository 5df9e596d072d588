"""Certificates are described whether they are good or bad (contract, section 4.3)."""

import datetime
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from chalicelib.domain.outcome import Reason
from chalicelib.net.certificate import read_certificate
from chalicelib.net.engine import EngineOptions
from chalicelib.net.exchange import CertificateAnswer, CertificateExchange
from chalicelib.net.policy import Policy

from . import servers
from .running import options, run
from .servers import DnsServer, Replier, WebServer, response, sends, zone
from .test_http import closed_port, tls_server

Web = Callable[..., WebServer]
Names = Callable[[Replier], DnsServer]
DAY = datetime.timedelta(days=1)
SHORT = 0.3


def read(port: int, using: EngineOptions, host: str = "a.test", seconds: float = 10.0) -> CertificateAnswer:
    answer = run({1: CertificateExchange(host, port, seconds)}, using)[1]
    assert isinstance(answer, CertificateAnswer)
    return answer


@pytest.fixture
def using(names: Names, ca_file: Path) -> EngineOptions:
    return options(nameserver=names(zone({"a.test": ["A 127.0.0.1"]})).address, ca_file=ca_file)


def ends_at(days: int) -> datetime.datetime:
    return (datetime.datetime.now(datetime.UTC) + days * DAY).replace(microsecond=0)


def test_a_good_one(web: Web, authority: trustme.CA, using: EngineOptions) -> None:
    server = web(sends(response()), tls_server(authority, "a.test", ends_at(20)))
    answer = read(server.port, using)
    assert (answer.fault, answer.verify_reason) == (Reason.NONE, Reason.NONE)
    assert answer.not_after is not None
    assert abs(answer.not_after - ends_at(20)) < datetime.timedelta(minutes=1)
    assert answer.issuer == "trustme v1.2.1"
    assert answer.subject
    assert 0 < answer.elapsed_ms < 3000
    assert server.heads == []  # not a byte after the handshake


@pytest.mark.parametrize("days", [-5, 20])
@pytest.mark.parametrize("name", ["a.test", "b.test", "127.0.0.1"])
@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_bad_one_is_described_all_the_same(
    web: Web, authority: trustme.CA, using: EngineOptions, days: int, name: str, is_trusted: bool
) -> None:
    issuer = authority if is_trusted else trustme.CA(organization_name="Söhne, Töchter & Co")
    answer = read(web(sends(b""), tls_server(issuer, name, ends_at(days))).port, using)
    assert answer.fault is Reason.NONE
    assert answer.not_after is not None
    assert abs(answer.not_after - ends_at(days)) < datetime.timedelta(minutes=1)
    assert answer.issuer == ("trustme v1.2.1" if is_trusted else "Söhne, Töchter & Co")
    if name != "a.test":
        assert answer.verify_reason is Reason.TLS_WRONG_HOST
    elif not is_trusted:
        assert answer.verify_reason is Reason.TLS_UNTRUSTED
    else:
        assert answer.verify_reason is (Reason.TLS_EXPIRED if days < 0 else Reason.NONE)


def test_the_name_is_said_in_the_handshake(web: Web, authority: trustme.CA, using: EngineOptions) -> None:
    context = tls_server(authority, "a.test")
    asked: list[str | None] = []
    context.sni_callback = lambda stream, name, _: asked.append(name)
    read(web(sends(b""), context).port, using)
    assert asked == ["a.test"]


def test_an_address_is_no_name(web: Web, authority: trustme.CA, using: EngineOptions) -> None:
    server = web(sends(b""), tls_server(authority, "127.0.0.1"))
    assert read(server.port, using, "127.0.0.1").verify_reason is Reason.NONE


def test_a_plain_server_has_none(web: Web, using: EngineOptions) -> None:
    answer = read(web(sends(b"220 mail\r\n")).port, using)
    assert (answer.fault, answer.not_after, answer.issuer) == (Reason.TLS_FAILED, None, None)


def test_old_tls_has_none(web: Web, authority: trustme.CA, using: EngineOptions) -> None:
    context = tls_server(authority, "a.test")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert read(web(sends(b""), context).port, using).fault is Reason.TLS_FAILED


def test_what_is_not_there_has_none(web: Web, using: EngineOptions) -> None:
    assert read(closed_port(), using).fault is Reason.REFUSED
    assert read(443, using, "b.test").fault is Reason.NAME_NOT_FOUND
    assert read(443, using, "a b").fault is Reason.BLOCKED
    assert read(443, using, "127.1").fault is Reason.BLOCKED
    assert read(web(servers.reset).port, using).fault in (Reason.CLOSED, Reason.TLS_FAILED)
    silent = read(web(servers.hang).port, using, seconds=SHORT)
    assert silent.fault is Reason.TIMEOUT
    assert SHORT * 1000 <= silent.elapsed_ms < 2000


def test_a_forbidden_address_is_never_connected_to(web: Web, names: Names) -> None:
    server = web(sends(b""))
    nameserver = names(zone({"a.test": ["A 127.0.0.1"]})).address
    for host in ("a.test", "127.0.0.1", "::ffff:127.0.0.1"):
        assert read(server.port, options(Policy(()), nameserver), host).fault is Reason.BLOCKED
    assert server.connections == 0


@pytest.mark.parametrize(
    ("issuer", "shown"),
    [
        (b"C = US, O = Let's Encrypt, CN = R11", "R11"),
        (b'C = BE, O = "Global, Inc", OU = x', "Global, Inc"),
        (b'O = "a \\"quoted\\", CN = trick", OU = x', 'a "quoted", CN = trick'),
        (b"O = B\\C3\\A4cker \\+ S\\C3\\B6hne", "B\u00e4cker + S\u00f6hne"),
        (b"O = x + CN = y", "y"),
        (b"CN = first, CN = second", "second"),
        (b"CN = a\\0A\\1Bb", "a\ufffd\ufffdb"),
        (b"CN = \\FF", "\ufffd"),
        (b"OU = only", None),
        (b"", None),
        (b"CN = " + b"x" * 1000, "x" * 255),
    ],
)
def test_a_name_for_humans(issuer: bytes, shown: str | None) -> None:
    assert read_certificate({b"Issuer": issuer}).issuer == shown


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        (b"Nov  1 03:47:00 2027 GMT", datetime.datetime(2027, 11, 1, 3, 47, tzinfo=datetime.UTC)),
        (b"Dec 31 23:59:59 9999 GMT", datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)),
        (b"Feb 30 00:00:00 2027 GMT", None),
        (b"Bad time value", None),
        (b"", None),
    ],
)
def test_when_it_ends(text: bytes, instant: datetime.datetime | None) -> None:
    assert read_certificate({b"Expire date": text}).not_after == instant
