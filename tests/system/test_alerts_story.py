"""An outage of a day, told by every channel there is to sinks on the loopback, across a `kill -9`.

Two of the vendors have addresses of their own, at the port of HTTPS: whoever may not listen there is told so.
"""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.localrun.running import Run, Site, running, until
from tests.localrun.sinks import HookSink, hook_sink
from tests.net.mail_server import Sink, mail_server
from tests.net.servers import DnsServer, zone

VENDORS = ("api.telegram.org", "events.pagerduty.com")

pytestmark = pytest.mark.system


@dataclass(frozen=True)
class Sinks:
    hooks: HookSink
    vendors: HookSink
    mails: Sink
    environment: dict[str, Any]


@pytest.fixture
def sinks(tmp_path: Path) -> Iterator[Sinks]:
    authority = trustme.CA(organization_name="Test Authority")
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*VENDORS).configure_cert(tls)
    with ExitStack() as stack:
        names = stack.enter_context(DnsServer(zone({name: ["A 127.0.0.1"] for name in VENDORS})))
        mails = stack.enter_context(mail_server())
        host, port = names.address
        environment: dict[str, Any] = {
            "UPTIME_DNS_SERVER": f"{host}:{port}",
            "UPTIME_CA_FILE": str(ca_file),
            "UPTIME_SMTP_URL": f"smtp://127.0.0.1:{mails.port}",
            "UPTIME_MAIL_FROM": "Uptime <alerts@example.com>",
        }
        hooks = stack.enter_context(hook_sink())
        yield Sinks(hooks, stack.enter_context(hook_sink(443, tls)), mails, environment)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.down()


def alerts_of(hooks: HookSink) -> list[dict[str, Any]]:
    return [
        {"strategy": "email", "email": "ops@example.com", "subjectPrefix": "[Ops]"},
        {"strategy": "webhook", "url": hooks.url("/webhook")},
        {"strategy": "slack", "webhookUrl": hooks.url("/slack")},
        {"strategy": "discord", "webhookUrl": hooks.url("/discord")},
        {"strategy": "teams", "webhookUrl": hooks.url("/teams")},
        {"strategy": "ntfy", "serverUrl": hooks.url(""), "topic": "outages"},
        {"strategy": "telegram", "botToken": f"12345:{'a' * 35}", "chatId": "-100200300"},
        {"strategy": "pagerduty", "routingKey": "0" * 32},
    ]


def create(run: Run, key: str, path: str, **body: Any) -> Any:
    answer = run.call("POST", path, body, key)
    assert answer.status == 201, answer.raw
    return answer.json


def told(sinks: Sinks) -> dict[str, list[Any]]:
    """What each channel was told, in its order, as far as each has a word for what it is."""
    hooks, vendors = sinks.hooks, sinks.vendors
    mails = [
        message_from_bytes(e.content, policy=default)
        for e in sinks.mails.envelopes
        if isinstance(e.content, bytes)
    ]
    return {
        "email": [mail["subject"] for mail in mails],
        "webhook": [body["eventType"] for body in hooks.at("/webhook")],
        "slack": [body["text"] for body in hooks.at("/slack")],
        "discord": [body["embeds"][0]["title"] for body in hooks.at("/discord")],
        "teams": [str(body["attachments"]) for body in hooks.at("/teams")],
        "ntfy": [body["title"] for body in hooks.at("/")],
        "telegram": [posted.json["text"] for posted in vendors.posted if posted.host == VENDORS[0]],
        "pagerduty": [p.json["event_action"] for p in vendors.posted if p.host == VENDORS[1]],
    }


def test_a_day_of_outage_is_told_each_hour_by_every_channel_across_a_kill(
    tmp_path: Path, sinks: Sinks, site: Site
) -> None:
    data = tmp_path / "data"
    with running(data, **sinks.environment) as run:
        key = run.key
        second = datetime.fromisoformat(run.advance(0, freeze=True)["now"]).second
        run.advance(62 - second, run=False)
        for alert in alerts_of(sinks.hooks):
            create(run, key, "/v1/alerts", name="Ops", cooldownMinutes=60, **alert)
        monitor_id = run.create(key, site.url, name="Shop <b>@everyone</b>")
        until(lambda: run.monitor(key, monitor_id)["status"] == "up")
        site.down()
        run.advance(12 * 3600 + 1800)
        run.kill()
        run.process.wait(30)
    with running(data, **sinks.environment) as run:
        run.advance(0, freeze=True)
        run.advance(12 * 3600 - 1800)
        site.up()
        run.advance(120)
        events = run.call("GET", f"/v1/monitors/{monitor_id}/alert-events?limit=200", key=key).json["events"]
    by_channel = told(sinks)
    assert {name: len(texts) for name, texts in by_channel.items()} == dict.fromkeys(by_channel, 25)
    webhooks = sinks.hooks.at("/webhook")
    assert [body["eventType"] for body in webhooks] == ["down"] * 24 + ["up"]
    times = [datetime.fromisoformat(body["timestamp"]) for body in webhooks]
    assert {late - early for early, late in pairwise(times[1:24])} == {timedelta(hours=1)}
    assert timedelta(0) <= times[1] - times[0] - timedelta(hours=1) < timedelta(minutes=1)
    assert len({body["eventId"] for body in webhooks}) == 25
    assert len(events) == 200  # the newest of 8 x 25, which are all
    assert {event["status"] for event in events} == {"delivered"}
    assert all("RECOVERED" in texts[-1] for name, texts in by_channel.items() if name not in _CODED)
    assert by_channel["pagerduty"] == ["trigger"] * 24 + ["resolve"]
    assert "24 sent, 1416 held back" in by_channel["slack"][-1]
    assert "<b>" not in by_channel["slack"][0]
    assert "@everyone" not in by_channel["telegram"][0]


_CODED = ("webhook", "pagerduty")
"""Those that are told in words of the vendor's or the contract's."""
