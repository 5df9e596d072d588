"""Reading the certificate that a server shows: a TLS handshake, and not a byte after it.

libcurl describes the certificate whether it accepts it or not, and compares the names before all else.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pycurl

from chalicelib.domain.outcome import Reason
from chalicelib.domain.target import BadTarget, Target, parse_host
from chalicelib.net.exchange import CertificateAnswer, CertificateExchange
from chalicelib.net.fault import reason_for
from chalicelib.net.http import Means
from chalicelib.net.loop import Guard, Timer
from chalicelib.net.resolve import Lookup, Resolution
from chalicelib.net.transfer import Dialer

MAX_NAME_LENGTH: Final = 255

_MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_INSTANT: Final = re.compile(r"(\w{3}) +(\d+) (\d\d):(\d\d):(\d\d)(?:\.\d+)? (\d{4}) GMT")
# One attribute of a name as OpenSSL prints it: `O = "Bäcker, Söhne"` with \C3\A4 for every odd byte.
_ATTRIBUTE: Final = re.compile(rb'([\w.]+) = ("(?:[^"\\]|\\.)*"|(?:[^,+"\\]|\\.)*)(?:, | \+ |$)')
_ESCAPED: Final = re.compile(rb"\\([0-9A-Fa-f]{2}|.)")


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is read of a leaf. Its names are for humans only."""

    not_after: datetime | None
    issuer: str | None
    subject: str | None


class CertificateCheck:
    """Runs one exchange. Its own exceptions leave through the guard; `done` is called once, unless closed."""

    def __init__(
        self,
        exchange: CertificateExchange,
        means: Means,
        guard: Guard,
        offset_ms: float,
        done: Callable[[CertificateAnswer], None],
    ) -> None:
        self._exchange = exchange
        self._means = means
        self._guard = guard
        self._offset_ms = offset_ms
        self._done = done
        self._started_at = time.monotonic()
        self._timer: Timer | None = None
        self._lookup: Lookup | None = None
        self._handshake: Handshake | None = None
        self._target: Target

    def start(self) -> None:
        exchange = self._exchange
        self._timer = self._guard.call_later(exchange.timeout_seconds, self._expire)
        try:
            host = parse_host(exchange.host)
        except BadTarget:
            self._finish(Reason.BLOCKED)
            return
        self._target = Target("https", host.name, exchange.port, "/", host.is_literal)
        known = (host.name,) if host.is_literal else self._means.resolver.known(host.name)
        if known:
            self._connect(known)
        else:
            self._lookup = self._means.resolver.lookup(host.name, self._guard, self._resolved)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._lookup is not None:
            self._lookup.close()
        if self._handshake is not None:
            self._means.transfers.drop(self._handshake)
        self._timer = self._lookup = self._handshake = None

    def _resolved(self, resolution: Resolution) -> None:
        self._lookup = None
        if resolution.addresses:
            self._connect(resolution.addresses)
        else:
            self._finish(resolution.fault)

    def _connect(self, addresses: tuple[str, ...]) -> None:
        # One forbidden address among good ones is enough: such a name is built to get past the door.
        if not all(self._means.policy.permits(address, self._target.port) for address in addresses):
            self._finish(Reason.BLOCKED)
            return
        transfers = self._means.transfers
        self._handshake = Handshake(
            Dialer(self._target, addresses, transfers.settings),
            timeout_seconds=max(0.0, self._started_at + self._exchange.timeout_seconds - time.monotonic()),
            done=self._guard.wrap(self._ended),
        )
        transfers.add(self._handshake)

    def _ended(self, code: int) -> None:
        assert self._handshake is not None
        self._finish(*self._handshake.findings(code))

    def _expire(self) -> None:
        self._finish(Reason.TIMEOUT)

    def _finish(self, reason: Reason, certificate: Certificate | None = None) -> None:
        """`reason` is the fault without a certificate, and with one what is wrong with it."""
        self.close()
        has_one = certificate is not None
        self._done(
            CertificateAnswer(
                fault=Reason.NONE if has_one else reason,
                not_after=certificate.not_after if certificate else None,
                issuer=certificate.issuer if certificate else None,
                subject=certificate.subject if certificate else None,
                verify_reason=reason if has_one else Reason.NONE,
                elapsed_ms=(time.monotonic() - self._started_at) * 1000,
                offset_ms=self._offset_ms,
            )
        )


class Handshake:
    """One easy handle that connects and no more."""

    def __init__(self, dialer: Dialer, timeout_seconds: float, done: Callable[[int], None]) -> None:
        self.curl = pycurl.Curl()
        self.done = done
        self._dialer = dialer
        try:
            dialer.prepare(self.curl, timeout_seconds)
            self.curl.setopt(pycurl.CONNECT_ONLY, 1)
            self.curl.setopt(pycurl.OPT_CERTINFO, 1)
        except BaseException:
            self.curl.close()
            raise

    def findings(self, code: int) -> tuple[Reason, Certificate | None]:
        """Why it failed, NONE if it did not, and the certificate that was shown all the same."""
        if self._dialer.fault is not None:
            return self._dialer.fault, None
        info = self.curl.getinfo
        reason = Reason.NONE
        if code != pycurl.E_OK:
            reason = reason_for(code, info(pycurl.SSL_VERIFYRESULT), info(pycurl.OS_ERRNO))
        is_shown = code in (pycurl.E_OK, pycurl.E_PEER_FAILED_VERIFICATION)
        chain = self.curl.getinfo_raw(pycurl.INFO_CERTINFO) if is_shown else []
        if chain:
            return reason, read_certificate(dict(chain[0]))
        return reason or Reason.TLS_FAILED, None


def read_certificate(fields: Mapping[bytes, bytes]) -> Certificate:
    """From libcurl's description of a leaf."""
    return Certificate(
        not_after=_instant(fields.get(b"Expire date", b"").decode("latin-1")),
        issuer=_human_name(fields.get(b"Issuer", b"")),
        subject=_human_name(fields.get(b"Subject", b"")),
    )


def _instant(text: str) -> datetime | None:
    match = _INSTANT.fullmatch(text)
    if match is None or match[1] not in _MONTHS:
        return None
    day, hour, minute, second, year = (int(digits) for digits in match.groups()[1:])
    try:
        return datetime(year, _MONTHS.index(match[1]) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _human_name(text: bytes) -> str | None:
    """The common name, or else the organisation. The last one counts, which is the most specific."""
    attributes = {match[1]: match[2] for match in _ATTRIBUTE.finditer(text)}
    value = attributes.get(b"CN") or attributes.get(b"O") or b""
    plain = _ESCAPED.sub(_unescape, value.removeprefix(b'"').removesuffix(b'"')).decode(errors="replace")
    shown = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in plain
    )
    return shown[:MAX_NAME_LENGTH] or None


def _unescape(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode()) if len(match[1]) == 2 else match[1]
