from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.domain.alert import Health
from chalicelib.domain.alert_event import LIFE, AlertEvent, EventStatus
from chalicelib.domain.course import Course
from chalicelib.domain.course_json import encode_course, encode_event
from chalicelib.domain.telling import MAX_WAITING
from chalicelib.errors import Contended
from chalicelib.store.courses import CourseStore
from chalicelib.store.outbox import OutboxStore
from tests.contract.makers import BASE, NOW, SHARD
from tests.contract.tellings import SECOND, course, event, full_course, later, real_tellings, row

from .builders import Items
from .wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Stored = Callable[[str], Items]
ALERT, TEAM, MONITOR = f"alt_{1:032x}", f"team_{1:032x}", f"mon_{1:032x}"


@pytest.fixture
def courses(client: "DynamoDBClient") -> CourseStore:
    return CourseStore()


def size_of(attributes: Mapping[str, Any]) -> int:
    """As DynamoDB counts: names and values; a number is a byte for each two digits, and one more."""
    total = 0
    for name, typed in attributes.items():
        ((kind, value),) = typed.items()
        total += len(name) + {"N": len(str(value)) // 2 + 2, "BOOL": 1}.get(kind, len(str(value).encode()))
    return total


def ordinary(**fields: object) -> Course:
    """With ids as long as they are, in the middle of an incident that is repeated."""
    made = full_course()
    assert made.incident is not None
    incident = replace(made.incident, skips={})
    usual = replace(made, alert_id=ALERT, subject=MONITOR, monitor_id=MONITOR, team_id=TEAM, waiting=())
    return replace(usual, incident=incident, flips=(), kept_until=None, **fields)  # type: ignore[arg-type]


def usual_event(number: int = 1) -> AlertEvent:
    failed = event(number, status=EventStatus.FAILED, problem="HTTP status 503", attempts=5)
    return replace(failed, id=f"evt_{number:032x}", alert_id=ALERT, monitor_id=MONITOR, sent_at=NOW)


def test_the_items_of_a_course_and_its_events(courses: CourseStore, stored: Stored) -> None:
    made, told = full_course(), event(1, problem="timeout", status=EventStatus.FAILED)
    assert courses.save(None, made, [told])
    key = f"E#{BASE}001#evt_1of1"
    ends = str(int((NOW + LIFE).timestamp()))
    assert stored("alerts") == {
        ("AL#alt_1", "C#mon_1"): {
            "pk": {"S": "AL#alt_1"},
            "sk": {"S": "C#mon_1"},
            "v": {"N": "1"},
            "d": {"S": encode_course(made)},
            "ttl": {"N": str(BASE + 8 * 86_400)},
        },
        (f"DUE#{SHARD}", f"{BASE + 60}#alt_1#mon_1"): {
            "pk": {"S": f"DUE#{SHARD}"},
            "sk": {"S": f"{BASE + 60}#alt_1#mon_1"},
        },
        ("AL#alt_1", key): {
            "pk": {"S": "AL#alt_1"},
            "sk": {"S": key},
            "d": {"S": encode_event(told)},
            "k": {"BOOL": False},
            "ttl": {"N": ends},
        },
        ("M#mon_1", key): {
            "pk": {"S": "M#mon_1"},
            "sk": {"S": key},
            "a": {"S": "alt_1"},
            "k": {"BOOL": False},
            "ttl": {"N": ends},
        },
    }


def test_a_course_under_way_does_not_end(courses: CourseStore, stored: Stored) -> None:
    made = full_course()
    assert courses.save(None, made)
    assert courses.save(made, later(made, kept_until=None))
    assert "ttl" not in stored("alerts")["AL#alt_1", "C#mon_1"]


def test_a_health_is_there_while_there_is_a_failure(courses: CourseStore, stored: Stored) -> None:
    courses.save_health("alt_1", Health(5, NOW, "HTTP status 404"))
    assert stored("alerts") == {
        ("AL#alt_1", "HEALTH"): {
            "pk": {"S": "AL#alt_1"},
            "sk": {"S": "HEALTH"},
            "f": {"N": "5"},
            "x": {"N": f"{BASE}000"},
            "p": {"S": "HTTP status 404"},
        }
    }
    courses.save_health("alt_1", Health())
    assert stored("alerts") == {}


# What it takes


def test_an_ordinary_course_and_an_event_take_less_than_a_unit_each(
    courses: CourseStore, stored: Stored
) -> None:
    assert courses.save(None, ordinary(), [usual_event()])
    sizes = {key: size_of(item) for key, item in stored("alerts").items()}
    assert max(sizes.values()) < 1000
    assert sizes["AL#" + ALERT, "C#" + MONITOR] < 700
    events = [size for (_, sk), size in sizes.items() if sk.startswith("E#")]
    assert all(size < 400 for size in events)


def test_the_longest_queue_is_far_below_what_an_item_may_be(courses: CourseStore, stored: Stored) -> None:
    (first, _) = full_course().waiting
    queue = tuple(
        replace(first, event_id=f"evt_{n:032x}", finding=replace(first.finding, text="ü" * 1000))
        for n in range(MAX_WAITING + 1)
    )
    full = ordinary(waiting=queue)
    assert courses.save(None, full)
    assert size_of(stored("alerts")["AL#" + ALERT, "C#" + MONITOR]) < 100_000
    assert courses.get(ALERT, MONITOR) == full


@pytest.mark.parametrize(
    ("changes", "events", "units"),
    [
        ({}, 0, 2),  # the course
        ({"next_at": NOW + 90 * SECOND}, 0, 6),  # and the look, put and deleted
        ({"next_at": None}, 0, 4),
        ({}, 1, 6),  # and the event with its pointer
        ({"next_at": NOW + 90 * SECOND}, 1, 10),
    ],
)
def test_a_save_costs_what_it_changes(
    courses: CourseStore, wire: Wire, changes: dict[str, object], events: int, units: float
) -> None:
    made = ordinary()
    assert courses.save(None, made)
    wire.calls.clear()
    assert courses.save(made, later(made, **changes), [usual_event(n) for n in range(events)])
    assert wire.operations == ["TransactWriteItems"]
    assert wire.units == units


def test_a_doubled_event_is_one_item(courses: CourseStore, stored: Stored) -> None:
    """A transaction may not write an item twice."""
    assert courses.save(None, course(), [event(), event(problem="timeout")])
    assert len(stored("alerts")) == 4


def test_a_quiet_shard_costs_a_unit_a_minute_at_most(courses: CourseStore, wire: Wire) -> None:
    assert courses.save(None, ordinary(next_at=NOW + 60 * SECOND))
    wire.calls.clear()
    assert not OutboxStore().is_anything_due(SHARD, NOW)
    assert wire.operations == ["Query", "Query"]
    assert wire.units <= 1


def test_a_busy_shard_is_found_to_be_so_for_the_same(client: "DynamoDBClient", wire: Wire) -> None:
    for seq in range(1, 50):
        real_tellings().put(row(1, seq))
    wire.calls.clear()
    assert OutboxStore().is_anything_due(SHARD, NOW)
    assert wire.units <= 1


def test_a_shards_rows_and_looks_are_a_query_each(client: "DynamoDBClient", wire: Wire) -> None:
    for number in range(50):
        real_tellings().put(row(number))
        assert CourseStore().save(None, course(number, next_at=NOW))
    wire.calls.clear()
    assert len(OutboxStore().of_shard(SHARD, 50)) == 50
    assert len(CourseStore().due(SHARD, NOW, 100)) == 50
    assert wire.operations == ["Query", "Query"]
    assert wire.units <= 4


# What ends, and what collides


def test_what_has_expired_is_not_shown_though_it_is_still_there(courses: CourseStore) -> None:
    assert courses.save(None, course(), [event(n) for n in range(30)])
    assert courses.events("alt_1", 10, NOW + LIFE, with_skipped=True) == []
    assert courses.events_about("mon_1", 10, NOW + LIFE, with_skipped=True) == []


def test_an_alert_that_is_gone_takes_the_pointers_to_its_events_along(
    courses: CourseStore, stored: Stored
) -> None:
    assert courses.save(None, course(), [event()])
    courses.forget("alt_1")
    assert {pk for pk, _ in stored("alerts")} == {f"DUE#{SHARD}"}
    assert courses.events_about("mon_1", 10, NOW, with_skipped=True) == []


def test_forgetting_takes_more_than_a_batch(courses: CourseStore, stored: Stored) -> None:
    made: Course | None = None
    for number in range(3):
        before, made = made, course(version=number + 1, next_at=None)
        assert courses.save(before, made, [event(n) for n in range(number * 20, number * 20 + 20)])
    courses.save_health("alt_1", Health(1))
    courses.forget("alt_1")
    assert not [key for key in stored("alerts") if key[0] == "AL#alt_1"]


def test_neighbours_of_courses_are_no_courses(courses: CourseStore) -> None:
    courses.save_health("alt_1", Health(1))
    assert courses.save(None, course(), [event()])
    assert courses.of_alert("alt_1") == [course()]


def test_a_collision_is_none_of_the_answers(courses: CourseStore, wire: Wire) -> None:
    with (
        wire.refusing("TransactWriteItems", "TransactionCanceledException", ["None", "TransactionConflict"]),
        pytest.raises(Contended),
    ):
        courses.save(None, course())
    assert courses.save(None, course())


def test_a_lost_answer_is_found_by_who_reads_again(courses: CourseStore, wire: Wire) -> None:
    with wire.losing_answers("TransactWriteItems"), pytest.raises(Contended):
        courses.save(None, course(), [event()])
    assert courses.get("alt_1", "mon_1") == course()
    assert not courses.save(None, course(token="bb"))


def test_a_look_lies_in_the_second_after_a_broken_one(courses: CourseStore, stored: Stored) -> None:
    assert courses.save(None, course(next_at=NOW + timedelta(milliseconds=1)))
    assert (f"DUE#{SHARD}", f"{BASE + 1}#alt_1#mon_1") in stored("alerts")
