"""The snapshot and the cause of each kind, from a finding and a configuration."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain import lateness, silence
from chalicelib.domain.alarm import Alarm
from chalicelib.domain.certificate import CertificateReading
from chalicelib.domain.event_type import EventType
from chalicelib.domain.evidence import (
    CronEvidence,
    DnsEvidence,
    HttpEvidence,
    PushEvidence,
    SslEvidence,
    TcpEvidence,
)
from chalicelib.domain.finding import Finding
from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.recurrence import Schedule
from chalicelib.domain.snapshot import (
    CronSnapshot,
    DnsSnapshot,
    HttpSnapshot,
    PushSnapshot,
    SslSnapshot,
    TcpSnapshot,
)
from chalicelib.domain.ssl_readings import SslReading, certificate_target

UP, DOWN, DEGRADED = EventType.UP, EventType.DOWN, EventType.DEGRADED
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HTTPS = {"url": "https://shop.example:8443/a", "sslMonitoringEnabled": True, "sslExpiryWarningDays": 30}


def finding(event: EventType, reason: Reason = Reason.NONE, **fields: object) -> Finding:
    return Finding(event, NOW, reason, **fields)  # type: ignore[arg-type]


def test_http() -> None:
    spec = {"url": "https://shop.example/", "expectedStatus": 200, "degradedAfterMs": 5000}
    evidence = HttpEvidence(spec)
    down = finding(DOWN, Reason.WRONG_STATUS, status_code=503, response_ms=120)
    assert evidence.snapshot(down) == HttpSnapshot(503, 120, 200, "https://shop.example/")
    assert evidence.cause(down) == "Status 503 instead of 200"
    slow = finding(DEGRADED, Reason.SLOW, status_code=200, response_ms=6000)
    assert evidence.cause(slow) == "The response took 6000 ms, more than 5000 ms"
    timeout = evidence.snapshot(finding(DOWN, Reason.TIMEOUT, response_ms=10_000))
    assert timeout == HttpSnapshot(0, 10_000, 200, "https://shop.example/")


@pytest.mark.parametrize(
    ("event", "text", "word", "resolved"),
    [
        (DEGRADED, "192.0.2.9", "changed", "192.0.2.9"),
        (DEGRADED, "", "changed", "192.0.2.7"),
        (DOWN, "", "error", None),
        (UP, "", "ok", None),
    ],
)
def test_dns(event: EventType, text: str, word: str, resolved: str | None) -> None:
    """What the newest check has found stands for a finding's text only where it amounts to the same."""
    spec = {"domain": "shop.example", "recordType": "A", "expectedValue": "192.0.2.1"}
    evidence = DnsEvidence(spec, "192.0.2.7", DEGRADED)
    found = finding(event, Reason.CHANGED if event is DEGRADED else Reason.NONE, text=text)
    assert evidence.snapshot(found) == DnsSnapshot(word, "shop.example", "A", resolved)
    assert ("192.0.2.1" in evidence.cause(found)) is (event is DEGRADED)


def test_tcp() -> None:
    evidence = TcpEvidence({"host": "db.example", "port": 5432})
    timeout = finding(DOWN, Reason.TIMEOUT, response_ms=2000)
    assert evidence.snapshot(timeout) == TcpSnapshot("timeout", "db.example", 5432)
    assert evidence.snapshot(finding(DOWN, Reason.REFUSED)) == TcpSnapshot("down", "db.example", 5432)
    assert evidence.snapshot(finding(UP, response_ms=7)) == TcpSnapshot("up", "db.example", 5432, 7)
    assert evidence.cause(timeout) == "No response within the timeout"


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        (Schedule("cron", "0 3 * * *", "Europe/Paris"), ("0 3 * * *", "Europe/Paris")),
        (Schedule("period", period_seconds=7200), ("Every 2 hours", "UTC")),
        (
            Schedule("calendar", "*-*-* 03:00:00", "Europe/Riga"),
            ("OnCalendar *-*-* 03:00:00", "Europe/Riga"),
        ),
    ],
)
def test_cron(schedule: Schedule, told: tuple[str, str]) -> None:
    pulse = lateness.Pulse(last_ping_at=NOW - DAY, expected_at=NOW)
    evidence = CronEvidence(lateness.Rules(schedule, 300), pulse)
    for event, word in ((DOWN, "missed"), (DEGRADED, "late"), (UP, "healthy")):
        assert evidence.snapshot(finding(event)) == CronSnapshot(word, *told, NOW - DAY, NOW)
    assert evidence.cause(finding(DOWN, Reason.MISSED)) == "A run has been missed"


def test_push() -> None:
    """The words are those of the newest heartbeat, which has not made what was before it."""
    pulse = silence.Pulse(last_push_at=NOW - HOUR, alarm=Alarm(Status.DOWN, NOW, 1, 1, NOW))
    evidence = PushEvidence(silence.Rules(), pulse, "disk full")
    down = finding(DOWN, Reason.PUSHED_DOWN)
    assert evidence.snapshot(down) == PushSnapshot("down", NOW - HOUR, "disk full")
    assert evidence.snapshot(finding(UP)) == PushSnapshot("up", NOW - HOUR)
    assert evidence.cause(down) == "A heartbeat has said down"


def certificate(found: CertificateReading) -> SslEvidence:
    target = certificate_target(HTTPS)
    assert target is not None
    seconds = int(NOW.timestamp())
    return SslEvidence(HTTPS, SslReading(target.digest, found, seconds, seconds))


def test_a_certificate_that_expires() -> None:
    end = NOW + 6 * DAY + HOUR
    evidence = certificate(CertificateReading(not_after=end))
    found = finding(DEGRADED, Reason.EXPIRING, status_code=6)
    assert evidence.snapshot(found) == SslSnapshot("expiring", "shop.example", end, 6)
    assert evidence.cause(found) == "The certificate expires in 6 days"


def test_a_certificate_that_has_expired_within_the_second_of_the_finding() -> None:
    evidence = certificate(CertificateReading(not_after=NOW))
    found = finding(DOWN, Reason.EXPIRED)
    assert evidence.snapshot(found) == SslSnapshot("expired", "shop.example", NOW, 0)
    assert evidence.cause(found) == "The certificate has expired"


def test_a_certificate_that_was_not_to_be_had() -> None:
    evidence = certificate(CertificateReading(fault=Reason.REFUSED))
    found = finding(DOWN, Reason.UNREADABLE)
    assert evidence.snapshot(found) == SslSnapshot("error", "shop.example")
    assert evidence.cause(found) == "Connection refused"


@pytest.mark.parametrize(
    ("found", "snapshot"),
    [
        (finding(DOWN, Reason.EXPIRED), SslSnapshot("expired", "shop.example")),
        (finding(DOWN, Reason.UNREADABLE), SslSnapshot("error", "shop.example")),
        (finding(DEGRADED, Reason.EXPIRING, status_code=1), SslSnapshot("expiring", "shop.example", None, 1)),
        (finding(UP), SslSnapshot("valid", "shop.example", NOW + 90 * DAY, 90)),
    ],
)
def test_a_renewed_certificate_has_not_the_dates_of_the_old_one(
    found: Finding, snapshot: SslSnapshot
) -> None:
    evidence = certificate(CertificateReading(not_after=NOW + 90 * DAY))
    assert evidence.snapshot(found) == snapshot
    assert (evidence.cause(found) == "") is (found.event is UP)


def test_a_certificate_of_which_nothing_is_kept() -> None:
    evidence = SslEvidence({"url": "https://"}, None)
    assert evidence.snapshot(finding(UP)) == SslSnapshot("valid", "https://")
    assert evidence.cause(finding(DOWN, Reason.UNREADABLE)) == "No certificate for this host could be read"
