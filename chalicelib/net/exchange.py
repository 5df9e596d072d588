"""The value types that cross the door: what to do (an exchange) and what came back (an answer)."""

from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.outcome import Phases, Reason


@dataclass(frozen=True, slots=True)
class HttpExchange:
    """One HTTP check: a request, its redirects, and how far to read.

    `timeout_seconds` bounds the whole exchange, every hop and name lookup included. With
    `max_body_bytes` 0 nothing after the final response's headers is waited for; else it limits the body both
    as sent and as decoded. The response's header fields are kept on demand only.
    """

    url: str
    method: str = "GET"
    timeout_seconds: float = 10.0
    follow_redirects: bool = True
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    max_body_bytes: int = 0
    keeps_headers: bool = False


@dataclass(frozen=True, slots=True)
class TcpExchange:
    """One TCP check: connect, and close without a word."""

    host: str
    port: int
    timeout_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class DnsExchange:
    """One DNS check: a question to the run's own recursive resolver. What it answers is data only."""

    name: str
    record_type: str
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class CertificateExchange:
    """A TLS handshake and nothing after it, to read the certificate that a server shows for a name."""

    host: str
    port: int = 443
    timeout_seconds: float = 10.0


Exchange = HttpExchange | TcpExchange | DnsExchange | CertificateExchange


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What an HTTP exchange came to. `fault` is NONE when a final response arrived.

    `status_code` is 0 without a response. `elapsed_ms` runs from the start of the check to the end of
    the final response's headers, or to the failure. `offset_ms` is the check's start after the run's.
    """

    fault: Reason = Reason.NONE
    status_code: int = 0
    elapsed_ms: float = 0.0
    offset_ms: float = 0.0
    phases: Phases = field(default=Phases())
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""
    remote_address: str = ""
    redirects: int = 0
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class TcpAnswer:
    """What a TCP exchange came to. `fault` is NONE when the connection was accepted.

    `elapsed_ms` is then the time that the connection took, to the address that accepted it and without the
    name lookup before it (a phase of its own); else it runs from the start of the check to the failure.
    """

    fault: Reason = Reason.NONE
    elapsed_ms: float = 0.0
    offset_ms: float = 0.0
    phases: Phases = field(default=Phases())
    remote_address: str = ""


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """What a DNS exchange came to. `fault` is NONE when there are records of the type asked for.

    `records` are those at the end of the chain of aliases, as a zone file has them, but texts in one piece
    and without quotes. `code` is the name server's response code, None without an answer.
    """

    fault: Reason = Reason.NONE
    records: tuple[str, ...] = ()
    code: int | None = None
    elapsed_ms: float = 0.0
    offset_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class CertificateAnswer:
    """What a certificate exchange came to. `fault` is NONE when there is a certificate, good or bad.

    `verify_reason` is then why it is not accepted, or NONE when it is: TLS_WRONG_HOST first, whatever else
    may be wrong. `issuer` is for humans: the issuer's common name, or else its organisation.
    """

    fault: Reason = Reason.NONE
    not_after: datetime | None = None
    issuer: str | None = None
    subject: str | None = None
    verify_reason: Reason = Reason.NONE
    elapsed_ms: float = 0.0
    offset_ms: float = 0.0


Answer = HttpAnswer | TcpAnswer | DnsAnswer | CertificateAnswer
