"""Maintenance windows (contract, section 3.9)."""

from typing import Any

from chalicelib.domain.maintenance import Window
from chalicelib.routes.presenting.instant import timestamp


def present_window(window: Window) -> dict[str, Any]:
    return {
        "id": window.id,
        "teamId": window.team_id,
        "monitorId": window.monitor_id,
        "name": window.name,
        "startsAt": timestamp(window.starts_at),
        "endsAt": timestamp(window.ends_at),
        "endedEarlyAt": timestamp(window.ended_early_at),
        "suppressAlerts": window.is_silencing,
        "showOnStatusPage": window.is_on_pages,
        "createdAt": timestamp(window.created_at),
        "updatedAt": timestamp(window.updated_at),
    }
