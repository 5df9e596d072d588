"""Mail: composed here, and handed to SES or to the operator's own server."""

from collections.abc import Callable
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cached_property
from typing import Any, Final, Protocol, cast

from chalicelib.domain.message import DELIVERED, Mail, Verdict, failed, retry
from chalicelib.settings import Settings, SmtpServer

TIMEOUT_SECONDS: Final = 10
_FINAL: Final = frozenset(
    {
        "BadRequestException",
        "MessageRejected",
        "NotFoundException",
    }
)
"""What SES will say again of this mail, however often it is asked. What is wrong with the account or the
sender is the operator's to mend."""


class Mailer(Protocol):
    def send(self, mail: Mail) -> Verdict: ...


class SesClient(Protocol):
    def send_email(self, **request: Any) -> Any: ...


def composed(mail: Mail, sender: str) -> EmailMessage:
    """Raises ValueError for a header that would be two."""
    message = EmailMessage(policy=SMTP)
    name, address = parseaddr(sender)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = Address(addr_spec=mail.to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.at)
    message["Message-ID"] = f"<{mail.event_id}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # so that nobody's absence is told to us
    if str(message["Subject"]) != mail.subject:  # an encoded word in it has been decoded, whatever it hides
        raise ValueError("the subject says something else")
    # Lines of any length and any characters, whatever the servers on the way can do.
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message


class SesMailer:
    """Satisfies `Mailer`. The client is made with the first mail."""

    def __init__(self, make_client: Callable[[], SesClient], sender: str) -> None:
        self._make_client = make_client
        self._sender = sender

    @cached_property
    def _client(self) -> SesClient:
        return self._make_client()

    def send(self, mail: Mail) -> Verdict:
        from botocore.exceptions import BotoCoreError, ClientError

        content = _bytes_of(mail, self._sender)
        if content is None:
            return failed("the mail cannot be composed")
        try:
            self._client.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [mail.to]},
                Content={"Raw": {"Data": content}},
            )
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            return (failed if code in _FINAL else retry)(f"SES: {code}")
        except BotoCoreError:
            return retry("SES cannot be reached")
        return DELIVERED


class SmtpMailer:
    """Satisfies `Mailer`."""

    def __init__(self, server: SmtpServer, sender: str, ca_file: str | None = None) -> None:
        self._server = server
        self._sender = sender
        self._ca_file = ca_file

    def send(self, mail: Mail) -> Verdict:
        from chalicelib.net import smtp

        content = _bytes_of(mail, self._sender)
        if content is None:
            return failed("the mail cannot be composed")
        try:
            return smtp.send(self._server, parseaddr(self._sender)[1], mail.to, content, self._ca_file)
        except smtp.UnsafeAddress:
            return failed("the mail cannot be addressed")


class NoMailer:
    """Satisfies `Mailer` where no sender is set."""

    def send(self, mail: Mail) -> Verdict:
        return retry("no mail is sent here: UPTIME_MAIL_FROM is not set")


def mailer(settings: Settings) -> Mailer:
    if not settings.mail_from:
        return NoMailer()
    if settings.smtp is not None:
        return SmtpMailer(settings.smtp, settings.mail_from, settings.ca_file)
    return SesMailer(lambda: ses_client(settings), settings.mail_from)


def ses_client(settings: Settings) -> SesClient:
    import botocore.session
    from botocore.config import Config

    client = botocore.session.get_session().create_client(
        "sesv2",
        region_name=settings.aws_region,
        # Whether a mail that got no answer was sent is unknown: the next attempt is the caller's to decide.
        config=Config(
            connect_timeout=TIMEOUT_SECONDS,
            read_timeout=TIMEOUT_SECONDS,
            retries={"total_max_attempts": 1},
        ),
    )
    return cast("SesClient", client)


def _bytes_of(mail: Mail, sender: str) -> bytes | None:
    """None of what the email package refuses: it is told of this mail, and stops no other."""
    try:
        return composed(mail, sender).as_bytes()
    except (ValueError, IndexError, MessageError):
        return None
