"""Mail as it leaves: composed by the standard library, handed to SES or to a server."""

import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from moto import mock_aws

from chalicelib.channels import email
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import DELIVERED, Fate, Mail, Verdict, failed, retry
from chalicelib.mailing import NoMailer, SesMailer, SmtpMailer, composed, mailer, ses_client
from chalicelib.settings import Settings, SmtpServer
from tests.channels.notices import ATTEMPTED_AT, HOSTILE, hostile, notice
from tests.net.mail_server import mail_server

SENDER = "Uptime <alerts@example.com>"
HEADERS = [
    *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"),
]


def mail(**changes: Any) -> Mail:
    fields: dict[str, Any] = {
        "to": "ops@example.com",
        "subject": "DOWN: Shop",
        "text": "It is down.\n",
        "html": "<p>It is down.</p>",
        "event_id": "evt_1",
        "at": ATTEMPTED_AT,
    }
    return Mail(**{**fields, **changes})


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_mail_has_text_and_html_and_names_itself() -> None:
    message = parsed(composed(mail(), SENDER).as_bytes())
    assert message["From"] == SENDER
    assert message["To"] == "ops@example.com"
    assert message["Subject"] == "DOWN: Shop"
    assert message["Date"] == "Sat, 21 Nov 2026 08:05:03 +0000"
    assert message["Message-ID"] == "<evt_1@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    assert body(message, "plain") == "It is down.\n"
    assert body(message, "html").strip() == "<p>It is down.</p>"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_adds_a_header_or_a_line_that_is_too_long(text: str) -> None:
    for event in EventType:
        for each in hostile(text, event):
            rendered = email.render(email.Config("ops@example.com", text[:50]), each)
            content = composed(rendered, SENDER).as_bytes()
            message = parsed(content)
            assert sorted(message.keys()) == sorted(HEADERS)
            assert message["To"] == "ops@example.com"
            # Where a word is too long for a line, folding may add a blank.
            assert message["Subject"].split() == rendered.subject.split() or len(rendered.subject) > 70
            assert body(message, "plain") == rendered.text
            assert content.isascii()
            assert max(map(len, content.split(b"\r\n"))) <= 998
            assert content.count(b"\n") == content.count(b"\r") == content.count(b"\r\n")


@pytest.mark.parametrize("subject", ["a\r\nBcc: x@y", "a\nb", "a\rb"])
def test_a_header_that_would_be_two_is_refused(subject: str) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        composed(mail(subject=subject), SENDER)


BAD = [
    mail(subject="a\r\nBcc: x@y"),
    mail(to="a@b\r\nBcc: x@y"),
    mail(to="a@b, c@d"),
    mail(to="no address"),
    mail(to=""),
    mail(to="@b"),
]


class FakeSes:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.requests: list[dict[str, Any]] = []

    def send_email(self, **request: Any) -> dict[str, str]:
        self.requests.append(request)
        if self.error:
            raise self.error
        return {"MessageId": "1"}


def test_ses_gets_the_whole_mail() -> None:
    ses = FakeSes()
    assert SesMailer(lambda: ses, SENDER).send(mail()) == DELIVERED
    (request,) = ses.requests
    assert request["FromEmailAddress"] == SENDER
    assert request["Destination"] == {"ToAddresses": ["ops@example.com"]}
    assert request["Content"]["Raw"]["Data"] == with_boundary_of(request, composed(mail(), SENDER))


def with_boundary_of(request: dict[str, Any], message: EmailMessage) -> bytes:
    boundary = parsed(request["Content"]["Raw"]["Data"]).get_boundary()
    assert boundary is not None
    message.set_boundary(boundary)
    return message.as_bytes()


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "canary"}}, "SendEmail")


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (client_error("MessageRejected"), failed("SES: MessageRejected")),
        (client_error("BadRequestException"), failed("SES: BadRequestException")),
        (client_error("TooManyRequestsException"), retry("SES: TooManyRequestsException")),
        (client_error("SendingPausedException"), retry("SES: SendingPausedException")),
        (ConnectTimeoutError(endpoint_url="https://canary"), retry("SES cannot be reached")),
    ],
)
def test_what_ses_refuses(error: Exception, verdict: Verdict) -> None:
    assert SesMailer(lambda: FakeSes(error), SENDER).send(mail()) == verdict


@pytest.mark.parametrize("bad", BAD)
def test_a_mail_that_cannot_be_composed_is_never_sent(bad: Mail) -> None:
    ses = FakeSes()
    assert SesMailer(lambda: ses, SENDER).send(bad).fate is Fate.FAILED
    assert ses.requests == []
    with mail_server() as sink:
        server = SmtpServer("127.0.0.1", sink.port, False)
        assert SmtpMailer(server, SENDER).send(bad).fate is Fate.FAILED
        assert sink.envelopes == []


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield


@pytest.mark.usefixtures("credentials")
def test_the_real_client_takes_the_request() -> None:
    settings = Settings(mail_from="alerts@example.com")
    client: Any = ses_client(settings)
    client.create_email_identity(EmailIdentity="alerts@example.com")
    assert mailer(settings).send(mail()) == DELIVERED


@pytest.mark.usefixtures("credentials")
def test_the_client_waits_ten_seconds_and_never_sends_twice() -> None:
    config = getattr(ses_client(Settings()), "meta").config  # noqa: B009
    assert (config.connect_timeout, config.read_timeout) == (10, 10)
    assert config.retries["total_max_attempts"] == 1


def test_a_mail_goes_to_the_server_as_it_was_composed() -> None:
    rendered = email.render(email.Config("ops@example.com"), notice(name="Café 👍"))
    with mail_server() as sink:
        assert SmtpMailer(SmtpServer("127.0.0.1", sink.port, False), SENDER).send(rendered) == DELIVERED
        (envelope,) = sink.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("alerts@example.com", ["ops@example.com"])
    assert isinstance(envelope.content, bytes)
    message = parsed(envelope.content)
    assert message["Subject"] == "DOWN: Café 👍"
    assert body(message, "plain") == rendered.text


def test_who_sends_is_a_matter_of_settings() -> None:
    server = SmtpServer("127.0.0.1", 25, False)
    assert isinstance(mailer(Settings(mail_from="a@b", smtp=server)), SmtpMailer)
    assert isinstance(mailer(Settings(mail_from="a@b")), SesMailer)
    assert isinstance(mailer(Settings()), NoMailer)
    assert mailer(Settings()).send(mail()).fate is Fate.RETRY


def test_nothing_heavy_is_imported_before_the_first_mail() -> None:
    script = (
        "import sys, chalicelib.mailing as mailing\n"
        "from chalicelib.settings import Settings\n"
        "mailing.mailer(Settings(mail_from='a@b'))\n"
        "print([name for name in ('botocore', 'smtplib', 'ssl') if name in sys.modules])\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
