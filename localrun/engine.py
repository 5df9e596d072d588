"""The embedded DynamoDB engine: dynoxide, a static binary over SQLite, from npm."""

import os
import platform
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localrun import process

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 15
_ENDPOINT = "endpoint"


class EngineMissing(Exception):
    """No engine for this platform is installed; the text says what to do."""


@dataclass
class Engine:
    """A running engine. `counts_units` tells whether its consumed capacity can be believed."""

    endpoint: str
    child: subprocess.Popen[bytes] | None
    counts_units: bool = True

    def stop(self) -> None:
        if self.child is not None:
            process.stop(self.child)


def binary() -> Path | None:
    machine = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine())
    found = ROOT / "node_modules" / "@dynoxide" / f"{platform.system().lower()}-{machine}" / "dynoxide"
    return found if found.exists() else None


def start_dynoxide(db_path: Path | None) -> Engine:
    """Start on a free port of 127.0.0.1; in memory without a path.

    What it acknowledged survives `kill -9`.
    """
    program = binary()
    if program is None:
        raise EngineMissing("the engine is not installed: run `npm ci`")
    port = free_port()
    command = [str(program), "serve", "--host", "127.0.0.1", "--port", str(port)]
    if db_path is not None:
        db_path.parent.mkdir(parents=True, exist_ok=True)
        command += ["--db-path", str(db_path)]
    child = process.start(command, env={"PATH": os.environ.get("PATH", "")})
    engine = Engine(f"http://127.0.0.1:{port}", child)
    wait_until_ready(engine)
    return engine


def start_engine(data: Path, endpoint: str | None) -> Engine:
    """The engine of a local run: the one given, else dynoxide on `data`. Raises EngineMissing.

    Its endpoint is left in `data`, so that `manage.py` finds a run that is up.
    """
    if endpoint is not None:
        engine = Engine(endpoint, None)
        wait_until_ready(engine)
        return engine
    engine = start_dynoxide(data / "dynamodb.sqlite")
    (data / _ENDPOINT).write_text(engine.endpoint)
    return engine


@contextmanager
def attached_engine(data: Path, endpoint: str | None) -> Iterator[Engine]:
    """The engine of the run that is up, else one of our own for the while."""
    noted = data / _ENDPOINT
    if endpoint is None and noted.exists() and _answers(noted.read_text()):
        yield Engine(noted.read_text(), None)
        return
    engine = start_engine(data, endpoint)
    try:
        yield engine
    finally:
        engine.stop()


def _answers(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(endpoint, timeout=1).close()
    except urllib.error.HTTPError as answered:
        answered.close()
    except OSError:
        return False
    return True


def wait_until_ready(engine: Engine) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if engine.child is not None and engine.child.poll() is not None:
            raise EngineMissing(f"the engine ended at once with status {engine.child.returncode}")
        if _answers(engine.endpoint):
            return
        time.sleep(0.02)
    raise EngineMissing(f"the engine at {engine.endpoint} does not answer")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
