"""A server that takes what channels post, whoever's it pretends to be."""

import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(frozen=True)
class Posted:
    host: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HookSink:
    """`status_of` decides what is answered; it may block, as a slow receiver does."""

    port: int = 0
    posted: list[Posted] = field(default_factory=list)
    status_of: Callable[[Posted], int] = lambda posted: 200

    def at(self, path: str) -> list[Any]:
        return [posted.json for posted in self.posted if posted.path == path]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def hook_sink(port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[HookSink]:
    sink = HookSink()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            posted = Posted(headers["host"], self.path, headers, body)
            sink.posted.append(posted)
            answer = b'{"ok":true}'
            self.send_response(sink.status_of(posted))
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    sink.port = server.server_address[1]
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
