"""The form that CloudWatch demands of a line that is a metric."""

import json
from datetime import UTC, datetime

from chalicelib.domain.metric import OWN_FAULT, metric_line


def test_a_metric_is_one_line_in_the_embedded_format() -> None:
    line = metric_line(OWN_FAULT, "uptime-prod-Probe-X", datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert "\n" not in line
    assert json.loads(line) == {
        "_aws": {
            "Timestamp": 1_772_366_400_000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Uptime",
                    "Dimensions": [["FunctionName"]],
                    "Metrics": [{"Name": "OwnFault", "Unit": "Count"}],
                }
            ],
        },
        "FunctionName": "uptime-prod-Probe-X",
        "OwnFault": 1,
    }
