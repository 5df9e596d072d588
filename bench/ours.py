"""Uptime itself: the check runner over the real engine, in runs of a full shard, as the probe does it."""

import contextlib
import resource
from collections.abc import Iterator
from typing import Any

from bench.contender import CONCURRENT, CheckFailed, Contender
from bench.target import HOST, Target
from chalicelib.checkers.runner import CheckRunner
from chalicelib.domain.member import Member
from chalicelib.domain.outcome import Status
from chalicelib.net.engine import Engine, EngineOptions
from chalicelib.net.policy import Policy, parse_allowances

SHARD = 200
PACE = 700.0
"""Starts a second that one virtual processor of AWS is given."""


def engine_for(target: Target, starts_per_second: float | None) -> Engine:
    return Engine(
        EngineOptions(
            policy=Policy(parse_allowances("127.0.0.0/8")),
            nameserver=("127.0.0.1", target.dns_port),
            ca_file=target.ca_file,
            starts_per_second=starts_per_second,
        )
    )


def members_for(target: Target, count: int) -> list[Member]:
    spec = _spec(target)
    kind = "http" if target.kind == "https" else target.kind
    return [Member(n, f"mon_{n}", "team_bench", kind, spec, 60, 0, is_enabled=True) for n in range(count)]


def _spec(target: Target) -> dict[str, Any]:
    match target.kind:
        case "dns":
            return {"domain": HOST, "recordType": "A", "expectedValue": "127.0.0.1"}
        case "tcp":
            return {"host": "127.0.0.1", "port": target.port, "timeoutMs": 10_000}
        case _:
            return {
                "url": target.url,
                "method": "GET",
                "expectedStatus": 200,
                "degradedAfterMs": 60_000,
                "timeoutSeconds": 30,
            }


@contextlib.contextmanager
def unpaced(target: Target) -> Iterator[Contender]:
    # The engine starts as many as there are files for, two each: that makes it 100 at a time.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64 + 2 * CONCURRENT, most))
    yield _contender(target, None)


@contextlib.contextmanager
def paced(target: Target) -> Iterator[Contender]:
    yield _contender(target, PACE)


def _contender(target: Target, starts_per_second: float | None) -> Contender:
    runner = CheckRunner(engine_for(target, starts_per_second))

    def check(count: int) -> None:
        while count > 0:
            members = members_for(target, min(count, SHARD))
            run = runner.start(members, {})
            outcomes = run.collect()
            run.close()
            if [outcome.status for outcome in outcomes.values()] != [Status.UP] * len(members):
                raise CheckFailed(next((o for o in outcomes.values() if o.status is not Status.UP), None))
            count -= len(members)

    return Contender(check)
