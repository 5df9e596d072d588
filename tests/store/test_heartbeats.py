import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.beat import MOST_RECENT, encode_beats
from chalicelib.domain.cron_job import CronHeartbeat
from chalicelib.domain.lateness import Rules
from chalicelib.domain.outcome import Status
from chalicelib.domain.recurrence import Schedule
from chalicelib.errors import Contended
from chalicelib.settings import Settings
from chalicelib.store.cron_jobs import CronJobStore
from chalicelib.store.heartbeats import HeartbeatStore, decode_place, encode_place
from chalicelib.store.tables import HeartbeatItem
from tests.contract.jobs import FULL_PULSE, NOW, alarmed, created, heartbeat, job, pinged, token_in, where

from .builders import Items, at_once
from .wire import Call, Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Stored = Callable[[str], Items]
ORDINARY = replace(
    heartbeat(job(1, team_id=f"team_{1:032x}")),
    rules=Rules(Schedule("cron", "*/15 2-6 * * 1-5", "America/Argentina/Buenos_Aires"), 3600, 1800, 3, 30),
)


@pytest.fixture
def heartbeats(settings: Settings, client: "DynamoDBClient") -> HeartbeatStore:
    """With that of a job that has just been made."""
    CronJobStore().write(created(job()), limit=10)
    return HeartbeatStore(settings, client)


def read(heartbeats: HeartbeatStore) -> CronHeartbeat:
    found = heartbeats.get(where(1), consistent=True)
    assert found is not None
    return found


def size_of(item: Items) -> int:
    """As DynamoDB counts: names and values; a number is a byte for each two digits, and one more."""
    ((_, attributes),) = item.items()
    total = 0
    for name, typed in attributes.items():
        ((kind, value),) = typed.items()
        total += len(name) + (len(value) // 2 + 2 if kind == "N" else len(value))
    return total


def test_a_heartbeat_lies_where_its_token_says(heartbeats: HeartbeatStore, stored: Stored) -> None:
    after = pinged(read(heartbeats))
    assert heartbeats.save(after, None)
    pk = f"HB#{where(1).partition:02d}"
    item = stored("checks")[pk, where(1).digest]
    assert item == {
        "pk": {"S": pk},
        "sk": {"S": where(1).digest},
        "i": {"S": job().id},
        "t": {"S": job().team_id},
        "k": {"S": "cron"},
        "r": {"S": '["cron","*/5 * * * *","Europe/Berlin",0,300,null,1,null,1]'},
        "p": {
            "S": json.dumps([0, 0, 1772366400123, None, None, None, 0, [0, None, 0, 0, None]]).replace(
                " ", ""
            )
        },
        "v": {"N": "1"},
        "c": {"N": "1"},
        "b": {"B": encode_beats(after.recent)},
    }


def test_a_place_is_told_in_one_word() -> None:
    for number in range(50):
        assert decode_place(encode_place(where(number))) == where(number)
    assert encode_place(where(1)).startswith(f"HB{where(1).partition:02d}/")


def test_an_ordinary_heartbeat_is_one_unit_to_write(
    heartbeats: HeartbeatStore, wire: Wire, stored: Stored
) -> None:
    """However much is known of the job, with as many recent beats as there ever are."""
    full = replace(pinged(ORDINARY, times=MOST_RECENT), pulse=FULL_PULSE, count=1_000_000)
    put_first(heartbeats, full)
    wire.calls.clear()
    assert heartbeats.save(replace(full, version=full.version + 1), None)
    assert heartbeats.get(full.place, consistent=True) == replace(full, version=full.version + 1)
    assert wire.calls == [Call("PutItem", 1.0), Call("GetItem", 1.0)]
    item = {k: v for k, v in stored("checks").items() if k[1] == full.place.digest}
    assert size_of(item) < 1000


def put_first(heartbeats: HeartbeatStore, first: CronHeartbeat) -> None:
    """Over whatever lies there."""
    item = HeartbeatItem(f"HB#{first.place.partition:02d}", first.place.digest)
    item.update([HeartbeatItem.version.set(first.version - 1)])
    assert heartbeats.save(first, None)


def test_the_longest_schedule_costs_a_second_unit(heartbeats: HeartbeatStore, wire: Wire) -> None:
    schedule = Schedule("calendar", "\n".join(["Mon *-*-* 12:00:00 Europe/Berlin"] * 20))
    long = replace(pinged(ORDINARY, times=MOST_RECENT), rules=replace(ORDINARY.rules, schedule=schedule))
    put_first(heartbeats, long)
    assert wire.calls[-1] == Call("PutItem", 2.0)


def test_a_turn_is_one_transaction(heartbeats: HeartbeatStore, wire: Wire, stored: Stored) -> None:
    fallen, turn = alarmed(read(heartbeats), Status.DOWN, NOW)
    wire.calls.clear()
    assert heartbeats.save(fallen, turn)
    assert wire.calls == [Call("TransactWriteItems", 6.0)]
    assert set(stored("alerts")) == {
        (f"M#{job().id}", "I#00000001"),
        (f"OUT#{where(1).name}", f"{job().id}#00000001"),
    }
    row = stored("alerts")[f"OUT#{where(1).name}", f"{job().id}#00000001"]
    assert (row["k"], row["a"], row["b"]) == ({"S": "cron"}, {"N": "2"}, {"N": "0"})


def test_an_incident_that_is_open_does_not_expire(heartbeats: HeartbeatStore, stored: Stored) -> None:
    """A ping after years could not be stored if what it resolves were gone."""
    fallen, opening = alarmed(read(heartbeats), Status.DOWN, NOW)
    assert heartbeats.save(fallen, opening)
    assert "ttl" not in stored("alerts")[f"M#{job().id}", "I#00000001"]
    risen, turn = alarmed(fallen, Status.UP, NOW + timedelta(days=800))
    assert heartbeats.save(risen, turn)
    ends = int((NOW + timedelta(days=1200)).timestamp())
    assert stored("alerts")[f"M#{job().id}", "I#00000001"]["ttl"] == {"N": str(ends)}


@pytest.mark.parametrize("code", ["ThrottlingException", "ProvisionedThroughputExceededException"])
def test_a_throttled_save_is_contended(heartbeats: HeartbeatStore, wire: Wire, code: str) -> None:
    before = read(heartbeats)
    with wire.refusing("PutItem", code), pytest.raises(Contended):
        heartbeats.save(pinged(before), None)
    fallen, turn = alarmed(before, Status.DOWN, NOW)
    with wire.refusing("TransactWriteItems", code), pytest.raises(Contended):
        heartbeats.save(fallen, turn)
    assert read(heartbeats) == before


def test_a_collision_of_a_turn_is_contended(heartbeats: HeartbeatStore, wire: Wire, stored: Stored) -> None:
    fallen, turn = alarmed(read(heartbeats), Status.DOWN, NOW)
    with (
        wire.refusing("TransactWriteItems", "TransactionCanceledException", ["TransactionConflict"]),
        pytest.raises(Contended),
    ):
        heartbeats.save(fallen, turn)
    assert stored("alerts") == {}


def test_a_save_without_an_answer_is_contended_and_there(heartbeats: HeartbeatStore, wire: Wire) -> None:
    after = pinged(read(heartbeats))
    with wire.losing_answers("PutItem"), pytest.raises(Contended):
        heartbeats.save(after, None)
    assert read(heartbeats) == after
    fallen, turn = alarmed(after, Status.DOWN, NOW)
    with wire.losing_answers("TransactWriteItems"), pytest.raises(Contended):
        heartbeats.save(fallen, turn)
    assert read(heartbeats) == fallen


def test_a_second_try_of_the_client_meets_its_own_item(heartbeats: HeartbeatStore, wire: Wire) -> None:
    after = pinged(read(heartbeats))
    with wire.losing_one_answer("PutItem"):
        assert heartbeats.save(after, None)
    fallen, turn = alarmed(after, Status.DOWN, NOW)
    with wire.losing_one_answer("TransactWriteItems"):
        assert heartbeats.save(fallen, turn)
    assert read(heartbeats) == fallen


def test_one_of_many_saves_over_a_version_wins(heartbeats: HeartbeatStore) -> None:
    before = read(heartbeats)
    afters = [replace(pinged(before), count=number) for number in range(1, 21)]
    won = at_once(20, lambda number: heartbeats.save(afters[number], None))
    assert won.count(True) == 1
    assert read(heartbeats) == afters[won.index(True)]


def test_a_heartbeat_of_a_kind_that_is_not_known_yet_hides_no_other(
    heartbeats: HeartbeatStore, caplog: pytest.LogCaptureFixture
) -> None:
    known = job(2, ping_token=token_in(3))
    CronJobStore().write(created(known), limit=10)
    strange = HeartbeatItem(
        "HB#03", "0" * 40, id="odd_1", team="t", kind="odd", rules="", pulse="", version=1
    )
    strange.beats, strange.recent = 0, b""
    strange.save()
    assert [found.id for found in heartbeats.of_partition(3)] == [known.id]
    assert "odd_1" in caplog.text
    caplog.clear()


def test_a_partition_is_read_at_half_a_unit_for_four_kilobytes(
    heartbeats: HeartbeatStore, wire: Wire
) -> None:
    numbers = [n for n in range(1000, 1100) if where(n).partition == 5]
    for number in numbers:
        CronJobStore().write(created(job(number)), limit=1000)
    wire.calls.clear()
    assert len(list(heartbeats.of_partition(5))) == len(numbers)
    (call,) = wire.calls
    assert call.operation == "Query"
    assert call.units <= 0.5 * (len(numbers) * 400 // 4096 + 1)
