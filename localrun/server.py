"""The HTTP server of a local run: waitress, with its own refusals in our shape."""

import json
import socket
from collections.abc import Callable, Iterable
from http.client import responses
from typing import Any

import waitress
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from chalicelib.errors import Detail
from chalicelib.routes.replies import error_body

THREADS = 16
MAX_READ_BYTES = 64 * 1024 * 1024
"""What is read before the gateway refuses it: a client that is still sending would not see the answer."""

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]

_CODES = {413: "PAYLOAD_TOO_LARGE", 500: "INTERNAL_ERROR"}


class Refusal(ErrorTask):  # type: ignore[misc]
    """Requests that are no HTTP, and crashes. What we have no code for (431, 501) is a bad request."""

    def execute(self) -> None:
        error = self.request.error
        status = error.code if error.code in _CODES else 400
        text = responses[status]
        details = () if status in _CODES else (Detail("body", f"{error.reason}."),)
        code = _CODES.get(status, "VALIDATION_ERROR")
        body = json.dumps(error_body(code, f"{text}.", details)).encode()
        self.status = f"{status} {text}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = Refusal


def build_server(app: WsgiApp, listener: socket.socket) -> Any:
    server = waitress.create_server(
        app, sockets=[listener], threads=THREADS, ident=None, max_request_body_size=MAX_READ_BYTES
    )
    server.channel_class = Channel
    return server
