"""One HTTP request and its response, by libcurl: a single hop, to addresses that were vetted before.

libcurl never looks a name up here, never follows a redirect, never uses a proxy.
"""

import contextlib
import errno
import logging
import math
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final

import pycurl

from chalicelib.domain.outcome import Phases, Reason
from chalicelib.domain.request_headers import header_problem
from chalicelib.domain.target import Target
from chalicelib.net.body import BadCoding, Body
from chalicelib.net.fault import reason_for

logger = logging.getLogger(__name__)

REDIRECT_CODES: Final = frozenset((301, 302, 303, 307, 308))
MAX_HEADER_BYTES: Final = 64 * 1024
# The deadline that decides is the check's own timer; libcurl's comes later, in case that one is lost.
BACKSTOP_SECONDS: Final = 1.0
# Left to itself OpenSSL >= 3.5 computes and sends an ML-KEM share with every handshake.
_CURVES: Final = "X25519:P-256"
# As browsers offer them. OpenSSL begins with AES-256, whose SHA-384 costs both ends more.
_CIPHERS: Final = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STATUS_LINE: Final = re.compile(rb"HTTP/\S+\s+(\d{3})\s")
_NOTED_FIELDS: Final = frozenset((b"location:", b"content-t", b"content-e"))  # by their first 9 bytes
_BODY_METHODS: Final = frozenset(("POST", "PUT", "PATCH"))
_ABORT: Final = 0  # what a callback returns to stop the transfer


@dataclass(frozen=True, slots=True)
class Settings:
    """What is the same for all transfers. Without `ca_file` certifi's bundle is used."""

    permits: Callable[[str, int], bool]
    user_agent: str
    ca_file: str | None = None

    @property
    def certificates(self) -> str:
        if self.ca_file is not None:
            return self.ca_file
        import certifi  # only runs with HTTPS need it

        return certifi.where()


@dataclass(frozen=True, slots=True)
class Request:
    """`addresses` are the vetted ones, and no other is connected to."""

    target: Target
    addresses: tuple[str, ...]
    method: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes | None = field(repr=False)
    timeout_seconds: float
    max_body_bytes: int
    stop_at_redirect: bool
    keeps_headers: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """`headers_at` is the monotonic instant at which the last of the headers had arrived.

    `location` is set only on a redirect that the request wanted to stop at.
    """

    fault: Reason
    status_code: int = 0
    headers_at: float = 0.0
    location: str | None = None
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""
    phases: Phases = field(default=Phases())
    remote_address: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


class Dialer:
    """Gives libcurl its sockets: to the vetted `addresses` of the target, and to no others."""

    def __init__(self, target: Target, addresses: tuple[str, ...], settings: Settings) -> None:
        self.fault: Reason | None = None
        self._target = target
        self._addresses = addresses
        self._settings = settings

    def prepare(self, curl: Any, timeout_seconds: float) -> None:
        """Set all that has to do with the connection, TLS included."""
        target = self._target
        curl.setopt(pycurl.URL, target.url)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.NETRC, pycurl.NETRC_IGNORED)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.FRESH_CONNECT, 1)
        curl.setopt(pycurl.FORBID_REUSE, 1)
        curl.setopt(pycurl.TIMEOUT_MS, math.ceil((timeout_seconds + BACKSTOP_SECONDS) * 1000))
        # Three locks on the addresses: libcurl is given them, may not look up others, and is checked again.
        if not target.is_literal:
            addresses = ",".join(f"[{a}]" if ":" in a else a for a in self._addresses)
            # The plus lets libcurl forget them again.
            curl.setopt(pycurl.RESOLVE, [f"+{target.host}:{target.port}:{addresses}"])
            curl.setopt(pycurl.RESOLVER_START_FUNCTION, _refuse_to_resolve)
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        if target.scheme == "https":
            curl.setopt(pycurl.CAINFO, self._settings.certificates)
            curl.setopt(pycurl.SSL_VERIFYPEER, 1)
            curl.setopt(pycurl.SSL_VERIFYHOST, 2)
            curl.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
            # A session taken up again would tell neither the handshake's time nor whether the certificate
            # is still good.
            curl.setopt(pycurl.SSL_SESSIONID_CACHE, 0)
            with contextlib.suppress(pycurl.error):  # libcurl without OpenSSL has no such option
                curl.setopt(pycurl.SSL_EC_CURVES, _CURVES)
                curl.setopt(pycurl.TLS13_CIPHERS, _CIPHERS)

    def _open_socket(self, purpose: int, address: Any) -> "_HandedOver | int":
        try:
            ip, port = address.addr[0], address.addr[1]
            if ip not in self._addresses:
                ip = str(ip_address(ip))  # an IPv4-mapped address has two spellings
            if ip in self._addresses and port == self._target.port and self._settings.permits(ip, port):
                return _HandedOver(socket.socket(address.family, address.socktype, address.protocol))
            self.fault = Reason.BLOCKED
        except Exception as error:
            # A family that this machine does not have: libcurl goes on to the next address.
            if not isinstance(error, OSError) or error.errno != errno.EAFNOSUPPORT:
                logger.exception("libcurl could not be given a socket")
                self.fault = Reason.INTERNAL
        return int(pycurl.SOCKET_BAD)


class Transfer:
    """One easy handle and what has arrived for it. No exception may pass through libcurl's callbacks."""

    def __init__(
        self,
        request: Request,
        settings: Settings,
        stop: "Callable[[Transfer], None]",
        done: Callable[[int], None],
    ) -> None:
        self.curl = pycurl.Curl()
        self.done = done
        self.status_code = 0  # of the final response, once its headers are complete
        self._request = request
        self._dialer = Dialer(request.target, request.addresses, settings)
        self._user_agent = settings.user_agent
        self._stop = stop
        self._status = 0
        self._location: bytes | None = None
        self._header_bytes = 0
        self._headers_at = 0.0
        self._content_type = b""
        self._kept_lines: list[bytes] = []
        self._body = Body(request.max_body_bytes)
        self._fault: Reason | None = None
        self._is_enough = False
        try:
            self._prepare()
        except BaseException:
            self.curl.close()
            raise

    def _prepare(self) -> None:
        request, curl = self._request, self.curl
        if not _TOKEN.fullmatch(request.method):
            raise ValueError("a method that cannot be sent")
        self._dialer.prepare(curl, request.timeout_seconds)
        curl.setopt(pycurl.PATH_AS_IS, 1)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        curl.setopt(pycurl.USERAGENT, self._user_agent)
        curl.setopt(pycurl.HTTPHEADER, _header_lines(request))
        header_arrived = self._header_kept if request.keeps_headers else self._header_arrived
        curl.setopt(pycurl.HEADERFUNCTION, header_arrived)
        curl.setopt(pycurl.WRITEFUNCTION, self._body_arrived)
        if request.method == "HEAD":
            curl.setopt(pycurl.NOBODY, 1)
            return
        body = request.body
        if body is None and request.method in _BODY_METHODS:
            body = b""  # so that Content-Length: 0 is said
        if body is not None:
            curl.setopt(pycurl.POSTFIELDS, body)
        if request.method != ("GET" if body is None else "POST"):
            curl.setopt(pycurl.CUSTOMREQUEST, request.method)

    def _header_kept(self, line: bytes) -> int | None:
        if not self.status_code:  # else it is a trailer
            self._kept_lines.append(line)
        return self._header_arrived(line)

    def _header_arrived(self, line: bytes) -> int | None:
        try:
            if self._is_enough:
                return None
            self._header_bytes += len(line)
            if self._header_bytes > MAX_HEADER_BYTES:
                return self._abort(Reason.TOO_LARGE)
            if self.status_code:
                return None  # a trailer
            if line in (b"\r\n", b"\n"):
                self._headers_ended()
            elif not self._status:
                match = _STATUS_LINE.match(line)
                if match is None:
                    return self._abort(Reason.PROTOCOL)
                self._status = int(match[1])
            elif line[:9].lower() in _NOTED_FIELDS:
                self._note_field(line)
        except Exception:
            return self._note_bug()
        return None

    def _note_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name == b"location" and self._location is None:
            self._location = value.strip()
        elif name == b"content-type":
            self._content_type = value.strip()
        elif name == b"content-encoding":
            self._body.note_codings(value)

    def _abort(self, fault: Reason) -> int:
        self._fault = fault
        return _ABORT

    def _headers_ended(self) -> None:
        if self._status < 200 and self._status != 101:
            self._status, self._location = 0, None  # interim: the final response is still to come
            self._content_type = b""
            self._kept_lines.clear()
            self._body.forget_codings()
            return
        # The clock, not libcurl's STARTTRANSFER_TIME: that one stops at the first byte of the response, be
        # it an interim one, and the headers may take their time after it.
        self._headers_at = time.monotonic()
        self.status_code = self._status
        if self._request.max_body_bytes == 0 or self._redirect_location is not None:
            self._is_enough = True
            self._stop(self)

    @property
    def _redirect_location(self) -> bytes | None:
        is_redirect = self._request.stop_at_redirect and self.status_code in REDIRECT_CODES
        return self._location or None if is_redirect else None

    def _body_arrived(self, chunk: bytes) -> int | None:
        try:
            if self._is_enough:
                return int(pycurl.WRITEFUNC_PAUSE)  # until it is stopped, which is next
            self._body.add(chunk)
            if self._body.is_complete:
                self._is_enough = True
                self._stop(self)
        except BadCoding:
            return self._abort(Reason.BAD_CODING)
        except Exception:
            return self._note_bug()
        return None

    def _note_bug(self) -> int:
        logger.exception("a callback of libcurl failed")
        return self._abort(Reason.INTERNAL)

    def reply(self, code: int = pycurl.E_OPERATION_TIMEDOUT) -> Reply:
        """What came of it, given how it ended: by default at the check's own deadline."""
        info = self.curl.getinfo
        location = self._redirect_location
        return Reply(
            fault=self._outcome(code),
            status_code=self.status_code,
            headers_at=self._headers_at,
            location=None if location is None else _decode(location),
            body=bytes(self._body),
            content_type=self._content_type.decode("latin-1"),
            phases=self._phases(),
            remote_address=info(pycurl.PRIMARY_IP) or "",
            headers=_fields(self._kept_lines),
        )

    def _outcome(self, code: int) -> Reason:
        fault = self._fault or self._dialer.fault
        if fault is not None:
            return fault
        if self._is_enough:
            return Reason.NONE
        if code != pycurl.E_OK:
            info = self.curl.getinfo
            os_error = info(pycurl.OS_ERRNO)
            if code == pycurl.E_RECV_ERROR and not os_error and self._request.target.scheme == "http":
                return Reason.PROTOCOL  # nothing failed but what arrived: chunks that are none
            return reason_for(code, info(pycurl.SSL_VERIFYRESULT), os_error)
        if self._body.is_garbled:
            return Reason.BAD_CODING
        # libcurl is content with a connection that closes in the middle of the headers.
        return Reason.NONE if self.status_code else Reason.CLOSED

    def _phases(self) -> Phases:
        info = self.curl.getinfo
        start, connected = info(pycurl.NAMELOOKUP_TIME_T), info(pycurl.CONNECT_TIME_T)
        encrypted = info(pycurl.APPCONNECT_TIME_T)
        sent, answered = info(pycurl.PRETRANSFER_TIME_T), info(pycurl.STARTTRANSFER_TIME_T)
        return Phases(
            connect_ms=_milliseconds(start, connected),
            tls_ms=_milliseconds(connected, encrypted),
            wait_ms=_milliseconds(sent, answered),
        )


class _HandedOver:
    """A socket for libcurl, which makes its own duplicate of it: ours closes as soon as it is let go."""

    __slots__ = ("_socket",)

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened

    def fileno(self) -> int:
        return self._socket.fileno()

    def __del__(self) -> None:
        self._socket.close()


def _refuse_to_resolve() -> int:
    return 1  # anything but 0; not called for a name that RESOLVE has


def _milliseconds(start: int, end: int) -> int:
    """Between two of libcurl's microsecond marks, of which those not reached are 0."""
    return max(0, round((end - start) / 1000))


def _header_lines(request: Request) -> list[bytes]:
    lines = []
    given = set()
    for name, value in request.headers:
        if header_problem(name, value):  # which was said when it was given; here it is the last guard
            raise ValueError("a header that cannot be sent")
        given.add(name.lower())
        value = value.strip(" \t")
        # libcurl's way to send a header without a value; "Name:" would take one away
        lines.append(f"{name}: {value}".encode() if value else f"{name};".encode())
    if "accept-encoding" not in given:
        lines.append(b"Accept-Encoding: identity")
    # These libcurl adds of itself to a request with a body.
    lines.extend(f"{name}:".encode() for name in ("Content-Type", "Expect") if name.lower() not in given)
    return lines


def _fields(lines: list[bytes]) -> tuple[tuple[str, str], ...]:
    """Names in lower case. What is no field (the status line, the end, a folded line) is left out."""
    split = (line.partition(b":") for line in lines if line[:1] not in b" \t")
    return tuple(
        (name.decode("latin-1").lower(), _decode(value.strip())) for name, mark, value in split if mark
    )


def _decode(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
