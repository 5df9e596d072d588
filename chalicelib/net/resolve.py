"""Names to addresses, without blocking: our own packets on the run's loop.

A and AAAA are asked at the same time.
"""

import contextlib
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
from chalicelib.net.dns_packet import AddressAnswer, MalformedPacket
from chalicelib.net.loop import READ, Guard, Timer
from chalicelib.net.question import MAX_UDP, Nameserver, Question, open_socket

TRY_SECONDS: Final = 1.5
TRIES: Final = 2
# How long addresses of one family wait for the other family's answer: some name servers drop AAAA
# questions, and their users' response times must not grow by the two tries.
GRACE_SECONDS: Final = 0.25

_KINDS: Final = (dns_packet.A, dns_packet.AAAA)
_LOOPBACK: Final = ("127.0.0.1", "::1")


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

    @property
    def nameserver(self) -> Nameserver:
        return self._nameserver or system_nameserver()

    def known(self, host: str) -> tuple[str, ...]:
        """The addresses that no question is needed for; `localhost` is one (RFC 6761)."""
        if host == "localhost" or host.endswith(".localhost"):
            return _LOOPBACK
        return system_hosts().get(host, ()) if self._nameserver is None else ()

    def lookup(self, host: str, guard: Guard, done: Callable[[Resolution], None]) -> "Lookup":
        """Ask for the addresses of an ASCII name. `done` comes from the loop, never from this call."""
        return Lookup(host, self.nameserver, self._try_seconds, guard, done)


class Lookup:
    """The two questions about one name, at first over one socket: that costs half of what two do.

    A question that gets no good answer this way is asked again by itself.
    """

    def __init__(
        self,
        host: str,
        nameserver: Nameserver,
        try_seconds: float,
        guard: Guard,
        done: Callable[[Resolution], None],
    ) -> None:
        self._host = host
        self._nameserver = nameserver
        self._try_seconds = try_seconds
        self._guard = guard
        self._done = done
        self._answers: dict[int, AddressAnswer | None] = {}
        self._grace: Timer | None = None
        self._questions: list[Question[AddressAnswer]] = []
        self._socket: socket.socket | None = None
        self._ids: dict[int, int] = {}
        self._timer = guard.call_later(try_seconds, self._ask_rest_alone)
        self._ask_both()

    def close(self) -> None:
        self._timer.cancel()
        self._close_socket()
        for question in self._questions:
            question.close()
        if self._grace is not None:
            self._grace.cancel()

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._guard.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _ask_both(self) -> None:
        bits = secrets.randbits(32)
        self._ids = {dns_packet.A: bits & 0xFFFF, dns_packet.AAAA: bits >> 16}
        self._socket = open_socket(self._nameserver, socket.SOCK_DGRAM)
        try:
            self._socket.connect(self._nameserver)
            for kind, query_id in self._ids.items():
                self._socket.send(dns_packet.build_query(query_id, self._host, kind))
        except OSError:
            self._close_socket()  # for this try: the next may find the server again
        else:
            self._guard.watch(self._socket.fileno(), READ, self._read_both)

    def _read_both(self, events: int) -> None:
        assert self._socket is not None
        try:
            packet = self._socket.recv(MAX_UDP)
        except BlockingIOError:
            return
        except OSError:
            self._close_socket()
            return
        for kind, query_id in self._ids.items():
            try:
                answer = dns_packet.read_answer(packet, query_id, self._host, kind)
            except MalformedPacket:
                self._ask_alone(kind)
                return
            if answer is not None:
                self._ids.pop(kind)
                if answer.is_truncated:
                    self._ask_alone(kind)
                else:
                    self._answered(kind, answer)
                return

    def _ask_rest_alone(self) -> None:
        self._close_socket()
        for kind in tuple(self._ids):
            self._ask_alone(kind)

    def _ask_alone(self, kind: int) -> None:
        self._ids.pop(kind, None)
        self._questions.append(
            Question(
                build=functools.partial(dns_packet.build_query, name=self._host, kind=kind),
                read=functools.partial(dns_packet.read_answer, name=self._host, kind=kind),
                nameserver=self._nameserver,
                patience=(self._try_seconds,) * (TRIES - 1),
                guard=self._guard,
                done=functools.partial(self._answered, kind),
            )
        )

    def _answered(self, kind: int, answer: AddressAnswer | None) -> None:
        self._answers[kind] = answer
        if len(self._answers) == len(_KINDS):
            self._finish()
        elif answer is not None and answer.addresses:
            self._grace = self._guard.call_later(GRACE_SECONDS, self._finish)

    def _finish(self) -> None:
        self.close()
        self._done(_combine([self._answers.get(kind) for kind in _KINDS]))


def _combine(answers: list[AddressAnswer | None]) -> Resolution:
    addresses = tuple(address for answer in answers if answer for address in answer.addresses)
    if addresses:
        return Resolution(addresses)
    codes = {answer.code if answer else None for answer in answers}
    # NXDOMAIN speaks of the name, whatever type was asked for; an empty answer only of its own type.
    if dns_packet.NAME_ERROR in codes or codes == {dns_packet.NO_ERROR}:
        return Resolution(fault=Reason.NAME_NOT_FOUND)
    return Resolution(fault=Reason.NAME_FAILED)
