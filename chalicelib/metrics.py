"""Metrics, as lines on standard output, where Lambda takes each for an event of the log as it is.

The logger's own lines have a prefix there, with which CloudWatch would not know a metric.
"""

from datetime import datetime

from chalicelib.domain.metric import metric_line


class PrintedMetrics:
    """Satisfies `Metrics`."""

    def __init__(self, function: str) -> None:
        self._function = function

    def count(self, name: str, at: datetime) -> None:
        print(metric_line(name, self._function, at), flush=True)
