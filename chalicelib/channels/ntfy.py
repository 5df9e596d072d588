"""Push messages by ntfy, in its JSON form: nothing that a stranger wrote becomes a header."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.channels.fields import Field, Fields, matching, read, url
from chalicelib.channels.judging import Headers, by_status
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import HttpMessage, Verdict, post_json
from chalicelib.domain.notice import Notice, compose
from chalicelib.domain.target import parse_url
from chalicelib.domain.wording import cut, in_utf8

DEFAULT_SERVER: Final = "https://ntfy.sh"
MAX_MESSAGE_BYTES: Final = 4096
"""More becomes an attachment."""
MAX_TITLE_BYTES: Final = 250


def _server(value: Any) -> str | None:
    """JSON is taken at the root only: posted to a topic it would be the message itself."""
    problem = url(value)
    if problem is None and parse_url(value).path_and_query != "/":
        return "must be the server's address alone, without the topic"
    return problem


FIELDS: Final[Fields] = {
    "topic": Field(
        matching(r"[A-Za-z0-9_-]{1,64}", "1 to 64 letters, digits, hyphens or underscores"),
        is_required=True,
        is_secret=True,  # on a server without accounts, whoever knows the topic reads it
    ),
    "serverUrl": Field(_server),
    "accessToken": Field(matching(r"[A-Za-z0-9._~+/=-]{1,255}", "an access token"), is_secret=True),
}
_PRIORITIES: Final = {EventType.DOWN: 5, EventType.DEGRADED: 4, EventType.UP: 3}
_TAGS: Final = {
    EventType.DOWN: "rotating_light",
    EventType.DEGRADED: "warning",
    EventType.UP: "white_check_mark",
}


@dataclass(frozen=True, slots=True)
class Config:
    topic: str = field(repr=False)
    server_url: str = DEFAULT_SERVER
    access_token: str = field(default="", repr=False)


def parse(config: Mapping[str, Any]) -> Config:
    """Raises BadConfig."""
    given = read(FIELDS, config)
    server_url = given.get("serverUrl", DEFAULT_SERVER)
    return Config(given["topic"], server_url, given.get("accessToken", ""))


def render(config: Config, notice: Notice) -> HttpMessage:
    composed = compose(notice)
    payload: dict[str, Any] = {
        "topic": config.topic,
        "title": cut(composed.title, MAX_TITLE_BYTES, in_utf8),
        "message": cut("\n".join(composed.lines), MAX_MESSAGE_BYTES, in_utf8),
        "priority": 3 if notice.is_test else _PRIORITIES[notice.event],
        "tags": [_TAGS[notice.event]],
    }
    if composed.link:
        payload["click"] = composed.link
    token = [("Authorization", f"Bearer {config.access_token}")] if config.access_token else []
    return post_json(config.server_url, payload, *token)


def judge(status: int, body: bytes, headers: Headers) -> Verdict:
    return by_status(status, headers)
