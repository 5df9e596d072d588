"""Outcomes as JSON, for the way from one function to another."""

from typing import Any

from chalicelib.domain.outcome import Outcome, Reason, Status


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "status": int(outcome.status),
        "reason": int(outcome.reason),
        "statusCode": outcome.status_code,
        "responseMs": outcome.response_ms,
        "text": outcome.text,
        "contentPassed": outcome.content_passed,
    }


def outcome_from_json(raw: dict[str, Any]) -> Outcome:
    return Outcome(
        status=Status(raw["status"]),
        reason=Reason(raw["reason"]),
        status_code=raw["statusCode"],
        response_ms=raw["responseMs"],
        text=raw["text"],
        content_passed=raw["contentPassed"],
    )
