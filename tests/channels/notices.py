"""Notices to render: ordinary ones of each kind, and hostile ones."""

import json
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import HttpMessage, Message
from chalicelib.domain.notice import Notice
from chalicelib.domain.snapshot import (
    CronSnapshot,
    DnsSnapshot,
    HttpSnapshot,
    PushSnapshot,
    Snapshot,
    SslSnapshot,
    TcpSnapshot,
)

SINCE = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
AT = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
ATTEMPTED_AT = datetime(2026, 11, 21, 8, 5, 3, tzinfo=UTC)
LINK = "https://uptime.example/monitors/mon_1"

HTTP = HttpSnapshot(503, 120, 200, "https://shop.example/")
SNAPSHOTS: dict[str, Snapshot] = {
    "http": HTTP,
    "dns": DnsSnapshot("changed", "shop.example", "A", "192.0.2.7"),
    "tcp": TcpSnapshot("timeout", "2001:db8::1", 5432),
    "cron": CronSnapshot("missed", "0 3 * * *", "Europe/Paris", SINCE, AT),
    "ssl": SslSnapshot("expiring", "shop.example", AT, 6),
    "push": PushSnapshot("down", SINCE, "disk full"),
}

HOSTILE = {
    "lines": "Shop\r\nBcc: victim@example.com\r\n\r\nbody",
    "everyone": "@everyone @here",
    "channel": "<!channel> <@U123> <https://evil.example|pay here>",
    "markup": "<script>alert(1)</script> **b** [pay](https://evil.example) `x` {{7*7}} &amp;",
    "surrogate": "a\ud800b\udfffc",
    "long": "x" * 10_000,
    "long markup": "<&*\\" * 2500,
    "emoji": "👩‍👩‍👧‍👦" * 400,
    "controls": "a\x00b\x0bc\x85d\u2028e\u2029f\u202eg\x1b[31m\x7f",
    "empty": "",
    "blank": " \t\u2003",
}


def notice(**changes: Any) -> Notice:
    fields: dict[str, Any] = {
        "event_id": "evt_1",
        "thread_id": "mon_1-7",
        "monitor_id": "mon_1",
        "name": "Shop",
        "event": EventType.DOWN,
        "snapshot": HTTP,
        "since": SINCE,
        "at": AT,
        "attempted_at": ATTEMPTED_AT,
        "reason": "Status 503 instead of 200",
        "link": LINK,
    }
    return Notice(**{**fields, **changes})


def recovered(**changes: Any) -> Notice:
    fields = {"event": EventType.UP, "reason": "", "sent": 2, "held_back": 3}
    return notice(**{**fields, **changes})


def hostile(text: str, event: EventType = EventType.DOWN) -> list[Notice]:
    """With the text wherever a stranger's may be."""
    snapshots: list[Snapshot] = [
        HttpSnapshot(0, 1, 200, text),
        DnsSnapshot(text, text, text, text),
        TcpSnapshot(text, text, 1, 1),
        CronSnapshot(text, text, text),
        SslSnapshot(text, text),
        PushSnapshot(text, None, text),
    ]
    return [notice(name=text, reason=text, snapshot=snapshot, event=event) for snapshot in snapshots]


def payload_of(message: Message) -> Any:
    """Valid JSON in valid UTF-8."""
    assert isinstance(message, HttpMessage)
    return json.loads(message.body.decode())
