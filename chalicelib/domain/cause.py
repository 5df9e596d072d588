"""Why something is wrong, in one short sentence without its full stop: what a notification says beside its
facts. Empty when there is nothing to say.

Where the exchange itself has failed, the words are those of results (`explanation.py`).
"""

from typing import Final

from chalicelib.domain.certificate import SslStatus
from chalicelib.domain.event_type import EventType
from chalicelib.domain.explanation import fault_text
from chalicelib.domain.finding import Finding
from chalicelib.domain.outcome import Outcome, Reason, Status

_OF_JOBS: Final = {
    Reason.LATE: "A run is late",
    Reason.MISSED: "A run has been missed",
    Reason.FAILED: "A run has said that it failed",
    Reason.OVERRUN: "A run has begun and not ended in time",
    Reason.TOO_OFTEN: "A run has ended too soon after the one before",
}


def cause_of_check(finding: Finding) -> str:
    """Of a kind without status codes, or of an exchange that has brought none."""
    if finding.event is EventType.UP or finding.reason is Reason.NONE:
        return ""
    return fault_text(Outcome(Status.DOWN, finding.reason)) or ""


def cause_of_http(finding: Finding, expected_status: int, degraded_after_ms: int) -> str:
    if finding.event is EventType.UP:
        return ""
    if finding.reason is Reason.WRONG_STATUS:
        return f"Status {finding.status_code} instead of {expected_status}"
    if finding.reason is Reason.SLOW:
        return f"The response took {finding.response_ms} ms, more than {degraded_after_ms} ms"
    if finding.reason is Reason.CONTENT:
        return "The response fails a content check"
    if finding.reason is Reason.NONE and finding.status_code:
        return "The newest check found nothing wrong; the recovery is not confirmed yet"
    return cause_of_check(finding)


def cause_of_dns(finding: Finding, expected: str | None) -> str:
    cause = cause_of_check(finding)
    return f"{cause}: {expected}" if finding.reason is Reason.CHANGED and expected else cause


def cause_of_job(finding: Finding) -> str:
    return "" if finding.event is EventType.UP else _OF_JOBS.get(finding.reason, "")


def cause_of_push(finding: Finding, *, is_upside_down: bool) -> str:
    if finding.event is EventType.UP:
        return ""
    if finding.reason is Reason.SILENT:
        return "No heartbeat in the time window"
    if finding.reason is Reason.PUSHED_DOWN:
        return "A heartbeat came, which means down here" if is_upside_down else "A heartbeat has said down"
    return ""


def cause_of_certificate(status: SslStatus, days_left: int | None, fault: Reason) -> str:
    """`fault` is why none could be read, or not the right one."""
    if status == "expired":
        return "The certificate has expired"
    if status == "expiring":
        when = {None: "soon", 0: "within a day", 1: "in 1 day"}.get(days_left, f"in {days_left} days")
        return f"The certificate expires {when}"
    return fault_text(Outcome(Status.DOWN, fault or Reason.UNREADABLE)) or "" if status == "error" else ""
