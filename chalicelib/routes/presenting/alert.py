"""Alerts and their events (contract, section 3.7)."""

from typing import Any, Final

from chalicelib.domain.alert import Alert, Health
from chalicelib.domain.alert_event import AlertEvent
from chalicelib.domain.event_type import EventType
from chalicelib.routes.presenting.instant import timestamp

_NONE: Final = "0" * 32


def present_alert(alert: Alert, health: Health) -> dict[str, Any]:
    is_enabled = health.disabled_at is None
    return {
        "id": alert.id,
        "name": alert.name,
        "strategy": alert.strategy,
        "notifyOnRecovery": alert.notifies_on_recovery,
        "cooldownMinutes": alert.cooldown_minutes,
        "monitorId": alert.monitor_id,
        "flappingAfter": alert.flapping_after,
        "enabled": is_enabled,
        "disabledReason": None if is_enabled else health.problem,
        "createdAt": timestamp(alert.created_at),
        "updatedAt": timestamp(alert.updated_at),
    }


def present_event(event: AlertEvent) -> dict[str, Any]:
    """`monitorId` takes ids of HTTP monitors alone, whatever the event is about (contract R45)."""
    return {
        "id": event.id,
        "alertId": event.alert_id,
        "monitorId": f"mon_{event.monitor_id.rpartition('_')[2] or _NONE}",
        "resourceId": event.monitor_id or None,
        "monitorType": event.kind,
        "type": "recovered" if event.event is EventType.UP else "triggered",
        "eventType": event.event.value,
        "status": event.status.value,
        "sentAt": timestamp(event.sent_at),
        "errorMessage": event.problem or None,
        "attempts": event.attempts,
        "nextAttemptAt": timestamp(event.next_attempt_at),
        "isTest": event.is_test,
        "skipReason": None if event.skip is None else event.skip.value,
        "skippedCount": event.skipped,
        "until": timestamp(event.until),
        "createdAt": timestamp(event.created_at),
    }
