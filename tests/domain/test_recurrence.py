from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.cron_expression import MACROS, BadExpression
from chalicelib.domain.recurrence import (
    MAX_CALENDAR_LENGTH,
    MAX_PERIOD_SECONDS,
    Recurrence,
    Schedule,
    check_schedule,
    check_timezone,
    recurrence_of,
)

from .cron_texts import expressions, fields
from .debian_cron import minutes_between, runs

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)

CHANGES = {
    "America/New_York": ["2024-03-10T07:00", "2024-11-03T06:00"],
    "Europe/London": ["2024-03-31T01:00", "2024-10-27T01:00"],
    "Australia/Sydney": ["2024-10-05T16:00", "2024-04-06T16:00"],
    "Australia/Lord_Howe": ["2024-10-05T15:30", "2024-04-06T15:00"],
    # At midnight, by which a day has no 00:00; and for Ramadan.
    "America/Havana": ["2024-03-10T05:00", "2024-11-03T05:00"],
    "Africa/Casablanca": ["2024-04-14T02:00", "2024-03-10T02:00"],
}
"""When the clocks go forward and back, in UTC: of the past, which no edition of the zones changes."""
UNCHANGED = ("Asia/Kolkata", datetime(2024, 3, 10, 7, tzinfo=UTC))
PLACES = [
    (zone, datetime.fromisoformat(f"{at}+00:00")) for zone, changes in CHANGES.items() for at in changes
]

TEXTS = [
    "* * * * *", "*/15 * * * *", "0 * * * *", "30 * * * *", "*/15 2 * * *", "*/15 3 * * *",
    "*/10 0-5 * * *", "0 */2 * * *", "0 1-23/2 * * *", "5,35 0-4 * * *", "10/15 0/3 * * *",
    "*,5 1 * * *", "5,* 1 * * *", "0 0 * * *", "30 0 * * *", "0 1 * * *", "30 1 * * *", "45 1 * * *",
    "59 1 * * *", "0 2 * * *", "15 2 * * *", "30 2 * * *", "59 2 * * *", "0 3 * * *", "30 2,3 * * *",
    "0,30 1-3 * * *", "30 2 * * SUN", "*/15 0 * * SUN", "*/15 1 10 3 *", "30 1 3 11 *", "0 0 */2 * 1",
    "0 0 1-7 * SUN", "*/5 1 27 10 0", "15 2 6 * 7", "0-59 1 * * *", "0-59 2 * * *", "*/7 0/2 * * */2",
    *MACROS.values(),
]  # fmt: skip


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def cron(text: str, zone: str = "UTC") -> Recurrence:
    return recurrence_of(Schedule("cron", text, zone))


def calendar(text: str, zone: str = "UTC") -> Recurrence:
    return recurrence_of(Schedule("calendar", text, zone))


def between(recurrence: Recurrence, start: datetime, end: datetime) -> list[datetime]:
    """The occurrences in [start, end), one after the other."""
    found: list[datetime] = []
    at: datetime | None = recurrence.next_after(start - SECOND)
    while at is not None and at < end:
        found.append(at)
        at = recurrence.next_after(at)
    return found


def backwards(recurrence: Recurrence, start: datetime, end: datetime) -> list[datetime]:
    """The same, the newest first."""
    found: list[datetime] = []
    at = recurrence.newest_until(end - SECOND, start - SECOND)
    while at is not None:
        found.append(at)
        at = recurrence.newest_until(at - SECOND, start - SECOND)
    return found


@lru_cache
def minutes_around(zone: str, change: datetime, hours: int) -> list[tuple[datetime, datetime]]:
    return list(minutes_between(change - hours * HOUR, change + hours * HOUR, ZoneInfo(zone)))


@pytest.mark.parametrize(("zone", "change"), PLACES)
def test_cron_jobs_are_expected_when_debian_runs_them_around_a_change_of_the_clocks(
    zone: str, change: datetime
) -> None:
    window = (change - 5 * HOUR, change + 5 * HOUR)
    offsets = {at.astimezone(ZoneInfo(zone)).utcoffset() for at in window}
    assert len(offsets) == (1 if (zone, change) == UNCHANGED else 2)
    for text in TEXTS:
        due = runs(text, minutes_around(zone, change, 5))
        assert between(cron(text, zone), *window) == due, text
        assert backwards(cron(text, zone), *window) == due[::-1], text


@pytest.mark.parametrize("name", MACROS)
@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe"])
def test_the_macros_of_a_whole_year(name: str, zone: str) -> None:
    start, end = (datetime(year, 1, 1, tzinfo=ZoneInfo(zone)) for year in (2024, 2025))
    counts = {"@daily": 366, "@midnight": 366, "@weekly": 52, "@monthly": 12, "@yearly": 1, "@annually": 1}
    # Where half an hour is skipped and repeated, two intervals are longer by half.
    counts["@hourly"] = 366 * 24 - (zone == "Australia/Lord_Howe")
    walls = [at.astimezone(ZoneInfo(zone)) for at in between(cron(name.upper(), zone), start, end)]
    assert len(walls) == counts[name]
    assert {wall.minute for wall in walls} == {0}
    assert {wall.hour for wall in walls} == (set(range(24)) if name == "@hourly" else {0})


@given(
    expressions(hour=fields(0, 4)),
    st.sampled_from(PLACES),
    st.integers(-4 * 3600, 4 * 3600),
    st.integers(1, 3 * 3600),
)
def test_any_cron_job_from_anywhere_near_a_change_of_the_clocks(
    text: str, place: tuple[str, datetime], offset: int, length: int
) -> None:
    zone, change = place
    start = change + timedelta(seconds=offset)
    due = [at for at in runs(text, minutes_around(zone, change, 8)) if start < at <= start + length * SECOND]
    until = start + length * SECOND + SECOND
    assert between(cron(text, zone), start + SECOND, until) == due
    assert backwards(cron(text, zone), start + SECOND, until) == due[::-1]


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "Europe/London", "Asia/Kolkata"])
@pytest.mark.parametrize("time", ["0 0", "0 1", "30 1", "15 2", "30 2", "59 2", "0 3", "0 12"])
def test_a_job_of_a_fixed_time_occurs_once_a_day_all_the_year(time: str, zone: str) -> None:
    local = ZoneInfo(zone)
    start, end = (datetime(year, 1, 1, tzinfo=local) for year in (2024, 2025))
    days = [at.astimezone(local).date() for at in between(cron(f"{time} * * *", zone), start, end)]
    assert len(days) == len(set(days)) == 366


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        ("30 2 * * *", "America/New_York", "2024-03-10T06:59:59", "2024-03-10T07:00"),
        ("30 2 * * *", "America/New_York", "2024-03-10T07:00:00", "2024-03-11T06:30"),
        ("15 2 * * *", "Australia/Lord_Howe", "2024-10-05T15:29:59", "2024-10-05T15:30"),
        ("*/15 2 * * *", "America/New_York", "2024-03-10T00:00", "2024-03-11T06:00"),
        ("0 0 * * SUN", "America/Havana", "2024-03-09T00:00", "2024-03-10T05:00"),
        ("*/15 0 * * SUN", "America/Havana", "2024-03-09T00:00", "2024-03-17T04:00"),
        # The second 01:30, after which the fixed time of 01:45 is over for the day.
        ("45 1 * * *", "America/New_York", "2024-11-03T06:30", "2024-11-04T06:45"),
        ("45 * * * *", "America/New_York", "2024-11-03T06:30", "2024-11-03T06:45"),
        ("0 * * * *", "America/New_York", "2024-11-03T05:00", "2024-11-03T06:00"),
        # The day that Samoa left out: at the jump, like any time that is skipped.
        ("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00", "2011-12-30T10:00"),
        ("0 0 29 2 *", "UTC", "2096-03-01T00:00", "2104-02-29T00:00"),
        ("0 0 29 2 */7", "UTC", "2088-03-01T00:00", "2128-02-29T00:00"),
        ("0 0 30 2 1", "UTC", "2026-02-01T00:00", "2026-02-02T00:00"),
        ("0 0 * * *", "UTC", "2026-07-01T23:59:59.999999", "2026-07-02T00:00"),
        ("0 0 * * *", "UTC", "2026-07-01T00:00:00.000001", "2026-07-02T00:00"),
        ("0 0 * * *", "Etc/GMT+1", "2026-07-01T00:00", "2026-07-01T01:00"),
        ("0 0 * * *", "Asia/Calcutta", "2026-07-01T00:00", "2026-07-01T18:30"),
    ],
)
def test_next_after(text: str, zone: str, after: str, expected: str) -> None:
    assert cron(text, zone).next_after(utc(after)) == utc(expected)


def test_the_instants_of_any_zone_are_taken_and_those_given_are_utc() -> None:
    tokyo = utc("2026-07-01T10:00").astimezone(ZoneInfo("Asia/Tokyo"))
    for recurrence in (
        cron("0 * * * *"),
        calendar("hourly"),
        recurrence_of(Schedule("period", "", "UTC", 3600)),
    ):
        for found in (recurrence.next_after(tokyo), recurrence.newest_until(tokyo + 3 * HOUR, tokyo)):
            assert found is not None
            assert found.tzinfo is UTC
            assert found.microsecond == 0


def test_a_job_that_is_only_in_the_hour_which_the_clocks_skip_never_occurs() -> None:
    second_sunday_of_march = Schedule("cron", "*/15 2 8-14 3 */7", "America/New_York")
    assert recurrence_of(second_sunday_of_march).next_after(NOW) is None
    assert recurrence_of(second_sunday_of_march).newest_until(NOW, NOW - 3650 * DAY) is None
    with pytest.raises(BadExpression, match="never occurs again"):
        check_schedule(second_sunday_of_march, NOW)
    check_schedule(replace(second_sunday_of_march, timezone="UTC"), NOW)


@pytest.mark.parametrize("text", ["*/5 * * * *", "0 0 * * *", "0 0 29 2 *", "30 1 * * SUN"])
def test_the_newest_of_many_years_is_the_one_right_before(text: str) -> None:
    recurrence = cron(text, "Europe/London")
    newest = recurrence.newest_until(NOW, NOW - 20 * 365 * DAY)
    assert newest is not None
    assert newest <= NOW
    assert recurrence.next_after(newest) == recurrence.next_after(NOW)


def test_the_newest_is_within_the_bounds() -> None:
    recurrence = cron("0 12 * * *")
    assert recurrence.newest_until(NOW, NOW - SECOND) == NOW
    assert recurrence.newest_until(NOW + 0.5 * SECOND, NOW - SECOND) == NOW
    assert recurrence.newest_until(NOW, NOW) is None
    assert recurrence.newest_until(NOW - SECOND, NOW - DAY) is None
    assert recurrence.newest_until(NOW - SECOND, NOW - DAY - SECOND) == NOW - DAY
    assert recurrence.newest_until(NOW - DAY, NOW) is None


CALENDARS = [
    "daily",
    "*:0/15",
    "Mon..Fri 09:00",
    "02:30\n01:30 UTC",
    "*-01-* *:*:00",
    "*-*~1 23:59",
    "*:0/7:30",
]
schedules = st.one_of(
    st.builds(Schedule, st.just("cron"), expressions(), st.sampled_from(list(CHANGES))),
    st.builds(Schedule, st.just("calendar"), st.sampled_from(CALENDARS), st.sampled_from(list(CHANGES))),
    st.builds(lambda seconds: Schedule("period", period_seconds=seconds), st.integers(60, 10**7)),
)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2024, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(schedules, instants)
def test_each_occurrence_comes_after_the_one_before(schedule: Schedule, at: datetime) -> None:
    recurrence = recurrence_of(schedule)
    found = [at]
    for _ in range(5):
        following = recurrence.next_after(found[-1])
        if following is None:
            break
        found.append(following)
    assert all(earlier < later for earlier, later in pairwise(found))
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in pairwise(found[1:]))


@given(schedules, instants, st.integers(0, 200_000))
def test_the_newest_is_the_last_of_those_that_follow(
    schedule: Schedule, after: datetime, seconds: int
) -> None:
    recurrence = recurrence_of(schedule)
    at = after + seconds * SECOND
    first = recurrence.next_after(after)
    newest = recurrence.newest_until(at, after)
    if newest is None:
        assert first is None or first > at
    else:
        assert first is not None
        assert first <= newest <= at
        following = recurrence.next_after(newest)
        assert following is None or following > at


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        ("daily", "America/New_York", "2026-07-01T00:00", ["07-01T04:00", "07-02T04:00"]),
        ("Mon..Fri 09:00", "UTC", "2026-07-03T09:00", ["07-06T09:00", "07-07T09:00"]),
        ("10:00\n \r\n 09:00 \r12:00", "UTC", "2026-07-01T09:00", ["07-01T10:00", "07-01T12:00"]),
        ("00:00 Asia/Tokyo\n00:00", "UTC", "2026-07-01T00:00", ["07-01T15:00", "07-02T00:00"]),
        ("10:00\n10:00 UTC", "UTC", "2026-07-01T00:00", ["07-01T10:00", "07-02T10:00"]),
        ("*-*~1 12:00", "UTC", "2026-07-01T00:00", ["07-31T12:00", "08-31T12:00"]),
        ("*:0/30:15", "UTC", "2026-07-01T00:00", ["07-01T00:00:15", "07-01T00:30:15"]),
        # What the clocks skip does not occur; what they repeat occurs at its first pass.
        ("02:30", "America/New_York", "2024-03-09T12:00", ["03-11T06:30", "03-12T06:30"]),
        ("01:30", "America/New_York", "2024-11-03T05:00", ["11-03T05:30", "11-04T06:30"]),
        ("01:30", "America/New_York", "2024-11-03T06:10", ["11-04T06:30"]),
        ("hourly", "America/New_York", "2024-11-03T04:30", ["11-03T05:00", "11-03T07:00"]),
        ("00:00 America/New_York\n06:15", "UTC", "2024-11-03T05:30", ["11-03T06:15", "11-04T05:00"]),
        ("2026-08-01", "UTC", "2026-07-01T00:00", ["08-01T00:00"]),
    ],
)  # fmt: skip
def test_on_calendar(text: str, zone: str, after: str, expected: list[str]) -> None:
    recurrence = calendar(text, zone)
    due = [utc(f"{after[:4]}-{at}") for at in expected]
    assert between(recurrence, utc(after) + SECOND, due[-1] + SECOND) == due
    assert backwards(recurrence, utc(after) + SECOND, due[-1] + SECOND) == due[::-1]


@pytest.mark.parametrize("text", ["*-01-* *:*:00", "*:*:00", "2026-01-01", "*-02-29\n2020-01-01"])
def test_the_newest_of_a_calendar_is_found_however_long_ago(text: str) -> None:
    recurrence = calendar(text)
    newest = recurrence.newest_until(NOW, utc("1990-01-01T00:00"))
    assert newest is not None
    assert newest <= NOW
    following = recurrence.next_after(newest)
    assert following is None or following > NOW


def test_a_calendar_that_is_over_has_no_next() -> None:
    over = Schedule("calendar", "2020-01-01\n2026-07-01 12:00")
    assert recurrence_of(over).next_after(NOW) is None
    assert recurrence_of(over).next_after(NOW - SECOND) == NOW
    with pytest.raises(BadExpression, match="never occurs again"):
        check_schedule(over, NOW)
    check_schedule(over, NOW - SECOND)


def test_nothing_is_looked_for_beyond_fifty_years() -> None:
    assert calendar("2076-01-01").next_after(NOW) == utc("2076-01-01T00:00")
    assert calendar("2077-01-01").next_after(NOW) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("*:*:*", "too frequent"),
        ("*:*:0,30", "too frequent"),
        ("12:00:00\n13:00:30", "too frequent"),
        ("minutely\n*:*:30", "too frequent"),
        ("", "1 to 10 lines"),
        (" \n ", "1 to 10 lines"),
        ("\n".join(["daily"] * 11), "1 to 10 lines"),
        ("a" * (MAX_CALENDAR_LENGTH + 1), "longer than 255"),
        ("25:00", "bad hour"),
        ("Fuu 12:00", "bad day-of-week"),
        ("12:00 utc", "OnCalendar: "),
        ("12:00 localtime", "OnCalendar: "),
        ("12:00 ../UTC", "OnCalendar: "),
        ("12:00 America", "OnCalendar: "),
        ("Europe/Riga", "OnCalendar: "),
        ("12:00\n99", "OnCalendar: "),
        ("*-02-30", "never occurs"),
        ("daily\n*-02-30", "never occurs"),
        ("fr\u0131 12:00", "has no place"),
        ("12:00\0", "has no place"),
    ],
)
def test_what_is_no_on_calendar_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadExpression, match=message):
        recurrence_of(Schedule("calendar", text))


@pytest.mark.parametrize("text", ["\n".join(["daily"] * 10), "Mon" + "," * 252, "minutely", "*:*:59"])
def test_the_most_of_a_calendar(text: str) -> None:
    check_schedule(Schedule("calendar", text), NOW)


@given(st.text("*-~/,.:012 MonUTC\n", max_size=25))
def test_any_text_is_a_calendar_or_refused(text: str) -> None:
    schedule = Schedule("calendar", text, "America/New_York")
    try:
        recurrence = recurrence_of(schedule)
    except BadExpression:
        return
    newest = recurrence.newest_until(NOW, NOW - DAY)
    assert newest is None or NOW - DAY < newest <= NOW
    assert recurrence.describe().isprintable()


@pytest.mark.parametrize(
    ("seconds", "after", "at", "newest"),
    [
        (60, 0, 59, None),
        (60, 0, 60, 60),
        (60, 0, 119, 60),
        (90, 0, 1000, 990),
        (60, 0, -60, None),
        (60, 0, 0, None),
        (3600, 0, 10**8, 10**8 // 3600 * 3600),
    ],
)
def test_the_newest_of_a_period(seconds: int, after: int, at: int, newest: int | None) -> None:
    recurrence = recurrence_of(Schedule("period", period_seconds=seconds))
    expected = None if newest is None else NOW + newest * SECOND
    assert recurrence.newest_until(NOW + at * SECOND, NOW + after * SECOND) == expected
    assert recurrence.next_after(NOW) == NOW + seconds * SECOND


@pytest.mark.parametrize(
    ("seconds", "is_good"),
    [
        (-60, False),
        (0, False),
        (59, False),
        (60, True),
        (MAX_PERIOD_SECONDS, True),
        (MAX_PERIOD_SECONDS + 1, False),
    ],
)
def test_a_period_has_bounds(seconds: int, is_good: bool) -> None:
    schedule = Schedule("period", period_seconds=seconds)
    if is_good:
        check_schedule(schedule, NOW)
    else:
        with pytest.raises(BadExpression, match="60 seconds to 365 days"):
            check_schedule(schedule, NOW)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule("cron", "@daily"), "At 00:00 every day"),
        (Schedule("cron", "*/15 9-17 * * mon"), "Every 15th minute from 09:00 through 17:59 on Monday"),
        (Schedule("cron", "5-5/2 * * * *"), "At minute 5 of every hour"),
        (Schedule("calendar", "daily\n 12:00 UTC"), "OnCalendar daily; 12:00 UTC"),
        (Schedule("period", period_seconds=60), "Every 1 minute"),
        (Schedule("period", period_seconds=90_061), "Every 1 day 1 hour 1 minute 1 second"),
        (Schedule("period", period_seconds=7200), "Every 2 hours"),
    ],
)  # fmt: skip
def test_describe(schedule: Schedule, words: str) -> None:
    assert recurrence_of(schedule).describe() == words
    assert recurrence_of(schedule).describe() == words


def test_to_describe_and_to_look_leave_no_trace() -> None:
    recurrence = cron("*/15 2 * * *", "America/New_York")
    due = between(recurrence, NOW, NOW + DAY)
    recurrence.describe()
    recurrence.newest_until(NOW, NOW - DAY)
    assert between(recurrence, NOW, NOW + DAY) == due


def test_a_recurrence_is_made_once() -> None:
    assert cron("1 2 * * *") is cron("1 2 * * *")
    assert cron("1 2 * * *") is not cron("1 2 * * *", "Europe/London")


@pytest.mark.parametrize(
    "name",
    [
        "UTC", "GMT", "Etc/UTC", "Etc/GMT+1", "Asia/Calcutta", "Asia/Kolkata",
        "America/Argentina/Ushuaia", "EST5EDT",
    ],
)  # fmt: skip
def test_the_names_of_time_zones(name: str) -> None:
    check_timezone(name)
    check_schedule(Schedule("cron", "@daily", name), NOW)


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "utc", "Utc", " UTC", "UTC ", "UTC\n", "GMT+1", "europe/riga", "EUROPE/RIGA", "Europe",
        "Europe/", "/Europe/Riga", "../Europe/Riga", "Europe/../Europe/Riga", "Europe//Riga", "./UTC",
        "localtime", "posixrules", "posix/Europe/Riga", "right/UTC", "tzdata.zi", "zone.tab",
        "__init__.py", "Europe/Riga\0", "Europe\\Riga", "+01:00", "EST5EDT,M3.2.0,M11.1.0", "\ud800",
        "UTC" * 1000,
    ],
)  # fmt: skip
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(BadExpression, match="is not a time zone") as caught:
        check_timezone(name)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isascii()
    for kind in ("cron", "calendar"):
        with pytest.raises(BadExpression, match="is not a time zone"):
            check_schedule(Schedule(kind, "0 0 * * *", name), NOW)
