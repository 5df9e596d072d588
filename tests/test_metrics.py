"""A metric reaches the log as it is."""

from datetime import UTC, datetime

import pytest

from chalicelib.domain.metric import metric_line
from chalicelib.metrics import PrintedMetrics


def test_a_metric_is_printed_without_a_prefix(capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    PrintedMetrics("probe").count("OwnFault", at)
    assert capsys.readouterr().out == metric_line("OwnFault", "probe", at) + "\n"
