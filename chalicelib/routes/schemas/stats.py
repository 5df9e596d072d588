"""Stats of one monitor and of all (contract, section 3.3). Nothing in them is ever null."""

from typing import Any

from chalicelib.domain.histogram import Histogram
from chalicelib.routes.schemas.fields import ResponseModel
from chalicelib.services.stats import Figures, MonitorFigures, TeamFigures


class UptimeResponse(ResponseModel):
    """Percent, two decimals."""

    last24_hours: float
    last7_days: float
    last30_days: float


class ResponseTimeResponse(ResponseModel):
    """Milliseconds, over the results of 30 days that got a response."""

    avg: int
    min: int
    max: int
    p50: int
    p95: int
    p99: int


class CheckCountsResponse(ResponseModel):
    total: int
    up: int
    degraded: int
    down: int


class MonitorStatsResponse(ResponseModel):
    monitor_id: str
    uptime: UptimeResponse
    response_time: ResponseTimeResponse
    checks: CheckCountsResponse


class MonitorCountsResponse(ResponseModel):
    total: int
    up: int
    degraded: int
    down: int


class WindowCountsResponse(ResponseModel):
    last24_hours: int
    last7_days: int
    last30_days: int


class TeamStatsResponse(ResponseModel):
    monitors: MonitorCountsResponse
    uptime: UptimeResponse
    checks: WindowCountsResponse


def present_monitor_stats(monitor_id: str, figures: MonitorFigures) -> dict[str, Any]:
    month = figures.month
    response = MonitorStatsResponse(
        monitor_id=monitor_id,
        uptime=_uptime(figures),
        response_time=_response_time(figures.response_times),
        checks=CheckCountsResponse(total=month.total, up=month.up, degraded=month.degraded, down=month.down),
    )
    return response.model_dump(by_alias=True)


def present_team_stats(figures: TeamFigures) -> dict[str, Any]:
    monitors = figures.monitors
    response = TeamStatsResponse(
        monitors=MonitorCountsResponse(
            total=monitors.total, up=monitors.up, degraded=monitors.degraded, down=monitors.down
        ),
        uptime=_uptime(figures),
        checks=WindowCountsResponse(
            last24_hours=figures.day.total,
            last7_days=figures.week.total,
            last30_days=figures.month.total,
        ),
    )
    return response.model_dump(by_alias=True)


def _uptime(figures: Figures) -> UptimeResponse:
    return UptimeResponse(
        last24_hours=figures.day.uptime,
        last7_days=figures.week.uptime,
        last30_days=figures.month.uptime,
    )


def _response_time(times: Histogram) -> ResponseTimeResponse:
    return ResponseTimeResponse(
        avg=times.mean_ms,
        min=times.min_ms,
        max=times.max_ms,
        p50=times.percentile(50),
        p95=times.percentile(95),
        p99=times.percentile(99),
    )
