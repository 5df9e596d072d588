"""Courses, the notes of when to look at them, and the records of what they tell."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.alert import HEALTHY, Health
from chalicelib.domain.alert_event import LIFE, EventStatus, Skip
from chalicelib.services.deps import Courses

from .makers import NOW, OTHER, SHARD
from .tellings import SECOND, course, event, fake_tellings, full_course, later, real_tellings

HOUR = 3600 * SECOND


@pytest.fixture(params=["fake", "real"])
def courses(request: pytest.FixtureRequest) -> Courses:
    if request.param == "fake":
        return fake_tellings().courses
    request.getfixturevalue("client")
    return real_tellings().courses


def test_what_is_saved_is_read_again(courses: Courses) -> None:
    for made in (full_course(), course(2, "ssl#mon_1", incident=None, next_at=None)):
        assert courses.save(None, made)
        assert courses.get(made.alert_id, made.subject) == made
    assert courses.get("alt_1", "mon_2") is None
    assert courses.get("alt_3", "mon_1") is None


def test_instants_are_kept_in_milliseconds_and_the_end_in_seconds(courses: Courses) -> None:
    odd = timedelta(microseconds=123_999)
    assert courses.save(None, course(leased_until=NOW + odd, kept_until=NOW + odd))
    read = courses.get("alt_1", "mon_1")
    assert read is not None
    assert (read.leased_until, read.kept_until) == (NOW + timedelta(milliseconds=123), NOW)


def test_a_second_of_one_key_is_lost(courses: Courses) -> None:
    first = course()
    assert courses.save(None, first)
    assert not courses.save(None, course(token="bb"), [event()])
    assert courses.get("alt_1", "mon_1") == first
    assert courses.events("alt_1", 10, NOW, with_skipped=True) == []


def test_a_change_or_an_end_of_another_version_is_lost_with_all_that_belongs_to_it(courses: Courses) -> None:
    first = course()
    assert courses.save(None, first)
    second = later(first, next_at=NOW)
    assert courses.save(first, second)
    assert not courses.save(first, later(first, next_at=NOW + HOUR), [event()])
    assert not courses.save(first, None, [event()])
    assert courses.get("alt_1", "mon_1") == second
    assert courses.due(SHARD, NOW + HOUR, 10) == [("alt_1", "mon_1", int(NOW.timestamp()))]
    assert courses.events("alt_1", 10, NOW, with_skipped=True) == []
    assert courses.save(second, None)
    assert not courses.save(second, later(second))
    assert courses.get("alt_1", "mon_1") is None


def test_an_alerts_courses_are_found(courses: Courses) -> None:
    its_own = [course(), course(subject="mon_2"), course(subject="ssl#mon_1")]
    for made in (*its_own, course(2)):
        assert courses.save(None, made, [event()])
    assert sorted(courses.of_alert("alt_1"), key=lambda made: made.subject) == its_own
    assert courses.of_alert("alt_3") == []


# When to look


def test_courses_are_due_from_their_second_on_those_of_longest_ago_first(courses: Courses) -> None:
    at = int(NOW.timestamp())
    for number, second in ((1, 30), (2, 10), (3, 20)):
        assert courses.save(None, course(number, next_at=NOW + second * SECOND))
    assert courses.save(None, course(4, shard=OTHER, next_at=NOW))
    assert courses.save(None, course(5, next_at=None))
    assert courses.due(SHARD, NOW + 9 * SECOND, 10) == []
    assert courses.due(SHARD, NOW + 20 * SECOND, 10) == [
        ("alt_2", "mon_1", at + 10),
        ("alt_3", "mon_1", at + 20),
    ]
    assert courses.due(SHARD, NOW + HOUR, 1) == [("alt_2", "mon_1", at + 10)]
    assert courses.due(OTHER, NOW, 10) == [("alt_4", "mon_1", at)]


def test_a_look_is_never_before_its_time(courses: Courses) -> None:
    assert courses.save(None, course(next_at=NOW + timedelta(milliseconds=1)))
    assert courses.due(SHARD, NOW + timedelta(milliseconds=999), 10) == []
    assert courses.due(SHARD, NOW + SECOND, 10) == [("alt_1", "mon_1", int(NOW.timestamp()) + 1)]


def test_there_is_one_look_for_a_course(courses: Courses) -> None:
    made = course(subject="ssl#mon_1")
    assert courses.save(None, made)
    for next_at in (NOW + HOUR, NOW + HOUR, NOW):
        before, made = made, later(made, next_at=next_at)
        assert courses.save(before, made)
        second = int(next_at.timestamp())
        assert courses.due(SHARD, NOW + HOUR, 10) == [("alt_1", "ssl#mon_1", second)]
    assert courses.save(made, later(made, next_at=None))
    assert courses.due(SHARD, NOW + HOUR, 10) == []


def test_an_end_takes_its_look_along(courses: Courses) -> None:
    made = course()
    assert courses.save(None, made)
    assert courses.save(made, None)
    assert courses.due(SHARD, NOW + HOUR, 10) == []


def test_a_look_whose_course_is_gone_can_be_dropped(courses: Courses) -> None:
    assert courses.save(None, course())
    courses.forget("alt_1")
    (look,) = courses.due(SHARD, NOW + HOUR, 10)
    courses.drop_look(SHARD, *look)
    courses.drop_look(SHARD, *look)
    assert courses.due(SHARD, NOW + HOUR, 10) == []


# Records


def test_an_event_is_read_as_it_was_saved_last(courses: Courses) -> None:
    made = course()
    failed = event(status=EventStatus.FAILED, problem="timeout", attempts=1, next_attempt_at=NOW + SECOND)
    assert courses.save(None, made, [event(), failed])
    assert courses.events("alt_1", 10, NOW, with_skipped=False) == [failed]
    arrived = event(status=EventStatus.DELIVERED, attempts=2, sent_at=NOW + SECOND)
    assert courses.save(made, later(made), [arrived])
    assert courses.events("alt_1", 10, NOW, with_skipped=False) == [arrived]
    assert courses.events_about("mon_1", 10, NOW, with_skipped=False) == [arrived]


def test_an_end_may_have_events(courses: Courses) -> None:
    made = course()
    assert courses.save(None, made)
    assert courses.save(made, None, [event()])
    assert courses.events("alt_1", 10, NOW, with_skipped=False) == [event()]


def test_events_come_newest_first_and_no_more_than_wanted(courses: Courses) -> None:
    """Skips are shown to who asks for them, and count for nobody else."""
    told = [event(number) for number in range(1, 6)]
    skips = [
        event(number, status=EventStatus.SKIPPED, skip=Skip.MAINTENANCE, skipped=5, until=NOW)
        for number in range(6, 20)
    ]
    assert courses.save(None, course(), [*told, *skips])
    newest = [*reversed(skips), *reversed(told)]
    for find, of in ((courses.events, "alt_1"), (courses.events_about, "mon_1")):
        assert find(of, 100, NOW, with_skipped=True) == newest
        assert find(of, 3, NOW, with_skipped=True) == newest[:3]
        assert find(of, 3, NOW, with_skipped=False) == newest[-5:-2]
        assert find(of, 100, NOW, with_skipped=False) == newest[-5:]


def test_events_about_a_monitor_are_those_of_every_alert_its_certificates_too(courses: Courses) -> None:
    assert courses.save(None, course(1), [event(1)])
    assert courses.save(None, course(2), [event(2, alert=2), event(3, alert=2, monitor_id="mon_2")])
    assert courses.save(None, course(1, "ssl#mon_1"), [event(4, kind="ssl")])
    found = courses.events_about("mon_1", 10, NOW, with_skipped=False)
    assert found == [event(4, kind="ssl"), event(2, alert=2), event(1)]
    assert courses.events_about("mon_3", 10, NOW, with_skipped=False) == []


def test_a_test_is_about_no_monitor(courses: Courses) -> None:
    tried = event(monitor_id="", is_test=True)
    assert courses.save(None, course(subject="test#evt_1", monitor_id=""), [tried])
    assert courses.events("alt_1", 10, NOW, with_skipped=False) == [tried]


def test_events_live_for_90_days(courses: Courses) -> None:
    assert courses.save(None, course(), [event(0), event(5000)])
    until = NOW + LIFE
    assert courses.events("alt_1", 10, until, with_skipped=True) == [event(5000)]
    assert courses.events_about("mon_1", 10, until, with_skipped=True) == [event(5000)]
    assert courses.events("alt_1", 10, until - SECOND, with_skipped=True) == [event(5000), event(0)]


def test_two_hundred_events_are_found(courses: Courses) -> None:
    made = None
    for number in range(0, 200, 40):
        before, made = made, course(version=number + 1)
        assert courses.save(before, made, [event(n) for n in range(number, number + 40)])
    found = courses.events_about("mon_1", 200, NOW, with_skipped=False)
    assert found == [event(n) for n in reversed(range(200))]
    assert courses.events("alt_1", 200, NOW, with_skipped=False) == found


# Health, and the end of an alert


def test_a_channel_without_a_failure_is_healthy(courses: Courses) -> None:
    failing = Health(2, None, "timeout")
    disabled = Health(5, NOW + timedelta(milliseconds=5), "HTTP status 404")
    courses.save_health("alt_1", failing)
    courses.save_health("alt_2", disabled)
    wanted = ["alt_1", "alt_2", "alt_3"]
    assert courses.healths(wanted) == {"alt_1": failing, "alt_2": disabled}
    assert courses.healths([]) == {}
    courses.save_health("alt_1", HEALTHY)
    courses.save_health("alt_3", HEALTHY)
    assert courses.healths(wanted) == {"alt_2": disabled}


def test_of_an_alert_that_is_gone_nothing_is_left(courses: Courses) -> None:
    for alert in (1, 2):
        assert courses.save(None, course(alert), [event(1, alert), event(2, alert)])
        assert courses.save(None, course(alert, "mon_2"), [event(3, alert, "mon_2")])
        courses.save_health(f"alt_{alert}", Health(1))
    courses.forget("alt_1")
    courses.forget("alt_1")
    assert courses.of_alert("alt_1") == []
    assert courses.events("alt_1", 10, NOW, with_skipped=True) == []
    assert courses.events_about("mon_1", 10, NOW, with_skipped=True) == [event(2, 2), event(1, 2)]
    assert courses.healths(["alt_1", "alt_2"]) == {"alt_2": Health(1)}
    assert len(courses.of_alert("alt_2")) == 2
    assert courses.save(None, replace(course(), token="cc"))
