from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.cron_job import CronHeartbeat
from chalicelib.domain.heartbeat import PARTITIONS
from chalicelib.domain.lateness import Pulse, Run
from chalicelib.domain.monitor_write import Written
from chalicelib.domain.outcome import Status

from .conftest import Edges
from .jobs import FULL_PULSE, NOW, alarmed, created, deleted, heartbeat, job, pinged, token_in, where

LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def stored(edges: Edges) -> CronHeartbeat:
    """Of a job that has just been made."""
    assert edges.cron_jobs.write(created(job()), limit=10) is Written.YES
    return heartbeat(job())


def test_what_is_saved_comes_back_whole(edges: Edges, stored: CronHeartbeat) -> None:
    after = replace(pinged(stored, times=3), pulse=FULL_PULSE)
    assert edges.heartbeats.save(after, None)
    assert edges.heartbeats.get(after.place, consistent=True) == after
    assert edges.heartbeats.get(after.place, consistent=False) == after


def test_where_nothing_lies_there_is_nothing(edges: Edges, stored: CronHeartbeat) -> None:
    assert edges.heartbeats.get(where(2), consistent=True) is None
    assert edges.heartbeats.of_places([]) == {}


def test_many_are_read_at_once_and_the_absent_left_out(edges: Edges, stored: CronHeartbeat) -> None:
    assert edges.heartbeats.of_places([stored.place, where(2)]) == {stored.place: stored}


def test_a_save_over_another_version_is_lost(edges: Edges, stored: CronHeartbeat) -> None:
    first, second = pinged(stored), replace(pinged(stored), pulse=FULL_PULSE)
    assert edges.heartbeats.save(first, None)
    assert not edges.heartbeats.save(second, None)
    assert not edges.heartbeats.save(replace(second, version=3), None)
    assert edges.heartbeats.get(stored.place, consistent=True) == first


def test_a_save_that_is_repeated_as_it_was_has_been_made(edges: Edges, stored: CronHeartbeat) -> None:
    """By a client that got no answer to the first."""
    assert edges.heartbeats.save(pinged(stored), None)
    assert edges.heartbeats.save(pinged(stored), None)


def test_a_save_makes_no_heartbeat(edges: Edges, stored: CronHeartbeat) -> None:
    edges.cron_jobs.write(deleted(job()), limit=10)
    fallen, turn = alarmed(stored, Status.DOWN, LATER)
    assert not edges.heartbeats.save(pinged(stored), None)
    assert not edges.heartbeats.save(fallen, turn)
    assert not edges.heartbeats.save(replace(stored, version=0), None)
    assert edges.heartbeats.get(stored.place, consistent=True) is None
    assert edges.outbox(stored.place.name) == []
    assert edges.incidents(stored.id) == []


def test_turns_leave_one_incident_and_a_row_each(edges: Edges, stored: CronHeartbeat) -> None:
    late, first = alarmed(stored, Status.DEGRADED, NOW)
    missed, second = alarmed(late, Status.DOWN, LATER)
    back, third = alarmed(missed, Status.UP, LATER)
    for after, turn in ((late, first), (missed, second), (back, third)):
        assert edges.heartbeats.save(after, turn)
    slot, later = int(NOW.timestamp()), int(LATER.timestamp())
    assert edges.outbox(stored.place.name) == [
        (stored.id, 1, Status.UP, Status.DEGRADED, slot),
        (stored.id, 2, Status.DEGRADED, Status.DOWN, later),
        (stored.id, 3, Status.DOWN, Status.UP, later),
    ]
    assert edges.incidents(stored.id) == [(1, Status.UP, True)]
    assert edges.heartbeats.get(stored.place, consistent=True) == back


def test_a_turn_over_another_version_writes_nothing(edges: Edges, stored: CronHeartbeat) -> None:
    fallen, turn = alarmed(stored, Status.DOWN, LATER)
    assert edges.heartbeats.save(pinged(stored), None)
    assert not edges.heartbeats.save(fallen, turn)
    assert edges.heartbeats.get(stored.place, consistent=True) == pinged(stored)
    assert edges.outbox(stored.place.name) == []
    assert edges.incidents(stored.id) == []


def test_a_turn_is_never_written_twice(edges: Edges, stored: CronHeartbeat) -> None:
    fallen, turn = alarmed(stored, Status.DOWN, LATER)
    assert edges.heartbeats.save(fallen, turn)
    assert not edges.heartbeats.save(fallen, turn)
    assert not edges.heartbeats.save(replace(fallen, version=2), turn)
    assert len(edges.outbox(stored.place.name)) == 1


def test_the_partitions_have_all_between_them(edges: Edges) -> None:
    for number in range(40):
        assert edges.cron_jobs.write(created(job(number)), limit=100) is Written.YES
    found = [list(edges.heartbeats.of_partition(partition)) for partition in range(PARTITIONS)]
    assert {h.place.partition for h in found[3]} == {3}
    assert sorted(h.id for part in found for h in part) == sorted(job(number).id for number in range(40))
    assert heartbeat(job(5)) in found[where(5).partition]


def test_a_partition_is_read_as_it_is_asked_for(edges: Edges) -> None:
    one = job(1, ping_token=token_in(3))
    reading = iter(edges.heartbeats.of_partition(3))
    edges.cron_jobs.write(created(one), limit=10)
    assert [found.id for found in reading] == [one.id]


@pytest.mark.parametrize("run_id", ["", "\x00\udc80\U0001f600", "é" * 50])
def test_a_run_id_is_whatever_its_caller_says(edges: Edges, stored: CronHeartbeat, run_id: str) -> None:
    after = replace(pinged(stored), pulse=Pulse(run=Run(NOW, run_id)))
    assert edges.heartbeats.save(after, None)
    assert edges.heartbeats.get(after.place, consistent=True) == after
