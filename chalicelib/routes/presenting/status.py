"""The state of all HTTP monitors in one answer (contract, sections 3.1 and 4.10)."""

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Status
from chalicelib.domain.rollup import shown_status, summarise
from chalicelib.routes.presenting.instant import timestamp
from chalicelib.services.readings import Reading


def present_status(monitors: Sequence[Monitor], readings: Mapping[str, Reading]) -> dict[str, Any]:
    summary = summarise((readings[m.id].status, m.is_enabled) for m in monitors)
    return {
        "status": summary.overall,
        "monitors": [_state(monitor, readings[monitor.id]) for monitor in monitors],
        "summary": {
            "total": summary.total,
            "up": summary.up,
            "down": summary.down,
            "degraded": summary.degraded,
            "unknown": summary.unknown,
        },
    }


def _state(monitor: Monitor, reading: Reading) -> dict[str, Any]:
    return {
        "id": monitor.id,
        "name": monitor.name,
        "status": _word(shown_status(reading.status, is_enabled=monitor.is_enabled)),
        "enabled": monitor.is_enabled,
        "lastCheck": timestamp(reading.checked_at),
        "responseTimeMs": reading.response_ms,
    }


def _word(status: Status | None) -> str:
    return "unknown" if status is None else status.name.lower()
