"""PagerDuty, by Events API v2: an incident is triggered, kept open by its key, and resolved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.channels.fields import Field, Fields, matching, one_of, read
from chalicelib.channels.judging import Headers, by_status
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import HttpMessage, Verdict, post_json
from chalicelib.domain.notice import Composed, Notice, compose
from chalicelib.domain.snapshot import rfc3339
from chalicelib.domain.wording import cut

MAX_SUMMARY: Final = 1024
MAX_DEDUP_KEY: Final = 255
_URLS: Final = {
    "us": "https://events.pagerduty.com/v2/enqueue",
    "eu": "https://events.eu.pagerduty.com/v2/enqueue",
}

FIELDS: Final[Fields] = {
    "routingKey": Field(
        matching(r"[A-Za-z0-9]{32}", "an integration key of 32 letters and digits"),
        is_required=True,
        is_secret=True,
    ),
    "region": Field(one_of(*_URLS)),
}
_SEVERITIES: Final = {EventType.DOWN: "critical", EventType.DEGRADED: "warning"}


@dataclass(frozen=True, slots=True)
class Config:
    routing_key: str = field(repr=False)
    region: str = "us"


def parse(config: Mapping[str, Any]) -> Config:
    """Raises BadConfig."""
    given = read(FIELDS, config)
    return Config(given["routingKey"], given.get("region", "us"))


def render(config: Config, notice: Notice) -> HttpMessage:
    event: dict[str, Any] = {
        "routing_key": config.routing_key,
        "event_action": "resolve" if notice.event is EventType.UP else "trigger",
        "dedup_key": _dedup_key(notice),
    }
    if notice.event is not EventType.UP:
        event |= _trigger(notice, compose(notice))
    return post_json(_URLS[config.region], event)


def judge(status: int, body: bytes, headers: Headers) -> Verdict:
    """202 is success; 400 names what is wrong with the event or its key, and stays so."""
    return by_status(status, headers)


def _trigger(notice: Notice, composed: Composed) -> dict[str, Any]:
    client: dict[str, Any] = {"client": "Uptime"}
    if composed.link:
        client["client_url"] = composed.link
        client["links"] = [{"href": composed.link, "text": "Open in Uptime"}]
    return client | {
        "payload": {
            "summary": cut(composed.sentence, MAX_SUMMARY),
            "source": notice.monitor_id,
            "severity": "info" if notice.is_test else _SEVERITIES[notice.event],
            "timestamp": rfc3339(notice.at),
            "class": notice.kind,
            "custom_details": dict(composed.facts),
        }
    }


def _dedup_key(notice: Notice) -> str:
    """A test is an incident by itself: it neither joins nor ends a real one."""
    key = f"test-{notice.event_id}" if notice.is_test else notice.thread_id
    return f"uptime-{key}"[:MAX_DEDUP_KEY]
