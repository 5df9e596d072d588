"""Discord's webhooks: https://docs.discord.com/developers/resources/webhook#execute-webhook and the embed
limits of https://docs.discord.com/developers/resources/message#embed-object-embed-limits."""

from typing import Any

import pytest

from chalicelib.channels.discord import Config, judge, render
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import DELIVERED, failed, retry
from tests.channels.notices import HOSTILE, hostile, notice, payload_of, recovered

CONFIG = Config("https://discord.example/api/webhooks/1/x")


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_the_message_is_one_embed() -> None:
    assert payload_of(render(CONFIG, notice(name="Shop [1]"))) == {
        "embeds": [
            {
                "title": "DOWN: Shop \\[1\\]",
                "description": "HTTP monitor Shop \\[1\\] is down: Status 503 instead of 200",
                "color": 0xB3261E,
                "timestamp": "2026-11-21T08:05:00Z",
                "fields": [
                    {"name": "Monitor", "value": "Shop \\[1\\] (HTTP monitor)", "inline": True},
                    {"name": "Status", "value": "DOWN", "inline": True},
                    {"name": "Reason", "value": "Status 503 instead of 200", "inline": True},
                    {"name": "URL", "value": "https://shop.example/", "inline": True},
                    {"name": "Response status", "value": "503 (expected 200)", "inline": True},
                    {"name": "Response time", "value": "120 ms", "inline": True},
                    {"name": "Since", "value": "2026-11-21 08:00:00 UTC", "inline": True},
                    {"name": "Time", "value": "2026-11-21 08:05:00 UTC", "inline": True},
                ],
                "url": "https://uptime.example/monitors/mon_1",
            }
        ],
        "allowed_mentions": {"parse": []},
    }


def test_a_recovery_is_green() -> None:
    (embed,) = payload_of(render(CONFIG, recovered()))["embeds"]
    assert (embed["title"], embed["color"]) == ("RECOVERED: Shop", 0x1B6E3C)


def test_without_a_link_there_is_no_url() -> None:
    (embed,) = payload_of(render(CONFIG, notice(link="")))["embeds"]
    assert "url" not in embed


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_the_bounds_of_embeds_are_kept_and_nobody_is_mentioned(text: str) -> None:
    for event in EventType:
        for each in hostile(text, event):
            payload = payload_of(render(CONFIG, each))
            assert payload["allowed_mentions"] == {"parse": []}
            (embed,) = payload["embeds"]
            within_bounds(embed)


def within_bounds(embed: dict[str, Any]) -> None:
    assert 0 < utf16(embed["title"]) <= 256
    assert 0 < utf16(embed["description"]) <= 4096
    assert 0 < len(embed["fields"]) <= 25
    for field in embed["fields"]:
        assert 0 < utf16(field["name"].strip()) <= 256
        assert 0 < utf16(field["value"].strip()) <= 1024
    texts = [
        embed["title"],
        embed["description"],
        *(f[k] for f in embed["fields"] for k in ("name", "value")),
    ]
    assert sum(map(utf16, texts)) <= 6000


def test_markdown_is_escaped() -> None:
    (first, *_) = hostile("**b** [pay](https://evil.example) `x` <@1> ~~s~~ ||t|| # h \\")
    (embed,) = payload_of(render(CONFIG, first))["embeds"]
    assert embed["title"] == (
        r"DOWN: \*\*b\*\* \[pay\](https://evil.example) \`x\` \<@1\> \~\~s\~\~ \|\|t\|\| \# h \\"
    )


def test_no_escape_is_cut_in_two() -> None:
    (first, *_) = hostile("*" * 10_000)
    (embed,) = payload_of(render(CONFIG, first))["embeds"]
    assert embed["title"].endswith(r"\*…")


def test_what_discord_answers() -> None:
    assert judge(204, b"", {}) == DELIVERED
    assert judge(404, b'{"message": "Unknown Webhook", "code": 10015}', {}) == failed("HTTP status 404")


@pytest.mark.parametrize(
    ("body", "headers", "seconds"),
    [
        (b'{"message": "You are being rate limited.", "retry_after": 1.337, "global": false}', {}, 2),
        (b'{"retry_after": 0.2}', {"retry-after": "1"}, 1),
        (b'{"retry_after": "soon"}', {}, None),
        (b'{"retry_after": true}', {}, None),
        (b'{"retry_after": NaN}', {}, None),
        (b'{"retry_after": 1e999}', {}, 3600),
        (b'{"retry_after": -5}', {}, 0),
        (b"[1]", {}, None),
        (b"<html>", {}, None),
        (b"[" * 100_000, {}, None),
    ],
)
def test_the_pause_is_in_the_body_or_in_the_header(
    body: bytes, headers: dict[str, str], seconds: int | None
) -> None:
    assert judge(429, body, headers) == retry("HTTP status 429", seconds)
