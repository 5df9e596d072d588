"""DNS checks: the records of a name, and whether they are the expected ones (contract, section 4.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.checkers.spec import Rules, one_of, optional, require, text
from chalicelib.domain.dns_values import RECORD_TYPES, is_expected, report
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.net.exchange import DnsAnswer, DnsExchange

TIMEOUT_SECONDS: Final = 10.0

_RULES: Final[Rules] = {
    "domain": text(1, 255),
    "recordType": one_of(RECORD_TYPES),
    "expectedValue": optional(text(0, 1024)),
}


@dataclass(frozen=True, slots=True)
class Config:
    domain: str
    record_type: str
    expected_value: str | None


def parse(spec: Mapping[str, Any], extras: Mapping[str, Any] | None) -> Config:
    """Raises BadSpec."""
    require(spec, _RULES)
    return Config(
        domain=spec["domain"], record_type=spec["recordType"], expected_value=spec.get("expectedValue")
    )


def plan(config: Config) -> DnsExchange:
    return DnsExchange(name=config.domain, record_type=config.record_type, timeout_seconds=TIMEOUT_SECONDS)


def judge(config: Config, answer: DnsAnswer) -> Outcome:
    """The contract's ok is up, changed is degraded, error is down; the first two report what was found."""
    status, reason, found = Status.DOWN, answer.fault, ""
    if answer.fault is Reason.NONE:
        found = report(config.record_type, answer.records)
        if is_expected(config.record_type, config.expected_value, answer.records):
            status = Status.UP
        else:
            status, reason = Status.DEGRADED, Reason.CHANGED
    return Outcome(
        status=status,
        reason=reason,
        response_ms=round(answer.elapsed_ms),
        offset_ms=round(answer.offset_ms),
        text=found,
    )
