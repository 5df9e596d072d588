"""The embedded DynamoDB engine: dynoxide, a static binary over SQLite from npm; where it has none,
ministack from pip."""

import fcntl
import os
import platform
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from chalicelib.settings import BadSetting
from localrun import process

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
START_SECONDS = 15
_ENDPOINT = "endpoint"
_LOCK = "lock"


class InUse(BadSetting):
    """Another run has the folder."""


class EngineMissing(Exception):
    """No engine for this platform is installed; the text says what to do."""


@dataclass
class Engine:
    """A running engine. `counts_units` tells whether its consumed capacity can be believed, `warning` what
    whoever starts it must be told."""

    endpoint: str
    child: subprocess.Popen[bytes] | None
    counts_units: bool = True
    warning: str | None = None
    claim: int | None = None
    is_leaving: bool = False

    def stop(self) -> None:
        self.is_leaving = True
        if self.child is not None:
            process.stop(self.child)
        if self.claim is not None:
            os.close(self.claim)
            self.claim = None


def binary(
    modules: Path = MODULES, system: str = platform.system(), machine: str = platform.machine()
) -> Path | None:
    """dynoxide for this platform, if npm has put it there."""
    architecture = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(machine)
    name = {"Windows": "win32"}.get(system, system.lower())
    found = modules / "@dynoxide" / f"{name}-{architecture}" / "dynoxide"
    return found if found.exists() else None


def start_dynoxide(db_path: Path | None, program: Path | None = None) -> Engine:
    """Start on a free port of 127.0.0.1; in memory without a path.

    What it acknowledged survives `kill -9`.
    """
    program = program or binary()
    if program is None:
        raise EngineMissing("the engine is not installed: run `npm ci`")
    port = free_port()
    command = [str(program), "serve", "--host", "127.0.0.1", "--port", str(port)]
    if db_path is not None:
        db_path.parent.mkdir(parents=True, exist_ok=True)
        command += ["--db-path", str(db_path)]
    return _start(command, port)


def start_ministack(folder: Path) -> Engine:
    """The fallback: everything in memory, saved twice a second."""
    port = free_port()
    return _start(
        [sys.executable, "-m", "localrun.ministack", str(port), str(folder)],
        port,
        counts_units=False,
        warning="The engine is ministack: a crash may lose the last second. Unit counts are not available.",
    )


def start_engine(
    data: Path, endpoint: str | None, modules: Path = MODULES, fallback: str = "ministack"
) -> Engine:
    """The engine of a local run: the one given, else dynoxide on `data`, else ministack. Raises
    EngineMissing, and BadSetting when `data` is no folder for us or another run has it.

    Its endpoint is left in `data`, so that `manage.py` finds a run that is up.
    """
    if endpoint is not None:
        engine = Engine(endpoint, None)
        _wait_until_ready(engine, "UPTIME_DYNAMODB_ENDPOINT")
        return engine
    claim = _claim(data)
    (data / _ENDPOINT).unlink(missing_ok=True)
    program = binary(modules)
    if program is not None:
        engine = start_dynoxide(data / "dynamodb.sqlite", program)
    elif find_spec(fallback) is not None:
        engine = start_ministack(data / "ministack")
    else:
        raise EngineMissing("no engine is installed: run `npm ci`, or `pip install ministack`")
    engine.claim = claim
    (data / _ENDPOINT).write_text(engine.endpoint)
    return engine


@contextmanager
def attached_engine(data: Path, endpoint: str | None) -> Iterator[Engine]:
    """The engine of the run that is up, else one of our own for the while.

    The folder's lock tells: an endpoint that a killed run has left may be anybody's by now.
    """
    try:
        engine = start_engine(data, endpoint)
    except InUse:
        noted = data / _ENDPOINT
        if not (noted.exists() and _answers(noted.read_text())):
            raise
        engine = Engine(noted.read_text(), None)
    try:
        yield engine
    finally:
        engine.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _claim(data: Path) -> int:
    """Two engines on one folder would each miss what the other writes. Ends with this process at the
    latest."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = os.open(data / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BadSetting(f"UPTIME_LOCAL_DATA: {error}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise InUse(f"UPTIME_LOCAL_DATA: another run is using {data}") from None
    return lock


def _start(
    command: Sequence[str], port: int, *, counts_units: bool = True, warning: str | None = None
) -> Engine:
    child = process.start(command, cwd=ROOT, env={"PATH": os.environ.get("PATH", "")})
    engine = Engine(f"http://127.0.0.1:{port}", child, counts_units, warning)
    try:
        _wait_until_ready(engine, "the engine")
    except BaseException:
        engine.stop()
        raise
    return engine


def _answers(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(endpoint, timeout=1).close()
    except urllib.error.HTTPError as answered:
        answered.close()
    except OSError:
        return False
    return True


def _wait_until_ready(engine: Engine, name: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if engine.child is not None and engine.child.poll() is not None:
            raise EngineMissing(f"{name} ended at once with status {engine.child.returncode}")
        if _answers(engine.endpoint):
            return
        time.sleep(0.02)
    raise EngineMissing(f"{name}: nothing answers at {engine.endpoint}")
