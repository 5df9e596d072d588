"""Contract 4.7 row by row, to the millisecond, and its extensions. `test_lateness_machine.py` mixes them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.alarm import turn_between
from chalicelib.domain.lateness import (
    LONGEST_RUN,
    Heard,
    JobStatus,
    Kind,
    Pulse,
    Rules,
    Signal,
    begin,
    deadline,
    hear,
    is_too_soon,
    judge,
    reschedule,
    stop,
)
from chalicelib.domain.lateness_json import decode_pulse, decode_rules, encode_pulse, encode_rules
from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.recurrence import Schedule, recurrence_of

NEW, HEALTHY, LATE, MISSED = JobStatus
SUCCESS, START, FAIL, LOG, IGNORED = Kind
UP, DEGRADED, DOWN = Status
MS = timedelta(milliseconds=1)
MINUTE = timedelta(minutes=1)
HOURLY = Rules(Schedule("cron", "0 * * * *"), grace_seconds=300)
MINUTELY = Rules(Schedule("cron", "* * * * *"), grace_seconds=60)
QUARTERLY = Rules(Schedule("cron", "*/15 * * * *"), grace_seconds=2100)
"""Its grace is longer than two periods."""
A, B = "7c8d4f3a-52b1-4e51-9c2b-0f4c6c1d2e3f", "0a1b2c3d-52b1-4e51-9c2b-0f4c6c1d2e3f"


def at(text: str) -> datetime:
    """A time of one day, as in 13:05 or 13:05:00.001."""
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")


def heard(rules: Rules, pulse: Pulse, kind: Kind, text: str, run_id: str = "") -> Heard:
    return hear(rules, pulse, Signal(kind, at(text), run_id))


def told(rules: Rules, *story: tuple[Kind, str] | tuple[Kind, str, str], pulse: Pulse | None = None) -> Pulse:
    """What a job has become that was created at 11:10."""
    pulse = pulse or begin(rules, Pulse(), at("11:10"))
    for kind, text, *run_id in story:
        pulse = heard(rules, pulse, kind, text, *run_id).pulse
    return pulse


def seen(rules: Rules, pulse: Pulse, now: datetime) -> tuple[JobStatus, Reason, str]:
    """Looked at once, or every minute until then: the same."""
    found = judge(rules, pulse, now)
    often = pulse
    for minutes in range(int((now - at("11:00")) / MINUTE)):
        often = judge(rules, often, at("11:00") + minutes * MINUTE)
    often = judge(rules, often, now)
    assert shown(often) == shown(found)
    n = found.expected_at
    return found.status, found.reason, f"{n:%H:%M}" if n else ""


def shown(pulse: Pulse) -> Pulse:
    """All that matters: strikes are counted no more once the alarm is down."""
    return replace(pulse, strikes=0) if pulse.alarm.status is DOWN else pulse


PINGED = (SUCCESS, "12:00:10")
OWN = replace(HOURLY, run_grace_seconds=5400)
DEADLINES = {
    "late after N + g": (
        HOURLY,
        (PINGED,),
        "13:05",
        (HEALTHY, Reason.NONE, "13:00"),
        (LATE, Reason.LATE, "13:00"),
    ),
    "late until F": (
        HOURLY,
        (PINGED,),
        "14:00:00.001",
        (MISSED, Reason.MISSED, "14:00"),
        (MISSED, Reason.MISSED, "14:00"),
    ),
    "N moves on while missed": (
        HOURLY,
        (PINGED,),
        "16:05",
        (MISSED, Reason.MISSED, "16:00"),
        (MISSED, Reason.MISSED, "16:00"),
    ),
    "late and missed at once where the grace is a period": (
        MINUTELY,
        ((SUCCESS, "12:00:10"),),
        "12:02",
        (HEALTHY, Reason.NONE, "12:01"),
        (MISSED, Reason.MISSED, "12:02"),
    ),
    "a grace of more than two periods": (
        QUARTERLY,
        (PINGED,),
        "12:50",
        (HEALTHY, Reason.NONE, "12:15"),
        (MISSED, Reason.MISSED, "12:45"),
    ),
    "which is not late for every period": (
        QUARTERLY,
        (PINGED,),
        "13:20",
        (MISSED, Reason.MISSED, "12:45"),
        (MISSED, Reason.MISSED, "13:15"),
    ),
    "a run is late that takes longer than the grace": (
        HOURLY,
        (PINGED, (START, "12:20")),
        "12:25",
        (HEALTHY, Reason.NONE, "13:00"),
        (LATE, Reason.OVERRUN, "13:00"),
    ),
    "a start alone has not come": (
        HOURLY,
        (PINGED, (START, "13:04")),
        "13:05",
        (HEALTHY, Reason.NONE, "13:00"),
        (LATE, Reason.LATE, "13:00"),
    ),
    "a first run is late, too": (
        HOURLY,
        ((START, "11:20"),),
        "11:25",
        (NEW, Reason.NONE, "12:00"),
        (LATE, Reason.OVERRUN, "12:00"),
    ),
    "a start in time has come, with a grace of its own": (
        OWN,
        (PINGED, (START, "13:05")),
        "14:35",
        (HEALTHY, Reason.NONE, "13:00"),
        (MISSED, Reason.MISSED, "14:00"),
    ),
    "a start that is late has not": (
        OWN,
        (PINGED, (START, "13:05:00.001")),
        "14:00:00.001",
        (MISSED, Reason.MISSED, "14:00"),
        (MISSED, Reason.MISSED, "14:00"),
    ),
    "what has come and is begun again has come": (
        OWN,
        (PINGED, (START, "13:05"), (START, "13:10")),
        "14:40",
        (HEALTHY, Reason.NONE, "14:00"),
        (LATE, Reason.OVERRUN, "14:00"),
    ),
    "an own grace that is shorter": (
        replace(HOURLY, run_grace_seconds=60),
        (PINGED, (START, "13:01")),
        "13:02",
        (HEALTHY, Reason.NONE, "13:00"),
        (LATE, Reason.OVERRUN, "13:00"),
    ),
    "an overlong run is late, and missed only after N + g": (
        QUARTERLY,
        (PINGED, (START, "12:10")),
        "12:45",
        (HEALTHY, Reason.NONE, "12:15"),
        (LATE, Reason.OVERRUN, "12:15"),
    ),
    "and so with a grace of its own": (
        replace(QUARTERLY, run_grace_seconds=60),
        (PINGED, (START, "12:30")),
        "12:50",
        (LATE, Reason.OVERRUN, "12:15"),
        (MISSED, Reason.MISSED, "12:45"),
    ),
    "a late ping stays late": (
        HOURLY,
        (PINGED, (SUCCESS, "13:06")),
        "14:05",
        (LATE, Reason.LATE, "14:00"),
        (LATE, Reason.LATE, "14:00"),
    ),
    "a failure stays one": (
        HOURLY,
        (PINGED, (FAIL, "13:01")),
        "15:05",
        (MISSED, Reason.FAILED, "15:00"),
        (MISSED, Reason.FAILED, "15:00"),
    ),
}


@pytest.mark.parametrize(("rules", "story", "text", "until", "after"), DEADLINES.values(), ids=DEADLINES)
def test_deadlines_to_the_millisecond(
    rules: Rules,
    story: tuple[tuple[Kind, str], ...],
    text: str,
    until: tuple[JobStatus, Reason, str],
    after: tuple[JobStatus, Reason, str],
) -> None:
    pulse = told(rules, *story)
    assert seen(rules, pulse, at(text)) == until
    assert seen(rules, pulse, at(text) + MS) == after
    if text.count(".") == 0:
        assert seen(rules, pulse, at(text) - MS) == until or until[0] is MISSED


@pytest.mark.parametrize(
    ("text", "status", "n"),
    [
        ("13:59:59.999", LATE, "13:00"),
        ("14:00", MISSED, "14:00"),
        ("14:00:00.001", MISSED, "14:00"),
        ("14:59:59.999", MISSED, "14:00"),
        ("15:00", MISSED, "15:00"),
        ("23:59:59.999", MISSED, "23:00"),
    ],
)
def test_it_is_missed_when_the_next_run_is_due(text: str, status: JobStatus, n: str) -> None:
    found = seen(HOURLY, told(HOURLY, PINGED), at(text))
    assert (found[0], found[2]) == (status, n)


def test_a_job_is_created_new_and_enabled_anew() -> None:
    pulse = begin(HOURLY, Pulse(), at("12:00"))
    assert (pulse.status, pulse.expected_at) == (NEW, at("13:00"))
    assert seen(HOURLY, pulse, at("23:30")) == (NEW, Reason.NONE, "13:00")
    assert judge(HOURLY, pulse, at("23:30") + timedelta(days=9000)) == pulse
    assert deadline(HOURLY, pulse) is None


@pytest.mark.parametrize("story", [(), ((START, "12:00:10"),), ((LOG, "12:00:10"),)])
def test_a_job_that_was_never_pinged_is_new_when_it_is_enabled(story: tuple[tuple[Kind, str], ...]) -> None:
    pulse = judge(HOURLY, told(HOURLY, *story), at("15:00"))
    assert begin(HOURLY, stop(pulse), at("16:30")).status is NEW


@pytest.mark.parametrize("kind", [SUCCESS, FAIL])
def test_any_other_is_healthy_again(kind: Kind) -> None:
    missed = judge(HOURLY, told(HOURLY, (kind, "12:00:10"), (START, "12:01")), at("15:00"))
    assert missed.alarm.status is DOWN
    again = begin(HOURLY, stop(missed), at("16:30"))
    assert (again.status, again.reason, again.expected_at) == (HEALTHY, Reason.NONE, at("17:00"))
    assert (again.run, again.strikes, again.alarm.status, again.alarm.opened_seq) == (None, 0, UP, 0)


@pytest.mark.parametrize("kind", Kind)
def test_a_disabled_job_stays_what_it_was(kind: Kind) -> None:
    rules = replace(HOURLY, is_enabled=False)
    late = stop(judge(HOURLY, told(HOURLY, PINGED, (START, "12:01")), at("13:10")))
    assert (late.status, late.expected_at, late.run) == (LATE, None, None)
    assert judge(rules, late, at("23:00")) == late
    assert deadline(rules, late) is None
    assert heard(rules, late, IGNORED, "13:20") == Heard(late, is_on_time=True, duration_ms=None)


def test_another_schedule_is_expected_from_now() -> None:
    missed = judge(HOURLY, told(HOURLY, PINGED), at("15:00"))
    rules = replace(HOURLY, schedule=Schedule("cron", "30 * * * *"))
    after = reschedule(rules, missed, at("15:30"))
    assert after == replace(missed, expected_at=at("16:30"))


@pytest.mark.parametrize(
    ("story", "text", "is_on_time", "n"),
    [
        ((), "11:30", True, "12:00"),
        ((), "12:05", True, "13:00"),
        ((), "12:05:00.001", False, "13:00"),
        ((), "22:04", True, "23:00"),
        ((), "22:06", False, "23:00"),
        ((PINGED,), "12:00:10", True, "13:00"),
        ((PINGED,), "13:04:59.999", True, "14:00"),
        ((PINGED,), "13:05", True, "14:00"),
        ((PINGED,), "13:05:00.001", False, "14:00"),
        ((PINGED,), "13:59:59.999", False, "14:00"),
        ((PINGED,), "14:00", True, "15:00"),
        ((PINGED,), "14:05", True, "15:00"),
        ((PINGED,), "14:05:00.001", False, "15:00"),
        ((PINGED, (SUCCESS, "13:06")), "13:07", True, "14:00"),
        ((PINGED, (START, "12:10")), "12:15", True, "13:00"),
        ((PINGED, (START, "12:10")), "12:15:00.001", False, "13:00"),
    ],
)
def test_a_ping_is_on_time_or_late(
    story: tuple[tuple[Kind, str], ...], text: str, is_on_time: bool, n: str
) -> None:
    for before in (told(HOURLY, *story), judge(HOURLY, told(HOURLY, *story), at(text))):
        found = heard(HOURLY, before, SUCCESS, text)
        assert found.is_on_time is is_on_time
        pulse = found.pulse
        assert (pulse.status, pulse.reason) == ((HEALTHY, Reason.NONE) if is_on_time else (LATE, Reason.LATE))
        assert (pulse.last_ping_at, pulse.expected_at, pulse.run) == (at(text), at(n), None)
        assert pulse.alarm.status is (UP if is_on_time else DEGRADED)


def test_a_ping_with_no_further_occurrence_is_on_time() -> None:
    once = Rules(Schedule("calendar", "2026-03-02 13:00:00"), grace_seconds=300)
    pulse = told(once, PINGED)
    assert seen(once, pulse, at("23:00")) == (LATE, Reason.LATE, "13:00")
    late = heard(once, pulse, SUCCESS, "23:00")
    assert (late.is_on_time, late.pulse.expected_at) == (False, None)
    assert heard(once, late.pulse, SUCCESS, "23:30").is_on_time
    assert deadline(once, late.pulse) is None


@pytest.mark.parametrize(
    ("last", "now", "is_refused"),
    [
        ("12:10", "12:10", True),
        ("12:10", "12:10:59.999", True),
        ("12:10", "12:11", False),
        ("12:59:30", "12:59:59.999", True),
        ("12:59:30", "13:00", False),
        ("13:00", "13:00:30", True),
        ("13:00:00.001", "13:00", True),
    ],
)
def test_the_ping_limit(last: str, now: str, is_refused: bool) -> None:
    assert is_too_soon(HOURLY, told(HOURLY, (SUCCESS, last)), at(now)) is is_refused


def test_neither_a_start_nor_a_log_counts_for_the_ping_limit() -> None:
    assert not is_too_soon(HOURLY, told(HOURLY, (START, "12:10"), (LOG, "12:10")), at("12:10"))


@pytest.mark.parametrize("text", ["11:20", "12:20", "13:05:00.001", "14:30", "17:02"])
@pytest.mark.parametrize("story", [(), (PINGED,), (PINGED, (SUCCESS, "12:10:00")), ((START, "11:15"),)])
def test_a_log_changes_nothing(story: tuple[tuple[Kind, str], ...], text: str) -> None:
    before = told(HOURLY, *story)
    assert heard(HOURLY, before, LOG, text).pulse == before


@pytest.mark.parametrize("kind", [START, FAIL, LOG])
@pytest.mark.parametrize("rules", [HOURLY, OWN, QUARTERLY, replace(HOURLY, failures_to_alarm=2)])
def test_what_was_overdue_stays_so_whoever_comes_first(kind: Kind, rules: Rules) -> None:
    """The minute's run, or one of these pings."""
    pulse, moment = told(rules, PINGED), "14:00:05"
    first = heard(rules, judge(rules, pulse, at(moment)), kind, moment).pulse
    second = judge(rules, heard(rules, pulse, kind, moment).pulse, at(moment))
    assert shown(first) == shown(second)
    assert second.status is MISSED
    if rules.failures_to_alarm == 1:
        assert second.alarm.status is DOWN


def test_an_overdue_run_that_another_replaces_was_overdue() -> None:
    found = told(HOURLY, PINGED, (START, "12:10"), (START, "12:20"))
    assert (found.status, found.reason, found.alarm.since) == (LATE, Reason.OVERRUN, at("12:15"))


RUNS = [
    # the end's kind and id, of a run that began with the id A: is it still open, is it timed
    (SUCCESS, A, False, True),
    (SUCCESS, B, True, False),
    (SUCCESS, "", False, False),
    (FAIL, A, False, True),
    (FAIL, B, False, False),
    (FAIL, "", False, False),
    (LOG, A, True, False),
    (START, B, True, False),
]


@pytest.mark.parametrize(("kind", "run_id", "is_open", "is_timed"), RUNS)
def test_runs_are_paired_as_healthchecks_does(kind: Kind, run_id: str, is_open: bool, is_timed: bool) -> None:
    pulse = told(HOURLY, PINGED, (START, "12:10", A))
    end = heard(HOURLY, pulse, kind, "12:11:01.5", run_id)
    assert (end.pulse.run is not None) is is_open
    assert end.duration_ms == (61_500 if is_timed else None)
    if kind is START:
        assert end.pulse.run is not None
        assert (end.pulse.run.id, end.pulse.run.started_at) == (B, at("12:11:01.5"))


@pytest.mark.parametrize("run_id", ["", B])
def test_a_run_without_an_id_is_ended_by_whatever_has_none(run_id: str) -> None:
    pulse = told(HOURLY, PINGED, (START, "12:10"))
    end = heard(HOURLY, pulse, SUCCESS, "12:11", run_id)
    assert (end.pulse.run is None, end.duration_ms) == ((True, 60_000) if not run_id else (False, None))


def test_a_run_is_timed_for_72_hours() -> None:
    assert timedelta(hours=72) == LONGEST_RUN
    pulse = told(HOURLY, PINGED, (START, "12:10", A))
    for took, expected in ((LONGEST_RUN, 259_200_000), (LONGEST_RUN + MS, None), (-MS, None)):
        assert hear(HOURLY, pulse, Signal(SUCCESS, at("12:10") + took, A)).duration_ms == expected


def test_a_run_that_is_left_open_keeps_the_job_late() -> None:
    pulse = told(HOURLY, PINGED, (START, "12:10", A))
    for text in ("12:20", "13:01", "14:01"):
        pulse = heard(HOURLY, pulse, SUCCESS, text, B).pulse
        assert (pulse.status, pulse.run is not None) == (LATE, True)
    assert heard(HOURLY, pulse, SUCCESS, "14:02").pulse.status is LATE
    assert told(HOURLY, (SUCCESS, "14:02"), (SUCCESS, "14:03"), pulse=pulse).status is HEALTHY


def test_alarms_are_dated_by_when_they_were_due() -> None:
    pulse = told(HOURLY, PINGED)
    late = judge(HOURLY, pulse, at("13:30")).alarm
    assert (late.status, late.since, late.opened_at, late.seq) == (DEGRADED, at("13:05"), at("13:05"), 1)
    missed = judge(HOURLY, pulse, at("23:30"))
    assert (missed.alarm.status, missed.alarm.since, missed.alarm.seq) == (DOWN, at("14:00"), 2)
    assert (missed.alarm.opened_at, missed.alarm.opened_seq) == (at("13:05"), 1)
    turn = turn_between(pulse.alarm, missed.alarm, missed.reason)
    assert turn is not None
    assert (turn.before.status, turn.after.status, turn.opened_seq) == (UP, DOWN, 1)
    back = heard(HOURLY, missed, SUCCESS, "23:30").pulse.alarm
    assert (back.status, back.opened_seq) == (DEGRADED, 1)
    well = heard(HOURLY, missed, SUCCESS, "23:02").pulse.alarm
    assert (well.status, well.since, well.opened_seq, well.opened_at) == (UP, at("23:02"), 0, None)


def test_so_many_runs_in_a_row_make_an_alarm() -> None:
    rules = replace(HOURLY, failures_to_alarm=3)
    pulse = told(rules, PINGED)
    for text, strikes, status, since in (
        ("13:59:59.999", 0, DEGRADED, "13:05"),
        ("14:00", 1, DEGRADED, "13:05"),
        ("15:59:59.999", 2, DEGRADED, "13:05"),
        ("16:00", 3, DOWN, "16:00"),
        ("23:59", 3, DOWN, "16:00"),
    ):
        found = judge(rules, pulse, at(text))
        assert (found.strikes if found.strikes < 3 else 3) == strikes, text
        assert (found.alarm.status, found.alarm.since) == (status, at(since)), text


def test_failures_and_misses_count_together_and_a_success_ends_them() -> None:
    rules = replace(HOURLY, failures_to_alarm=3)
    pulse = told(rules, PINGED, (FAIL, "12:01"), (FAIL, "13:01"))
    assert (pulse.status, pulse.strikes, pulse.alarm.status) == (MISSED, 2, UP)
    third = judge(rules, pulse, at("15:00"))
    assert (third.reason, third.alarm.status, third.alarm.since) == (Reason.FAILED, DOWN, at("15:00"))
    assert heard(rules, pulse, FAIL, "15:01").pulse.alarm.status is DOWN
    late = heard(rules, pulse, SUCCESS, "14:06").pulse
    assert (late.strikes, late.alarm.status) == (0, DEGRADED)


@pytest.mark.parametrize(("text", "is_too_often"), [("12:59:59.999", True), ("13:00", False)])
def test_a_job_that_runs_too_often(text: str, is_too_often: bool) -> None:
    rules = replace(HOURLY, least_seconds_between=3590)
    pulse = heard(rules, told(rules, PINGED), SUCCESS, text).pulse
    if not is_too_often:
        assert (pulse.status, pulse.alarm.status) == (HEALTHY, UP)
        return
    assert (pulse.status, pulse.reason, pulse.alarm.status) == (MISSED, Reason.TOO_OFTEN, DOWN)
    assert pulse.alarm.since == at(text)
    again = heard(rules, pulse, SUCCESS, "14:00").pulse
    assert (again.status, again.alarm.status) == (HEALTHY, UP)


def test_only_successes_are_too_often_and_none_after_a_pause() -> None:
    rules = replace(HOURLY, least_seconds_between=3590)
    assert told(rules, PINGED, (START, "12:01"), (FAIL, "12:02")).reason is Reason.FAILED
    enabled = begin(rules, stop(told(rules, PINGED)), at("12:10"))
    assert heard(rules, enabled, SUCCESS, "12:11").pulse.status is HEALTHY


def test_a_failure_is_missed_at_once() -> None:
    pulse = told(HOURLY, (FAIL, "12:00:10"))
    assert (pulse.status, pulse.reason, pulse.last_ping_at) == (MISSED, Reason.FAILED, at("12:00:10"))
    assert (pulse.last_success_at, pulse.expected_at) == (None, at("13:00"))
    assert (pulse.alarm.status, pulse.alarm.since) == (DOWN, at("12:00:10"))
    assert told(HOURLY, (SUCCESS, "13:05"), pulse=pulse).status is HEALTHY


DST = [
    # zone, expression, the day before, when it fires that night (UTC)
    ("Europe/Riga", "30 3 * * *", "2026-03-28T01:30", "2026-03-29T01:00"),  # 3:30 is skipped: at 4:00
    ("Europe/Riga", "30 3 * * *", "2026-10-24T00:30", "2026-10-25T00:30"),  # the first of two
    ("America/New_York", "0 2 * * *", "2026-03-07T07:00", "2026-03-08T07:00"),
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-02T15:45", "2026-10-03T15:30"),  # by half an hour
]


@pytest.mark.parametrize(("zone", "expression", "last", "due"), DST)
def test_the_nights_in_which_clocks_change(zone: str, expression: str, last: str, due: str) -> None:
    rules = Rules(Schedule("cron", expression, zone), grace_seconds=600)
    first, n = (datetime.fromisoformat(text + "+00:00") for text in (last, due))
    pulse = hear(rules, begin(rules, Pulse(), first - MINUTE), Signal(SUCCESS, first)).pulse
    assert pulse.expected_at == n
    limit = n + timedelta(seconds=600)
    assert [judge(rules, pulse, limit + k * MS).status for k in (-1, 0, 1)] == [HEALTHY, HEALTHY, LATE]
    following = recurrence_of(rules.schedule).next_after(n)
    assert following is not None
    assert timedelta(hours=22) < following - n < timedelta(hours=26)
    assert [judge(rules, pulse, following + k * MS).status for k in (-1, 0, 1)] == [LATE, MISSED, MISSED]
    assert hear(rules, pulse, Signal(SUCCESS, limit)).pulse.expected_at == following


def test_a_punctual_job_is_never_late_in_a_year_of_changing_clocks() -> None:
    for expression in ("30 * * * *", "30 3 * * *", "*/30 1-4 * * *"):
        rules = Rules(Schedule("cron", expression, "Europe/Riga"), grace_seconds=60)
        now = datetime(2026, 1, 1, tzinfo=UTC)
        pulse = hear(rules, begin(rules, Pulse(), now), Signal(SUCCESS, now)).pulse
        end = now + timedelta(days=365)
        while pulse.expected_at is not None and pulse.expected_at < end:
            now = pulse.expected_at + timedelta(seconds=60)
            pulse = hear(rules, pulse, Signal(SUCCESS, now)).pulse
            assert pulse.status is HEALTHY, now


SCHEDULES = st.sampled_from(
    [
        Schedule("cron", "* * * * *"),
        Schedule("cron", "*/7 * * * *", "Europe/Riga"),
        Schedule("cron", "0,1,30 */2 * * *"),
        Schedule("cron", "0 3 * * *", "Asia/Kathmandu"),
        Schedule("calendar", "*-*-* 00/6:00:20"),
        Schedule("period", period_seconds=61),
        Schedule("period", period_seconds=5000),
    ]
)
RULES = st.builds(
    Rules,
    SCHEDULES,
    st.sampled_from([60, 90, 300, 4000, 86_400]),
    st.sampled_from([None, 60, 777, 50_000]),
    st.integers(1, 4),
    st.sampled_from([None, 30, 7200]),
)
GAPS = st.one_of(
    st.timedeltas(timedelta(0), timedelta(minutes=9)),
    st.timedeltas(timedelta(0), timedelta(hours=5)),
)
PINGS = st.tuples(GAPS, st.sampled_from([SUCCESS, START, FAIL, LOG]), st.sampled_from(["", A, B]))
STORIES = st.lists(PINGS, max_size=5)


def lived(rules: Rules, story: list[tuple[timedelta, Kind, str]]) -> tuple[Pulse, datetime]:
    now = at("00:00")
    pulse = begin(rules, Pulse(), now)
    for gap, kind, run_id in story:
        now += gap // MS * MS
        pulse = hear(rules, pulse, Signal(kind, now, run_id)).pulse
    return pulse, now


@settings(max_examples=60)
@given(RULES, STORIES, st.lists(GAPS, min_size=1, max_size=6))
def test_however_often_one_looks_it_is_the_same(
    rules: Rules, story: list[tuple[timedelta, Kind, str]], gaps: list[timedelta]
) -> None:
    pulse, now = lived(rules, story)
    often = pulse
    for gap in gaps:
        now += gap
        before, often = often, judge(rules, often, now)
        assert judge(rules, often, now) == often
        assert often.status >= before.status
        assert (often.alarm.status is DOWN) <= (often.status is MISSED)
    assert shown(often) == shown(judge(rules, pulse, now))


@settings(max_examples=60)
@given(RULES, STORIES, GAPS, GAPS, st.sampled_from([SUCCESS, START, FAIL, LOG]), st.sampled_from(["", A, B]))
def test_a_ping_says_the_same_whether_somebody_has_looked_before_or_not(
    rules: Rules,
    story: list[tuple[timedelta, Kind, str]],
    first: timedelta,
    then: timedelta,
    kind: Kind,
    run_id: str,
) -> None:
    pulse, now = lived(rules, story)
    looked = judge(rules, pulse, now + first)
    signal = Signal(kind, now + first + then // MS * MS, run_id)
    one, other = hear(rules, pulse, signal), hear(rules, looked, signal)
    assert (one.is_on_time, one.duration_ms) == (other.is_on_time, other.duration_ms)
    mine, its = judge(rules, one.pulse, signal.at), judge(rules, other.pulse, signal.at)
    if kind is SUCCESS:  # what was overdue and not told yet leaves no alarm behind (contract 4.7)
        assert mine.alarm.status is its.alarm.status
        mine = replace(mine, alarm=its.alarm)
    assert shown(mine) == shown(its)


@settings(max_examples=60)
@given(RULES, STORIES)
def test_a_deadline_is_the_last_instant_at_which_nothing_is_wrong(
    rules: Rules, story: list[tuple[timedelta, Kind, str]]
) -> None:
    pulse, now = lived(rules, story)
    limit = deadline(rules, pulse)
    if limit is None or pulse.status not in (NEW, HEALTHY) or limit <= now:
        return
    assert judge(rules, pulse, limit) == pulse
    assert judge(rules, pulse, limit + MS).status in (LATE, MISSED)


@settings(max_examples=60)
@given(RULES, STORIES, st.booleans())
def test_it_is_stored_whole(rules: Rules, story: list[tuple[timedelta, Kind, str]], is_enabled: bool) -> None:
    pulse, now = lived(rules, story)
    rules = replace(rules, is_enabled=is_enabled)
    for found in (pulse, judge(rules, pulse, now + timedelta(days=3)), stop(pulse)):
        assert decode_pulse(encode_pulse(found)) == found
    assert decode_rules(encode_rules(rules)) == rules


def test_long_silence_costs_little_once_the_alarm_is_down() -> None:
    """N is not walked to occurrence by occurrence for years."""
    rules = replace(MINUTELY, schedule=Schedule("cron", "*/5 * * * *"))
    missed = judge(rules, told(rules, PINGED), at("13:00"))
    found = judge(rules, missed, at("13:00") + timedelta(days=3650))
    assert found.expected_at == at("13:00") + timedelta(days=3650)


def test_strikes_step_through_every_run() -> None:
    rules = replace(MINUTELY, failures_to_alarm=10)
    pulse = told(rules, PINGED)
    marks = [judge(rules, pulse, at("12:00") + k * MINUTE + MS).strikes for k in range(1, 11)]
    assert marks[0] == 0
    assert all(later - earlier == 1 for earlier, later in pairwise(marks))
