"""TCP monitors and their results (contract, section 3.5)."""

from typing import Any

from chalicelib.domain.confirmation import shown_confirmations
from chalicelib.domain.explanation import fault_text
from chalicelib.domain.identifier import result_id
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.routes.presenting.instant import timestamp
from chalicelib.services.history import Result
from chalicelib.services.readings import Reading


def present_monitor(monitor: Monitor, reading: Reading) -> dict[str, Any]:
    return {
        "id": monitor.id,
        "name": monitor.name,
        **monitor.spec,
        "intervalSeconds": monitor.interval_seconds,
        "isEnabled": monitor.is_enabled,
        "lastCheckedAt": timestamp(reading.checked_at),
        "lastStatus": None if reading.status is None else status_word(reading.status, reading.reason),
        "lastResponseTimeMs": reading.response_ms if reading.newest_status is Status.UP else None,
        "public": monitor.is_public,
        **shown_confirmations(monitor.spec),
        "createdAt": timestamp(monitor.created_at),
        "updatedAt": timestamp(monitor.updated_at),
    }


def present_result(monitor_id: str, result: Result) -> dict[str, Any]:
    """`error` is there only when the target was not up."""
    return {
        "id": result_id("tcpr", monitor_id, result.slot),
        **present_outcome(result.outcome),
        "checkedAt": timestamp(result.checked_at),
    }


def present_outcome(outcome: Outcome) -> dict[str, Any]:
    is_up = outcome.status is Status.UP
    presented: dict[str, Any] = {
        "status": status_word(outcome.status, outcome.reason),
        "responseTimeMs": outcome.response_ms if is_up else None,
    }
    return presented if is_up else {**presented, "error": fault_text(outcome)}


def status_word(status: Status, reason: Reason) -> str:
    if status is Status.UP:
        return "up"
    return "timeout" if reason is Reason.TIMEOUT else "down"
