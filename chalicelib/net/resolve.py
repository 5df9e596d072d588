"""Names to addresses, without blocking: our own packets on the run's loop.

A and AAAA are asked at the same time. Every try has a socket (hence a random port) and an id of its own, and
only an answer that repeats both and the question counts.
"""

import contextlib
import errno
import functools
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from chalicelib.domain.outcome import Reason
from chalicelib.net import dns_packet
from chalicelib.net.dns_packet import DnsAnswer, MalformedPacket
from chalicelib.net.loop import READ, WRITE, Guard, Timer

Nameserver = tuple[str, int]

TRY_SECONDS: Final = 1.5
TRIES: Final = 2
# How long addresses of one family wait for the other family's answer: some name servers drop AAAA
# questions, and their users' response times must not grow by the two tries.
GRACE_SECONDS: Final = 0.25

_LOOPBACK: Final = ("127.0.0.1", "::1")
_MAX_UDP: Final = 4096


@dataclass(frozen=True, slots=True)
class Resolution:
    """Every address of a name, or the reason why there is none."""

    addresses: tuple[str, ...] = ()
    fault: Reason = Reason.NONE


@functools.cache
def system_nameserver(path: str = "/etc/resolv.conf") -> Nameserver:
    """The first name server of the machine, read once per process; this host when none is named."""
    for words in _lines(path):
        if words[0] == "nameserver" and len(words) > 1:
            return words[1], 53
    return "127.0.0.1", 53


@functools.cache
def system_hosts(path: str = "/etc/hosts") -> dict[str, tuple[str, ...]]:
    hosts: dict[str, tuple[str, ...]] = {}
    for address, *names in _lines(path):
        with contextlib.suppress(ValueError):
            canonical = str(ip_address(address))
            for name in names:
                hosts[name.lower()] = (*hosts.get(name.lower(), ()), canonical)
    return hosts


def _lines(path: str) -> list[list[str]]:
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [words for line in text.splitlines() if (words := line.partition("#")[0].split())]


class Resolver:
    """Asks `nameserver`, or else the machine's own; only with the latter does /etc/hosts count."""

    def __init__(self, nameserver: Nameserver | None = None, try_seconds: float = TRY_SECONDS) -> None:
        self._nameserver = nameserver
        self._try_seconds = try_seconds

    def known(self, host: str) -> tuple[str, ...]:
        """The addresses that no question is needed for; `localhost` is one (RFC 6761)."""
        if host == "localhost" or host.endswith(".localhost"):
            return _LOOPBACK
        return system_hosts().get(host, ()) if self._nameserver is None else ()

    def lookup(self, host: str, guard: Guard, done: Callable[[Resolution], None]) -> "Lookup":
        """Ask for the addresses of an ASCII name. `done` comes from the loop, never from this call."""
        return Lookup(host, self._nameserver or system_nameserver(), self._try_seconds, guard, done)


class Lookup:
    """The two questions about one name."""

    def __init__(
        self,
        host: str,
        nameserver: Nameserver,
        try_seconds: float,
        guard: Guard,
        done: Callable[[Resolution], None],
    ) -> None:
        self._guard = guard
        self._done = done
        self._answers: dict[int, DnsAnswer | None] = {}
        self._grace: Timer | None = None
        self._questions = [
            _Question(host, kind, nameserver, try_seconds, guard, functools.partial(self._answered, kind))
            for kind in (dns_packet.A, dns_packet.AAAA)
        ]

    def close(self) -> None:
        for question in self._questions:
            question.close()
        if self._grace is not None:
            self._grace.cancel()

    def _answered(self, kind: int, answer: DnsAnswer | None) -> None:
        self._answers[kind] = answer
        if len(self._answers) == 2:
            self._finish()
        elif answer is not None and answer.addresses:
            self._grace = self._guard.call_later(GRACE_SECONDS, self._finish)

    def _finish(self) -> None:
        self.close()
        self._done(_combine([self._answers.get(kind) for kind in (dns_packet.A, dns_packet.AAAA)]))


def _combine(answers: list[DnsAnswer | None]) -> Resolution:
    addresses = tuple(address for answer in answers if answer for address in answer.addresses)
    if addresses:
        return Resolution(addresses)
    codes = {answer.code if answer else None for answer in answers}
    # NXDOMAIN speaks of the name, whatever type was asked for; an empty answer only of its own type.
    if dns_packet.NAME_ERROR in codes or codes == {dns_packet.NO_ERROR}:
        return Resolution(fault=Reason.NAME_NOT_FOUND)
    return Resolution(fault=Reason.NAME_FAILED)


class _Question:
    """One type of record of one name: two tries over UDP, and one over TCP if the answer is cut off."""

    def __init__(
        self,
        name: str,
        kind: int,
        nameserver: Nameserver,
        try_seconds: float,
        guard: Guard,
        done: Callable[[DnsAnswer | None], None],
    ) -> None:
        self._name = name
        self._kind = kind
        self._nameserver = nameserver
        self._try_seconds = try_seconds
        self._guard = guard
        self._done = done
        self._tries = 0
        self._id = 0
        self._socket: socket.socket | None = None
        self._timer: Timer | None = None
        self._outgoing = b""
        self._incoming = b""
        self._try_udp()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._close_socket()

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._guard.unwatch(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _finish(self, answer: DnsAnswer | None) -> None:
        self.close()
        self._done(answer)

    def _open(self, kind: socket.SocketKind) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._nameserver[0] else socket.AF_INET
        self._socket = socket.socket(family, kind | socket.SOCK_NONBLOCK)
        return self._socket

    def _try_udp(self) -> None:
        self._close_socket()
        if self._tries == TRIES:
            self._finish(None)
            return
        self._tries += 1
        self._timer = self._guard.call_later(self._try_seconds, self._try_udp)
        self._id = secrets.randbits(16)
        # A server out of reach is one that does not answer: the next try may find it again.
        with contextlib.suppress(OSError):
            udp = self._open(socket.SOCK_DGRAM)
            udp.connect(self._nameserver)
            udp.send(dns_packet.build_query(self._id, self._name, self._kind))
            self._guard.watch(udp.fileno(), READ, self._read_udp)

    def _read_udp(self, events: int) -> None:
        assert self._socket is not None
        try:
            packet = self._socket.recv(_MAX_UDP)
        except BlockingIOError:
            return
        except OSError:
            self._close_socket()
            return
        try:
            answer = dns_packet.read_answer(packet, self._id, self._name, self._kind)
        except MalformedPacket:
            self._try_tcp()
            return
        if answer is not None and answer.is_truncated:
            self._try_tcp()
        elif answer is not None:
            self._finish(answer)

    def _try_tcp(self) -> None:
        self.close()
        self._timer = self._guard.call_later(self._try_seconds, functools.partial(self._finish, None))
        self._id = secrets.randbits(16)
        query = dns_packet.build_query(self._id, self._name, self._kind)
        self._outgoing = len(query).to_bytes(2, "big") + query
        self._incoming = b""
        tcp = self._open(socket.SOCK_STREAM)
        if tcp.connect_ex(self._nameserver) in (0, errno.EINPROGRESS):
            self._guard.watch(tcp.fileno(), WRITE, self._write_tcp)
        else:
            self._finish(None)

    def _write_tcp(self, events: int) -> None:
        assert self._socket is not None
        try:
            sent = self._socket.send(self._outgoing)
        except OSError:
            self._finish(None)
            return
        self._outgoing = self._outgoing[sent:]
        if not self._outgoing:
            self._guard.watch(self._socket.fileno(), READ, self._read_tcp)

    def _read_tcp(self, events: int) -> None:
        assert self._socket is not None
        try:
            chunk = self._socket.recv(65537)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        self._incoming += chunk
        size = int.from_bytes(self._incoming[:2], "big") + 2
        if len(self._incoming) >= max(size, 3):
            self._finish(self._tcp_answer(self._incoming[2:size]))
        elif not chunk:
            self._finish(None)

    def _tcp_answer(self, packet: bytes) -> DnsAnswer | None:
        try:
            answer = dns_packet.read_answer(packet, self._id, self._name, self._kind)
        except MalformedPacket:
            return None
        return None if answer is None or answer.is_truncated else answer
