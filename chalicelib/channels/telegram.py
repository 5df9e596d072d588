"""Telegram: a bot's message, as plain text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.channels.fields import Field, Fields, matching, read
from chalicelib.channels.judging import Headers, by_status, json_object, pause
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import HttpMessage, Verdict, post_json
from chalicelib.domain.notice import Notice, compose
from chalicelib.domain.wording import cut, in_utf16

API: Final = "https://api.telegram.org"
MAX_TEXT: Final = 4096

FIELDS: Final[Fields] = {
    "botToken": Field(
        matching(r"[0-9]{1,20}:[A-Za-z0-9_-]{20,100}", "a bot's token, as BotFather gives it"),
        is_required=True,
        is_secret=True,
    ),
    "chatId": Field(
        matching(r"-?[1-9][0-9]{0,18}|@[A-Za-z][A-Za-z0-9_]{3,63}", "a chat's number or a channel's @name"),
        is_required=True,
    ),
}
_SIGNS: Final = {EventType.DOWN: "🔴", EventType.DEGRADED: "🟡", EventType.UP: "🟢"}
_WORD_JOINER: Final = "\u2060"


@dataclass(frozen=True, slots=True)
class Config:
    bot_token: str = field(repr=False)
    chat_id: str


def parse(config: Mapping[str, Any]) -> Config:
    """Raises BadConfig."""
    given = read(FIELDS, config)
    return Config(given["botToken"], given["chatId"])


def render(config: Config, notice: Notice) -> HttpMessage:
    composed = compose(notice)
    told = "\n".join((f"{_SIGNS[notice.event]} {composed.title}", *composed.lines))
    link = f"\n{composed.link}" if composed.link else ""
    payload = {
        "chat_id": config.chat_id,
        "text": cut(told, MAX_TEXT - in_utf16(link), in_utf16, escaped) + link,
        "link_preview_options": {"is_disabled": True},
    }
    return post_json(f"{API}/bot{config.bot_token}/sendMessage", payload)


def judge(status: int, body: bytes, headers: Headers) -> Verdict:
    """The pause is said in the body."""
    parameters = json_object(body).get("parameters")
    asked = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return by_status(status, headers, pause(asked))


def escaped(text: str) -> str:
    """Without a parse mode there is no markup, but `@name` would still call somebody."""
    return text.replace("@", f"@{_WORD_JOINER}")
