"""Both kinds of edges under one list of tests: the fakes, and the real stores on the embedded engine."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.domain.incident import IncidentChange, OutboxRow
from chalicelib.domain.outcome import Status
from chalicelib.services import deps
from chalicelib.settings import Settings
from chalicelib.store.addresses import AddressStore
from chalicelib.store.key_uses import KeyUseStore
from chalicelib.store.keys import KeyStore
from chalicelib.store.members import MemberStore
from chalicelib.store.monitors import MonitorStore
from chalicelib.store.requests import RequestStore
from chalicelib.store.shards import ShardStore
from chalicelib.store.states import StateStore
from chalicelib.store.tables import ExtrasItem, IncidentItem, OutboxItem
from chalicelib.store.teams import TeamStore
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
    monitors: deps.Monitors
    key_uses: deps.KeyUses
    addresses: deps.Addresses
    requests: deps.Requests
    keys: deps.Keys
    teams: deps.Teams
    outbox: Callable[[str], list[tuple[str, int, Status | None, Status, int]]]
    """(monitor, seq, before, after, slot) of a shard's rows."""
    incidents: Callable[[str], list[tuple[int, Status, bool]]]
    """(opened_seq, status, is resolved) of a monitor."""
    put_extras: Callable[[str, int, Mapping[str, Any]], None]


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
        fake.monitors,
        fake.key_uses,
        fake.addresses,
        fake.requests,
        fake.keys,
        fake.teams,
        outbox,
        incidents,
        lambda shard, position, extras: fake.store.write((("extras", shard), position, extras)),
    )


def real_edges(settings: Settings, client: "DynamoDBClient") -> Edges:
    def outbox(shard: str) -> list[tuple[str, int, Status | None, Status, int]]:
        return [
            (
                row.sk.split("#")[0],
                int(row.sk.split("#")[1]),
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

    def put_extras(shard: str, position: int, extras: Mapping[str, Any]) -> None:
        ExtrasItem(f"S#{shard}", f"B#{position:04d}", data=json.dumps(dict(extras))).save()

    return Edges(
        ShardStore(),
        StateStore(),
        MemberStore(),
        TickStore(settings, client),
        MonitorStore(),
        KeyUseStore(settings, client),
        AddressStore(settings, client),
        RequestStore(settings, client),
        KeyStore(),
        TeamStore(),
        outbox,
        incidents,
        put_extras,
    )


@pytest.fixture(params=["fake", "real"])
def edges(request: pytest.FixtureRequest) -> Edges:
    if request.param == "fake":
        return fake_edges()
    return real_edges(request.getfixturevalue("settings"), request.getfixturevalue("client"))
