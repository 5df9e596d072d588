"""Events API v2: https://developer.pagerduty.com/docs/send-alert-event."""

import pytest

from chalicelib.channels.fields import BadConfig
from chalicelib.channels.pagerduty import Config, judge, parse, render
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import DELIVERED, failed
from tests.channels.notices import HOSTILE, hostile, notice, payload_of, recovered

KEY = "0123456789abcdef0123456789ABCDEF"
CONFIG = Config(KEY)


def test_an_event_triggers_an_incident() -> None:
    message = render(CONFIG, notice())
    assert message.url == "https://events.pagerduty.com/v2/enqueue"
    assert payload_of(message) == {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "uptime-mon_1-7",
        "client": "Uptime",
        "client_url": "https://uptime.example/monitors/mon_1",
        "links": [{"href": "https://uptime.example/monitors/mon_1", "text": "Open in Uptime"}],
        "payload": {
            "summary": "HTTP monitor Shop is down: Status 503 instead of 200",
            "source": "mon_1",
            "severity": "critical",
            "timestamp": "2026-11-21T08:05:00Z",
            "class": "http",
            "custom_details": {
                "Monitor": "Shop (HTTP monitor)",
                "Status": "DOWN",
                "Reason": "Status 503 instead of 200",
                "URL": "https://shop.example/",
                "Response status": "503 (expected 200)",
                "Response time": "120 ms",
                "Since": "2026-11-21 08:00:00 UTC",
                "Time": "2026-11-21 08:05:00 UTC",
            },
        },
    }


def test_a_recovery_resolves_the_same_incident() -> None:
    assert payload_of(render(CONFIG, recovered())) == {
        "routing_key": KEY,
        "event_action": "resolve",
        "dedup_key": "uptime-mon_1-7",
    }


def test_degraded_is_a_warning_of_the_same_incident() -> None:
    event = payload_of(render(CONFIG, notice(event=EventType.DEGRADED, event_id="evt_2")))
    assert (event["dedup_key"], event["payload"]["severity"]) == ("uptime-mon_1-7", "warning")


def test_a_test_neither_joins_nor_ends_a_real_incident() -> None:
    event = payload_of(render(CONFIG, notice(is_test=True)))
    assert (event["dedup_key"], event["payload"]["severity"]) == ("uptime-test-evt_1", "info")
    assert payload_of(render(CONFIG, recovered(is_test=True)))["dedup_key"] == "uptime-test-evt_1"


def test_a_region_has_its_own_address() -> None:
    config = parse({"routingKey": KEY, "region": "eu"})
    assert render(config, notice()).url == "https://events.eu.pagerduty.com/v2/enqueue"


def test_without_a_link_there_is_none() -> None:
    assert not {"client_url", "links"} & payload_of(render(CONFIG, notice(link=""))).keys()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_summary_is_never_longer_than_pagerduty_takes(text: str) -> None:
    for each in hostile(text):
        message = render(CONFIG, each)
        event = payload_of(message)
        assert 0 < len(event["payload"]["summary"]) <= 1024
        assert "\n" not in event["payload"]["summary"]
        assert len(message.body) < 512 * 1024


def test_a_dedup_key_is_never_longer_than_pagerduty_takes() -> None:
    assert len(payload_of(render(CONFIG, notice(thread_id="i" * 300)))["dedup_key"]) == 255


@pytest.mark.parametrize("key", ["", "short", KEY + "0", KEY[:-1] + "-", KEY[:-1] + "\n", None])
def test_bad_keys(key: object) -> None:
    with pytest.raises(BadConfig) as caught:
        parse({"routingKey": key})
    assert [detail.field for detail in caught.value.details] == ["routingKey"]


def test_what_pagerduty_answers() -> None:
    assert judge(202, b'{"status":"success","message":"Event processed"}', {}) == DELIVERED
    assert judge(400, b'{"status":"invalid event"}', {}) == failed("HTTP status 400")
