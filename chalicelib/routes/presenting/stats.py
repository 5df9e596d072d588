"""Stats of one monitor and of all (contract, section 3.3)."""

from typing import Any

from chalicelib.domain.histogram import Histogram
from chalicelib.services.stats import Figures, MonitorFigures, TeamFigures


def present_monitor_stats(monitor_id: str, figures: MonitorFigures) -> dict[str, Any]:
    return {
        "monitorId": monitor_id,
        "uptime": _uptime(figures),
        "responseTime": _response_times(figures.response_times),
        "checks": {
            "total": figures.month.total,
            "up": figures.month.up,
            "degraded": figures.month.degraded,
            "down": figures.month.down,
        },
    }


def present_team_stats(figures: TeamFigures) -> dict[str, Any]:
    return {
        "monitors": {
            "total": figures.monitors.total,
            "up": figures.monitors.up,
            "degraded": figures.monitors.degraded,
            "down": figures.monitors.down,
        },
        "uptime": _uptime(figures),
        "checks": {
            "last24Hours": figures.day.total,
            "last7Days": figures.week.total,
            "last30Days": figures.month.total,
        },
    }


def _uptime(figures: Figures) -> dict[str, float]:
    return {
        "last24Hours": figures.day.uptime,
        "last7Days": figures.week.uptime,
        "last30Days": figures.month.uptime,
    }


def _response_times(times: Histogram) -> dict[str, int]:
    return {
        "avg": times.mean_ms,
        "min": times.min_ms,
        "max": times.max_ms,
        "p50": times.percentile(50),
        "p95": times.percentile(95),
        "p99": times.percentile(99),
    }
