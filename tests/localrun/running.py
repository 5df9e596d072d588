"""`local.py` as a process, and a site for it to watch."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from localrun.engine import ROOT, free_port

PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Run:
    """A local run. `lines` are the two that it printed."""

    process: subprocess.Popen[str]
    port: int
    data: Path
    errors: Path
    lines: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.lines[1].removeprefix("API key: ")

    def call(
        self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str
    ) -> Answer:
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        if raw is not None:
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        with contextlib.closing(connection):
            connection.request(method, path, raw, headers)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def advance(self, seconds: float, **order: Any) -> Any:
        answer = self.call("POST", "/_local/advance", {"seconds": seconds, **order})
        assert answer.status == 200, answer.raw
        return answer.json

    def create(self, key: str, url: str, **fields: Any) -> str:
        body = {"name": "Site", "url": url, "public": True, **fields}
        answer = self.call("POST", "/v1/monitors", body, key)
        assert answer.status == 201, answer.raw
        return str(answer.json["data"]["id"])

    def monitor(self, key: str, monitor_id: str) -> Any:
        return self.call("GET", f"/v1/monitors/{monitor_id}", key=key).json["data"]

    def end(self, sent: signal.Signals = signal.SIGTERM) -> int:
        """The exit status."""
        self.process.send_signal(sent)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """With all that it started; what ends with its parent may be gone already."""
        for pid in self.tree():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def tree(self) -> list[int]:
        """The runner's process and those it started."""
        return [self.process.pid, *children(self.process.pid)]


def clean_environment(data: Path, port: int, **extra: str) -> dict[str, str]:
    """Nothing of ours from the shell that runs the tests."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("UPTIME_", "AWS_")) and name != "NEW_KEY"
    }
    return {**kept, "UPTIME_LOCAL_DATA": str(data), "PORT": str(port), **extra}


@contextmanager
def running(data: Path, program: tuple[str, ...] = ("local.py",), **extra: str) -> Iterator[Run]:
    """Ready when entered; killed with all it started when left, if it has not ended by itself."""
    port = int(extra.pop("PORT", free_port()))
    errors = data.with_name(f"{data.name}.stderr")
    with errors.open("a") as stderr:
        process = subprocess.Popen(
            [sys.executable, *program],
            cwd=ROOT,
            env=clean_environment(data, port, **extra),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    assert process.stdout is not None
    run = Run(process, port, data, errors)
    try:
        run.lines = [process.stdout.readline().rstrip("\n") for _ in range(2)]
        assert run.lines[0], errors.read_text()
        yield run
    finally:
        if process.poll() is None:
            run.kill()
        process.wait(PATIENCE_SECONDS)
        process.stdout.close()


def refusal(data: Path, port: int, **extra: str) -> subprocess.CompletedProcess[str]:
    """A start that is expected to end at once."""
    return subprocess.run(
        [sys.executable, "local.py"],
        cwd=ROOT,
        env=clean_environment(data, port, **extra),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(entry.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.parent.name))
    return found


def is_alive(pid: int) -> bool:
    """A zombie that nobody has collected is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


class _Page(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Site:
    """A web site on the loopback that can be taken down and put up again."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self._server: ThreadingHTTPServer | None = None
        self.up()

    def up(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _Page)
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}).start()

    def down(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
