"""The HTTP server of a local run: waitress, with its own refusals in our shape."""

import json
import socket
from collections.abc import Callable, Iterable
from http.client import responses
from typing import Any

import waitress
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask

from chalicelib.errors import Detail
from chalicelib.routes.replies import error_body

THREADS = 16
MAX_READ_BYTES = 64 * 1024 * 1024
"""What is read before the gateway refuses it: a client that is still sending would not see the answer."""

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]

_CODES = {413: "PAYLOAD_TOO_LARGE", 500: "INTERNAL_ERROR"}


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Refuses what makes waitress hang up without an answer or wait for ever, and requests whose end two
    readers would see in different places."""

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.completed:  # also where it is refused: a client that is told to go on would be waited for
            self.expect_continue = False
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a Content-Length of 5000 digits, the target `http://[`
            raise ParsingError(str(error)) from None
        is_chunked_in_1_0 = "TRANSFER_ENCODING" in self.headers
        if is_chunked_in_1_0 or (self.chunked and "CONTENT_LENGTH" in self.headers):
            raise ParsingError("The length of the body is ambiguous.")


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
        self.request.headers.pop("CONNECTION", None)  # to keep-alive of HTTP/1.0 it would say yes and no
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(b"" if getattr(self.request, "command", "") == "HEAD" else body)


class Channel(HTTPChannel):  # type: ignore[misc]
    parser_class = Parser
    error_task_class = Refusal


def build_server(app: WsgiApp, listener: socket.socket) -> Any:
    server = waitress.create_server(
        app, sockets=[listener], threads=THREADS, ident=None, max_request_body_size=MAX_READ_BYTES
    )
    server.channel_class = Channel
    return server
