"""The floor of a TCP check: connect and close, one at a time, and nothing of ours around it."""

import contextlib
import socket
from collections.abc import Iterator

from bench.contender import Contender
from bench.target import Target


@contextlib.contextmanager
def ready(target: Target) -> Iterator[Contender]:
    def check(count: int) -> None:
        for _ in range(count):
            with socket.socket() as opened:
                opened.connect(("127.0.0.1", target.port))

    yield Contender(check)
