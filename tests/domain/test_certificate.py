from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.certificate import CertificateReading, days_left, ssl_status
from chalicelib.domain.outcome import Reason

NOW = datetime(2026, 2, 14, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("left", "days", "status"),
    [
        (31 * DAY, 31, "valid"),
        (31 * DAY - SECOND, 30, "expiring"),
        (30 * DAY, 30, "expiring"),
        (DAY, 1, "expiring"),
        (SECOND, 0, "expiring"),
        (0 * DAY, 0, "expiring"),
        (-SECOND, -1, "expired"),
        (-DAY, -1, "expired"),
        (-400 * DAY, -400, "expired"),
    ],
)
def test_whole_days_decide(left: timedelta, days: int, status: str) -> None:
    assert days_left(NOW + left, NOW) == days
    assert ssl_status(CertificateReading(not_after=NOW + left), NOW, 30) == status


def test_without_a_reading_it_is_unknown() -> None:
    assert ssl_status(None, NOW, 30) == "unknown"


@pytest.mark.parametrize("reason", [Reason.TLS_FAILED, Reason.TIMEOUT, Reason.REFUSED, Reason.NAME_NOT_FOUND])
def test_no_certificate_is_an_error(reason: Reason) -> None:
    assert ssl_status(CertificateReading(reason), NOW, 30) == "error"


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (Reason.TLS_WRONG_HOST, "error"),
        (Reason.TLS_UNTRUSTED, "valid"),
        (Reason.TLS_EXPIRED, "valid"),  # an intermediate one has
        (Reason.TLS_FAILED, "valid"),
    ],
)
def test_of_what_is_wrong_only_the_name_makes_an_error(reason: Reason, status: str) -> None:
    reading = CertificateReading(not_after=NOW + 90 * DAY, verify_reason=reason)
    assert ssl_status(reading, NOW, 30) == status


def test_dates_that_cannot_be_read_are_an_error() -> None:
    assert ssl_status(CertificateReading(), NOW, 30) == "error"
