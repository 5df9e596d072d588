"""Push monitors over real sockets, with the script that Uptime Kuma shows for curl."""

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.localrun.running import PATIENCE_SECONDS, Run

CURL = shutil.which("curl")
SCRIPT = """
#!/bin/bash
set -e
PUSH_URL="{url}"
curl --silent --output /dev/null --fail "$PUSH_URL"
curl --get --data-urlencode "msg=50% done & well" --data-urlencode "ping=12.7" "{bare}"
echo
curl -X POST --json '{{"status": "down"}}' "{bare}?status=up&msg=by+post"
"""


@pytest.fixture(autouse=True)
def _still(run: Run) -> Iterator[None]:
    run.advance(0, freeze=True)
    yield
    run.advance(0, freeze=False)


@pytest.fixture
def made(run: Run) -> Any:
    fields = {"name": "Backup", "retries": 1, "public": True, "pushToken": f"moved-{uuid4().hex}"}
    answer = run.call("POST", "/v1/push-monitors", fields, run.key)
    assert answer.status == 201, answer.raw
    return answer.json["data"]


def shown(run: Run, made: Any) -> Any:
    return run.call("GET", f"/v1/push-monitors/{made['id']}", key=run.key).json["data"]


def results(run: Run, made: Any) -> list[tuple[str, str]]:
    listed = run.call("GET", f"/v1/push-monitors/{made['id']}/results", key=run.key).json["data"]
    return [(found["status"], found["message"]) for found in listed]


@pytest.mark.skipif(CURL is None, reason="there is no curl")
def test_kumas_own_script_until_it_falls_silent(run: Run, made: Any) -> None:
    url = made["pushUrl"]
    assert url.endswith(f"/api/push/{made['pushToken']}?status=up&msg=OK&ping=")
    script = SCRIPT.format(url=url, bare=url.partition("?")[0]).lstrip()
    done = subprocess.run(["bash", "-c", script], capture_output=True, timeout=PATIENCE_SECONDS, check=True)
    assert done.stdout.split() == [b'{"ok":true}', b'{"ok":true}']
    pushed = [("up", "by post"), ("up", "50% done & well"), ("up", "OK")]
    assert results(run, made) == pushed
    assert shown(run, made)["status"] == "up"
    run.advance(300)
    silence = "No heartbeat in the time window"
    assert results(run, made) == [("down", silence), ("pending", silence), *pushed]
    found = shown(run, made)
    assert (found["status"], found["lastMessage"]) == ("down", silence)
    assert 0 < found["uptime"]["last24Hours"] < 100
    assert b">Down<" in run.call("GET", f"/api/badge/{made['id']}/status").raw
    path = urlsplit(url).path
    assert run.call("DELETE", f"{path}?status=up").json == {"ok": True}
    assert shown(run, made)["status"] == "up"


def test_what_kuma_says_of_an_unknown_token(run: Run) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        refused = run.call(method, "/api/push/nobody-has-this")
        assert refused.status == 404
        assert refused.json == {"ok": False, "msg": "Monitor not found or not active."}
