"""Short ways to run the engine under test."""

from collections.abc import Mapping
from pathlib import Path

from chalicelib.net.engine import Engine, EngineOptions
from chalicelib.net.exchange import Answer, Exchange, HttpAnswer, HttpExchange
from chalicelib.net.policy import Policy, parse_allowances

LOOPBACK = Policy(parse_allowances("127.0.0.0/8,::1/128"))


def options(
    policy: Policy = LOOPBACK,
    nameserver: tuple[str, int] | None = None,
    ca_file: Path | None = None,
    starts_per_second: float | None = None,
) -> EngineOptions:
    return EngineOptions(policy, nameserver, str(ca_file) if ca_file else None, starts_per_second)


def run(exchanges: Mapping[int, Exchange], using: EngineOptions | None = None) -> dict[int, Answer]:
    with Engine(using or options()).start(exchanges) as started:
        return started.collect()


def check(exchange: HttpExchange, using: EngineOptions | None = None) -> HttpAnswer:
    return run({7: exchange}, using)[7]
