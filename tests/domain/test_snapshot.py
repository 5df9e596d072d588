"""The contract's snapshots (section 4.8)."""

from typing import Any

import pytest

from chalicelib.domain.snapshot import (
    CronSnapshot,
    DnsSnapshot,
    HttpSnapshot,
    PushSnapshot,
    Snapshot,
    SslSnapshot,
    TcpSnapshot,
)
from tests.channels.notices import SNAPSHOTS

PAYLOADS: dict[str, dict[str, Any]] = {
    "http": {
        "responseStatus": 503,
        "responseTimeMs": 120,
        "expectedStatus": 200,
        "url": "https://shop.example/",
    },
    "dns": {"status": "changed", "resolvedValue": "192.0.2.7", "domain": "shop.example", "recordType": "A"},
    "tcp": {"status": "timeout", "host": "2001:db8::1", "port": 5432},
    "cron": {
        "status": "missed",
        "lastPingAt": "2026-11-21T08:00:00Z",
        "nextExpectedAt": "2026-11-21T08:05:00Z",
        "cronExpression": "0 3 * * *",
        "timezone": "Europe/Paris",
    },
    "ssl": {
        "status": "expiring",
        "expiresAt": "2026-11-21T08:05:00Z",
        "daysUntilExpiry": 6,
        "hostname": "shop.example",
    },
    "push": {"status": "down", "lastPushAt": "2026-11-21T08:00:00Z", "message": "disk full"},
}


@pytest.mark.parametrize("kind", SNAPSHOTS)
def test_what_programs_get(kind: str) -> None:
    assert SNAPSHOTS[kind].payload() == {"type": kind, **PAYLOADS[kind]}


@pytest.mark.parametrize(
    ("snapshot", "payload"),
    [
        (
            DnsSnapshot("error", "a", "A"),
            {"type": "dns", "status": "error", "domain": "a", "recordType": "A"},
        ),
        (
            TcpSnapshot("up", "a", 1, 0),
            {"type": "tcp", "status": "up", "responseTimeMs": 0, "host": "a", "port": 1},
        ),
        (
            CronSnapshot("late", "* * * * *", "UTC"),
            {"type": "cron", "status": "late", "cronExpression": "* * * * *", "timezone": "UTC"},
        ),
        (SslSnapshot("error", "a"), {"type": "ssl", "status": "error", "hostname": "a"}),
        (PushSnapshot("down"), {"type": "push", "status": "down"}),
    ],
)
def test_what_is_unknown_is_left_out(snapshot: Snapshot, payload: dict[str, Any]) -> None:
    assert snapshot.payload() == payload


def test_what_humans_get() -> None:
    assert HttpSnapshot(0, 10_000, 200, "https://a/").facts() == [
        ("URL", "https://a/"),
        ("Response status", "none (expected 200)"),
        ("Response time", "10000 ms"),
    ]
    assert SNAPSHOTS["tcp"].facts() == [("Address", "[2001:db8::1]:5432"), ("Result", "timeout")]
    assert SNAPSHOTS["cron"].facts()[1:] == [
        ("Schedule", "0 3 * * * (Europe/Paris)"),
        ("Last ping", "2026-11-21 08:00:00 UTC"),
        ("Next expected", "2026-11-21 08:05:00 UTC"),
    ]
    assert SNAPSHOTS["ssl"].facts()[3] == ("Days until expiry", "6")
