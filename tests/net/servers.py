"""Servers on the loopback, each in threads of its own, that misbehave as a test wants them to."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

STUCK_SECONDS = 5.0
MAX_PACKET = 65_535


class Connection:
    def __init__(self, stream: socket.socket, stopping: threading.Event) -> None:
        self.stream = stream
        self.stopping = stopping
        self.head = b""

    def send(self, data: bytes) -> None:
        self.stream.sendall(data)

    def read_request(self) -> None:
        """Up to the end of the headers; a TLS greeting is not waited on for more."""
        while b"\r\n\r\n" not in self.head and (chunk := self.stream.recv(65536)):
            self.head += chunk
            if not self.head[:1].isalpha():
                return

    @property
    def path(self) -> str:
        return self.head.split(b" ", 2)[1].decode()


Handler = Callable[[Connection], None]


class WebServer:
    """Reads a request, then leaves the connection to `handle`. `heads` are the requests seen so far."""

    def __init__(
        self, handle: Handler, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
    ) -> None:
        self._handle = handle
        self._tls = tls
        self._stopping = threading.Event()
        self._listener = socket.create_server((address, 0), backlog=256)
        self._threads = [threading.Thread(target=self._accept)]
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.heads: list[bytes] = []

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(STUCK_SECONDS)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(stream,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        plain.settimeout(STUCK_SECONDS)
        with plain, contextlib.suppress(OSError):
            if self._tls is None:
                self._answer(plain)
            else:
                with self._tls.wrap_socket(plain, server_side=True) as stream:
                    self._answer(stream)

    def _answer(self, stream: socket.socket) -> None:
        connection = Connection(stream, self._stopping)
        connection.read_request()
        if connection.head:
            self.heads.append(connection.head)
            self._handle(connection)


class FullListener:
    """Listens with a queue that is full: whoever connects hears nothing, until `drain`."""

    def __init__(self) -> None:
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._filler = socket.create_connection(("127.0.0.1", self.port))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._filler.close()
        self._listener.close()

    def drain(self) -> None:
        """Make room for one, who is let in with the next packet that it sends."""
        self._listener.accept()[0].close()


def response(status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    fields = {"Content-Length": str(len(body)), **(headers or {})}
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join((*lines, "", "")).encode() + body


def redirect(location: str, status: int = 302) -> bytes:
    return response(status, headers={"Location": location})


def sends(data: bytes) -> Handler:
    return lambda connection: connection.send(data)


def routes(pages: Mapping[str, bytes]) -> Handler:
    return lambda connection: connection.send(pages[connection.path])


def hang(connection: Connection) -> None:
    connection.stopping.wait(STUCK_SECONDS)


def reset(connection: Connection) -> None:
    connection.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drip_headers(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\n")
    while not connection.stopping.wait(0.02):
        connection.send(b"X-More: yes\r\n")


def endless_headers(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\n")
    while not connection.stopping.is_set():
        connection.send(b"X-More: yes\r\n" * 1000)


def endless_line(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nX-More: ")
    while not connection.stopping.is_set():
        connection.send(b"y" * 10_000)


Query = dns.message.QueryMessage
# What to send back to a query, which came over TCP or not: any number of packets.
Replier = Callable[[Query, bool], Sequence[bytes]]


class DnsServer:
    """UDP and TCP on one port. Whatever `reply` gives is sent. `asked` counts the queries over UDP."""

    def __init__(self, reply: Replier) -> None:
        self._reply = reply
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._bind()
        self._threads = [threading.Thread(target=self._serve_udp), threading.Thread(target=self._serve_tcp)]
        self.asked = 0
        self.asked_over_tcp = 0

    def _bind(self) -> None:
        for _ in range(20):
            self._tcp.bind(("127.0.0.1", 0))
            try:
                self._udp.bind(self._tcp.getsockname())
            except OSError:
                self._tcp.close()
                self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            else:
                self._tcp.listen()
                self.address: tuple[str, int] = self._udp.getsockname()
                return
        raise AssertionError("no port is free for both UDP and TCP")

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self.address)
        self._tcp.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(STUCK_SECONDS)
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self) -> None:
        while True:
            packet, client = self._udp.recvfrom(4096)
            if not packet:
                return
            self.asked += 1
            for answer in self._reply(_parse(packet), False):
                self._udp.sendto(answer, client)

    def _serve_tcp(self) -> None:
        while True:
            try:
                stream, _ = self._tcp.accept()
            except OSError:
                return
            self.asked_over_tcp += 1
            with stream, contextlib.suppress(OSError):
                stream.settimeout(STUCK_SECONDS)
                size = int.from_bytes(stream.recv(2), "big")
                for answer in self._reply(_parse(stream.recv(size)), True):
                    stream.sendall(len(answer).to_bytes(2, "big"))
                    stream.sendall(answer)


def _parse(packet: bytes) -> Query:
    query = dns.message.from_wire(packet)
    assert isinstance(query, Query)
    return query


def kind_of(query: Query) -> str:
    return dns.rdatatype.to_text(query.question[0].rdtype)


def zone(records: Mapping[str, Sequence[str]]) -> Replier:
    """Answers as a recursive resolver would: `{"a.test": ["CNAME b.test.", ...]}`, NXDOMAIN for the rest."""
    return lambda query, over_tcp: [answer_from(records, query).to_wire(max_size=MAX_PACKET)]


def answer_from(records: Mapping[str, Sequence[str]], query: Query) -> dns.message.Message:
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.RA
    name, wanted = query.question[0].name.to_text(omit_final_dot=True), kind_of(query)
    if name not in records:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    while name:
        following = ""
        for record in records.get(name, ()):
            kind, _, data = record.partition(" ")
            if kind in (wanted, "CNAME"):
                answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, data))
            if kind == "CNAME":
                following = data.removesuffix(".")
        name = following
    return answer


def fails_with(code: dns.rcode.Rcode) -> Replier:
    def reply(query: Query, over_tcp: bool) -> Sequence[bytes]:
        answer = dns.message.make_response(query)
        answer.set_rcode(code)
        return [answer.to_wire()]

    return reply


def silent(query: Query, over_tcp: bool) -> Sequence[bytes]:
    return ()
