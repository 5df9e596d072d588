"""Mail out by SMTP, to the one server that the operator has named: by TLS wherever it is offered."""

import contextlib
import smtplib
import ssl
from typing import Final

from chalicelib.domain.message import DELIVERED, Verdict, failed, retry
from chalicelib.settings import SmtpServer

TIMEOUT_SECONDS: Final = 10.0
"""For each step: the server is the operator's own."""
_OWN_NAME: Final = "[127.0.0.1]"  # left to itself smtplib asks name servers for one


class UnsafeAddress(ValueError):
    """An envelope address that would say more to the server than an address."""


def send(
    server: SmtpServer,
    sender: str,
    recipient: str,
    content: bytes,
    ca_file: str | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Verdict:
    """`sender` and `recipient` are bare addresses. Nothing is raised but UnsafeAddress."""
    for address in (sender, recipient):
        if not address.isascii() or not address.isprintable() or any(mark in address for mark in " <>,"):
            raise UnsafeAddress("not a bare address")
    try:
        with contextlib.closing(_connect(server, _context(ca_file), timeout_seconds)) as session:
            if server.user:
                session.login(server.user, server.password)
            session.sendmail(sender, [recipient], content)
            with contextlib.suppress(smtplib.SMTPException, OSError):  # it has been taken, come what may
                session.quit()
    except _Unprotected:
        return retry("the mail server offers no TLS, and the password is not sent without")
    except smtplib.SMTPNotSupportedError:
        return retry("the mail server does not let anybody sign in")
    except smtplib.SMTPRecipientsRefused as error:
        return _refused(*(code for code, _ in error.recipients.values()))
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused) as error:
        return retry(f"SMTP status {error.smtp_code}")  # the operator's to mend, and no recipient's fault
    except smtplib.SMTPResponseException as error:
        return _refused(error.smtp_code)
    except ssl.SSLCertVerificationError:
        return retry("the mail server's certificate is not accepted")
    except TimeoutError:
        return retry("timeout")
    except (smtplib.SMTPException, OSError):
        return retry("the mail server cannot be reached")
    return DELIVERED


class _Unprotected(Exception):
    pass


def _connect(server: SmtpServer, context: ssl.SSLContext, timeout_seconds: float) -> smtplib.SMTP:
    if server.is_tls:
        return smtplib.SMTP_SSL(server.host, server.port, _OWN_NAME, timeout=timeout_seconds, context=context)
    session = smtplib.SMTP(server.host, server.port, _OWN_NAME, timeout_seconds)
    try:
        session.ehlo_or_helo_if_needed()
        if session.has_extn("starttls"):
            session.starttls(context=context)
        elif server.user:
            raise _Unprotected
    except BaseException:
        session.close()
        raise
    return session


def _context(ca_file: str | None) -> ssl.SSLContext:
    if ca_file is None:
        import certifi

        ca_file = certifi.where()
    return ssl.create_default_context(cafile=ca_file)


def _refused(*codes: int) -> Verdict:
    """Of SMTP's codes those from 500 on are final."""
    code = max(codes, default=0)
    return (failed if code >= 500 else retry)(f"SMTP status {code}")
