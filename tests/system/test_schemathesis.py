"""Schemathesis against a running service: what the document promises is what every caller gets.

All its checks are on and it has to find nothing. `schemathesis_hooks` adds what JSON Schema cannot say.
"""

import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
import requests

from app import app
from chalicelib.domain.api_key import SCOPES
from chalicelib.settings import Settings
from localrun.engine import free_port
from packager.openapi import live_operations

ROOT = Path(__file__).resolve().parent.parent.parent
OPERATIONS = list(live_operations(app))

SEED = 20261121
EXAMPLES = 12
SOME_EXAMPLES = 8
FEW_EXAMPLES = 3
PHASES = ("examples", "coverage", "fuzzing", "stateful")
WITHOUT_COVERAGE = ("examples", "fuzzing", "stateful")
"""Coverage tries a thousand bodies; who may not do it gets the same answer to all of them."""

UNHINDERED = {
    f"UPTIME_{field.name.upper()}": "100000000"
    for field in fields(Settings)
    if field.name.endswith(("_per_minute", "_per_team"))
}
"""No limit that a deployment may set is reached."""
CONFIGURATION = """
continue-on-failure = true
cache = { enabled = false }
warnings = { fail-on = %s }
generation = { mode = "all", database = "none" }
"""

pytestmark = pytest.mark.system


@dataclass(frozen=True)
class Service:
    """A running one, with the key of its first start."""

    origin: str
    key: str
    document: Path

    def revoke_other_keys(self) -> None:
        """What else a run has made stays, so that others find something."""
        for key in self._call("GET", "/v1/api-keys"):
            if not self.key.startswith(key["keyPrefix"]):
                self._call("DELETE", f"/v1/api-keys/{key['id']}")

    def _call(self, method: str, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = requests.request(method, f"{self.origin}{path}", headers=headers, timeout=10)
        answer.raise_for_status()
        return answer.json()


class NoSuchName(socketserver.BaseRequestHandler):
    """The answer of a name server that knows no name at all."""

    def handle(self) -> None:
        query, socket = self.request
        socket.sendto(query[:2] + b"\x81\x83" + query[4:], self.client_address)


@pytest.fixture(scope="module")
def nowhere() -> Iterator[str]:
    """Where the service asks for addresses, so that no check leaves this machine."""
    with socketserver.UDPServer(("127.0.0.1", 0), NoSuchName) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield "{}:{}".format(*server.server_address)
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def service(nowhere: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """What `make run` starts, with its clock held still: no minute begins, no window and no key ends."""
    folder = tmp_path_factory.mktemp("schemathesis")
    port = free_port()
    env = {
        **os.environ,
        **UNHINDERED,
        "PORT": str(port),
        "UPTIME_DNS_SERVER": nowhere,
        "UPTIME_EGRESS_ALLOW": "",
        "UPTIME_LOCAL_DATA": str(folder / "data"),
        "UPTIME_PARENT_PID": str(os.getpid()),
    }
    log = folder / "log"
    with log.open("wb") as errors:
        run = subprocess.Popen(
            [sys.executable, "local.py"], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    assert run.stdout is not None
    try:
        assert run.stdout.readline().startswith("Uptime is listening"), log.read_text()
        key = run.stdout.readline().removeprefix("API key: ").strip()
        service = Service(f"http://127.0.0.1:{port}", key, folder / "openapi.json")
        advance = f"{service.origin}/_local/advance"
        requests.post(advance, json={"freeze": True}, timeout=10).raise_for_status()
        # From a file: of a document that it fetches itself, it leaves out the operation that has served it.
        service.document.write_bytes(requests.get(f"{service.origin}/v1/openapi.json", timeout=10).content)
        yield service
        assert run.poll() is None, f"exit status {run.poll()}\n{log.read_text()}"
        assert " ERROR " not in log.read_text()
    finally:
        run.terminate()
        run.wait(15)
        run.stdout.close()


def examine(
    service: Service,
    scopes_of_keys: Sequence[Sequence[str]],
    folder: Path,
    examples: int,
    *,
    phases: Sequence[str] = PHASES,
    fail_on_warnings: bool = False,
) -> None:
    """Fails with what schemathesis tells, unless it has tried everything and found nothing."""
    (folder / "schemathesis.toml").write_text(CONFIGURATION % str(fail_on_warnings).lower())
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(service.document)]
    command += ["--url", service.origin, "--checks", "all", "--phases", ",".join(phases)]
    command += ["--max-examples", str(examples), "--seed", str(SEED), "--no-color"]
    command += ["--report", "json", "--report-json-path", "report.json"]
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.system.schemathesis_hooks",
        "UPTIME_ORIGIN": service.origin,
        "UPTIME_KEY": service.key,
        "UPTIME_SCOPES_OF_KEYS": json.dumps(scopes_of_keys),
    }
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    service.revoke_other_keys()
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((folder / "report.json").read_text())
    assert report["operations"]["tested"] == len(OPERATIONS), done.stdout
    assert {report["phases"][phase]["status"] for phase in phases} == {"success"}, done.stdout


def test_nothing_is_found_with_a_key_that_may_do_everything(service: Service, tmp_path: Path) -> None:
    examine(service, [SCOPES], tmp_path, EXAMPLES, fail_on_warnings=True)


def test_nothing_is_found_with_keys_of_one_scope_each(service: Service, tmp_path: Path) -> None:
    examine(service, [[scope] for scope in SCOPES], tmp_path, SOME_EXAMPLES, phases=WITHOUT_COVERAGE)


def test_nothing_is_found_without_a_key(service: Service, tmp_path: Path) -> None:
    examine(service, [], tmp_path, FEW_EXAMPLES, phases=WITHOUT_COVERAGE)
