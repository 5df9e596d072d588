"""Microsoft Teams, by a workflow's webhook: an Adaptive Card.

Its texts are text runs, the one element in which Teams reads no Markdown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.channels.fields import Field, Fields, read, url
from chalicelib.channels.judging import Headers, by_status
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import HttpMessage, Verdict, post_json
from chalicelib.domain.notice import Notice, compose
from chalicelib.domain.wording import in_utf8

MAX_BYTES: Final = 28 * 1024
_ROOM: Final = 16 * 1024
"""For texts: escaped they may take half as much again, and the card around them some kilobytes."""

FIELDS: Final[Fields] = {"webhookUrl": Field(url, is_required=True, is_secret=True)}

_COLOURS: Final = {EventType.DOWN: "Attention", EventType.DEGRADED: "Warning", EventType.UP: "Good"}


@dataclass(frozen=True, slots=True)
class Config:
    webhook_url: str = field(repr=False)


def parse(config: Mapping[str, Any]) -> Config:
    """Raises BadConfig."""
    return Config(read(FIELDS, config)["webhookUrl"])


def render(config: Config, notice: Notice) -> HttpMessage:
    composed = compose(notice)
    title = {"weight": "Bolder", "size": "Large", "color": _COLOURS[notice.event]}
    body = [_block(_run(composed.title, **title))]
    left = _ROOM
    for label, value in composed.facts:
        left -= in_utf8(label) + in_utf8(value)
        if left < 0:
            break
        body.append(_block(_run(f"{label}: ", weight="Bolder"), _run(value)))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
    }
    if composed.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open", "url": composed.link}]
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return post_json(config.webhook_url, {"type": "message", "attachments": [attachment]})


def judge(status: int, body: bytes, headers: Headers) -> Verdict:
    """202: the workflow has it. What becomes of it then is told to the workflow's owner."""
    return by_status(status, headers)


def _block(*runs: dict[str, str]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, **style: str) -> dict[str, str]:
    return {"type": "TextRun", "text": text, **style}
