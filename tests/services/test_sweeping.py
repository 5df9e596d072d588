"""The sweep: what is due, whoever may have failed to say so."""

from collections.abc import Iterable
from datetime import datetime

import pytest

from chalicelib.domain.heartbeat import PARTITIONS
from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.schedule import SpeedClass
from chalicelib.domain.shard import Shard
from chalicelib.services.sweeping import sweep
from tests.fakes import FakeDeps

SHARDS = [f"enam.normal.{number:05d}" for number in (1, 2, 3)]
HEARTBEATS = [f"HB{number:02d}" for number in range(PARTITIONS)]


class ScriptedOutbox:
    """Satisfies `Outbox`: has something to tell in the shards of `due`, and cannot be read in those of
    `broken`."""

    def __init__(self, due: Iterable[str] = (), broken: Iterable[str] = ()) -> None:
        self.due = set(due)
        self.broken = set(broken)
        self.asked: list[tuple[str, datetime]] = []

    def of_shard(self, shard: str, limit: int) -> list[OutboxRow]:
        raise AssertionError("the sweep only looks")

    def remove(self, rows: Iterable[OutboxRow]) -> None:
        raise AssertionError("the sweep only looks")

    def is_anything_due(self, shard: str, now: datetime) -> bool:
        self.asked.append((shard, now))
        if shard in self.broken:
            raise RuntimeError(f"no {shard}")
        return shard in self.due


def deps_with(outbox: ScriptedOutbox) -> FakeDeps:
    deps = FakeDeps()
    for shard in SHARDS:
        deps.store.write(("shard", shard, Shard(shard, "enam", SpeedClass.NORMAL, "team_1")))
    deps.outbox = outbox  # type: ignore[assignment]
    return deps


def test_every_shard_and_every_partition_of_heartbeats_is_looked_at_with_one_time() -> None:
    outbox = ScriptedOutbox()
    deps = deps_with(outbox)
    assert sweep(deps) == 0
    assert sorted(outbox.asked) == [(name, deps.at) for name in sorted([*SHARDS, *HEARTBEATS])]
    assert deps.deliveries.shards == []


def test_those_that_have_something_due_are_handed_on() -> None:
    due = [SHARDS[1], HEARTBEATS[0], HEARTBEATS[-1]]
    deps = deps_with(ScriptedOutbox(due))
    assert sweep(deps) == 3
    assert deps.deliveries.shards == due


def test_a_shard_that_cannot_be_read_takes_no_other_with_it() -> None:
    due = [SHARDS[2], HEARTBEATS[7]]
    deps = deps_with(ScriptedOutbox(due, broken=[SHARDS[0], HEARTBEATS[3]]))
    with pytest.raises(ExceptionGroup) as failed:
        sweep(deps)
    assert [str(error) for error in failed.value.exceptions] == [f"no {SHARDS[0]}", f"no {HEARTBEATS[3]}"]
    assert deps.deliveries.shards == due
