"""Maintenance windows (contract, section 3.9)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, cast

from pydantic import AfterValidator, ConfigDict, Field

from chalicelib.routes.schemas.fields import (
    Instant,
    MonitorId,
    Name255,
    RequestModel,
    ResponseModel,
    Timestamp,
)
from chalicelib.services.maintenance import Draft


def _whole_seconds(at: datetime) -> datetime:
    return at.replace(microsecond=0)


StartsAt = Annotated[Instant, AfterValidator(_whole_seconds), Field(description="It may lie in the past.")]
EndsAt = Annotated[
    Instant,
    AfterValidator(_whole_seconds),
    Field(description="After `startsAt`. The window is active until then, that instant excluded."),
]
Covered = Annotated[
    str | None,
    Field(
        description="An HTTP monitor of the team, with which the window will go. `null`: every monitor of "
        "every kind.",
        examples=["mon_01a1fb8928a5711391f17038010f5997"],
    ),
]
SuppressAlerts = Annotated[
    bool, Field(description="Whether nothing is sent about covered monitors while it is active.")
]
ShowOnStatusPage = Annotated[bool, Field(description="Whether status pages show it until it is over.")]

_ABSENT = cast(Any, None)
_FIELDS: Final = {
    "name": "name",
    "starts_at": "starts_at",
    "ends_at": "ends_at",
    "monitor_id": "monitor_id",
    "suppress_alerts": "is_silencing",
    "show_on_status_page": "is_on_pages",
}


class MaintenanceCreate(RequestModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Database upgrade",
                    "startsAt": "2026-03-01T22:00:00Z",
                    "endsAt": "2026-03-02T00:00:00Z",
                    "monitorId": "mon_01a1fb8928a5711391f17038010f5997",
                }
            ]
        }
    )

    name: Name255
    starts_at: StartsAt
    ends_at: EndsAt
    monitor_id: Covered = None
    suppress_alerts: SuppressAlerts = True
    show_on_status_page: ShowOnStatusPage = True

    def draft(self) -> Draft:
        return Draft(**{field: getattr(self, name) for name, field in _FIELDS.items()})


class MaintenanceUpdate(RequestModel):
    """Every field optional; absent leaves it unchanged."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"endsAt": "2026-03-02T01:00:00Z"}]})

    name: Name255 = _ABSENT
    starts_at: StartsAt = _ABSENT
    ends_at: EndsAt = _ABSENT
    monitor_id: Covered = None
    suppress_alerts: SuppressAlerts = _ABSENT
    show_on_status_page: ShowOnStatusPage = _ABSENT

    def change(self) -> Mapping[str, Any]:
        given = self.model_dump(exclude_unset=True)
        return {field: given[name] for name, field in _FIELDS.items() if name in given}


class Maintenance(ResponseModel):
    id: Annotated[
        str, Field(pattern=r"^mnt_[a-zA-Z0-9]+$", examples=["mnt_01a1fc2271b273d6b489ba60da14284e"])
    ]
    team_id: Annotated[
        str, Field(pattern=r"^team_[a-zA-Z0-9]+$", examples=["team_01a1fb8928a5711391f17038010f5997"])
    ]
    monitor_id: Annotated[MonitorId | None, Field(description="`null`: every monitor of every kind.")]
    name: Name255
    starts_at: Timestamp
    ends_at: Timestamp
    ended_early_at: Annotated[
        Timestamp | None, Field(description="When it was ended; since then it is over, whatever `endsAt` is.")
    ]
    suppress_alerts: SuppressAlerts
    show_on_status_page: ShowOnStatusPage
    created_at: Timestamp
    updated_at: Timestamp


class MaintenanceItem(ResponseModel):
    data: Maintenance


class MaintenanceList(ResponseModel):
    data: list[Maintenance]
