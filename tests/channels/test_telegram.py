"""Telegram's Bot API: https://core.telegram.org/bots/api#sendmessage."""

import pytest

from chalicelib.channels.fields import BadConfig
from chalicelib.channels.telegram import Config, judge, parse, render
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import failed, retry
from tests.channels.notices import HOSTILE, LINK, hostile, notice, payload_of

TOKEN = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"
CONFIG = Config(TOKEN, "-1001234567890")


def test_the_message_is_plain_text() -> None:
    message = render(CONFIG, notice())
    assert message.url == f"https://api.telegram.org/bot{TOKEN}/sendMessage"
    assert payload_of(message) == {
        "chat_id": "-1001234567890",
        "text": "🔴 DOWN: Shop\n"
        "Monitor: Shop (HTTP monitor)\n"
        "Status: DOWN\n"
        "Reason: Status 503 instead of 200\n"
        "URL: https://shop.example/\n"
        "Response status: 503 (expected 200)\n"
        "Response time: 120 ms\n"
        "Since: 2026-11-21 08:00:00 UTC\n"
        "Time: 2026-11-21 08:05:00 UTC\n"
        "https://uptime.example/monitors/mon_1",
        "link_preview_options": {"is_disabled": True},
    }


def test_without_a_parse_mode_markup_is_just_text() -> None:
    payload = payload_of(render(CONFIG, notice(name="*b* <b>c</b>")))
    assert "parse_mode" not in payload
    assert payload["text"].startswith("🔴 DOWN: *b* <b>c</b>\n")


def test_a_name_calls_nobody() -> None:
    text = payload_of(render(CONFIG, notice(name="@bob")))["text"]
    assert text.startswith("🔴 DOWN: @\u2060bob\n")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_text_is_never_longer_than_telegram_takes_and_keeps_its_link(text: str) -> None:
    for event in EventType:
        for each in hostile(text, event):
            sent = payload_of(render(CONFIG, each))["text"]
            assert len(sent.encode("utf-16-le")) // 2 <= 4096
            assert sent.endswith(f"\n{LINK}")


@pytest.mark.parametrize("chat", ["1", "-1001234567890", "@channel_name"])
def test_good_chats(chat: str) -> None:
    assert parse({"botToken": TOKEN, "chatId": chat}) == Config(TOKEN, chat)


@pytest.mark.parametrize("chat", [1, "", "0", "@a b", "@", "bob", "1\n", None])
def test_bad_chats(chat: object) -> None:
    with pytest.raises(BadConfig) as caught:
        parse({"botToken": TOKEN, "chatId": chat})
    assert [detail.field for detail in caught.value.details] == ["chatId"]


@pytest.mark.parametrize("token", ["123:short", f"{TOKEN}/../x", f"{TOKEN}\r\nX: y", f"{TOKEN}?a=b", "", 5])
def test_a_token_cannot_change_the_address(token: object) -> None:
    with pytest.raises(BadConfig) as caught:
        parse({"botToken": token, "chatId": "1"})
    assert [detail.field for detail in caught.value.details] == ["botToken"]


def test_the_pause_is_in_the_body() -> None:
    body = b'{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":35}}'
    assert judge(429, body, {}) == retry("HTTP status 429", 35)
    assert judge(429, b'{"ok":false,"parameters":[35]}', {}) == retry("HTTP status 429")


def test_refusals_are_final() -> None:
    body = b'{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}'
    assert judge(403, body, {}) == failed("HTTP status 403")
