"""TCP checks: up when the connection is accepted in time (contract, section 4.6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.checkers.spec import Rules, require, text, whole
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.net.exchange import TcpAnswer, TcpExchange

_RULES: Final[Rules] = {"host": text(1, 255), "port": whole(1, 65535), "timeoutMs": whole(100, 60_000)}


@dataclass(frozen=True, slots=True)
class Config:
    host: str
    port: int
    timeout_ms: int


def parse(spec: Mapping[str, Any], extras: Mapping[str, Any] | None) -> Config:
    """Raises BadSpec."""
    require(spec, _RULES)
    return Config(host=spec["host"], port=spec["port"], timeout_ms=spec["timeoutMs"])


def plan(config: Config) -> TcpExchange:
    return TcpExchange(host=config.host, port=config.port, timeout_seconds=config.timeout_ms / 1000)


def judge(config: Config, answer: TcpAnswer) -> Outcome:
    """The contract's third status, timeout, is down with the reason TIMEOUT."""
    return Outcome(
        status=Status.UP if answer.fault is Reason.NONE else Status.DOWN,
        reason=answer.fault,
        response_ms=round(answer.elapsed_ms),
        offset_ms=round(answer.offset_ms),
        phases=answer.phases,
    )
