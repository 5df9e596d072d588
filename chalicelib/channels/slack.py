"""Slack, and what takes its incoming webhooks (Mattermost, Rocket.Chat): one text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.channels.fields import Field, Fields, read, text, url
from chalicelib.channels.judging import Headers, by_status
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import HttpMessage, Verdict, post_json
from chalicelib.domain.notice import Notice, compose
from chalicelib.domain.wording import cut, one_line

MAX_LINE: Final = 600
"""Slack cuts a text at 40,000 characters, escapes counted: 15 lines and a link are far from that."""

FIELDS: Final[Fields] = {
    "webhookUrl": Field(url, is_required=True, is_secret=True),
    "channel": Field(text(0, 255)),
}
_SIGNS: Final = {
    EventType.DOWN: ":red_circle:",
    EventType.DEGRADED: ":large_yellow_circle:",
    EventType.UP: ":large_green_circle:",
}


@dataclass(frozen=True, slots=True)
class Config:
    webhook_url: str = field(repr=False)
    channel: str = ""


def parse(config: Mapping[str, Any]) -> Config:
    """Raises BadConfig."""
    given = read(FIELDS, config)
    return Config(given["webhookUrl"], one_line(given.get("channel", "")))


def render(config: Config, notice: Notice) -> HttpMessage:
    composed = compose(notice)
    lines = [f"{_SIGNS[notice.event]} {cut(composed.title, MAX_LINE, escape=escaped)}"]
    lines.extend(cut(line, MAX_LINE, escape=escaped) for line in composed.lines)
    if composed.link:
        lines.append(escaped(composed.link))
    payload = {"text": "\n".join(lines)}
    if config.channel:
        payload["channel"] = config.channel
    return post_json(config.webhook_url, payload)


def judge(status: int, body: bytes, headers: Headers) -> Verdict:
    return by_status(status, headers)


def escaped(text: str) -> str:
    """Slack's whole list. Without `<` there are no mentions: `<!channel>`, `<@U1>`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
