"""HTTP and HTTPS checks (contract, sections 4.2 and 4.4)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.checkers.spec import Rules, one_of, require, text, whole
from chalicelib.domain.content import REGEX, ContentRule, satisfies, text_of
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.request_headers import METHODS_WITHOUT_BODY
from chalicelib.net.exchange import HttpAnswer, HttpExchange

MAX_BODY_BYTES: Final = 1 << 20

_RULES: Final[Rules] = {
    "url": text(1, 2048),
    "method": one_of(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")),
    "expectedStatus": whole(100, 599),
    "degradedAfterMs": whole(1, 2**53),
    "timeoutSeconds": whole(1, 60),
}


@dataclass(frozen=True, slots=True)
class Config:
    """What an HTTP check needs. Redirects are followed unless a 3xx itself is expected.

    Header values and body may be secrets: they stand in no repr.
    """

    url: str
    method: str
    expected_status: int
    degraded_after_ms: int
    timeout_seconds: float
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    rules: tuple[ContentRule, ...] = ()

    @property
    def follows_redirects(self) -> bool:
        return not 300 <= self.expected_status <= 399


def parse(spec: Mapping[str, Any], extras: Mapping[str, Any] | None) -> Config:
    """From the stored spec and extras. Raises BadSpec."""
    require(spec, _RULES)
    given = extras or {}
    body = given.get("body")
    return Config(
        url=spec["url"],
        method=spec["method"],
        expected_status=spec["expectedStatus"],
        degraded_after_ms=spec["degradedAfterMs"],
        timeout_seconds=spec["timeoutSeconds"],
        headers=tuple(given.get("headers", {}).items()),
        body=body.encode() if body and spec["method"] not in METHODS_WITHOUT_BODY else None,
        rules=tuple(
            ContentRule(rule["type"], rule["value"], rule.get("caseSensitive", False))
            for rule in given.get("contentChecks", ())
            if rule.get("isEnabled", True)
        ),
    )


def plan(config: Config) -> HttpExchange:
    """A body is read only for content checks; a response to HEAD would have none."""
    return HttpExchange(
        url=config.url,
        method="GET" if config.rules and config.method == "HEAD" else config.method,
        timeout_seconds=config.timeout_seconds,
        follow_redirects=config.follows_redirects,
        headers=config.headers,
        body=config.body,
        max_body_bytes=MAX_BODY_BYTES if config.rules else 0,
    )


def judging_cost(config: Config) -> int:
    """What a byte of a body costs to judge, about: 0 when none is read."""
    return sum(len(rule.value) if rule.type == REGEX else 1 for rule in config.rules)


def judge(config: Config, answer: HttpAnswer) -> Outcome:
    """Down without a response, with another status than expected or without the content; degraded when
    strictly slower."""
    response_ms = round(answer.elapsed_ms)
    content_passed = passes_content(config, answer)
    status, reason = _verdict(config, answer, response_ms, content_passed)
    return Outcome(
        status=status,
        reason=reason,
        status_code=0 if answer.fault is not Reason.NONE else answer.status_code,
        response_ms=response_ms,
        offset_ms=round(answer.offset_ms),
        phases=answer.phases,
        content_passed=content_passed,
    )


def passes_content(config: Config, answer: HttpAnswer) -> bool:
    """Whatever else is wrong with the answer. Without a response it is an empty body that is judged."""
    if not config.rules:
        return True
    body = b"" if answer.fault else answer.body
    return satisfies(config.rules, text_of(body, answer.content_type), time.thread_time)


def _verdict(
    config: Config, answer: HttpAnswer, response_ms: int, content_passed: bool
) -> tuple[Status, Reason]:
    if answer.fault is not Reason.NONE:
        return Status.DOWN, answer.fault
    if answer.status_code != config.expected_status:
        return Status.DOWN, Reason.WRONG_STATUS
    if not content_passed:
        return Status.DOWN, Reason.CONTENT
    if response_ms > config.degraded_after_ms:
        return Status.DEGRADED, Reason.SLOW
    return Status.UP, Reason.NONE
