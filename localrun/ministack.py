"""The fallback engine's process: ministack's DynamoDB, saved while it runs.

By itself ministack listens on every interface and saves only when it is stopped in order.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from typing import Any

SAVE_EVERY_SECONDS = 0.5
_READS = (b"Get", b"Query", b"Scan", b"Batch", b"Describe", b"List", b"TransactGet")

Scope = MutableMapping[str, Any]
Asgi = Callable[[Scope, Any, Any], Awaitable[None]]


class Saved:
    """The app, and whether it has been asked to write since the last save."""

    def __init__(self, app: Asgi) -> None:
        self._app = app
        self.is_changed = False

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)
        if scope["type"] == "http" and is_write(dict(scope["headers"]).get(b"x-amz-target", b"")):
            self.is_changed = True


def is_write(target: bytes) -> bool:
    action = target.rpartition(b".")[2]
    return action == b"BatchWriteItem" or not action.startswith(_READS)


async def _serve(port: int) -> None:
    serve = import_module("hypercorn.asyncio").serve
    config = import_module("hypercorn.config").Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.loglevel = "ERROR"
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    saved = Saved(import_module("ministack.app").app)
    saving = asyncio.create_task(_keep_saving(saved, os.getppid()))
    await serve(saved, config)
    saving.cancel()


async def _keep_saving(saved: Saved, parent: int) -> None:
    """Copied between two requests, written beside them. Ends with the runner, also where the system does
    not see to that."""
    save_state = import_module("ministack.core.persistence").save_state
    dynamodb = import_module("ministack.services.dynamodb")
    while True:
        await asyncio.sleep(SAVE_EVERY_SECONDS)
        if saved.is_changed:
            saved.is_changed = False
            await asyncio.to_thread(save_state, "dynamodb", dynamodb.get_state())
        if os.getppid() != parent:
            os._exit(0)


if __name__ == "__main__":
    os.environ |= {
        "GATEWAY_PORT": sys.argv[1],
        "STATE_DIR": sys.argv[2],
        "PERSIST_STATE": "1",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "ERROR",
    }
    asyncio.run(_serve(int(sys.argv[1])))
