"""HTTP monitors and their results (contract, section 3.3)."""

from typing import Any

from chalicelib.domain.confirmation import shown_confirmations
from chalicelib.domain.explanation import fault_text
from chalicelib.domain.identifier import result_id
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Status
from chalicelib.routes.presenting.instant import timestamp
from chalicelib.services.history import Result
from chalicelib.services.readings import Reading


def present_monitor(monitor: Monitor, reading: Reading) -> dict[str, Any]:
    return {
        "id": monitor.id,
        "name": monitor.name,
        "url": monitor.spec["url"],
        "method": monitor.spec["method"],
        "expectedStatus": monitor.spec["expectedStatus"],
        "intervalSeconds": monitor.interval_seconds,
        "degradedAfterMs": monitor.spec["degradedAfterMs"],
        "timeoutSeconds": monitor.spec["timeoutSeconds"],
        "locationHint": monitor.spec["locationHint"],
        "sslMonitoringEnabled": monitor.spec["sslMonitoringEnabled"],
        "sslExpiryWarningDays": monitor.spec["sslExpiryWarningDays"],
        "status": "pending" if reading.status is None else reading.status.name.lower(),
        "lastCheckedAt": timestamp(reading.checked_at),
        "enabledAt": timestamp(monitor.enabled_at),
        "public": monitor.is_public,
        **shown_confirmations(monitor.spec),
        "sslStatus": reading.ssl.status,
        "sslExpiresAt": timestamp(reading.ssl.expires_at),
        "sslIssuer": reading.ssl.issuer,
        "sslLastCheckedAt": timestamp(reading.ssl.checked_at),
        "headerNames": list(monitor.header_names),
        "hasBody": monitor.has_body,
        "createdAt": timestamp(monitor.created_at),
        "updatedAt": timestamp(monitor.updated_at),
    }


def present_result(monitor_id: str, result: Result) -> dict[str, Any]:
    """`error` is there only when nothing answered."""
    outcome = result.outcome
    presented = {
        "id": result_id("chk", monitor_id, result.slot),
        "monitorId": monitor_id,
        "status": Status(outcome.status).name.lower(),
        "statusCode": outcome.status_code,
        "responseTimeMs": outcome.response_ms,
        "region": result.region,
        "checkedAt": timestamp(result.checked_at),
    }
    error = fault_text(outcome)
    return presented if error is None else {**presented, "error": error}
