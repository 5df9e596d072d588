"""Both kinds of edges under one list of tests: the fakes, and the real stores on the embedded engine."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.incident import IncidentChange, OutboxRow
from chalicelib.domain.outcome import Status
from chalicelib.domain.text import TextRef
from chalicelib.services import deps
from chalicelib.settings import Settings
from chalicelib.store.alerts import AlertStore
from chalicelib.store.beats import BeatStore
from chalicelib.store.buckets import BucketStore
from chalicelib.store.cron_jobs import CronJobStore
from chalicelib.store.heartbeats import HeartbeatStore
from chalicelib.store.key_uses import KeyUseStore
from chalicelib.store.keys import KeyStore
from chalicelib.store.maintenance import MaintenanceStore
from chalicelib.store.members import MemberStore
from chalicelib.store.monitors import MonitorStore
from chalicelib.store.ping_keys import PingKeyStore
from chalicelib.store.push_monitors import PushMonitorStore
from chalicelib.store.requests import RequestStore
from chalicelib.store.shards import ShardStore
from chalicelib.store.ssl_readings import SslReadingStore
from chalicelib.store.states import StateStore
from chalicelib.store.tables import IncidentItem, OutboxItem, TextItem
from chalicelib.store.teams import TeamStore
from chalicelib.store.texts import TextStore
from chalicelib.store.ticks import TickStore
from tests.fakes import FakeDeps

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Edges:
    """The stores, and looks at what has no reader among the protocols yet."""

    shards: deps.Shards
    states: deps.States
    members: deps.Members
    ticks: deps.Ticks
    texts: deps.Texts
    ssl_readings: deps.SslStore
    monitors: deps.Monitors
    key_uses: deps.KeyUses
    buckets: deps.Buckets
    requests: deps.Requests
    keys: deps.Keys
    teams: deps.Teams
    heartbeats: deps.Heartbeats
    beats: deps.Beats
    cron_jobs: deps.CronJobs
    push_monitors: deps.PushMonitors
    ping_keys: deps.PingKeys
    maintenance: deps.Maintenance
    alerts: deps.Alerts
    outbox: Callable[[str], list[tuple[str, int, Status | None, Status, int]]]
    """(monitor, seq, before, after, slot) of a shard's rows."""
    incidents: Callable[[str], list[tuple[int, Status, bool]]]
    """(opened_seq, status, is resolved) of a monitor."""
    text_ends_at: Callable[[TextRef], datetime]


def fake_edges() -> Edges:
    fake = FakeDeps()
    items = fake.store.items

    def outbox(shard: str) -> list[tuple[str, int, Status | None, Status, int]]:
        rows: list[OutboxRow] = [row for row in items["outbox"].values() if row.shard == shard]
        return sorted((r.monitor_id, r.seq, r.before, r.after, r.slot) for r in rows)

    def incidents(monitor_id: str) -> list[tuple[int, Status, bool]]:
        held: list[IncidentChange] = [i for key, i in items["incident"].items() if key[0] == monitor_id]
        return sorted((i.opened_seq, i.status, i.is_resolving) for i in held)

    return Edges(
        fake.shards,
        fake.states,
        fake.members,
        fake.ticks,
        fake.texts,
        fake.ssl_readings,
        fake.monitors,
        fake.key_uses,
        fake.buckets,
        fake.requests,
        fake.keys,
        fake.teams,
        fake.heartbeats,
        fake.beats,
        fake.cron_jobs,
        fake.push_monitors,
        fake.ping_keys,
        fake.maintenance,
        fake.alerts,
        outbox,
        incidents,
        lambda ref: datetime.fromtimestamp(items["text"][ref][1].timestamp(), UTC),
    )


def real_edges(settings: Settings, client: "DynamoDBClient") -> Edges:
    def outbox(shard: str) -> list[tuple[str, int, Status | None, Status, int]]:
        return [
            (
                row.sk.rpartition("#")[0].rpartition("#")[2],
                int(row.sk.rpartition("#")[2]),
                None if row.before is None else Status(int(row.before)),
                Status(int(row.after)),
                int(row.slot),
            )
            for row in OutboxItem.query(f"OUT#{shard}", consistent_read=True)
        ]

    def incidents(monitor_id: str) -> list[tuple[int, Status, bool]]:
        return [
            (int(i.sk.removeprefix("I#")), Status(int(i.status)), i.resolved_at is not None)
            for i in IncidentItem.query(f"M#{monitor_id}", consistent_read=True)
        ]

    def text_ends_at(ref: TextRef) -> datetime:
        item = TextItem.get(f"S#{ref.shard}", f"X#{ref.position:04d}#{ref.id.hex()}", consistent_read=True)
        return datetime.fromtimestamp(item.ttl, UTC)

    return Edges(
        ShardStore(),
        StateStore(),
        MemberStore(),
        TickStore(settings, client),
        TextStore(),
        SslReadingStore(),
        MonitorStore(),
        KeyUseStore(settings, client),
        BucketStore(settings, client),
        RequestStore(settings, client),
        KeyStore(),
        TeamStore(),
        HeartbeatStore(settings, client),
        BeatStore(settings, client),
        CronJobStore(),
        PushMonitorStore(),
        PingKeyStore(),
        MaintenanceStore(),
        AlertStore(),
        outbox,
        incidents,
        text_ends_at,
    )


@pytest.fixture(params=["fake", "real"])
def edges(request: pytest.FixtureRequest) -> Edges:
    if request.param == "fake":
        return fake_edges()
    return real_edges(request.getfixturevalue("settings"), request.getfixturevalue("client"))
