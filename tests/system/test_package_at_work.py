"""The package at work: checks of every kind that reach their targets, and every right of every role used."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from functools import partial
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import pytest
import trustme

from chalicelib.domain.beat import BLOCK_FROM
from chalicelib.domain.heartbeat import Place
from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.tick import MAIN, build_tick
from chalicelib.services.delivering.run import ROWS
from chalicelib.store.incidents import add_outbox_row
from chalicelib.store.tables import MonitorItem, OutboxItem
from chalicelib.store.ticks import TickStore
from chalicelib.store.transactions import transact
from packager.template import functions
from tests.net.servers import DnsServer, WebServer, response, routes, zone

from .deployment import Deployment, Seams, path_of
from .rights import Act, Rights

HOST = "shop.uptime.test"
SECRET = "sesame"
FLOODED = Place(0, "").name
"""A shard of heartbeats, which the sweep looks at whether or not there are any."""

pytestmark = pytest.mark.system


@dataclass(frozen=True)
class Shop:
    """A server with a certificate and a name server that knows it; the shop says that it is open."""

    web: WebServer
    names: DnsServer
    ca_file: Path

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.web.port}/"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    authority = trustme.CA(organization_name="Test Authority")
    ca_file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    tls = SSLContext(PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(tls)
    pages = routes({"/": response(body=b"<h1>open</h1>"), "/closed": response(503)})
    with ExitStack() as stack:
        names = stack.enter_context(DnsServer(zone({HOST: ["A 127.0.0.1"]})))
        yield Shop(stack.enter_context(WebServer(pages, tls)), names, ca_file)


@pytest.fixture(scope="module")
def seams(shop: Shop) -> Seams:
    return Seams("127.0.0.0/8", shop.names.address, shop.ca_file)


# What is watched


@dataclass(frozen=True)
class Watched:
    """A monitor after its first run, as the API shows it, and that run's result."""

    path: str
    monitor: dict[str, Any]
    result: dict[str, Any]


def watch(deployment: Deployment, resource: str, body: dict[str, Any], *rules: dict[str, Any]) -> Watched:
    """The first run is held back until the monitor's content checks are there as well."""
    created = deployment.call("POST", resource, {"name": "Shop", **body})["data"]
    first_run = deployment.last_message("APIHandler")
    path = f"{resource}/{created['id']}"
    for rule in rules:
        deployment.call("POST", f"{path}/content-checks", rule)
    deployment.probe(first_run)
    (result,) = deployment.call("GET", f"{path}/results")["data"]
    return Watched(path, deployment.call("GET", path)["data"], result)


@pytest.fixture(scope="module")
def page(deployment: Deployment, shop: Shop) -> Watched:
    body = {"url": shop.url, "method": "GET", "headers": {"X-Pass": SECRET}, "sslMonitoringEnabled": True}
    return watch(deployment, "/v1/monitors", body, {"type": "regex", "value": "<h1>(open|OPEN)</h1>"})


@pytest.fixture(scope="module")
def name(deployment: Deployment) -> Watched:
    body = {"domain": HOST, "recordType": "A", "expectedValue": "127.0.0.1"}
    return watch(deployment, "/v1/dns-monitors", body)


@pytest.fixture(scope="module")
def port(deployment: Deployment, shop: Shop) -> Watched:
    return watch(deployment, "/v1/tcp-monitors", {"host": HOST, "port": shop.web.port})


def test_a_page_is_asked_for_with_its_headers_and_judged_by_its_content(page: Watched, shop: Shop) -> None:
    assert (page.monitor["status"], page.result["status"], page.result["statusCode"]) == ("up", "up", 200)
    assert page.monitor["headerNames"] == ["X-Pass"]
    assert any(f"X-Pass: {SECRET}\r\n".encode() in head for head in shop.web.heads)


def test_its_certificate_is_read(page: Watched) -> None:
    assert (page.monitor["sslStatus"], page.monitor["sslIssuer"]) == ("valid", "Test Authority")


def test_a_page_without_the_content_is_down(deployment: Deployment, shop: Shop, page: Watched) -> None:
    body = {"url": shop.url, "method": "GET"}
    closed = watch(deployment, "/v1/monitors", body, {"type": "not_contains", "value": "open"})
    assert (closed.result["status"], closed.result["statusCode"]) == ("down", 200)


def test_a_name_is_resolved(name: Watched) -> None:
    assert (name.monitor["lastStatus"], name.monitor["lastValue"]) == ("ok", "127.0.0.1")
    assert (name.result["status"], name.result["value"]) == ("ok", "127.0.0.1")


def test_a_port_is_connected_to(port: Watched) -> None:
    assert (port.monitor["lastStatus"], port.result["status"]) == ("up", "up")


# Ad-hoc pings


@pytest.fixture(scope="module")
def pings(deployment: Deployment, shop: Shop) -> dict[str, Any]:
    rules = [{"type": "regex", "value": "^<h1>clo[sz]ed"}]
    bodies: list[dict[str, Any]] = [
        {"type": "http", "url": shop.url, "headers": {"X-Pass": "ping"}, "contentChecks": rules},
        {"type": "dns", "domain": HOST},
        {"type": "tcp", "host": HOST, "port": shop.web.port},
    ]
    return {b["type"]: deployment.call("POST", "/v1/ping", b)["data"]["ping"] for b in bodies}


def test_a_ping_of_every_kind_is_made_by_the_other_function(pings: dict[str, Any], shop: Shop) -> None:
    http = pings["http"]
    assert (http["status"], http["responseStatus"], http["contentChecksPassed"]) == ("down", 200, False)
    assert any(b"X-Pass: ping\r\n" in head for head in shop.web.heads)
    assert (pings["dns"]["status"], pings["dns"]["resolvedValue"]) == ("ok", "127.0.0.1")
    assert pings["tcp"]["status"] == "up"


def test_the_function_that_pings_asks_aws_for_nothing(deployment: Deployment, pings: dict[str, Any]) -> None:
    door = deployment.doors["Adhoc"]
    assert (door.used, door.denied) == (set(), [])


# Alerts


@pytest.fixture(scope="module")
def alerts(deployment: Deployment, shop: Shop) -> dict[str, dict[str, Any]]:
    """Whoever is to hear of what comes after; the shop takes anything."""
    mail = {"name": "Mail", "strategy": "email", "email": "ops@example.com"}
    hook = {"name": "Hook", "strategy": "webhook", "url": shop.url, "secret": SECRET}
    return {body["name"]: deployment.api("POST", "/v1/alerts", body)[1] for body in (mail, hook)}


def tell(deployment: Deployment, function: str, already: int) -> list[str]:
    """Deliver what the function has announced since; the subjects of the mails."""
    before = len(deployment.doors["Deliver"].mails) if "Deliver" in deployment.doors else 0
    for shard in deployment.announced(function)[already:]:
        deployment.deliver(shard)
    mails = deployment.doors["Deliver"].mails[before:]
    return [str(message_from_bytes(mail, policy=default)["subject"]) for mail in mails]


# Cron jobs


@pytest.fixture(scope="module")
def job(deployment: Deployment, alerts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """An hourly one, pinged at every door, and then so often that the minute's run moves its pings."""
    wanted = {"name": "Backup", "slug": "backup", "periodSeconds": 3600, "gracePeriodSeconds": 60}
    job: dict[str, Any] = deployment.call("POST", "/v1/cron-jobs", wanted)["data"]
    by_token, by_slug = path_of(job["pingUrl"]), path_of(job["slugUrl"])
    deployment.call("POST", f"/v1/cron-jobs/{job['id']}/ping")
    deployment.call("GET", f"{by_slug}/start")
    deployment.call("POST", f"{by_token}/0", {"rows": 7})
    for _ in range(BLOCK_FROM - 3):
        deployment.call("GET", f"{by_token}/log")
    return job


@pytest.fixture(scope="module")
def moved(deployment: Deployment, job: dict[str, Any]) -> None:
    recent = deployment.heartbeat(job["pingUrl"]).recent
    assert len(recent) == BLOCK_FROM
    deployment.schedule("Deadlines", datetime.now(UTC))
    assert deployment.heartbeat(job["pingUrl"]).recent == recent[-1:]


@pytest.fixture(scope="module")
def missed(deployment: Deployment, job: dict[str, Any], moved: None) -> list[str]:
    """What the alarm was turned to, by the minute's run and then by a ping."""
    seen = []
    for ago in (timedelta(minutes=10), timedelta(hours=3)):
        deployment.miss(job["pingUrl"], ago)
        deployment.schedule("Deadlines", datetime.now(UTC))
        seen.append(deployment.heartbeat(job["pingUrl"]).pulse.alarm.status.name)
    deployment.call("GET", path_of(job["pingUrl"]))
    assert tell(deployment, "Deadlines", 0) == []  # it was due before anybody was to hear of it
    return [*seen, deployment.heartbeat(job["pingUrl"]).pulse.alarm.status.name]


def test_a_ping_url_takes_a_body_and_the_api_shows_it(
    deployment: Deployment, job: dict[str, Any], moved: None
) -> None:
    pings = deployment.call("GET", f"/v1/cron-jobs/{job['id']}/ping")["data"]
    (ping,) = [ping for ping in pings if ping["hasBody"]]
    assert (ping["kind"], ping["exitStatus"]) == ("success", 0)
    body = deployment.call("GET", f"/v1/cron-jobs/{job['id']}/ping/{ping['id']}/body")["data"]
    assert json.loads(body["body"]) == {"rows": 7}


def test_the_minutes_run_turns_the_alarm_of_a_missed_job_and_a_ping_turns_it_back(missed: list[str]) -> None:
    assert missed == ["DEGRADED", "DOWN", "UP"]


# Rights


@pytest.fixture(scope="module")
def life(
    deployment: Deployment,
    shop: Shop,
    page: Watched,
    name: Watched,
    port: Watched,
    job: dict[str, Any],
    missed: list[str],
    alerts: dict[str, dict[str, Any]],
) -> None:
    """What else the API offers, and a monitor that goes down, is up again and is deleted."""
    broken = watch(deployment, "/v1/monitors", {"url": f"{shop.url}closed", "method": "GET", "public": True})
    assert broken.monitor["status"] == "down"
    told = len(deployment.announced("Probe"))
    _recover(deployment, deployment.last_message("APIHandler"))
    assert tell(deployment, "Probe", told) == ["DOWN: Shop", "RECOVERED: Shop"]
    assert deployment.call("GET", broken.path)["data"]["status"] == "up"
    told = len(deployment.announced("Probe"))
    elsewhere = {"domain": HOST, "recordType": "A", "expectedValue": "127.0.0.2", "intervalSeconds": 60}
    moved = watch(deployment, "/v1/dns-monitors", elsewhere)
    assert tell(deployment, "Probe", told) == ["DEGRADED: Shop"]
    told = len(deployment.announced("APIHandler"))
    _age(deployment, moved.monitor["id"])
    deployment.call("PUT", f"/v1/alerts/{alerts['Mail']['id']}", {"cooldownMinutes": 5})
    assert tell(deployment, "APIHandler", told) == []  # looked at, and told a moment ago
    told = len(deployment.announced("APIHandler"))
    deployment.call("GET", f"{path_of(job['pingUrl'])}/fail")
    push_path = _create(deployment, "/v1/push-monitors", {"name": "Pump", "pushToken": "water-pump"})
    deployment.call("GET", "/api/push/water-pump")
    deployment.call("GET", "/api/push/water-pump?status=down&msg=dry")
    assert tell(deployment, "APIHandler", told) == ["DOWN: Backup", "DOWN: Pump"]
    deployment.tick(datetime.now(UTC))
    rules = f"{page.path}/content-checks"
    (rule,) = deployment.call("GET", rules)["data"]
    sparse = deployment.create_monitor(shop.url, intervalSeconds=3600)
    steps: list[tuple[str, str, Any]] = [
        ("GET", f"/v1/monitors/{sparse['id']}/results", None),
        ("GET", f"/api/badge/{broken.monitor['id']}/status", None),
        ("GET", "/v1/status", None),
        ("GET", "/v1/monitors", None),
        ("GET", "/v1/monitors/stats", None),
        ("GET", f"{page.path}/stats", None),
        ("PUT", f"{rules}/{rule['id']}", {"isEnabled": False}),
        ("DELETE", f"{rules}/{rule['id']}", None),
        ("PUT", page.path, {"headers": {}}),
        ("PUT", broken.path, {"timeoutSeconds": 20}),
        ("PUT", broken.path, {"enabled": False}),
        ("DELETE", broken.path, None),
    ]
    for watched, resource in ((name, "/v1/dns-monitors"), (port, "/v1/tcp-monitors")):
        steps += [("GET", resource, None), ("PUT", watched.path, {"name": "New"})]
        steps += [("DELETE", watched.path, None)]
    job_path = f"/v1/cron-jobs/{job['id']}"
    steps += [("GET", "/v1/cron-jobs", None), ("GET", job_path, None), ("GET", f"{job_path}/ping", None)]
    steps += [("PUT", job_path, {"slug": "nightly", "periodSeconds": 86400})]
    steps += [("POST", f"{job_path}/rotate-ping-url", None), ("GET", "/v1/ping-key", None)]
    steps += [("POST", "/v1/ping-key", None), ("DELETE", job_path, None)]
    window = {"name": "Move", "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z"}
    window_path = _create(deployment, "/v1/maintenance", {**window, "monitorId": page.monitor["id"]})
    steps += [("GET", "/v1/maintenance", None), ("PUT", window_path, {"name": "Moved"})]
    steps += [("POST", f"{window_path}/end", None), ("DELETE", window_path, None)]
    steps += [("POST", "/api/push/water-pump", None), ("GET", "/v1/push-monitors", None)]
    steps += [("GET", f"{push_path}/results", None), ("PUT", push_path, {"name": "Water"})]
    steps += [("DELETE", push_path, None)]
    steps += [*_about_alerts(alerts, page.path), ("DELETE", moved.path, None)]
    once = {"Idempotency-Key": "once"}
    wanted = {"name": "CI", "scopes": ["monitors:read"]}
    status, key, _ = deployment.api("POST", "/v1/api-keys", wanted, once)
    assert (status, deployment.api("POST", "/v1/api-keys", wanted, once)[1]) == (201, key)
    steps += [("GET", "/v1/api-keys", None), ("DELETE", f"/v1/api-keys/{key['id']}", None)]
    for method, path, body in steps:
        deployment.call(method, path, body)
    tell(deployment, "APIHandler", 0)
    _flood(deployment)
    deployment.schedule("Sweep", datetime.now(UTC))
    assert deployment.announced("Sweep") == [FLOODED]


def test_each_role_has_what_its_function_does_and_nothing_else(
    deployment: Deployment, life: None, pings: dict[str, Any]
) -> None:
    """Every kind of call the code makes, against roles that are enforced; then the rights nobody used."""
    doors = deployment.doors
    assert set(doors) == set(functions(deployment.template))
    assert {name: door.denied for name, door in doors.items() if door.denied} == {}
    assert {name: door.rights.unused for name, door in doors.items() if door.rights.unused} == {}


def _age(deployment: Deployment, monitor_id: str) -> None:
    """As if it had been there for an hour: its newest result is then looked for in the newest ticks."""
    (item,) = MonitorItem.scan(MonitorItem.sk == f"MON#{monitor_id}")
    ((shard, position, from_slot, *rest),) = json.loads(item.placements)
    item.placements = json.dumps([[shard, position, from_slot - 3600, *rest]])
    item.save()


def _about_alerts(alerts: dict[str, dict[str, Any]], monitor_path: str) -> list[tuple[str, str, Any]]:
    mail, hook = (f"/v1/alerts/{alert['id']}" for alert in alerts.values())
    return [
        ("GET", "/v1/alerts", None),
        ("GET", f"{mail}/events", None),
        ("GET", f"{monitor_path}/alert-events", None),
        ("PUT", mail, {"enabled": True}),
        ("POST", f"{mail}/test", None),
        ("DELETE", hook, None),
    ]


def _flood(deployment: Deployment) -> None:
    """More rows than one run takes, of a team that has nobody to hear of them."""
    rows = [
        OutboxRow(
            FLOODED, f"mon_{n:032x}", "nobody", "http", 1, 1, None, Status.DOWN, 0, 0, Reason.TIMEOUT, 0, 0
        )
        for n in range(ROWS + 1)
    ]
    for row in rows:
        transact(OutboxItem, partial(add_outbox_row, row=row))
    deployment.deliver(FLOODED)


def _create(deployment: Deployment, resource: str, body: dict[str, Any]) -> str:
    """The path of what has been made."""
    return f"{resource}/{deployment.call('POST', resource, body)['data']['id']}"


def _recover(deployment: Deployment, first_run: str) -> None:
    """An up result of the next slot and an old sweep: the run settles both, the incident is resolved."""
    job = json.loads(first_run)
    slot = job["slot"] + 60
    up = {job["first"]: Outcome(Status.UP, Reason.NONE, 200, 12, 0)}
    tick = build_tick(slot, MAIN, datetime.fromtimestamp(slot, UTC), up)
    TickStore(deployment.settings, deployment.dynamodb).put(job["shard"], tick)
    deployment.dynamodb.update_item(
        TableName=deployment.settings.checks_table,
        Key={"pk": {"S": f"S#{job['shard']}"}, "sk": {"S": "STATE"}},
        UpdateExpression="SET w = :past",
        ExpressionAttributeValues={":past": {"N": str(int(time.time()) - 7200)}},
    )
    deployment.probe(json.dumps({"v": 1, "shard": job["shard"], "slot": slot}))


def test_the_rights_are_enforced_here(deployment: Deployment) -> None:
    """The tests above would pass with a door that lets everything through."""
    rights = Rights(deployment.template, "Probe", deployment.names)
    settings = deployment.settings
    assert not rights.allow(Act("dynamodb:GetItem", settings.teams_table, "T#1"))
    assert not rights.allow(Act("dynamodb:GetItem", settings.checks_table, "M#1"))
    assert not rights.allow(Act("dynamodb:DeleteItem", settings.checks_table, "S#1"))
    assert not rights.allow(Act("dynamodb:Scan", settings.checks_table))
    assert rights.allow(Act("dynamodb:GetItem", settings.checks_table, "S#1"))
    api, names = Rights(deployment.template, "APIHandler", deployment.names), deployment.names
    assert not api.allow(Act("lambda:InvokeFunction", names["Probe"]))
    assert api.allow(Act("lambda:InvokeFunction", names["Adhoc"]))
