"""Content checks (contract, section 3.3)."""

from typing import Any

from chalicelib.domain.extras import ContentCheck
from chalicelib.routes.presenting.instant import timestamp


def present_check(monitor_id: str, check: ContentCheck) -> dict[str, Any]:
    return {
        "id": check.id,
        "monitorId": monitor_id,
        "type": check.type,
        "value": check.value,
        "caseSensitive": check.case_sensitive,
        "isEnabled": check.is_enabled,
        "createdAt": timestamp(check.created_at),
        "updatedAt": timestamp(check.updated_at),
    }
