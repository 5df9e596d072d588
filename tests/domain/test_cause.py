"""Why something is wrong, in words."""

import pytest

from chalicelib.domain.cause import (
    cause_of_certificate,
    cause_of_check,
    cause_of_dns,
    cause_of_http,
    cause_of_job,
    cause_of_push,
)
from chalicelib.domain.certificate import SslStatus
from chalicelib.domain.event_type import EventType
from chalicelib.domain.finding import Finding
from chalicelib.domain.outcome import Reason

from .builders import SLOT, instant

UP, DOWN, DEGRADED = EventType.UP, EventType.DOWN, EventType.DEGRADED
JOB_REASONS = [Reason.LATE, Reason.MISSED, Reason.FAILED, Reason.OVERRUN, Reason.TOO_OFTEN]


def finding(event: EventType, reason: Reason = Reason.NONE, status_code: int = 0, ms: int = 0) -> Finding:
    return Finding(event, instant(SLOT), reason, status_code, ms)


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (finding(DOWN, Reason.WRONG_STATUS, 503), "Status 503 instead of 200"),
        (finding(DEGRADED, Reason.SLOW, 200, 900), "The response took 900 ms, more than 500 ms"),
        (finding(DOWN, Reason.CONTENT, 200), "The response fails a content check"),
        (finding(DOWN, Reason.TIMEOUT), "No response within the timeout"),
        (
            finding(DOWN, Reason.NONE, 200),
            "The newest check found nothing wrong; the recovery is not confirmed yet",
        ),
        (finding(DOWN), ""),
        (finding(UP, Reason.NONE, 200), ""),
    ],
)
def test_of_http_monitors(found: Finding, cause: str) -> None:
    assert cause_of_http(found, 200, 500) == cause


@pytest.mark.parametrize(
    ("found", "expected", "cause"),
    [
        (finding(DEGRADED, Reason.CHANGED), "192.0.2.1", "The records are not the expected ones: 192.0.2.1"),
        (finding(DEGRADED, Reason.CHANGED), None, "The records are not the expected ones"),
        (finding(DOWN, Reason.NAME_NOT_FOUND), "192.0.2.1", "The host name does not exist"),
        (finding(UP), "192.0.2.1", ""),
    ],
)
def test_of_dns_monitors(found: Finding, expected: str | None, cause: str) -> None:
    assert cause_of_dns(found, expected) == cause


def test_of_whatever_is_only_reached() -> None:
    assert cause_of_check(finding(DOWN, Reason.REFUSED)) == "Connection refused"
    assert cause_of_check(finding(DOWN)) == cause_of_check(finding(UP)) == ""


def test_every_reason_of_jobs_has_words_of_its_own() -> None:
    causes = {cause_of_job(finding(DOWN, reason)) for reason in JOB_REASONS}
    assert len(causes - {""}) == len(JOB_REASONS)
    assert cause_of_job(finding(DEGRADED, Reason.LATE)) == "A run is late"
    assert cause_of_job(finding(UP)) == ""


def test_of_push_monitors() -> None:
    silent, pushed = finding(DOWN, Reason.SILENT), finding(DOWN, Reason.PUSHED_DOWN)
    assert cause_of_push(silent, is_upside_down=False) == "No heartbeat in the time window"
    assert cause_of_push(pushed, is_upside_down=False) == "A heartbeat has said down"
    assert cause_of_push(pushed, is_upside_down=True) == "A heartbeat came, which means down here"
    assert cause_of_push(finding(UP), is_upside_down=True) == ""
    assert cause_of_push(finding(DOWN), is_upside_down=True) == ""


@pytest.mark.parametrize(
    ("days", "when"), [(None, "soon"), (0, "within a day"), (1, "in 1 day"), (6, "in 6 days")]
)
def test_of_certificates_that_expire(days: int | None, when: str) -> None:
    assert cause_of_certificate("expiring", days, Reason.NONE) == f"The certificate expires {when}"


@pytest.mark.parametrize(
    ("status", "fault", "cause"),
    [
        ("expired", Reason.NONE, "The certificate has expired"),
        ("error", Reason.TLS_WRONG_HOST, "The TLS certificate is for another host"),
        ("error", Reason.NONE, "No certificate for this host could be read"),
        ("valid", Reason.TLS_UNTRUSTED, ""),
    ],
)
def test_of_certificates_that_are_no_good(status: SslStatus, fault: Reason, cause: str) -> None:
    assert cause_of_certificate(status, None, fault) == cause
