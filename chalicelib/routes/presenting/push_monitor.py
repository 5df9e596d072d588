"""Push monitors and their results."""

from typing import Any

from chalicelib.domain.beat import Beat, beat_id
from chalicelib.domain.silence import PushStatus
from chalicelib.routes.presenting.instant import timestamp
from chalicelib.services.push_monitors import Shown


def push_url(base: str, token: str) -> str:
    """With the parameters that Kuma shows."""
    return f"{base}/api/push/{token}?status=up&msg=OK&ping="


def present_monitor(shown: Shown, base: str | None) -> dict[str, Any]:
    """`base` is None for those who may not know the secret."""
    monitor, pulse, rules = shown.monitor, shown.pulse, shown.monitor.rules
    day, week, month = shown.uptime
    return {
        "id": monitor.id,
        "name": monitor.name,
        "intervalSeconds": rules.interval_seconds,
        "retries": rules.retries,
        "retryIntervalSeconds": rules.retry_interval_seconds,
        "upsideDown": rules.is_upside_down,
        "isEnabled": monitor.is_enabled,
        "public": monitor.is_public,
        "pushToken": None if base is None else monitor.push_token,
        "pushUrl": None if base is None else push_url(base, monitor.push_token),
        "status": pulse.status.name.lower(),
        "lastPushAt": timestamp(pulse.last_push_at),
        "lastStatusChangeAt": timestamp(pulse.changed_at),
        "lastMessage": shown.words,
        "lastResponseTimeMs": pulse.last_ping_ms,
        "uptime": {"last24Hours": day, "last7Days": week, "last30Days": month},
        "enabledAt": timestamp(monitor.enabled_at),
        "createdAt": timestamp(monitor.created_at),
        "updatedAt": timestamp(monitor.updated_at),
    }


def present_result(monitor_id: str, beat: Beat, words: str | None) -> dict[str, Any]:
    return {
        "id": beat_id("beat", monitor_id, beat),
        "status": PushStatus(beat.kind).name.lower(),
        "message": words,
        "responseTimeMs": beat.milliseconds,
        "silent": not beat.is_fine,
        "checkedAt": timestamp(beat.at),
    }
