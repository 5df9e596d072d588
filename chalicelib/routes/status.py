"""The state of all HTTP monitors in one answer (contract, sections 3.1 and 4.10)."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.rollup import shown_status, summarise
from chalicelib.routes.http import Call, route
from chalicelib.routes.schemas.fields import timestamp
from chalicelib.services.monitors import list_monitors
from chalicelib.services.readings import read_monitors

bp = Blueprint(__name__)


@route(bp, ["GET"], "/v1/status", "monitors:read")
def get_status(call: Call) -> Any:
    monitors = list_monitors(call.deps, call.team_id, "http")
    readings = read_monitors(call.deps, monitors, consistent=False)
    shown = {m.id: shown_status(readings[m.id].status, is_enabled=m.is_enabled) for m in monitors}
    summary = summarise((readings[m.id].status, m.is_enabled) for m in monitors)
    return {
        "status": summary.overall,
        "monitors": [
            {
                "id": m.id,
                "name": m.name,
                "status": _word(shown[m.id]),
                "enabled": m.is_enabled,
                "lastCheck": timestamp(readings[m.id].checked_at),
                "responseTimeMs": readings[m.id].response_ms,
            }
            for m in monitors
        ],
        "summary": {
            "total": summary.total,
            "up": summary.up,
            "down": summary.down,
            "degraded": summary.degraded,
            "unknown": summary.unknown,
        },
    }


def _word(status: Any) -> str:
    return "unknown" if status is None else str(status.name).lower()
