"""Names to addresses, without blocking: our own packets on the run's loop.

A and AAAA are asked at the same time.
"""

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from chalicelib.domain.outcome import Reason
from chalicelib.net import dns_packet
from chalicelib.net.dns_packet import AddressAnswer
from chalicelib.net.loop import Guard, Timer
from chalicelib.net.question import Nameserver, Question

TRY_SECONDS: Final = 1.5
TRIES: Final = 2
# How long addresses of one family wait for the other family's answer: some name servers drop AAAA
# questions, and their users' response times must not grow by the two tries.
GRACE_SECONDS: Final = 0.25

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
        self._answers: dict[int, AddressAnswer | None] = {}
        self._grace: Timer | None = None
        self._questions = [
            Question(
                build=functools.partial(dns_packet.build_query, name=host, kind=kind),
                read=functools.partial(dns_packet.read_answer, name=host, kind=kind),
                nameserver=nameserver,
                patience=(try_seconds,) * TRIES,
                guard=guard,
                done=functools.partial(self._answered, kind),
            )
            for kind in (dns_packet.A, dns_packet.AAAA)
        ]

    def close(self) -> None:
        for question in self._questions:
            question.close()
        if self._grace is not None:
            self._grace.cancel()

    def _answered(self, kind: int, answer: AddressAnswer | None) -> None:
        self._answers[kind] = answer
        if len(self._answers) == 2:
            self._finish()
        elif answer is not None and answer.addresses:
            self._grace = self._guard.call_later(GRACE_SECONDS, self._finish)

    def _finish(self) -> None:
        self.close()
        self._done(_combine([self._answers.get(kind) for kind in (dns_packet.A, dns_packet.AAAA)]))


def _combine(answers: list[AddressAnswer | None]) -> Resolution:
    addresses = tuple(address for answer in answers if answer for address in answer.addresses)
    if addresses:
        return Resolution(addresses)
    codes = {answer.code if answer else None for answer in answers}
    # NXDOMAIN speaks of the name, whatever type was asked for; an empty answer only of its own type.
    if dns_packet.NAME_ERROR in codes or codes == {dns_packet.NO_ERROR}:
        return Resolution(fault=Reason.NAME_NOT_FOUND)
    return Resolution(fault=Reason.NAME_FAILED)
