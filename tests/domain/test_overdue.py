"""When a cron job's alarm is told again: only while a run is overdue (contract 4.8, point 2)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.lateness import (
    Kind,
    Pulse,
    Rules,
    Signal,
    begin,
    hear,
    is_overdue,
    judge,
    reschedule,
    stop,
)
from chalicelib.domain.outcome import Reason
from chalicelib.domain.recurrence import Schedule, recurrence_of

SUCCESS, START, FAIL, _, _ = Kind
HOURLY = Rules(Schedule("cron", "0 * * * *"), grace_seconds=300)
TWO_HOURS_LONG = replace(HOURLY, run_grace_seconds=7200)
DENSE = Rules(Schedule("cron", "*/5 * * * *"), grace_seconds=600)
PERIOD = Rules(Schedule("period", period_seconds=3600), grace_seconds=300)
NIGHTLY = Rules(Schedule("calendar", "*-*-* 03:00:00"), grace_seconds=3600)
MISSES = {"hourly": HOURLY, "dense": DENSE, "period": PERIOD, "nightly": NIGHTLY}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")


def told(rules: Rules, *story: tuple[Kind, str]) -> Pulse:
    """What a job has become that was created at 11:10."""
    pulse = begin(rules, Pulse(), at("11:10"))
    for kind, text in story:
        pulse = hear(rules, pulse, Signal(kind, at(text))).pulse
    return pulse


def overdue(rules: Rules, pulse: Pulse, text: str) -> bool:
    return is_overdue(rules, judge(rules, pulse, at(text)), at(text))


@pytest.mark.parametrize(
    ("story", "when"),
    [
        ([(SUCCESS, "12:01")], {"13:05": False, "13:05:00.001": True, "14:00:01": True, "14:02": True}),
        # A late ping leaves an alarm, and the next run is due at 14:00.
        ([(SUCCESS, "12:01"), (SUCCESS, "13:20")], {"13:30": False, "14:05": False, "14:05:01": True}),
        # So does a failure, whose reason stays when runs are missed after it.
        (
            [(SUCCESS, "12:01"), (FAIL, "13:01")],
            {"13:30": False, "14:04": False, "14:06": True, "15:01": True, "15:06": True},
        ),
        # A start is no end: what was overdue still is.
        ([(SUCCESS, "12:01"), (START, "13:30")], {"13:31": True, "14:01": True}),
        ([(SUCCESS, "12:01"), (START, "12:30")], {"12:35": False, "12:36": True}),
        # A job that was never pinged is none.
        ([], {"18:00": False}),
    ],
)
def test_overdue_is_what_has_not_come(story: list[tuple[Kind, str]], when: dict[str, bool]) -> None:
    pulse = told(HOURLY, *story)
    assert {text: overdue(HOURLY, pulse, text) for text in when} == when


def test_a_run_under_way_in_its_own_time_is_not_overdue() -> None:
    pulse = told(TWO_HOURS_LONG, (SUCCESS, "12:01"), (START, "13:01"))
    assert [overdue(TWO_HOURS_LONG, pulse, text) for text in ("14:30", "15:01", "15:01:01")] == [
        False,
        False,
        True,
    ]


def test_runs_too_close_together_are_none_that_is_overdue() -> None:
    rules = replace(HOURLY, least_seconds_between=1800)
    pulse = told(rules, (SUCCESS, "12:50"), (SUCCESS, "13:01"))
    assert pulse.reason is Reason.TOO_OFTEN
    assert [overdue(rules, pulse, text) for text in ("13:30", "14:06", "15:01")] == [False, True, True]


def test_a_disabled_job_is_not_overdue_and_an_enabled_one_not_yet() -> None:
    pulse = judge(HOURLY, told(HOURLY, (SUCCESS, "12:01")), at("14:30"))
    assert is_overdue(HOURLY, pulse, at("14:30"))
    assert not is_overdue(replace(HOURLY, is_enabled=False), stop(pulse), at("14:30"))
    assert not overdue(HOURLY, begin(HOURLY, pulse, at("15:10")), "16:04")


def test_a_missed_run_stays_overdue_over_a_change_of_the_schedule() -> None:
    pulse = judge(HOURLY, told(HOURLY, (SUCCESS, "12:01")), at("14:30"))
    assert overdue(DENSE, reschedule(DENSE, pulse, at("14:31")), "14:32")


@pytest.mark.parametrize("name", MISSES)
@given(
    ends=st.lists(
        st.tuples(st.sampled_from([SUCCESS, FAIL]), st.integers(1, 200_000)), min_size=1, max_size=5
    ),
    later=st.integers(0, 400_000),
)
def test_without_starts_it_is_the_first_run_after_the_last_ping(
    name: str, ends: list[tuple[Kind, int]], later: int
) -> None:
    """Whatever the job is called by then, and whoever has looked at it."""
    rules, now = MISSES[name], datetime(2026, 3, 2, 11, 10, tzinfo=UTC)
    pulse = begin(rules, Pulse(), now)
    for kind, seconds in [(SUCCESS, 60), *ends]:
        now += timedelta(seconds=seconds)
        pulse = hear(rules, pulse, Signal(kind, now)).pulse
    due = recurrence_of(rules.schedule).next_after(now)
    assert due is not None
    now += timedelta(seconds=later)
    assert is_overdue(rules, judge(rules, pulse, now), now) is (now > due + rules.grace)
