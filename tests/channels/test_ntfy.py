"""Publishing as JSON: https://docs.ntfy.sh/publish/#publish-as-json."""

import pytest

from chalicelib.channels.fields import BadConfig
from chalicelib.channels.ntfy import Config, parse, render
from chalicelib.domain.event_type import EventType
from tests.channels.notices import HOSTILE, hostile, notice, payload_of, recovered

CONFIG = Config("my_topic")


def test_the_message_is_posted_to_the_servers_root() -> None:
    message = render(CONFIG, notice())
    assert message.url == "https://ntfy.sh"
    assert message.headers == (("Content-Type", "application/json"),)
    assert payload_of(message) == {
        "topic": "my_topic",
        "title": "DOWN: Shop",
        "message": "Monitor: Shop (HTTP monitor)\n"
        "Status: DOWN\n"
        "Reason: Status 503 instead of 200\n"
        "URL: https://shop.example/\n"
        "Response status: 503 (expected 200)\n"
        "Response time: 120 ms\n"
        "Since: 2026-11-21 08:00:00 UTC\n"
        "Time: 2026-11-21 08:05:00 UTC",
        "priority": 5,
        "tags": ["rotating_light"],
        "click": "https://uptime.example/monitors/mon_1",
    }


@pytest.mark.parametrize(
    ("changes", "priority", "tag"),
    [
        ({"event": EventType.DEGRADED}, 4, "warning"),
        ({"event": EventType.UP}, 3, "white_check_mark"),
        ({"is_test": True}, 3, "rotating_light"),
    ],
)
def test_priorities(changes: dict[str, object], priority: int, tag: str) -> None:
    payload = payload_of(render(CONFIG, notice(**changes)))
    assert (payload["priority"], payload["tags"]) == (priority, [tag])


def test_a_server_of_ones_own_with_a_token() -> None:
    config = parse({"topic": "t", "serverUrl": "https://ntfy.example", "accessToken": "tk_AgQdq7mVBoFD37z"})
    message = render(config, recovered())
    assert message.url == "https://ntfy.example"
    assert dict(message.headers)["Authorization"] == "Bearer tk_AgQdq7mVBoFD37z"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_becomes_a_header_or_an_attachment(text: str) -> None:
    for event in EventType:
        for each in hostile(text, event):
            message = render(CONFIG, each)
            payload = payload_of(message)
            assert message.headers == (("Content-Type", "application/json"),)
            assert len(payload["title"].encode()) <= 250
            assert len(payload["message"].encode()) <= 4096


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("topic", value) for value in ("", "a b", "a/b", "t" * 65, "t\n", None)),
        *(
            ("serverUrl", value)
            for value in ("", "ftp://x", "https://u:p@x", "https://x\r\n", "https://x/topic", None)
        ),
        *(("accessToken", value) for value in ("", "a b", "a\r\nX: y", "é", None)),
    ],
)
def test_bad_fields(field: str, value: object) -> None:
    with pytest.raises(BadConfig) as caught:
        parse({"topic": "t", field: value})
    assert [detail.field for detail in caught.value.details] == [field]
