"""The AWS that one function sees: DynamoDB by the embedded engine, a queue that keeps what it is sent,
and its role's rights enforced before either."""

import json
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from .rights import Act, Rights, dynamodb_acts


class AwsDoor:
    """`denied` and `used` are the acts that the role refused and allowed; `sent` the queue's messages."""

    def __init__(self, rights: Rights, engine_endpoint: str) -> None:
        self.denied: list[Act] = []
        self.used: set[str] = set()
        self.sent: list[dict[str, Any]] = []
        self._rights = rights
        self._engine = urlsplit(engine_endpoint).netloc
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, answer = door._answer(dict(self.headers.items()), body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        service, _, operation = headers["X-Amz-Target"].partition(".")
        request = json.loads(body)
        if service == "AmazonSQS":
            acts = [Act(f"sqs:{operation.removesuffix('Batch')}", request["QueueUrl"])]
        else:
            acts = list(dynamodb_acts(operation, request))
        refused = [act for act in acts if not self._rights.allow(act)]
        if refused:
            self.denied += refused
            return (
                400,
                _JSON,
                json.dumps({"__type": "AccessDeniedException", "message": str(refused)}).encode(),
            )
        self.used |= {act.action for act in acts}
        if service == "AmazonSQS":
            return 200, _JSON, self._keep(request)
        return self._forward(headers, body)

    def _keep(self, request: dict[str, Any]) -> bytes:
        self.sent += request["Entries"]
        taken = [
            {"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": ""}
            for entry in request["Entries"]
        ]
        return json.dumps({"Successful": taken, "Failed": []}).encode()

    def _forward(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        engine = HTTPConnection(self._engine, timeout=10)
        try:
            engine.request("POST", "/", body, {**headers, "Host": self._engine})
            answer = engine.getresponse()
            return answer.status, _JSON, answer.read()
        finally:
            engine.close()


_JSON = {"Content-Type": "application/x-amz-json-1.0"}
