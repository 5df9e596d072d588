"""A whole TCP check: the name, vetting, the connection, one deadline over all of it. Nothing is sent."""

import errno
import functools
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from chalicelib.domain.outcome import Phases, Reason
from chalicelib.domain.target import BadTarget, parse_host
from chalicelib.net.exchange import TcpAnswer, TcpExchange
from chalicelib.net.loop import WRITE, Guard, Timer
from chalicelib.net.policy import MAIL_PORTS
from chalicelib.net.resolve import Lookup, Resolution

if TYPE_CHECKING:
    from chalicelib.net.http import Means

# The monitors of a shard ask for the same hosts every minute.
_parse_host = functools.lru_cache(maxsize=1024)(parse_host)
_SOCKET: Final = int(socket.SOCK_STREAM) | int(socket.SOCK_NONBLOCK)
_FAILED: Final = select.EPOLLERR | select.EPOLLHUP
_FAULTS: Final = {errno.ECONNREFUSED: Reason.REFUSED, errno.ETIMEDOUT: Reason.TIMEOUT}
# Whoever resets a connection has accepted it; which of the two we see is a matter of microseconds.
_ACCEPTED: Final = frozenset((0, errno.ECONNRESET, errno.EPIPE))
# Of Linux's struct tcp_info: tcpi_rtt (microseconds) and tcpi_total_retrans.
_TCP_INFO: Final = struct.Struct("=68xI28xI")


class TcpCheck:
    """Runs one exchange. Its own exceptions leave through the guard; `done` is called once, unless closed."""

    def __init__(
        self,
        exchange: TcpExchange,
        means: "Means",
        guard: Guard,
        offset_ms: float,
        done: Callable[[TcpAnswer], None],
    ) -> None:
        self._exchange = exchange
        self._means = means
        self._guard = guard
        self._offset_ms = offset_ms
        self._done = done
        self._started_at = time.monotonic()
        self._timer: Timer | None = None
        self._lookup: Lookup | None = None
        self._socket: socket.socket | None = None
        self._untried: Iterator[str] = iter(())
        self._address = ""
        self._connect_at = 0.0
        self._name_ms = 0
        self._fault = Reason.UNREACHABLE

    def start(self) -> None:
        exchange = self._exchange
        self._timer = self._guard.call_later(exchange.timeout_seconds, self._expire)
        try:
            host = _parse_host(exchange.host)
        except BadTarget:
            self._finish(Reason.BLOCKED)
            return
        if exchange.port in MAIL_PORTS:
            self._finish(Reason.BLOCKED)
            return
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
        self._timer = self._lookup = None
        self._close_socket()

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._guard.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _resolved(self, resolution: Resolution) -> None:
        self._lookup = None
        self._name_ms = round((time.monotonic() - self._started_at) * 1000)
        if resolution.addresses:
            self._connect(resolution.addresses)
        else:
            self._finish(resolution.fault)

    def _connect(self, addresses: tuple[str, ...]) -> None:
        # One forbidden address among good ones is enough: such a name is built to get past the door.
        if not all(self._means.policy.permits(address, self._exchange.port) for address in addresses):
            self._finish(Reason.BLOCKED)
            return
        self._untried = iter(addresses)
        self._connect_next()

    def _connect_next(self) -> None:
        for address in self._untried:
            if self._is_connecting(address):
                return
        self._finish(self._fault)

    def _is_connecting(self, address: str) -> bool:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            opened = socket.socket(family, _SOCKET)
        except OSError as error:
            if error.errno != errno.EAFNOSUPPORT:  # which alone is not a fault of ours
                raise
            return False
        self._socket, self._address, self._connect_at = opened, address, time.monotonic()
        code = opened.connect_ex((address, self._exchange.port))
        if code in (0, errno.EINPROGRESS):
            self._guard.watch(opened.fileno(), WRITE, self._connected)
            return True
        self._note_failure(code)
        return False

    def _note_failure(self, code: int) -> None:
        """Of several addresses' faults the one is told that comes from the target itself."""
        self._close_socket()
        if self._fault is not Reason.REFUSED:
            self._fault = _FAULTS.get(code, Reason.UNREACHABLE)

    def _connected(self, events: int) -> None:
        assert self._socket is not None
        waited_ms = (time.monotonic() - self._connect_at) * 1000
        code = 0
        if events & _FAILED:
            code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code not in _ACCEPTED:
            self._note_failure(code)
            self._connect_next()
        elif not _is_connected_to(self._socket, self._address):
            self._finish(Reason.BLOCKED)
        else:
            self._finish(Reason.NONE, _connect_ms(self._socket, waited_ms))

    def _expire(self) -> None:
        self._finish(Reason.TIMEOUT)

    def _finish(self, fault: Reason, connect_ms: float = 0.0) -> None:
        self.close()
        is_up = fault is Reason.NONE
        self._done(
            TcpAnswer(
                fault=fault,
                elapsed_ms=connect_ms if is_up else (time.monotonic() - self._started_at) * 1000,
                offset_ms=self._offset_ms,
                phases=Phases(name_ms=self._name_ms, connect_ms=round(connect_ms)),
                remote_address=self._address if is_up else "",
            )
        )


def _is_connected_to(connected: socket.socket, address: str) -> bool:
    try:
        peer = connected.getpeername()[0]
    except OSError:
        return True  # it was, and has been reset since
    return peer == address or ip_address(peer) == ip_address(address)


def _connect_ms(connected: socket.socket, waited_ms: float) -> float:
    """How long the connection took, by the kernel: we may come to see it late.

    Unless the first packet was lost: the kernel's figure leaves out the wait for the second.
    """
    try:
        rtt, retransmitted = _TCP_INFO.unpack(
            connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        )
    except (OSError, struct.error):
        return waited_ms
    return waited_ms if retransmitted or not rtt else min(waited_ms, rtt / 1000)
