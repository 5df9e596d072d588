"""What the probe knows of a monitor, and the pack: all members of a shard in one cached value."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.confirmation import Confirmations, confirmations_of
from chalicelib.domain.monitor import Monitor, Spec
from chalicelib.domain.schedule import is_due, slot_of


@dataclass(frozen=True, slots=True)
class Member:
    """A monitor as its shard sees it. A disabled one stays a member: never due, its entry kept."""

    position: int
    monitor_id: str
    team_id: str
    kind: str
    spec: Spec
    interval_seconds: int
    anchor: int
    is_enabled: bool
    extras_rev: int = 0
    """Which extras belong to it: they bear the same number. 0 when it has none."""
    enabled_slot: int = 0
    """The slot of its last enable, where its changes need confirmation: a streak from before is over."""

    @property
    def has_extras(self) -> bool:
        return self.extras_rev > 0

    @property
    def confirmations(self) -> Confirmations:
        return confirmations_of(self.spec)

    def is_due(self, slot: int, slot_seconds: int) -> bool:
        return self.is_enabled and is_due(
            slot, anchor=self.anchor, interval_seconds=self.interval_seconds, slot_seconds=slot_seconds
        )


@dataclass(frozen=True, slots=True)
class Pack:
    """The members of a shard as of `config_version`. Only a cache: the members are the truth."""

    config_version: int
    members: Mapping[int, Member]


def member_of(monitor: Monitor) -> Member:
    place = monitor.placement
    return Member(
        position=place.position,
        monitor_id=monitor.id,
        team_id=monitor.team_id,
        kind=monitor.kind,
        spec=monitor.spec,
        interval_seconds=monitor.interval_seconds,
        anchor=place.anchor,
        is_enabled=monitor.is_enabled,
        extras_rev=monitor.extras_rev,
        enabled_slot=_enabled_slot(monitor),
    )


def _enabled_slot(monitor: Monitor) -> int:
    if monitor.enabled_at is None or not confirmations_of(monitor.spec).is_needed:
        return 0
    return slot_of(monitor.enabled_at.timestamp(), monitor.speed_class.slot_seconds)


def encode_member(member: Member) -> bytes:
    """Compact JSON; its length is what counts against the shard's byte limit."""
    return json.dumps(_to_json(member), separators=(",", ":"), ensure_ascii=False).encode()


def decode_member(data: bytes) -> Member:
    return _from_json(json.loads(data))


def encode_pack(pack: Pack) -> bytes:
    members = [_to_json(m) for m in pack.members.values()]
    return zlib.compress(json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode(), 6)


def decode_pack(config_version: int, data: bytes) -> Pack:
    members = (_from_json(raw) for raw in json.loads(zlib.decompress(data)))
    return Pack(config_version, {m.position: m for m in members})


def _to_json(m: Member) -> dict[str, Any]:
    raw = {
        "p": m.position,
        "i": m.monitor_id,
        "t": m.team_id,
        "k": m.kind,
        "n": m.interval_seconds,
        "a": m.anchor,
        "s": dict(m.spec),
    }
    if not m.is_enabled:
        raw["off"] = 1
    if m.has_extras:
        raw["x"] = m.extras_rev
    if m.enabled_slot:
        raw["e"] = m.enabled_slot
    return raw


def _from_json(raw: Mapping[str, Any]) -> Member:
    return Member(
        position=raw["p"],
        monitor_id=raw["i"],
        team_id=raw["t"],
        kind=raw["k"],
        spec=raw["s"],
        interval_seconds=raw["n"],
        anchor=raw["a"],
        is_enabled="off" not in raw,
        extras_rev=raw.get("x", 0),
        enabled_slot=raw.get("e", 0),
    )
