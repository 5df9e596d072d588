"""A function of the package, running: Lambda's own client for Python against a Runtime API of ours."""

import json
import queue
import subprocess
import threading
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ANSWER_SECONDS = 60


class FunctionFailed(Exception):
    """The handler raised, or could not be loaded; the text is what the client reported."""


class RuntimeApi:
    """Hands one function its events, one at a time, and takes what it answers."""

    def __init__(self) -> None:
        self._events: queue.Queue[bytes | None] = queue.Queue()
        self._answers: queue.Queue[tuple[str, Any]] = queue.Queue()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                event = api._events.get()
                if event is None:
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", str(uuid.uuid4()))
                self.send_header("Lambda-Runtime-Deadline-Ms", "4102444800000")
                self.send_header(
                    "Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:0:function:x"
                )
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(event)))
                self.end_headers()
                self.wfile.write(event)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                api._answers.put((self.path.rsplit("/", 1)[1], json.loads(body or b"null")))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    def invoke(self, event: Any) -> Any:
        """Raises FunctionFailed."""
        self._events.put(json.dumps(event).encode())
        kind, answer = self._answers.get(timeout=ANSWER_SECONDS)
        if kind == "error":
            raise FunctionFailed(json.dumps(answer, indent=1))
        return answer

    def close(self) -> None:
        self._events.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Function:
    """Started in `folder` with exactly `env` and what Lambda itself sets."""

    def __init__(self, python: Path, folder: Path, handler: str, env: Mapping[str, str], log: Path) -> None:
        self.api = RuntimeApi()
        self.log = log
        own = {
            "PATH": "/usr/bin:/bin",
            "LAMBDA_TASK_ROOT": str(folder),
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "uptime-test",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "_HANDLER": handler,
        }
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [str(python), "-m", "awslambdaric", handler],
                cwd=folder,
                env={**own, **env},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def invoke(self, event: Any) -> Any:
        try:
            return self.api.invoke(event)
        except queue.Empty:
            raise FunctionFailed(f"no answer; its log:\n{self.log.read_text()}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self.api.close()
