"""`requests` as most people would call it: a session per check, in as many threads as checks at a time.

It looks names up at the machine's own resolver; where that cannot be ours it is given the address.
"""

import contextlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from bench.contender import CONCURRENT, CheckFailed, Contender
from bench.target import HOST, Target

_ask = socket.getaddrinfo


def _known(host: Any, *rest: Any, **named: Any) -> Any:
    return _ask("127.0.0.1" if host == HOST else host, *rest, **named)


@contextlib.contextmanager
def ready(target: Target) -> Iterator[Contender]:
    if not target.resolv_conf:
        socket.getaddrinfo = _known

    def one(_: int) -> None:
        with requests.Session() as session:
            session.trust_env = False
            if session.get(target.url, timeout=30, verify=target.ca_file).status_code != 200:
                raise CheckFailed(target.url)

    with ThreadPoolExecutor(CONCURRENT) as pool:

        def check(count: int) -> None:
            list(pool.map(one, range(count)))

        yield Contender(check)
