"""DNS monitors and their results (contract, section 3.4)."""

from typing import Any

from chalicelib.domain.confirmation import shown_confirmations
from chalicelib.domain.explanation import fault_text
from chalicelib.domain.identifier import result_id
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Status
from chalicelib.routes.presenting.instant import timestamp
from chalicelib.services.history import Result
from chalicelib.services.readings import Reading

STATUS_WORDS = {Status.UP: "ok", Status.DEGRADED: "changed", Status.DOWN: "error"}


def present_monitor(monitor: Monitor, reading: Reading) -> dict[str, Any]:
    return {
        "id": monitor.id,
        "name": monitor.name,
        **monitor.spec,
        "intervalSeconds": monitor.interval_seconds,
        "isEnabled": monitor.is_enabled,
        "lastCheckedAt": timestamp(reading.checked_at),
        "lastStatus": None if reading.status is None else STATUS_WORDS[reading.status],
        "lastValue": reading.text or None,
        "public": monitor.is_public,
        **shown_confirmations(monitor.spec),
        "createdAt": timestamp(monitor.created_at),
        "updatedAt": timestamp(monitor.updated_at),
    }


def present_result(monitor_id: str, result: Result) -> dict[str, Any]:
    is_answered = result.outcome.status is not Status.DOWN
    return {
        "id": result_id("res", monitor_id, result.slot),
        "status": STATUS_WORDS[result.outcome.status],
        "value": result.text or None if is_answered else None,
        "responseTimeMs": result.outcome.response_ms,
        "errorMessage": None if is_answered else fault_text(result.outcome),
        "checkedAt": timestamp(result.checked_at),
    }
