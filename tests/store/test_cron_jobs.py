from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.cron_job import CronJobWrite
from chalicelib.domain.heartbeat import place_of
from chalicelib.domain.monitor_write import Written
from chalicelib.errors import Contended
from chalicelib.store.cron_jobs import CronJobStore
from chalicelib.store.heartbeats import encode_place
from chalicelib.store.tables import LimitItem
from tests.contract.jobs import RULES, TEAM, changed, created, deleted, heartbeat, job, token, where

from .builders import Items, at_once, until_settled
from .wire import Call, Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Stored = Callable[[str], Items]
JOB = job(slug="a")


@pytest.fixture
def jobs(client: "DynamoDBClient") -> CronJobStore:
    return CronJobStore()


@pytest.fixture
def made(jobs: CronJobStore) -> CronJobStore:
    assert jobs.write(created(JOB), 10) is Written.YES
    return jobs


def taken() -> int:
    return int(LimitItem.get(f"T#{TEAM}", "LIMIT#cron", consistent_read=True).taken)


def edit(**fields: object) -> CronJobWrite:
    after = changed(JOB, **fields)
    read = heartbeat(JOB)
    new = replace(read, place=place_of(after.ping_token), rules=after.rules, version=1)
    return CronJobWrite(JOB, after, read, new)


def test_the_items_of_a_job(made: CronJobStore, stored: Stored) -> None:
    assert set(stored("teams")) == {(f"T#{TEAM}", f"CRON#{JOB.id}"), (f"T#{TEAM}", "LIMIT#cron")}
    place = {"S": encode_place(where(1))}
    checks = stored("checks")
    assert set(checks) == {
        (f"HB#{where(1).partition:02d}", where(1).digest),
        (f"M#{JOB.id}", "L"),
        (f"P#{TEAM}", f"a#{JOB.id}"),
    }
    assert checks[f"P#{TEAM}", f"a#{JOB.id}"]["p"] == checks[f"M#{JOB.id}", "L"]["p"] == place
    assert taken() == 1


def test_a_job_without_a_slug_has_no_pointer(jobs: CronJobStore, stored: Stored) -> None:
    assert jobs.write(created(job()), 10) is Written.YES
    assert not [pk for pk, _ in stored("checks") if pk.startswith("P#")]
    assert "sl" not in stored("teams")[f"T#{TEAM}", f"CRON#{JOB.id}"]


def test_after_a_delete_only_the_count_and_the_note_are_left(made: CronJobStore, stored: Stored) -> None:
    assert made.write(deleted(JOB), 10) is Written.YES
    assert stored("checks") == {}
    assert set(stored("teams")) == {(f"T#{TEAM}", "LIMIT#cron"), (f"T#{TEAM}", f"GONE#{JOB.id}")}
    assert stored("teams")[f"T#{TEAM}", f"GONE#{JOB.id}"]["sh"] == {"S": where(1).name}
    assert taken() == 0


def test_a_rotated_token_is_found_nowhere(made: CronJobStore, stored: Stored) -> None:
    assert made.write(edit(ping_token=token(2)), 10) is Written.YES
    text = str(stored("checks")) + str(stored("teams"))
    assert token(1) not in text
    assert where(1).digest not in text


def test_a_token_is_in_teams_alone(made: CronJobStore, stored: Stored) -> None:
    assert token(1) not in str(stored("checks"))


@pytest.mark.parametrize(
    ("write", "units"),
    [
        (edit(name="New"), 2 * 2),
        (edit(is_public=True), 2 * 3),
        (edit(slug="b"), 2 * 4),
        (edit(rules=replace(RULES, is_enabled=False)), 2 * 3),
        (edit(ping_token=token(2)), 2 * 5),
        (deleted(JOB), 2 * 6),
    ],
    ids=["name", "public", "slug", "disable", "token", "delete"],
)
def test_a_write_is_one_transaction_of_what_changes(
    made: CronJobStore, wire: Wire, write: CronJobWrite, units: float
) -> None:
    wire.calls.clear()
    assert made.write(write, 10) is Written.YES
    assert wire.calls == [Call("TransactWriteItems", units)]


def test_a_create_is_two_units_for_each_item(jobs: CronJobStore, wire: Wire) -> None:
    assert jobs.write(created(JOB), 10) is Written.YES
    assert wire.calls == [Call("TransactWriteItems", 2 * 5)]


def test_a_slug_is_looked_up_in_one_query(made: CronJobStore, wire: Wire) -> None:
    for number in range(2, 6):
        assert made.write(created(job(number, slug="a")), 10) is Written.YES
    wire.calls.clear()
    assert len(made.with_slug(TEAM, "a")) == 2
    assert wire.calls == [Call("Query", 1.0)]


def test_of_many_that_create_at_once_no_more_than_the_limit_are(jobs: CronJobStore) -> None:
    made = at_once(12, lambda number: until_settled(lambda: jobs.write(created(job(number)), 5)))
    assert (made.count(Written.YES), made.count(Written.LIMIT)) == (5, 7)
    assert taken() == len(jobs.of_team(TEAM)) == 5


def test_of_many_edits_of_a_revision_one_wins(made: CronJobStore) -> None:
    writes = [edit(name=str(number)) for number in range(10)]
    won = at_once(10, lambda number: until_settled(lambda: made.write(writes[number], 10)))
    assert won.count(Written.YES) == 1
    found = made.get(TEAM, JOB.id, consistent=True)
    assert found is not None
    assert found.name == str(won.index(Written.YES))


def test_after_a_lost_answer_the_job_is_there(jobs: CronJobStore, wire: Wire) -> None:
    with wire.losing_answers("TransactWriteItems"), pytest.raises(Contended):
        jobs.write(created(JOB), 10)
    assert jobs.write(created(JOB), 10) is Written.LOST
    assert jobs.get(TEAM, JOB.id, consistent=True) == JOB
    assert taken() == 1


def test_a_second_try_of_the_client_is_the_same_write(made: CronJobStore, wire: Wire) -> None:
    with wire.losing_one_answer("TransactWriteItems"):
        assert made.write(edit(ping_token=token(2)), 10) is Written.YES


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError"])
def test_a_collision_is_contended(made: CronJobStore, wire: Wire, stored: Stored, reason: str) -> None:
    before = stored("teams"), stored("checks")
    with (
        wire.refusing("TransactWriteItems", "TransactionCanceledException", [reason]),
        pytest.raises(Contended),
    ):
        made.write(edit(name="New"), 10)
    assert (stored("teams"), stored("checks")) == before
