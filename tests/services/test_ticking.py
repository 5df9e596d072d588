"""The tick: every shard's slots of the minute, each message at its time."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.job import ProbeJob
from chalicelib.domain.schedule import SpeedClass, shard_offset_seconds
from chalicelib.domain.shard import Shard
from chalicelib.services.ticking import tick
from tests.fakes import FakeDeps

MINUTE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SLOT = int(MINUTE.timestamp())
NORMAL, SLOW, FAST = "enam.normal.00001", "enam.slow.00001", "enam.fast.00001"


def deps_with(*names: str, members: int = 1, seconds_late: float = 1.0) -> FakeDeps:
    deps = FakeDeps(at=MINUTE + timedelta(seconds=seconds_late))
    for name in names:
        shard = Shard(name, "enam", SpeedClass(name.split(".")[1]), "team_1", members=members)
        deps.store.write(("shard", name, shard))
    return deps


def sent(deps: FakeDeps) -> list[tuple[str, int, int]]:
    return [(job.shard, job.slot, delay) for job, delay in deps.queue.sent]


@pytest.mark.parametrize("name", [NORMAL, SLOW])
def test_a_shard_of_minute_slots_gets_one_message_at_its_own_offset(name: str) -> None:
    deps = deps_with(name)
    assert tick(deps, MINUTE) == 1
    assert sent(deps) == [(name, SLOT, shard_offset_seconds(name, 60) - 1)]


def test_every_message_carries_no_position_for_it_is_no_first_run() -> None:
    deps = deps_with(NORMAL, FAST)
    tick(deps, MINUTE)
    assert {job.first_position for job, _ in deps.queue.sent} == {None}


def test_a_fast_shard_gets_its_six_slots_each_delayed_to_its_time() -> None:
    deps = deps_with(FAST)
    assert tick(deps, MINUTE) == 6
    offset = shard_offset_seconds(FAST, 10)
    assert sent(deps) == [(FAST, SLOT + 10 * n, max(0, 10 * n + offset - 1)) for n in range(6)]


def test_the_shards_spread_over_the_minute() -> None:
    deps = deps_with(*(f"enam.normal.{number:05d}" for number in range(1, 101)))
    assert tick(deps, MINUTE) == 100
    delays = [delay for _, delay in deps.queue.sent]
    assert len(set(delays)) > 20
    assert all(0 <= delay <= 45 for delay in delays)


def test_an_empty_shard_is_skipped() -> None:
    deps = deps_with(NORMAL, FAST, members=0)
    assert tick(deps, MINUTE) == 0
    assert deps.queue.sent == []


def test_a_late_event_means_the_same_slot_without_delay() -> None:
    deps = deps_with(NORMAL, SLOW, seconds_late=100)
    tick(deps, MINUTE)
    assert sent(deps) == [(NORMAL, SLOT, 0), (SLOW, SLOT, 0)]


def test_a_late_event_drops_the_slots_of_fast_shards_that_are_past() -> None:
    deps = deps_with(FAST, seconds_late=35)
    assert tick(deps, MINUTE) == 3
    assert [job.slot for job, _ in deps.queue.sent] == [SLOT + 30, SLOT + 40, SLOT + 50]


def test_a_very_late_event_has_nothing_left_for_fast_shards() -> None:
    deps = deps_with(FAST, seconds_late=61)
    assert tick(deps, MINUTE) == 0


def test_an_early_event_waits_for_its_minute() -> None:
    deps = deps_with(NORMAL, seconds_late=-2)
    tick(deps, MINUTE)
    assert sent(deps) == [(NORMAL, SLOT, shard_offset_seconds(NORMAL, 60) + 2)]


def test_a_doubled_event_sends_the_same_jobs_again() -> None:
    """Harmless: ticks are put if absent. What matters is that no other slot is meant."""
    deps = deps_with(NORMAL, FAST)
    tick(deps, MINUTE)
    first = [job for job, _ in deps.queue.sent]
    deps.queue.sent.clear()
    deps.at += timedelta(seconds=2)
    tick(deps, MINUTE)
    assert [job for job, _ in deps.queue.sent] == first
    assert ProbeJob(NORMAL, SLOT) in first


@pytest.mark.parametrize("seconds", [0, 1, 30, 59])
def test_an_event_inside_the_minute_means_the_minutes_begin(seconds: int) -> None:
    deps = deps_with(NORMAL)
    tick(deps, MINUTE + timedelta(seconds=seconds))
    assert [job.slot for job, _ in deps.queue.sent] == [SLOT]


def test_delays_are_whole_seconds_that_sqs_accepts() -> None:
    deps = deps_with(NORMAL, SLOW, FAST, seconds_late=0.4)
    tick(deps, MINUTE)
    assert all(isinstance(delay, int) and 0 <= delay <= 900 for _, delay in deps.queue.sent)
