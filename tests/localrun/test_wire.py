import json
import socket
from collections.abc import Iterator
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from chalicelib.settings import Settings
from chalicelib.store.client import dynamodb_client
from localrun.wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class HastyEngine:
    """Answers one request a connection, whatever it promised."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                request = connection.recv(65536)
                if not request:
                    return
                self.requests.append(request)
                body = json.dumps({"TableNames": [str(len(self.requests))]}).encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def close(self) -> None:
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join(10)
        self._listener.close()


@pytest.fixture
def engine() -> Iterator[HastyEngine]:
    engine = HastyEngine()
    yield engine
    engine.close()


@pytest.fixture
def client(engine: HastyEngine) -> Iterator["DynamoDBClient"]:
    client = dynamodb_client(Settings(dynamodb_endpoint=engine.endpoint))
    wire = Wire(engine.endpoint)
    wire.attach(client)
    yield client
    wire.close()
    client.close()


def test_a_connection_that_the_engine_has_closed_is_made_anew(
    engine: HastyEngine, client: "DynamoDBClient"
) -> None:
    assert [client.list_tables()["TableNames"] for _ in range(3)] == [["1"], ["2"], ["3"]]


def test_a_request_goes_out_in_one_piece_and_signed_for_show(
    engine: HastyEngine, client: "DynamoDBClient"
) -> None:
    client.list_tables(Limit=7)
    head, _, body = engine.requests[0].partition(b"\r\n\r\n")
    assert json.loads(body) == {"Limit": 7}
    assert b"X-Amz-Target: DynamoDB_20120810.ListTables" in head
    assert b"Authorization: AWS4-HMAC-SHA256 Credential=local/" in head
