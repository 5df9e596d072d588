"""HTTP and HTTPS checks (contract, section 4.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.net.exchange import HttpAnswer, HttpExchange


@dataclass(frozen=True, slots=True)
class Config:
    """What an HTTP check needs. Redirects are followed unless a 3xx itself is expected."""

    url: str
    method: str
    expected_status: int
    degraded_after_ms: int
    timeout_seconds: float

    @property
    def follows_redirects(self) -> bool:
        return not 300 <= self.expected_status <= 399


def parse(spec: Mapping[str, Any], extras: Mapping[str, Any] | None) -> Config:
    """From the stored spec, which was validated when it was saved."""
    return Config(
        url=spec["url"],
        method=spec["method"],
        expected_status=spec["expectedStatus"],
        degraded_after_ms=spec["degradedAfterMs"],
        timeout_seconds=spec["timeoutSeconds"],
    )


def plan(config: Config) -> HttpExchange:
    return HttpExchange(
        url=config.url,
        method=config.method,
        timeout_seconds=config.timeout_seconds,
        follow_redirects=config.follows_redirects,
    )


def judge(config: Config, answer: HttpAnswer) -> Outcome:
    """Down without a response or with another status than expected; degraded when strictly slower."""
    response_ms = round(answer.elapsed_ms)
    status, reason = _verdict(config, answer, response_ms)
    return Outcome(
        status=status,
        reason=reason,
        status_code=0 if answer.fault is not Reason.NONE else answer.status_code,
        response_ms=response_ms,
        offset_ms=round(answer.offset_ms),
        phases=answer.phases,
    )


def _verdict(config: Config, answer: HttpAnswer, response_ms: int) -> tuple[Status, Reason]:
    if answer.fault is not Reason.NONE:
        return Status.DOWN, answer.fault
    if answer.status_code != config.expected_status:
        return Status.DOWN, Reason.WRONG_STATUS
    if response_ms > config.degraded_after_ms:
        return Status.DEGRADED, Reason.SLOW
    return Status.UP, Reason.NONE
