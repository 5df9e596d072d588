"""Ad-hoc pings (contract, section 3.2)."""

from datetime import datetime
from typing import Any

from chalicelib.domain.explanation import fault_text
from chalicelib.domain.outcome import Outcome, Status
from chalicelib.routes.presenting.dns_monitor import STATUS_WORDS as DNS_WORDS
from chalicelib.routes.presenting.instant import timestamp
from chalicelib.routes.presenting.tcp_monitor import status_word


def present_ping(id: str, kind: str, outcome: Outcome, checked_at: datetime) -> dict[str, Any]:
    return {"id": id, "type": kind, "checkedAt": timestamp(checked_at), **_KINDS[kind](outcome)}


def _http(outcome: Outcome) -> dict[str, Any]:
    """Numbers are null when nothing answered."""
    has_answer = outcome.status_code != 0
    return {
        "status": outcome.status.name.lower(),
        "responseStatus": outcome.status_code if has_answer else None,
        "responseTimeMs": outcome.response_ms if has_answer else None,
        "contentChecksPassed": outcome.content_passed,
        "errorMessage": fault_text(outcome),
    }


def _dns(outcome: Outcome) -> dict[str, Any]:
    is_answered = outcome.status is not Status.DOWN
    return {
        "status": DNS_WORDS[outcome.status],
        "resolvedValue": outcome.text if is_answered else None,
        "responseTimeMs": outcome.response_ms if is_answered else None,
        "errorMessage": None if is_answered else fault_text(outcome),
    }


def _tcp(outcome: Outcome) -> dict[str, Any]:
    is_up = outcome.status is Status.UP
    return {
        "status": status_word(outcome.status, outcome.reason),
        "responseTimeMs": outcome.response_ms if is_up else None,
        "errorMessage": None if is_up else fault_text(outcome),
    }


_KINDS = {"http": _http, "dns": _dns, "tcp": _tcp}
