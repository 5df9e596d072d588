"""Discord: one embed, which mentions nobody."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.channels.fields import Field, Fields, read, url
from chalicelib.channels.judging import Headers, by_status, json_object, pause
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import HttpMessage, Verdict, post_json
from chalicelib.domain.notice import Notice, compose
from chalicelib.domain.snapshot import Fact, rfc3339
from chalicelib.domain.wording import cut, in_utf16

MAX_TITLE: Final = 256
MAX_DESCRIPTION: Final = 4096
MAX_FIELDS: Final = 25
MAX_FIELD_NAME: Final = 256
MAX_FIELD_VALUE: Final = 1024
MAX_TOTAL: Final = 6000

FIELDS: Final[Fields] = {"webhookUrl": Field(url, is_required=True, is_secret=True)}

_COLOURS: Final = {EventType.DOWN: 0xB3261E, EventType.DEGRADED: 0xE0A100, EventType.UP: 0x1B6E3C}
_MARKUP: Final = str.maketrans({character: f"\\{character}" for character in r"\*_~`|[]<>#"})


@dataclass(frozen=True, slots=True)
class Config:
    webhook_url: str = field(repr=False)


def parse(config: Mapping[str, Any]) -> Config:
    """Raises BadConfig."""
    return Config(read(FIELDS, config)["webhookUrl"])


def render(config: Config, notice: Notice) -> HttpMessage:
    composed = compose(notice)
    embed: dict[str, Any] = {
        "title": _plain(composed.title, MAX_TITLE),
        "description": _plain(composed.sentence, MAX_DESCRIPTION),
        "color": _COLOURS[notice.event],
        "timestamp": rfc3339(notice.at),
    }
    spent = in_utf16(embed["title"]) + in_utf16(embed["description"])
    embed["fields"] = _fields(composed.facts, MAX_TOTAL - spent)
    if composed.link:
        embed["url"] = composed.link
    return post_json(config.webhook_url, {"embeds": [embed], "allowed_mentions": {"parse": []}})


def judge(status: int, body: bytes, headers: Headers) -> Verdict:
    """The body has the pause to the millisecond; the header, where there is one, is the same rounded up."""
    return by_status(status, headers, pause(json_object(body).get("retry_after")))


def _fields(facts: tuple[Fact, ...], left: int) -> list[dict[str, Any]]:
    """As many as there is room for."""
    fields = []
    for label, value in facts[:MAX_FIELDS]:
        name, shown = _plain(label, MAX_FIELD_NAME), _plain(value, MAX_FIELD_VALUE)
        left -= in_utf16(name) + in_utf16(shown)
        if left < 0:
            break
        fields.append({"name": name, "value": shown, "inline": len(shown) <= 40})
    return fields


def _plain(text: str, most: int) -> str:
    return cut(text, most, in_utf16, escaped)


def escaped(text: str) -> str:
    return text.translate(_MARKUP)
