"""Push monitors in both kinds of stores. What they share with cron jobs is tested with those."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.beat import Beat
from chalicelib.domain.heartbeat import with_beat
from chalicelib.domain.known_time import Tally
from chalicelib.domain.monitor import Leftover, Locator
from chalicelib.domain.monitor_write import Written
from chalicelib.domain.push_monitor import KIND, PushHeartbeat, PushMonitor, PushMonitorWrite
from chalicelib.domain.silence import Pulse, Push, Rules, begin, hear

from .conftest import Edges
from .jobs import NOW, TEAM, created, job

OWNER = "push_" + "1" * 32
HOUR = int(NOW.timestamp()) // 3600


def monitor(number: int = 1, **fields: object) -> PushMonitor:
    made = PushMonitor(
        id=f"push_{number:032x}",
        team_id=TEAM,
        name="Backup",
        rules=Rules(retries=2, retry_interval_seconds=20),
        created_at=NOW + timedelta(milliseconds=number),
        updated_at=NOW,
        push_token=f"token-{number}",
        partitions=(),
        enabled_at=NOW,
        token="aa",
    )
    made = replace(made, **fields)  # type: ignore[arg-type]
    return replace(made, partitions=made.partitions or (made.place.name,))


def heartbeat(monitor: PushMonitor) -> PushHeartbeat:
    pulse = begin(monitor.rules, Pulse(), NOW)
    return PushHeartbeat(monitor.place, monitor.id, monitor.team_id, KIND, monitor.rules, pulse)


def create(edges: Edges, made: PushMonitor, limit: int = 10) -> Written:
    return edges.push_monitors.write(PushMonitorWrite(None, made, None, heartbeat(made)), limit)


def pushed(read: PushHeartbeat) -> PushHeartbeat:
    at = NOW + timedelta(seconds=5)
    beat = Beat(0, at, True, b"8" * 8, milliseconds=17, has_body=True)
    pulse = hear(read.rules, read.pulse, Push(True, at, 17, True))
    return with_beat(replace(read, pulse=pulse, version=read.version + 1), beat)


def test_a_create_makes_everything(edges: Edges) -> None:
    made = monitor(is_public=True)
    assert create(edges, made) is Written.YES
    assert edges.push_monitors.get(TEAM, made.id, consistent=True) == made
    assert edges.push_monitors.of_team(TEAM) == [made]
    assert edges.push_monitors.get("team-2", made.id, consistent=False) is None
    assert edges.heartbeats.get(made.place, consistent=True) == heartbeat(made)
    locator = Locator(made.id, TEAM, KIND, True, True, (), made.place)
    assert edges.monitors.locator(made.id) == locator


def test_a_heartbeat_comes_back_whole(edges: Edges) -> None:
    made = monitor()
    create(edges, made)
    after = pushed(heartbeat(made))
    assert edges.heartbeats.save(after, None)
    assert edges.heartbeats.get(made.place, consistent=True) == after


def test_cron_jobs_and_push_monitors_are_counted_and_listed_apart(edges: Edges) -> None:
    assert edges.cron_jobs.write(created(job()), 1) is Written.YES
    assert create(edges, monitor(1), limit=1) is Written.YES
    assert create(edges, monitor(2), limit=1) is Written.LIMIT
    assert [found.id for found in edges.push_monitors.of_team(TEAM)] == [monitor(1).id]
    assert [found.id for found in edges.cron_jobs.of_team(TEAM)] == [job().id]


def test_a_taken_token_is_lost_whoever_has_it(edges: Edges) -> None:
    edges.cron_jobs.write(created(job()), 10)
    create(edges, monitor(1))
    for token in (monitor(1).push_token, job().ping_token):
        assert create(edges, monitor(2, push_token=token)) is Written.LOST
    before = monitor(3)
    create(edges, before)
    after = replace(before, push_token=monitor(1).push_token, rev=2)
    moved = replace(heartbeat(before), place=after.place, version=1)
    change = PushMonitorWrite(before, after, heartbeat(before), moved)
    assert edges.push_monitors.write(change, 10) is Written.LOST
    assert edges.heartbeats.get(before.place, consistent=True) == heartbeat(before)


def test_a_delete_notes_every_partition_there_was(edges: Edges) -> None:
    made = monitor(partitions=("HB01", "HB09"))
    create(edges, made)
    assert edges.push_monitors.write(PushMonitorWrite(made, None, None, None), 10) is Written.YES
    assert edges.monitors.leftovers(TEAM) == [Leftover(made.id, TEAM, ("HB01", "HB09"))]
    assert edges.push_monitors.of_team(TEAM) == []
    assert edges.heartbeats.get(made.place, consistent=True) is None
    assert edges.monitors.locator(made.id) is None


def test_bodies_of_several_owners_are_read_at_once(edges: Edges) -> None:
    other = "push_" + "2" * 32
    edges.beats.keep_body(OWNER, 1, b"one", NOW)
    edges.beats.keep_body(OWNER, 102, b"newer", NOW)
    edges.beats.keep_body(other, 102, b"another's", NOW)
    wanted = [(OWNER, 1), (OWNER, 102), (OWNER, 2), (other, 102), (other, 2)]
    found = edges.beats.bodies(wanted, NOW)
    assert found == {(OWNER, 1): b"one", (OWNER, 102): b"newer", (other, 102): b"another's"}
    assert edges.beats.bodies(wanted, NOW + timedelta(days=366)) == {}
    assert edges.beats.bodies([], NOW) == {}


def test_the_first_tally_of_an_hour_stays(edges: Edges) -> None:
    for hour, tally in ((HOUR, Tally(1, 2)), (HOUR, Tally(5, 6)), (HOUR + 2, Tally(7, 8))):
        edges.beats.put_tally(OWNER, hour, tally)
    wanted = [(OWNER, HOUR), (OWNER, HOUR + 1), (OWNER, HOUR + 2), ("push_2", HOUR)]
    assert edges.beats.tallies(wanted, NOW) == {
        (OWNER, HOUR): Tally(1, 2),
        (OWNER, HOUR + 2): Tally(7, 8),
    }
    assert edges.beats.tallies(wanted[:1], NOW + timedelta(days=32)) == {}
    assert edges.beats.tallies([], NOW) == {}


@pytest.mark.parametrize(("hour", "up_ms"), [(-5, 1), (0, 1), (1, 7), (2, 7), (3, 7)])
def test_the_nearest_tally_is_the_next_else_the_last(edges: Edges, hour: int, up_ms: int) -> None:
    assert edges.beats.nearest_tally(OWNER, HOUR + hour, NOW) is None
    edges.beats.put_block(OWNER, 1, [Beat(0, NOW, True, b"8" * 8)])
    edges.beats.keep_body(OWNER, 1, b"one", NOW)
    edges.beats.put_tally(OWNER, HOUR, Tally(1, 2))
    edges.beats.put_tally(OWNER, HOUR + 2, Tally(7, 8))
    found = edges.beats.nearest_tally(OWNER, HOUR + hour, NOW)
    assert found is not None
    assert found.up_ms == up_ms
    edges.beats.forget(OWNER)
    assert edges.beats.nearest_tally(OWNER, HOUR + hour, NOW) is None
