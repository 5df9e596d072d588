"""Every console example of the README is what really happens; they are written for curl."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from localrun.engine import free_port

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]

_MASKS = (
    (re.compile(r"(mon|chk|alt)_[0-9a-f]{32}"), r"\1_ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r'"responseTimeMs":\d+'), '"responseTimeMs":MS'),
)


def console_examples() -> list[tuple[str, list[str]]]:
    """(command, the lines it prints) of the README's ```console blocks, in order."""
    examples: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                examples.append((line[2:], []))
            else:
                examples[-1][1].append(line)
    return examples


def masked(text: str) -> str:
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of the second terminal, with a run of our own in the first."""
    port = free_port()
    env = {**os.environ, "PORT": str(port), "UPTIME_LOCAL_DATA": str(tmp_path / "data")}
    run = subprocess.Popen([sys.executable, "local.py"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    try:
        listening, key = run.stdout.readline(), run.stdout.readline()
        assert listening == f"Uptime is listening on http://127.0.0.1:{port}\n"
        _stand_at_a_minutes_start(port)
        yield {"PORT": str(port), "KEY": key.removeprefix("API key: ").strip()}
    finally:
        run.terminate()
        run.wait(10)
        run.stdout.close()


def test_the_walk_through_prints_what_the_readme_shows(shell: dict[str, str]) -> None:
    examples = console_examples()
    assert len(examples) >= 10
    site = str(free_port())
    script = "".join(f"{command}\n{_reading(command)}echo '--8<--'\n" for command, _ in examples)
    script = script.replace(":8000/", f":{shell['PORT']}/").replace("9000", site)
    env = {**os.environ, "KEY": shell["KEY"]}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=60)
    printed = done.stdout.split("--8<--\n")
    for (command, expected), actual in zip(examples, printed, strict=False):
        assert masked(actual.rstrip("\n")).replace(site, "9000") == masked("\n".join(expected)), command


def _stand_at_a_minutes_start(port: int) -> None:
    """So that no real minute begins between two lines, and none has 15 seconds left."""
    frozen = _post(port, {"seconds": 0, "freeze": True})
    second = datetime.fromisoformat(frozen["now"]).second
    _post(port, {"seconds": 61 - second, "run": False})


def _post(port: int, order: dict[str, Any]) -> Any:
    url = f"http://127.0.0.1:{port}/_local/advance"
    return requests.post(url, json=order, timeout=10).json()


def _reading(command: str) -> str:
    """A reader is slower than a script: the server listens, the first check is made, before the next line."""
    if "http.server" in command:
        return "until curl -s -o /dev/null http://127.0.0.1:9000/; do :; done\n"
    if '{"name"' in command:
        listed = 'curl -s http://127.0.0.1:8000/v1/monitors -H "Authorization: Bearer $KEY"'
        return f'until {listed} | grep -q \'"status":"up"\'; do :; done\n'
    return ""
