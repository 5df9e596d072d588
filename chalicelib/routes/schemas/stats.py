"""Stats of one monitor and of all (contract, section 3.3). Nothing in them is ever null."""

from typing import Annotated

from pydantic import Field

from chalicelib.routes.schemas.fields import Count, MonitorId, ResponseModel

Percent = Annotated[float, Field(ge=0, le=100)]


class Uptime(ResponseModel):
    """Percent of results that were up or degraded, two decimals; 100 when there are none. What was found in
    maintenance is left out."""

    last24_hours: Percent
    last7_days: Percent
    last30_days: Percent


class ResponseTimes(ResponseModel):
    """Milliseconds, over the results of 30 days that got a response; all 0 when there are none."""

    avg: Count
    min: Count
    max: Count
    p50: Count
    p95: Count
    p99: Count


class StatusCounts(ResponseModel):
    total: Count
    up: Count
    degraded: Count
    down: Count


class MonitorStats(ResponseModel):
    monitor_id: MonitorId
    uptime: Uptime
    response_time: ResponseTimes
    checks: Annotated[StatusCounts, Field(description="Results of the last 30 days.")]


class MonitorStatsItem(ResponseModel):
    data: MonitorStats


class WindowCounts(ResponseModel):
    last24_hours: Count
    last7_days: Count
    last30_days: Count


class TeamStats(ResponseModel):
    monitors: Annotated[
        StatusCounts,
        Field(description="`total` counts every monitor, the others only enabled ones by current status."),
    ]
    uptime: Uptime
    checks: WindowCounts


class TeamStatsItem(ResponseModel):
    data: TeamStats
