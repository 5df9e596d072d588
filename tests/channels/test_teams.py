"""Adaptive Cards by a workflow's webhook:
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using."""

import json

import pytest

from chalicelib.channels.teams import MAX_BYTES, Config, judge, render
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import DELIVERED, retry
from tests.channels.notices import HOSTILE, hostile, notice, payload_of, recovered

CONFIG = Config("https://x.environment.api.powerplatform.example/workflows/1?sig=s")


def fact(label: str, value: str) -> dict[str, object]:
    return {
        "type": "RichTextBlock",
        "inlines": [
            {"type": "TextRun", "text": label, "weight": "Bolder"},
            {"type": "TextRun", "text": value},
        ],
    }


def test_the_message_is_an_adaptive_card() -> None:
    assert payload_of(render(CONFIG, notice())) == {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "msteams": {"width": "Full"},
                    "body": [
                        {
                            "type": "RichTextBlock",
                            "inlines": [
                                {
                                    "type": "TextRun",
                                    "text": "DOWN: Shop",
                                    "weight": "Bolder",
                                    "size": "Large",
                                    "color": "Attention",
                                }
                            ],
                        },
                        fact("Monitor: ", "Shop (HTTP monitor)"),
                        fact("Status: ", "DOWN"),
                        fact("Reason: ", "Status 503 instead of 200"),
                        fact("URL: ", "https://shop.example/"),
                        fact("Response status: ", "503 (expected 200)"),
                        fact("Response time: ", "120 ms"),
                        fact("Since: ", "2026-11-21 08:00:00 UTC"),
                        fact("Time: ", "2026-11-21 08:05:00 UTC"),
                    ],
                    "actions": [
                        {
                            "type": "Action.OpenUrl",
                            "title": "Open",
                            "url": "https://uptime.example/monitors/mon_1",
                        }
                    ],
                },
            }
        ],
    }


def test_without_a_link_there_is_nothing_to_open() -> None:
    assert "actions" not in payload_of(render(CONFIG, recovered(link="")))["attachments"][0]["content"]


@pytest.mark.parametrize("text", [*HOSTILE.values(), '"\\' * 5000], ids=[*HOSTILE, "quotes"])
def test_no_text_is_read_as_markdown_and_the_card_is_never_too_large(text: str) -> None:
    for event in EventType:
        for each in hostile(text, event):
            message = render(CONFIG, each)
            assert len(message.body) <= MAX_BYTES
            kinds = {block["type"] for block in payload_of(message)["attachments"][0]["content"]["body"]}
            assert kinds == {"RichTextBlock"}


def test_what_a_workflow_answers() -> None:
    assert judge(202, b"", {}) == DELIVERED
    throttled = json.dumps({"error": {"code": "WorkflowTriggerRateLimited"}}).encode()
    assert judge(429, throttled, {"retry-after": "7"}) == retry("HTTP status 429", 7)
