"""The tick's handler, with the events that EventBridge sends."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain.job import ProbeJob
from chalicelib.domain.schedule import SpeedClass
from chalicelib.domain.shard import Shard
from chalicelib.jobs.tick import run, tick
from tests.fakes import FakeDeps

SHARD = "enam.normal.00001"


def scheduled_event(time: str) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": time,
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/uptime-dev-tick-event"],
        "detail": {},
    }


def with_a_shard() -> FakeDeps:
    deps = FakeDeps()
    deps.store.write(("shard", SHARD, Shard(SHARD, "enam", SpeedClass.NORMAL, "team_1", members=1)))
    return deps


@pytest.mark.parametrize(
    "time", ["2026-03-01T12:00:00Z", "2026-03-01T12:00:41Z", "2026-03-01T13:00:59+01:00"]
)
def test_the_slot_is_the_minute_of_the_events_own_time(time: str) -> None:
    deps = with_a_shard()
    deps.at += timedelta(seconds=75)
    with wiring.override(deps):
        tick(scheduled_event(time), None)
    slot = int(datetime(2026, 3, 1, 12, 0, tzinfo=UTC).timestamp())
    assert [job for job, _ in deps.queue.sent] == [ProbeJob(SHARD, slot)]


def test_run_answers_how_many_messages_were_sent() -> None:
    deps = with_a_shard()
    assert run(deps, deps.at) == 1
    assert run(FakeDeps(), deps.at) == 0
