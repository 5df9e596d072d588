"""A short way from the DynamoDB client to the engine on this machine.

botocore signs every request, prepares it for retries and writes head and body apart: three quarters of what
a call costs here, and an advance of a day makes seven thousand. The client keeps its own serializing, parsing
and errors; a request goes out in one piece, over one connection a thread.
"""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.parsers import create_parser

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TIMEOUT_SECONDS = 10
_UNCHECKED = (
    "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, "
    f"SignedHeaders=host, Signature={'0' * 64}"
)
"""The engines want to see a signature and do not check it."""


@dataclass(frozen=True, slots=True)
class Status:
    """What botocore asks an HTTP response for."""

    status_code: int


class Wire:
    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._address = (parts.hostname or "", parts.port or 80)
        self._own = threading.local()
        self._parser = create_parser("json")

    def attach(self, client: "DynamoDBClient") -> None:
        call: Callable[..., Any] = self._call
        client.meta.events.register("before-call.dynamodb", call)

    def close(self) -> None:
        """Hang up, in this thread."""
        kept: socket.socket | None = self._own.__dict__.pop("connection", None)
        if kept is not None:
            kept.close()

    def _call(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[Status, dict[str, Any]]:
        """Answers in botocore's stead."""
        head = (
            "POST / HTTP/1.1\r\n"
            f"Host: {self._address[0]}:{self._address[1]}\r\n"
            f"X-Amz-Target: {params['headers']['X-Amz-Target']}\r\n"
            "Content-Type: application/x-amz-json-1.0\r\n"
            f"Content-Length: {len(params['body'])}\r\n"
            f"Authorization: {_UNCHECKED}\r\n"
            "X-Amz-Date: 20260101T000000Z\r\n\r\n"
        )
        answer = self._exchange(head.encode() + params["body"])
        parsed = self._parser.parse(answer, model.output_shape)
        shape = model.service_model.shape_for_error_code(parsed.get("Error", {}).get("Code", ""))
        if shape is not None:
            parsed |= self._parser.parse(answer, shape)
        return Status(answer["status_code"]), parsed

    def _exchange(self, request: bytes) -> dict[str, Any]:
        """A connection is kept only after a whole answer."""
        kept: socket.socket | None = self._own.__dict__.pop("connection", None)
        answer = None
        if kept is not None:
            try:
                answer = _send(kept, request)
            except (OSError, HTTPException):  # idle for too long: the engine has closed it
                kept.close()
        if kept is None or answer is None:
            kept = socket.create_connection(self._address, TIMEOUT_SECONDS)
            kept.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answer = _send(kept, request)
        self._own.connection = kept
        return answer


def _send(connection: socket.socket, request: bytes) -> dict[str, Any]:
    connection.sendall(request)
    response = HTTPResponse(connection, method="POST")
    response.begin()
    return {
        "body": response.read(),
        "headers": response.headers,
        "status_code": response.status,
    }
