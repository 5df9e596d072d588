"""Lines of the log that CloudWatch reads as metrics (its Embedded Metric Format): no call, no right."""

import json
from datetime import datetime
from typing import Final

NAMESPACE: Final = "Uptime"
OWN_FAULT: Final = "OwnFault"


def metric_line(name: str, function: str, at: datetime) -> str:
    """Counts one `name` of a function; several deployments in an account differ by their functions."""
    described = {
        "Namespace": NAMESPACE,
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": name, "Unit": "Count"}],
    }
    about = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [described]}
    return json.dumps({"_aws": about, "FunctionName": function, name: 1})
