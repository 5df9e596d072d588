"""Mail by SMTP, against a server on the loopback: plain, with STARTTLS, with TLS from the start."""

import ssl
import time
from pathlib import Path

import pytest
import trustme

from chalicelib.domain.message import DELIVERED, failed, retry
from chalicelib.net.smtp import UnsafeAddress, send
from chalicelib.settings import SmtpServer
from tests.net import servers
from tests.net.mail_server import PASSWORD, USER, Sink, mail_server

CONTENT = b"Subject: x\r\n\r\nline\r\n.dot\r\n..two\r\n"


@pytest.fixture(scope="module")
def context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def server_at(sink: Sink, is_tls: bool = False, user: str = "", password: str = "") -> SmtpServer:
    return SmtpServer("127.0.0.1", sink.port, is_tls, user, password)


def assert_arrived(sink: Sink) -> None:
    (envelope,) = sink.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("from@example.com", ["to@example.com"])
    assert envelope.content == CONTENT


def sent(server: SmtpServer, ca_file: Path | None = None, timeout_seconds: float = 5.0) -> object:
    ca = str(ca_file) if ca_file else None
    return send(server, "from@example.com", "to@example.com", CONTENT, ca, timeout_seconds)


def test_plain() -> None:
    with mail_server() as sink:
        assert sent(server_at(sink)) == DELIVERED
        assert_arrived(sink)
        assert sink.sessions[0].ssl is None


def test_starttls_is_used_where_it_is_offered(context: ssl.SSLContext, ca_file: Path) -> None:
    with mail_server(starttls=context) as sink:
        assert sent(server_at(sink), ca_file) == DELIVERED
        assert_arrived(sink)
        assert sink.sessions[0].ssl is not None


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it knows of STARTTLS only
def test_tls_from_the_start_with_a_user(context: ssl.SSLContext, ca_file: Path) -> None:
    with mail_server(tls=context, with_users=True) as sink:
        assert sent(server_at(sink, True, USER, PASSWORD), ca_file) == DELIVERED
        assert_arrived(sink)


def test_a_user_signs_in_after_starttls(context: ssl.SSLContext, ca_file: Path) -> None:
    with mail_server(starttls=context, with_users=True) as sink:
        assert sent(server_at(sink, False, USER, PASSWORD), ca_file) == DELIVERED
        assert_arrived(sink)


def test_a_wrong_password_is_the_operators_to_mend(context: ssl.SSLContext, ca_file: Path) -> None:
    with mail_server(starttls=context, with_users=True) as sink:
        assert sent(server_at(sink, False, USER, "wrong"), ca_file) == retry("SMTP status 535")


def test_a_password_is_never_sent_in_the_clear() -> None:
    with mail_server() as sink:
        verdict = sent(server_at(sink, False, USER, PASSWORD))
        assert verdict == retry("the mail server offers no TLS, and the password is not sent without")
        assert sink.envelopes == []


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_certificate_that_is_not_trusted_is_not_accepted(context: ssl.SSLContext, is_tls: bool) -> None:
    with mail_server(None if is_tls else context, context if is_tls else None) as sink:
        assert sent(server_at(sink, is_tls)) == retry("the mail server's certificate is not accepted")
        assert sink.envelopes == []


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
@pytest.mark.parametrize(
    ("reply", "expected"),
    [("550 no such user", failed("SMTP status 550")), ("451 greylisted", retry("SMTP status 451"))],
)
def test_refusals_by_their_codes(command: str, reply: str, expected: object) -> None:
    with mail_server(**{command: reply}) as sink:  # type: ignore[arg-type]
        assert sent(server_at(sink)) == expected


def test_what_was_taken_is_delivered_whatever_comes_after() -> None:
    with mail_server(QUIT="421 gone") as sink:
        assert sent(server_at(sink)) == DELIVERED
        assert_arrived(sink)


def test_a_silent_server_is_left_in_time() -> None:
    began_at = time.monotonic()
    with servers.FullListener() as full:
        assert sent(SmtpServer("127.0.0.1", full.port, False), timeout_seconds=0.3) == retry("timeout")
    assert time.monotonic() - began_at < 2


def test_nobody_there_is_tried_again() -> None:
    with servers.FullListener() as full:
        port = full.port
    expected = retry("the mail server cannot be reached")
    assert sent(SmtpServer("127.0.0.1", port, False)) == expected
    assert sent(SmtpServer("no-such-host.invalid", port, False)) == expected


@pytest.mark.parametrize("address", ["a@b\r\nDATA", "a@b>", "<a@b", "a@b c", "a@b,c@d", "a@b\x00", "é@b"])
def test_an_address_cannot_be_a_command(address: str) -> None:
    with mail_server() as sink:
        for sender, recipient in ((address, "to@example.com"), ("from@example.com", address)):
            with pytest.raises(UnsafeAddress):
                send(server_at(sink), sender, recipient, CONTENT)
        assert sink.envelopes == []


def test_a_password_stands_in_no_repr() -> None:
    assert PASSWORD not in repr(SmtpServer("h", 1, True, USER, PASSWORD))
