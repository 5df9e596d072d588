"""Short ways to run the engine under test."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, overload

from chalicelib.net.engine import Engine, EngineOptions
from chalicelib.net.exchange import (
    Answer,
    DnsAnswer,
    DnsExchange,
    Exchange,
    HttpAnswer,
    HttpExchange,
    TcpAnswer,
    TcpExchange,
)
from chalicelib.net.policy import Policy, parse_allowances

LOOPBACK = Policy(parse_allowances("127.0.0.0/8,::1/128"))


def options(
    policy: Policy = LOOPBACK,
    nameserver: tuple[str, int] | None = None,
    ca_file: Path | None = None,
    starts_per_second: float | None = None,
) -> EngineOptions:
    return EngineOptions(policy, nameserver, str(ca_file) if ca_file else None, starts_per_second)


@overload
def run(
    exchanges: Mapping[int, HttpExchange], using: EngineOptions | None = None
) -> dict[int, HttpAnswer]: ...
@overload
def run(exchanges: Mapping[int, TcpExchange], using: EngineOptions | None = None) -> dict[int, TcpAnswer]: ...
@overload
def run(exchanges: Mapping[int, DnsExchange], using: EngineOptions | None = None) -> dict[int, DnsAnswer]: ...
@overload
def run(exchanges: Mapping[int, Exchange], using: EngineOptions | None = None) -> dict[int, Answer]: ...
def run(exchanges: Mapping[int, Exchange], using: EngineOptions | None = None) -> dict[int, Any]:
    with Engine(using or options()).start(exchanges) as started:
        return started.collect()


@overload
def check(exchange: HttpExchange, using: EngineOptions | None = None) -> HttpAnswer: ...
@overload
def check(exchange: TcpExchange, using: EngineOptions | None = None) -> TcpAnswer: ...
@overload
def check(exchange: DnsExchange, using: EngineOptions | None = None) -> DnsAnswer: ...
def check(exchange: Exchange, using: EngineOptions | None = None) -> Answer:
    exchanges: dict[int, Exchange] = {7: exchange}
    return run(exchanges, using)[7]
