"""The state of all HTTP monitors (contract, sections 3.1 and 4.10)."""

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.routes.schemas.fields import Count, MonitorId, Name255, ResponseModel, Timestamp


class MonitorState(ResponseModel):
    id: MonitorId
    name: Name255
    status: Literal["up", "down", "degraded", "unknown"]
    enabled: bool
    last_check: Timestamp | None
    response_time_ms: Annotated[Count | None, Field(description="Of the last check.")]


class StatusSummary(ResponseModel):
    total: Count
    up: Count
    down: Count
    degraded: Count
    unknown: Count


class StatusAnswer(ResponseModel):
    status: Literal["operational", "degraded", "partial_outage", "major_outage", "unknown"]
    monitors: list[MonitorState]
    summary: StatusSummary
