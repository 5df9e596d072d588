"""What is shown of a finding, kind by kind: the contract's snapshot (section 4.8), and why.

The finding tells what was seen then; these hold what the monitor is configured as, and what is known of it
beside that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from chalicelib.domain import lateness, silence
from chalicelib.domain.cause import (
    cause_of_certificate,
    cause_of_check,
    cause_of_dns,
    cause_of_http,
    cause_of_job,
    cause_of_push,
)
from chalicelib.domain.certificate import CertificateReading, SslStatus, days_left
from chalicelib.domain.event_type import EventType
from chalicelib.domain.finding import Finding
from chalicelib.domain.monitor import Spec
from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.recurrence import recurrence_of
from chalicelib.domain.snapshot import (
    CronSnapshot,
    DnsSnapshot,
    HttpSnapshot,
    PushSnapshot,
    Snapshot,
    SslSnapshot,
    TcpSnapshot,
)
from chalicelib.domain.ssl_readings import SslReading, shown
from chalicelib.domain.target import BadTarget, parse_url

EVENTS: Final = {
    Status.UP: EventType.UP,
    Status.DEGRADED: EventType.DEGRADED,
    Status.DOWN: EventType.DOWN,
}


class Evidence(Protocol):
    """Of one monitor."""

    def snapshot(self, finding: Finding) -> Snapshot: ...
    def cause(self, finding: Finding) -> str:
        """One sentence, or nothing."""


@dataclass(frozen=True, slots=True)
class HttpEvidence:
    spec: Spec

    def snapshot(self, finding: Finding) -> HttpSnapshot:
        expected_status, url = self.spec["expectedStatus"], self.spec["url"]
        return HttpSnapshot(finding.status_code, finding.response_ms, expected_status, url)

    def cause(self, finding: Finding) -> str:
        return cause_of_http(finding, self.spec["expectedStatus"], self.spec["degradedAfterMs"])


@dataclass(frozen=True, slots=True)
class DnsEvidence:
    """`found` is what the newest check has found, and `found_event` what that amounts to: it stands for the
    text of a finding that came without any."""

    spec: Spec
    found: str = ""
    found_event: EventType | None = None

    def snapshot(self, finding: Finding) -> DnsSnapshot:
        resolved = finding.text or (self.found if finding.event is self.found_event else "")
        domain, record_type = self.spec["domain"], self.spec["recordType"]
        return DnsSnapshot(_DNS_WORDS[finding.event], domain, record_type, resolved or None)

    def cause(self, finding: Finding) -> str:
        return cause_of_dns(finding, self.spec.get("expectedValue"))


@dataclass(frozen=True, slots=True)
class TcpEvidence:
    spec: Spec

    def snapshot(self, finding: Finding) -> TcpSnapshot:
        host, port = self.spec["host"], self.spec["port"]
        if finding.event is EventType.UP:
            return TcpSnapshot("up", host, port, finding.response_ms)
        return TcpSnapshot("timeout" if finding.reason is Reason.TIMEOUT else "down", host, port)

    def cause(self, finding: Finding) -> str:
        return cause_of_check(finding)


@dataclass(frozen=True, slots=True)
class CronEvidence:
    rules: lateness.Rules
    pulse: lateness.Pulse

    def snapshot(self, finding: Finding) -> CronSnapshot:
        schedule = self.rules.schedule
        is_cron = schedule.kind == "cron"
        return CronSnapshot(
            status=_JOB_WORDS[finding.event],
            cron_expression=schedule.expression if is_cron else recurrence_of(schedule).describe(),
            timezone=schedule.timezone,
            last_ping_at=self.pulse.last_ping_at,
            next_expected_at=self.pulse.expected_at,
        )

    def cause(self, finding: Finding) -> str:
        return cause_of_job(finding)


@dataclass(frozen=True, slots=True)
class PushEvidence:
    """`words` are those of the newest heartbeat, told with what that has made of the monitor."""

    rules: silence.Rules
    pulse: silence.Pulse
    words: str | None = None

    def snapshot(self, finding: Finding) -> PushSnapshot:
        word = "up" if finding.event is EventType.UP else "down"
        is_of_now = finding.event is EVENTS[self.pulse.alarm.status]
        return PushSnapshot(word, self.pulse.last_push_at, self.words if is_of_now else None)

    def cause(self, finding: Finding) -> str:
        return cause_of_push(finding, is_upside_down=self.rules.is_upside_down)


@dataclass(frozen=True, slots=True)
class SslEvidence:
    """What was last read, as it was at the time of the finding, whose `status_code` is the days left of what
    expires. It may have been renewed since: then its dates are not those of the finding."""

    spec: Spec
    reading: SslReading | None

    def snapshot(self, finding: Finding) -> SslSnapshot:
        status, days = _ssl_status(finding), _ssl_days(finding)
        host, end = _host_of(self.spec), self._end(finding)
        if end is None:
            return SslSnapshot(status, host, days_until_expiry=days)
        return SslSnapshot(status, host, end, days_left(end, finding.at) if days is None else days)

    def cause(self, finding: Finding) -> str:
        found = self.reading.found if self.reading and self._is_of(finding) else CertificateReading()
        return cause_of_certificate(
            _ssl_status(finding), _ssl_days(finding), found.fault or found.verify_reason
        )

    def _end(self, finding: Finding) -> datetime | None:
        return self.reading.found.not_after if self.reading and self._is_of(finding) else None

    def _is_of(self, finding: Finding) -> bool:
        """Findings are dated in whole seconds; a certificate ends in between."""
        instants = (finding.at, finding.at + timedelta(microseconds=999_999))
        found = [shown(self.spec, self.reading, at).status for at in instants]
        return _ssl_status(finding) in found


def _ssl_status(finding: Finding) -> SslStatus:
    return "expired" if finding.reason is Reason.EXPIRED else _SSL_WORDS[finding.event]


def _ssl_days(finding: Finding) -> int | None:
    return finding.status_code if finding.reason is Reason.EXPIRING else None


def _host_of(spec: Spec) -> str:
    try:
        return parse_url(spec["url"]).host
    except BadTarget:
        return str(spec["url"])


_DNS_WORDS: Final = {EventType.UP: "ok", EventType.DEGRADED: "changed", EventType.DOWN: "error"}
_JOB_WORDS: Final = {EventType.UP: "healthy", EventType.DEGRADED: "late", EventType.DOWN: "missed"}
_SSL_WORDS: Final[Mapping[EventType, SslStatus]] = {
    EventType.UP: "valid",
    EventType.DEGRADED: "expiring",
    EventType.DOWN: "error",
}
