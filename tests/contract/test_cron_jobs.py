from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.cron_job import CronHeartbeat, CronJob, CronJobWrite
from chalicelib.domain.heartbeat import place_of
from chalicelib.domain.monitor import Leftover, Locator
from chalicelib.domain.monitor_write import Written
from chalicelib.domain.outcome import Status
from chalicelib.domain.recurrence import Schedule

from .conftest import Edges
from .jobs import (
    NOW,
    RULES,
    TEAM,
    alarmed,
    changed,
    created,
    deleted,
    heartbeat,
    job,
    pinged,
    token,
    token_in,
    where,
)

LATER = NOW + timedelta(hours=1)


def create(edges: Edges, new: CronJob, limit: int = 100) -> CronJob:
    assert edges.cron_jobs.write(created(new), limit) is Written.YES
    return new


def update(
    edges: Edges, before: CronJob, after: CronJob, read: CronHeartbeat | None = None
) -> tuple[Written, CronHeartbeat]:
    read = read or heartbeat(before)
    new = replace(read, place=place_of(after.ping_token), rules=after.rules, version=read.version + 1)
    return edges.cron_jobs.write(CronJobWrite(before, after, read, new), 100), new


def stored(edges: Edges, job: CronJob) -> CronJob | None:
    return edges.cron_jobs.get(job.team_id, job.id, consistent=True)


def locator(job: CronJob) -> Locator:
    place = place_of(job.ping_token)
    return Locator(job.id, job.team_id, "cron", job.is_public, job.is_enabled, (), place)


def test_a_created_job_comes_back_whole(edges: Edges) -> None:
    full = job(
        description="Ünïcode ✓",
        slug="nightly-backup_1",
        rules=replace(
            RULES,
            schedule=Schedule("calendar", "Mon *-*-* 12:00\nFri 18:00 Asia/Tokyo", "UTC"),
            run_grace_seconds=60,
            failures_to_alarm=3,
            least_seconds_between=30,
        ),
        alert_on_late=True,
        is_public=True,
        rev=7,
    )
    for made in (full, job(2, enabled_at=None, description="", rules=replace(RULES, is_enabled=False))):
        create(edges, made)
        assert edges.cron_jobs.get(TEAM, made.id, consistent=True) == made
        assert edges.cron_jobs.get(TEAM, made.id, consistent=False) == made


def test_another_teams_job_is_not_found(edges: Edges) -> None:
    create(edges, job())
    assert edges.cron_jobs.get("team-2", job().id, consistent=True) is None


def test_a_teams_jobs_are_listed_newest_first(edges: Edges) -> None:
    for number in (2, 1, 3):
        create(edges, job(number))
    create(edges, job(4, team_id="team-2"))
    assert edges.cron_jobs.of_team(TEAM) == [job(3), job(2), job(1)]
    assert edges.cron_jobs.of_team("team-3") == []


def test_a_create_leaves_heartbeat_locator_and_pointer(edges: Edges) -> None:
    made = create(edges, job(slug="a", is_public=True))
    assert edges.heartbeats.get(where(1), consistent=True) == heartbeat(made)
    assert edges.monitors.locator(made.id) == locator(made)
    assert edges.cron_jobs.with_slug(TEAM, "a") == [where(1)]


def test_a_second_create_is_lost(edges: Edges) -> None:
    create(edges, job())
    assert edges.cron_jobs.write(created(job(ping_token=token(2))), 100) is Written.LOST
    assert edges.cron_jobs.write(created(job(2, ping_token=token(1))), 100) is Written.LOST
    assert edges.heartbeats.get(where(2), consistent=True) is None
    assert edges.cron_jobs.of_team(TEAM) == [job()]


def test_the_limit_is_a_condition_of_the_create_and_a_delete_makes_room(edges: Edges) -> None:
    create(edges, job(1, slug="a"), limit=1)
    assert edges.cron_jobs.write(created(job(2, slug="b")), 1) is Written.LIMIT
    assert edges.cron_jobs.write(created(job(1, slug="b")), 1) is Written.LOST
    assert edges.heartbeats.get(where(2), consistent=True) is None
    create(edges, job(3, team_id="team-2"), limit=1)
    assert edges.cron_jobs.write(deleted(job(1, slug="a")), 1) is Written.YES
    create(edges, job(2, slug="b"), limit=1)


def test_an_update_replaces_all_that_changes(edges: Edges) -> None:
    before = create(edges, job(slug="a"))
    rules = replace(RULES, is_enabled=False)
    after = changed(before, name="New", slug="b", is_public=True, rules=rules, enabled_at=None)
    written, new = update(edges, before, after)
    assert written is Written.YES
    assert stored(edges, before) == after
    assert edges.heartbeats.get(where(1), consistent=True) == new
    assert edges.monitors.locator(before.id) == locator(after)
    assert edges.cron_jobs.with_slug(TEAM, "a") == []
    assert edges.cron_jobs.with_slug(TEAM, "b") == [where(1)]


def test_a_slug_may_go(edges: Edges) -> None:
    before = create(edges, job(slug="a"))
    assert update(edges, before, changed(before, slug=""))[0] is Written.YES
    assert edges.cron_jobs.with_slug(TEAM, "a") == []


def test_an_update_without_a_heartbeat_leaves_it(edges: Edges) -> None:
    before = create(edges, job())
    after = changed(before, name="New")
    assert edges.cron_jobs.write(CronJobWrite(before, after, None, None), 100) is Written.YES
    assert stored(edges, before) == after
    assert edges.heartbeats.get(where(1), consistent=True) == heartbeat(before)


def test_an_update_on_an_older_rev_is_lost(edges: Edges) -> None:
    before = create(edges, job())
    first = changed(before, name="First", slug="a")
    _, read = update(edges, before, first)
    assert update(edges, before, changed(before, slug="b"), read)[0] is Written.LOST
    assert stored(edges, before) == first
    assert edges.cron_jobs.with_slug(TEAM, "b") == []


@pytest.mark.parametrize("number", [1, 2], ids=["in place", "moving"])
def test_an_update_is_lost_when_a_ping_came_in_between(edges: Edges, number: int) -> None:
    before = create(edges, job(slug="a"))
    assert edges.heartbeats.save(pinged(heartbeat(before)), None)
    assert update(edges, before, changed(before, ping_token=token(number)))[0] is Written.LOST
    assert stored(edges, before) == before
    assert edges.heartbeats.get(where(1), consistent=True) == pinged(heartbeat(before))
    assert number == 1 or edges.heartbeats.get(where(number), consistent=True) is None


def test_another_token_moves_heartbeat_pointer_and_locator(edges: Edges) -> None:
    before = create(edges, job(slug="a"))
    read = pinged(heartbeat(before), times=3)
    assert edges.heartbeats.save(read, None)
    after = changed(before, ping_token=token(2))
    written, new = update(edges, before, after, read)
    assert written is Written.YES
    assert edges.heartbeats.get(where(1), consistent=True) is None
    assert edges.heartbeats.get(where(2), consistent=True) == new
    assert edges.monitors.locator(before.id) == locator(after)
    assert edges.cron_jobs.with_slug(TEAM, "a") == [where(2)]


def test_no_heartbeat_is_moved_onto_anothers_place(edges: Edges) -> None:
    before, other = create(edges, job(1)), create(edges, job(2))
    assert update(edges, before, changed(before, ping_token=token(2)))[0] is Written.LOST
    assert edges.heartbeats.get(where(1), consistent=True) == heartbeat(before)
    assert edges.heartbeats.get(where(2), consistent=True) == heartbeat(other)


def test_an_update_of_a_deleted_job_is_lost(edges: Edges) -> None:
    before = create(edges, job(slug="a"))
    assert edges.cron_jobs.write(deleted(before), 100) is Written.YES
    assert update(edges, before, changed(before, name="New"))[0] is Written.LOST
    assert edges.heartbeats.get(where(1), consistent=True) is None


def test_a_turn_is_written_with_the_change_that_makes_it(edges: Edges) -> None:
    before = create(edges, job())
    fallen, opening = alarmed(heartbeat(before), Status.DOWN, LATER)
    assert edges.heartbeats.save(fallen, opening)
    risen, turn = alarmed(fallen, Status.UP, LATER)
    after = changed(before, name="New")
    assert (
        edges.cron_jobs.write(CronJobWrite(before, after, heartbeat(before), risen, turn), 9) is Written.LOST
    )
    assert edges.incidents(before.id) == [(1, Status.DOWN, False)]
    assert edges.cron_jobs.write(CronJobWrite(before, after, fallen, risen, turn), 9) is Written.YES
    assert edges.incidents(before.id) == [(1, Status.UP, True)]
    assert [row[1] for row in edges.outbox(where(1).name)] == [1, 2]
    assert edges.heartbeats.get(where(1), consistent=True) == risen


def test_a_delete_takes_everything_but_what_it_notes(edges: Edges) -> None:
    made = create(edges, job(slug="a"))
    fallen, turn = alarmed(heartbeat(made), Status.DOWN, LATER)
    assert edges.heartbeats.save(fallen, turn)
    assert edges.cron_jobs.write(deleted(made), 100) is Written.YES
    assert stored(edges, made) is None
    assert edges.heartbeats.get(where(1), consistent=True) is None
    assert edges.monitors.locator(made.id) is None
    assert edges.cron_jobs.with_slug(TEAM, "a") == []
    (leftover,) = edges.monitors.leftovers(TEAM)
    assert leftover == Leftover(made.id, TEAM, (where(1).name,))
    assert len(edges.incidents(made.id)) == len(edges.outbox(where(1).name)) == 1
    edges.monitors.forget(leftover)
    assert edges.incidents(made.id) == []
    assert edges.outbox(where(1).name) == []
    assert edges.monitors.leftovers(TEAM) == []


def test_what_another_job_of_the_partition_has_is_not_forgotten(edges: Edges) -> None:
    gone, stays = (create(edges, job(n, ping_token=token_in(n))) for n in (3, 4))
    stays_there = create(edges, job(5, ping_token=token(_another_in(3))))
    for each in (gone, stays, stays_there):
        fallen, turn = alarmed(heartbeat(each), Status.DOWN, LATER)
        assert edges.heartbeats.save(fallen, turn)
    edges.cron_jobs.write(deleted(gone), 100)
    for leftover in edges.monitors.leftovers(TEAM):
        edges.monitors.forget(leftover)
    assert [row[0] for row in edges.outbox("HB03")] == [stays_there.id]
    assert [row[0] for row in edges.outbox("HB04")] == [stays.id]
    assert len(edges.incidents(stays.id)) == len(edges.incidents(stays_there.id)) == 1


def _another_in(partition: int) -> int:
    return next(n for n in range(20_000, 30_000) if where(n).partition == partition)


def test_a_delete_on_an_older_rev_is_lost(edges: Edges) -> None:
    before = create(edges, job())
    update(edges, before, changed(before, name="New"))
    assert edges.cron_jobs.write(deleted(before), 100) is Written.LOST
    assert edges.monitors.locator(before.id) is not None
    assert edges.heartbeats.get(where(1), consistent=True) is not None


def test_a_ping_does_not_keep_a_job_from_being_deleted(edges: Edges) -> None:
    made = create(edges, job())
    assert edges.heartbeats.save(pinged(heartbeat(made)), None)
    assert edges.cron_jobs.write(deleted(made), 100) is Written.YES


def test_a_slug_finds_its_own_jobs_alone_and_at_most_two(edges: Edges) -> None:
    for number, slug in ((1, "a"), (2, "ab"), (3, "a-"), (4, ""), (5, "b"), (6, "b"), (7, "b")):
        create(edges, job(number, slug=slug))
    create(edges, job(8, team_id="team-2", slug="a"))
    assert edges.cron_jobs.with_slug(TEAM, "a") == [where(1)]
    assert edges.cron_jobs.with_slug(TEAM, "ab") == [where(2)]
    assert len(edges.cron_jobs.with_slug(TEAM, "b")) == 2


@pytest.mark.parametrize("slug", ["", "a#", "a#cron_1", "A", "\udc80", "x" * 5000, "a\n"])
def test_what_is_no_slug_finds_nothing(edges: Edges, slug: str) -> None:
    create(edges, job(1, slug="a"))
    assert edges.cron_jobs.with_slug(TEAM, slug) == []
