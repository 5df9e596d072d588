"""What was found at the moment of an event: the contract's snapshot of each kind (section 4.8).

`payload` is what programs get; `facts` are the same for humans, as pairs of a label and a value.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Fact = tuple[str, str]


def rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def for_humans(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@dataclass(frozen=True, slots=True)
class HttpSnapshot:
    """`response_status` is 0 when no response arrived."""

    response_status: int
    response_ms: int
    expected_status: int
    url: str

    def payload(self) -> dict[str, Any]:
        return {
            "type": "http",
            "responseStatus": self.response_status,
            "responseTimeMs": self.response_ms,
            "expectedStatus": self.expected_status,
            "url": self.url,
        }

    def facts(self) -> list[Fact]:
        return [
            ("URL", self.url),
            ("Response status", f"{self.response_status or 'none'} (expected {self.expected_status})"),
            ("Response time", f"{self.response_ms} ms"),
        ]


@dataclass(frozen=True, slots=True)
class DnsSnapshot:
    status: str
    domain: str
    record_type: str
    resolved_value: str | None = None

    def payload(self) -> dict[str, Any]:
        return _given(
            type="dns",
            status=self.status,
            resolvedValue=self.resolved_value,
            domain=self.domain,
            recordType=self.record_type,
        )

    def facts(self) -> list[Fact]:
        return _told(
            [
                ("Domain", self.domain),
                ("Record type", self.record_type),
                ("Result", self.status),
                ("Resolved value", self.resolved_value),
            ]
        )


@dataclass(frozen=True, slots=True)
class TcpSnapshot:
    status: str
    host: str
    port: int
    response_ms: int | None = None

    def payload(self) -> dict[str, Any]:
        return _given(
            type="tcp", status=self.status, responseTimeMs=self.response_ms, host=self.host, port=self.port
        )

    def facts(self) -> list[Fact]:
        host = f"[{self.host}]" if ":" in self.host else self.host
        took = None if self.response_ms is None else f"{self.response_ms} ms"
        return _told([("Address", f"{host}:{self.port}"), ("Result", self.status), ("Connection time", took)])


@dataclass(frozen=True, slots=True)
class CronSnapshot:
    status: str
    cron_expression: str
    timezone: str
    last_ping_at: datetime | None = None
    next_expected_at: datetime | None = None

    def payload(self) -> dict[str, Any]:
        return _given(
            type="cron",
            status=self.status,
            lastPingAt=self.last_ping_at,
            nextExpectedAt=self.next_expected_at,
            cronExpression=self.cron_expression,
            timezone=self.timezone,
        )

    def facts(self) -> list[Fact]:
        return _told(
            [
                ("Result", self.status),
                ("Schedule", f"{self.cron_expression} ({self.timezone})"),
                ("Last ping", self.last_ping_at),
                ("Next expected", self.next_expected_at),
            ]
        )


@dataclass(frozen=True, slots=True)
class SslSnapshot:
    status: str
    hostname: str
    expires_at: datetime | None = None
    days_until_expiry: int | None = None

    def payload(self) -> dict[str, Any]:
        return _given(
            type="ssl",
            status=self.status,
            expiresAt=self.expires_at,
            daysUntilExpiry=self.days_until_expiry,
            hostname=self.hostname,
        )

    def facts(self) -> list[Fact]:
        days = None if self.days_until_expiry is None else str(self.days_until_expiry)
        return _told(
            [
                ("Host name", self.hostname),
                ("Certificate", self.status),
                ("Expires", self.expires_at),
                ("Days until expiry", days),
            ]
        )


@dataclass(frozen=True, slots=True)
class PushSnapshot:
    """Ours, not the contract's. `message` is what came with the last push."""

    status: str
    last_push_at: datetime | None = None
    message: str | None = None

    def payload(self) -> dict[str, Any]:
        return _given(type="push", status=self.status, lastPushAt=self.last_push_at, message=self.message)

    def facts(self) -> list[Fact]:
        return _told([("Result", self.status), ("Last push", self.last_push_at), ("Message", self.message)])


Snapshot = HttpSnapshot | DnsSnapshot | TcpSnapshot | CronSnapshot | SslSnapshot | PushSnapshot


def _given(**fields: Any) -> dict[str, Any]:
    return {
        name: rfc3339(value) if isinstance(value, datetime) else value
        for name, value in fields.items()
        if value is not None
    }


def _told(facts: Iterable[tuple[str, str | datetime | None]]) -> list[Fact]:
    return [
        (label, for_humans(value) if isinstance(value, datetime) else value)
        for label, value in facts
        if value is not None
    ]
