"""One question to a name server, without blocking: tries over UDP, and one over TCP if the answer is cut off.

Every try has a socket (hence a random port) and an id of its own, and only an answer that repeats both and
the question counts.
"""

import errno
import functools
import secrets
import socket
from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from chalicelib.net.dns_packet import MalformedPacket
from chalicelib.net.loop import READ, WRITE, Guard, Timer

Nameserver = tuple[str, int]

MAX_UDP: Final = 4096


def open_socket(nameserver: Nameserver, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in nameserver[0] else socket.AF_INET
    return socket.socket(family, kind | socket.SOCK_NONBLOCK)


class Readable(Protocol):
    @property
    def is_truncated(self) -> bool: ...


ReadT = TypeVar("ReadT", bound=Readable)


class Question(Generic[ReadT]):
    """`build` makes the query of an id. `read` takes a packet and an id: None when it answers something else,
    MalformedPacket when it cannot be read.

    `patience` is how many seconds each try over UDP is waited for; the last of them goes for TCP too. `done`
    gets the answer, or None when none came, always from the loop.
    """

    def __init__(
        self,
        build: Callable[[int], bytes],
        read: Callable[[bytes, int], ReadT | None],
        nameserver: Nameserver,
        patience: Sequence[float],
        guard: Guard,
        done: Callable[[ReadT | None], None],
    ) -> None:
        self._build = build
        self._read = read
        self._nameserver = nameserver
        self._patience = patience
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
            self._guard.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _finish(self, answer: ReadT | None) -> None:
        self.close()
        self._done(answer)

    def _try_udp(self) -> None:
        self._close_socket()
        if self._tries == len(self._patience):
            self._finish(None)
            return
        self._timer = self._guard.call_later(self._patience[self._tries], self._try_udp)
        self._tries += 1
        self._id = secrets.randbits(16)
        udp = self._socket = open_socket(self._nameserver, socket.SOCK_DGRAM)
        try:
            udp.connect(self._nameserver)
            udp.send(self._build(self._id))
        except OSError:
            self._lose_try()
        else:
            self._guard.watch(udp.fileno(), READ, self._read_udp)

    def _lose_try(self) -> None:
        """A server out of reach is one that does not answer: the next try may find it again."""
        self._close_socket()
        if self._tries == len(self._patience):
            self._finish(None)

    def _read_udp(self, events: int) -> None:
        assert self._socket is not None
        try:
            packet = self._socket.recv(MAX_UDP)
        except BlockingIOError:
            return
        except OSError:
            self._lose_try()
            return
        try:
            answer = self._read(packet, self._id)
        except MalformedPacket:
            self._try_tcp()
            return
        if answer is not None and answer.is_truncated:
            self._try_tcp()
        elif answer is not None:
            self._finish(answer)

    def _try_tcp(self) -> None:
        self.close()
        self._timer = self._guard.call_later(self._patience[-1], functools.partial(self._finish, None))
        self._id = secrets.randbits(16)
        query = self._build(self._id)
        self._outgoing = len(query).to_bytes(2, "big") + query
        self._incoming = b""
        tcp = self._socket = open_socket(self._nameserver, socket.SOCK_STREAM)
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

    def _tcp_answer(self, packet: bytes) -> ReadT | None:
        try:
            answer = self._read(packet, self._id)
        except MalformedPacket:
            return None
        return None if answer is None or answer.is_truncated else answer
