"""The engine of platforms for which there is no binary. The runs need ministack and are skipped without."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from localrun.ministack import Saved, is_write
from tests.localrun.running import Run, Site, is_alive, running, until

HIDDEN = (
    "-c",
    "import os, sys; from pathlib import Path; from localrun import process; process.leave_on_signals(); "
    "from localrun.runner import run; code = run(os.environ, Path('/nowhere')); os._exit(code)",
)
"""`local.py` where npm has no binary."""


@pytest.mark.parametrize(
    "action",
    ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "CreateTable", "", "X"],
)
def test_writes(action: str) -> None:
    assert is_write(f"DynamoDB_20120810.{action}".encode())


@pytest.mark.parametrize(
    "action", ["GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan", "DescribeTable", "ListTables"]
)
def test_reads(action: str) -> None:
    assert not is_write(f"DynamoDB_20120810.{action}".encode())


def test_it_is_saved_only_after_a_write() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        pass

    saved = Saved(app)

    def ask(action: bytes) -> bool:
        scope = {"type": "http", "headers": [(b"x-amz-target", b"DynamoDB_20120810." + action)]}
        asyncio.run(_call(saved, scope))
        return saved.is_changed

    asyncio.run(_call(saved, {"type": "lifespan"}))
    assert not saved.is_changed
    assert not ask(b"Query")
    assert ask(b"PutItem")


async def _call(app: Saved, scope: dict[str, Any]) -> None:
    await app(scope, None, None)


def test_the_story_and_what_survives(tmp_path: Path, site: Site) -> None:
    data = tmp_path / "data"
    with running(data, HIDDEN) as first:
        assert "ministack" in first.errors.read_text()
        key = first.key
        monitor_id = first.create(key, site.url)
        first.advance(120)
        assert _status(first, key, monitor_id) == "up"
        site.down()
        first.advance(60)
        assert _status(first, key, monitor_id) == "down"
        units = first.call("GET", "/_local/units").json
        assert units["available"] is False
        tree = first.tree()
        assert first.end() == 0
        assert not any(is_alive(pid) for pid in tree)
    with running(data, HIDDEN) as second:
        assert second.lines[1] == "API key: unchanged"
        assert _status(second, key, monitor_id) == "down"
        other = second.create(key, site.url)
        until(lambda: other in (data / "ministack" / "dynamodb.json").read_text())
        tree = second.tree()
        os.kill(second.process.pid, signal.SIGKILL)
        second.process.wait()
        until(lambda: not any(is_alive(pid) for pid in tree))
    with running(data, HIDDEN) as third:
        assert _status(third, key, monitor_id) == "down"
        assert third.monitor(key, other)["id"] == other


def _status(run: Run, key: str, monitor_id: str) -> str:
    return str(run.monitor(key, monitor_id)["status"])
