"""Slack's incoming webhooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""

import pytest

from chalicelib.channels.slack import Config, judge, parse, render
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import failed, retry
from tests.channels.notices import HOSTILE, hostile, notice, payload_of, recovered

URL = "https://hooks.slack.example/services/T0/B0/x"
CONFIG = Config(URL)
MAX_TEXT = 40_000


def test_the_message_is_one_text() -> None:
    message = render(CONFIG, notice())
    assert message.url == URL
    assert message.headers == (("Content-Type", "application/json"),)
    assert payload_of(message) == {
        "text": ":red_circle: DOWN: Shop\n"
        "Monitor: Shop (HTTP monitor)\n"
        "Status: DOWN\n"
        "Reason: Status 503 instead of 200\n"
        "URL: https://shop.example/\n"
        "Response status: 503 (expected 200)\n"
        "Response time: 120 ms\n"
        "Since: 2026-11-21 08:00:00 UTC\n"
        "Time: 2026-11-21 08:05:00 UTC\n"
        "https://uptime.example/monitors/mon_1"
    }


def test_a_recovery_says_how_many_were_sent_and_held_back() -> None:
    lines = payload_of(render(CONFIG, recovered()))["text"].splitlines()
    assert lines[0] == ":large_green_circle: RECOVERED: Shop"
    assert "Duration: 5 min" in lines
    assert "Notifications: 2 sent, 3 held back" in lines


def test_the_channel_is_said_when_there_is_one() -> None:
    config = parse({"webhookUrl": URL, "channel": "#ops\n"})
    assert payload_of(render(config, notice()))["channel"] == "#ops"
    assert "channel" not in payload_of(render(parse({"webhookUrl": URL, "channel": ""}), notice()))


def test_markup_is_escaped_and_mentions_nobody() -> None:
    (first, *_) = hostile(HOSTILE["channel"])
    text = payload_of(render(CONFIG, first))["text"]
    assert text.startswith(
        ":red_circle: DOWN: &lt;!channel&gt; &lt;@U123&gt; &lt;https://evil.example|pay here&gt;\n"
    )
    assert not {"<", ">"} & set(text)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_text_is_never_longer_than_slack_takes_and_no_line_is_added(text: str) -> None:
    for event in EventType:
        for each in hostile(text, event):
            sent = payload_of(render(CONFIG, each))["text"]
            assert len(sent) <= MAX_TEXT
            assert len(sent.splitlines()) <= 12
            assert not {"<", ">"} & set(sent)


def test_no_escape_is_cut_in_two() -> None:
    (first, *_) = hostile("&" * 10_000)
    line = payload_of(render(CONFIG, first))["text"].splitlines()[0]
    assert line.endswith("&amp;…")


@pytest.mark.parametrize(
    ("status", "body"), [(400, b"invalid_payload"), (403, b"action_prohibited"), (404, b"no_service")]
)
def test_refusals_are_final(status: int, body: bytes) -> None:
    assert judge(status, body, {}) == failed(f"HTTP status {status}")


def test_the_pause_is_in_the_header() -> None:
    assert judge(429, b"", {"retry-after": "30"}) == retry("HTTP status 429", 30)
