import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.alert_event import AlertEvent, EventStatus, Skip
from chalicelib.domain.course import Course, Incident, Skipped, Told, Waiting
from chalicelib.domain.course_json import decode_course, decode_event, encode_course, encode_event
from chalicelib.domain.event_type import EventType
from chalicelib.domain.finding import Finding
from chalicelib.domain.outcome import Reason

from .teller import DOWN, NOON, new_course, stored

INSTANTS = st.integers(1, 10**8).map(lambda n: NOON + timedelta(milliseconds=n))
MAYBE, NUMBERS, EVENTS = st.none() | INSTANTS, st.integers(0, 1000), st.sampled_from(EventType)
FINDINGS = st.builds(
    Finding, EVENTS, INSTANTS, st.sampled_from(Reason), st.integers(0, 599), NUMBERS, st.text(max_size=20)
)
WAITING = st.builds(
    Waiting,
    event_id=st.text(min_size=1, max_size=8),
    opened_seq=NUMBERS,
    finding=FINDINGS,
    since=INSTANTS,
    created_at=INSTANTS,
    number=NUMBERS,
    sent=NUMBERS,
    held_back=NUMBERS,
    flips=NUMBERS,
    attempts=NUMBERS,
    began_at=MAYBE,
    retry_at=MAYBE,
    is_test=st.booleans(),
)
INCIDENTS = st.builds(
    Incident,
    opened_seq=st.integers(1, 1000),
    since=INSTANTS,
    finding=FINDINGS,
    every_seconds=st.integers(1, 86_400),
    told=st.dictionaries(EVENTS, st.builds(Told, NUMBERS, MAYBE, NUMBERS, MAYBE)),
    is_untold=st.booleans(),
    is_recovery_owed=st.booleans(),
    sent=NUMBERS,
    skips=st.dictionaries(st.sampled_from(Skip), st.builds(Skipped, EVENTS, INSTANTS, NUMBERS, MAYBE)),
)
COURSES = st.builds(
    Course,
    alert_id=st.just("alt_1"),
    subject=st.just("mon_1"),
    team_id=st.text(min_size=1, max_size=8),
    monitor_id=st.text(max_size=8),
    kind=st.sampled_from(["http", "ssl"]),
    shard=st.text(min_size=1, max_size=8),
    version=NUMBERS,
    token=st.text(max_size=8),
    heard_seq=NUMBERS,
    incident=st.none() | INCIDENTS,
    waiting=st.lists(WAITING, max_size=3).map(tuple),
    recovered_at=MAYBE,
    sent_at=MAYBE,
    flips=st.lists(INSTANTS, max_size=3).map(tuple),
    is_flapping_told=st.booleans(),
    next_at=MAYBE,
    leased_until=MAYBE,
    kept_until=MAYBE,
)
ALERT_EVENTS = st.builds(
    AlertEvent,
    id=st.just("evt_1"),
    alert_id=st.just("alt_1"),
    monitor_id=st.text(max_size=8),
    kind=st.sampled_from(["http", "ssl"]),
    event=EVENTS,
    status=st.sampled_from(EventStatus),
    created_at=INSTANTS,
    sent_at=MAYBE,
    problem=st.text(max_size=20),
    attempts=NUMBERS,
    next_attempt_at=MAYBE,
    is_test=st.booleans(),
    skip=st.none() | st.sampled_from(Skip),
    skipped=NUMBERS,
    until=MAYBE,
)


@given(COURSES)
def test_a_course_is_read_as_it_was_written(course: Course) -> None:
    assert stored(course) == course


@given(ALERT_EVENTS)
def test_an_event_is_read_as_it_was_written(event: AlertEvent) -> None:
    assert decode_event(event.alert_id, event.id, event.created_at, encode_event(event)) == event


def test_what_is_nothing_is_left_out() -> None:
    assert json.loads(encode_course(new_course())) == {
        "team": "team_1",
        "monitor": "mon_1",
        "kind": "http",
        "shard": "enam.normal.00001",
    }
    finding = Finding(DOWN, NOON)
    incident = Incident(7, NOON, finding, 60, {DOWN: Told()})
    waiting = Waiting("evt_1", 7, finding, NOON, NOON)
    course = Course("alt_1", "mon_1", "t", "m", "http", "s", incident=incident, waiting=(waiting,))
    at = 1_772_366_400_000
    assert json.loads(encode_course(course)) == {
        "team": "t",
        "monitor": "m",
        "kind": "http",
        "shard": "s",
        "incident": {
            "opened": 7,
            "since": at,
            "finding": {"event": "d", "at": at},
            "every": 60,
            "told": {"d": {}},
        },
        "waiting": [
            {"id": "evt_1", "opened": 7, "finding": {"event": "d", "at": at}, "since": at, "created": at}
        ],
    }
    event = AlertEvent("evt_1", "alt_1", "", "http", DOWN, EventStatus.PENDING, NOON)
    assert json.loads(encode_event(event)) == {"kind": "http", "event": "d", "status": "pending"}


def test_instants_are_stored_in_milliseconds() -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, 123_999, UTC)
    course = Course("alt_1", "mon_1", "t", "m", "http", "s", next_at=at)
    read = decode_course("alt_1", "mon_1", 0, None, encode_course(course))
    assert read.next_at == at.replace(microsecond=123_000)
