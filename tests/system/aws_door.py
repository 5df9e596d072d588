"""The AWS that one function sees: DynamoDB by the embedded engine, queues and a post office that keep what
they are sent, the deployment's other functions, and its role's rights enforced before any of them."""

import base64
import json
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from .booted import FunctionFailed
from .rights import Act, Rights, dynamodb_acts, mail_acts

INVOKE = "/2015-03-31/functions/"
SEND_EMAIL = "/v2/email/outbound-emails"

Answer = tuple[int, dict[str, str], bytes]


class AwsDoor:
    """`denied` and `used` are the acts that the role refused and allowed; `sent` the queues' messages, each
    with its `QueueUrl`; `mails` are as they would go out.

    `invoke` calls another function by the name that it has in AWS.
    """

    def __init__(self, rights: Rights, engine_endpoint: str, invoke: Callable[[str, Any], Any]) -> None:
        self.rights = rights
        self.denied: list[Act] = []
        self.used: set[str] = set()
        self.sent: list[dict[str, Any]] = []
        self.mails: list[bytes] = []
        self._engine = urlsplit(engine_endpoint).netloc
        self._invoke = invoke
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, answer = door._answer(self.path, dict(self.headers.items()), body)
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

    def _answer(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        request = json.loads(body)
        if path.startswith(INVOKE):
            name = unquote(path.removeprefix(INVOKE).removesuffix("/invocations"))
            return self._refuse([Act("lambda:InvokeFunction", name)]) or self._call(name, request)
        if path == SEND_EMAIL:
            return self._refuse(list(mail_acts(request))) or (200, _JSON, self._post(request))
        service, _, operation = headers["X-Amz-Target"].partition(".")
        if service == "AmazonSQS":
            act = Act(f"sqs:{operation.removesuffix('Batch')}", request["QueueUrl"])
            return self._refuse([act]) or (200, _JSON, self._keep(request))
        return self._refuse(list(dynamodb_acts(operation, request))) or self._forward(headers, body)

    def _refuse(self, acts: list[Act]) -> Answer | None:
        """None when the role allows them all. AWS's other protocol reads the error's name from the header."""
        refused = [act for act in acts if not self.rights.allow(act)]
        if not refused:
            self.used |= {act.action for act in acts}
            return None
        self.denied += refused
        error = {"__type": "AccessDeniedException", "message": str(refused)}
        return 400, {**_JSON, "X-Amzn-ErrorType": "AccessDeniedException"}, json.dumps(error).encode()

    def _call(self, name: str, event: Any) -> Answer:
        try:
            return 200, _JSON, json.dumps(self._invoke(name, event)).encode()
        except FunctionFailed as failure:
            return 200, {**_JSON, "X-Amz-Function-Error": "Unhandled"}, str(failure).encode()

    def _keep(self, request: dict[str, Any]) -> bytes:
        self.sent += [{**entry, "QueueUrl": request["QueueUrl"]} for entry in request["Entries"]]
        taken = [
            {"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": ""}
            for entry in request["Entries"]
        ]
        return json.dumps({"Successful": taken, "Failed": []}).encode()

    def _post(self, request: dict[str, Any]) -> bytes:
        self.mails.append(base64.b64decode(request["Content"]["Raw"]["Data"]))
        return json.dumps({"MessageId": f"mail-{len(self.mails)}"}).encode()

    def _forward(self, headers: dict[str, str], body: bytes) -> Answer:
        engine = HTTPConnection(self._engine, timeout=10)
        try:
            engine.request("POST", "/", body, {**headers, "Host": self._engine})
            answer = engine.getresponse()
            return answer.status, _JSON, answer.read()
        finally:
            engine.close()


_JSON = {"Content-Type": "application/x-amz-json-1.0"}
