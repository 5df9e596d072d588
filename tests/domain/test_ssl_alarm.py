from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.certificate import CertificateReading, days_left, ssl_status
from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.ssl_alarm import THRESHOLDS, UNJUDGED, VALID, SslAlarm, SslTurn, judge, ssl_row_of

UP, DEGRADED, DOWN = Status.UP, Status.DEGRADED, Status.DOWN
ENDS = datetime(2026, 9, 1, tzinfo=UTC)
RENEWED = ENDS + timedelta(days=90)
WRONG_HOST = Reason.TLS_WRONG_HOST


def until(days: float, ends: datetime = ENDS) -> datetime:
    """When so many days are left."""
    return ends - timedelta(days=days)


def cert(ends: datetime = ENDS, why: Reason = Reason.NONE) -> CertificateReading:
    return CertificateReading(not_after=ends, verify_reason=why)


UNREADABLE = CertificateReading(Reason.TLS_FAILED)


def life(
    readings: Iterable[tuple[datetime, CertificateReading]],
    warning_days: int = 30,
    alarm: SslAlarm = UNJUDGED,
) -> list[SslTurn]:
    turns = []
    for now, found in readings:
        alarm, turn = judge(alarm, found, warning_days, now)
        if turn is not None:
            assert turn.after == alarm
            turns.append(turn)
    return turns


def stages(turns: Iterable[SslTurn]) -> list[str]:
    return [f"{t.after.status} {t.after.threshold}".removesuffix(" 0") for t in turns]


@pytest.mark.parametrize(
    ("warning_days", "thresholds"),
    [
        (365, [365, 30, 14, 7, 1]),
        (31, [31, 30, 14, 7, 1]),
        (30, [30, 14, 7, 1]),
        (20, [20, 14, 7, 1]),
        (14, [14, 7, 1]),
        (10, [10, 7, 1]),
        (3, [3, 1]),
        (1, [1]),
    ],
)
@pytest.mark.parametrize("hours", [1, 23, 24])
def test_each_threshold_is_entered_once_and_then_the_end(
    warning_days: int, thresholds: list[int], hours: int
) -> None:
    readings = [(until(n * hours / 24), cert()) for n in range(400 * 24 // hours, -72 // hours, -1)]
    turns = life(readings, warning_days)
    assert stages(turns) == [*(f"expiring {days}" for days in thresholds), "expired"]
    assert [turn.days_left for turn in turns] == [*thresholds, 0]
    assert {turn.opened_seq for turn in turns} == {turns[0].seq}


def test_thresholds_passed_unseen_are_not_made_up_for() -> None:
    assert stages(life([(until(29), cert()), (until(3), cert()), (until(2), cert())])) == [
        "expiring 30",
        "expiring 7",
    ]


@pytest.mark.parametrize("found", [cert(), cert(why=WRONG_HOST), UNREADABLE])
def test_what_is_bad_at_first_sight_is_told_and_what_stays_so_is_not(found: CertificateReading) -> None:
    (turn,) = life([(until(20 - n / 24), found) for n in range(100)])
    assert (turn.before, turn.seq, turn.opened_seq) == (UNJUDGED, turn.at, turn.at)


def test_that_all_is_well_is_no_news_at_first() -> None:
    assert life([(until(90), cert()), (until(80), cert()), (until(85), cert(RENEWED))]) == []


@pytest.mark.parametrize("found", [cert(), cert(why=WRONG_HOST), UNREADABLE])
def test_one_recovery_when_it_is_valid_again(found: CertificateReading) -> None:
    now = until(10)
    turns = life([(now, found), *((now + timedelta(days=n), cert(RENEWED)) for n in (1, 2))])
    assert len(turns) == 2
    assert turns[1].after == VALID
    assert turns[1].opened_seq == turns[0].seq
    assert turns[1].seq > turns[0].seq


def test_after_a_recovery_all_of_it_comes_anew() -> None:
    readings = [(until(3), cert()), (until(2), cert(RENEWED)), (until(3, RENEWED), cert(RENEWED))]
    turns = life(readings)
    assert stages(turns) == ["expiring 7", "valid", "expiring 7"]
    assert turns[2].opened_seq == turns[2].seq


@pytest.mark.parametrize(
    ("days", "stage"), [(10, "expiring 14"), (1, "expiring 1"), (-1, "expired")], ids=["10", "1", "over"]
)
def test_one_that_comes_with_little_time_left_is_told_of_as_new(days: int, stage: str) -> None:
    now, later = until(days), timedelta(hours=1)
    same_stage = [(now, cert()), (now + later, cert(ENDS + timedelta(minutes=5)))]
    turns = life(same_stage)
    assert stages(turns) == [stage, stage]
    assert turns[1].opened_seq == turns[0].seq


def test_a_renewal_that_is_expiring_itself_starts_over_at_its_own_threshold() -> None:
    longer = ENDS + timedelta(days=20)
    readings = [(until(3), cert()), (until(3), cert(longer)), (until(13, longer), cert(longer))]
    assert stages(life(readings)) == ["expiring 7", "expiring 30", "expiring 14"]


def test_another_wrong_one_is_an_error_anew_where_it_ends_later() -> None:
    first, second = cert(why=WRONG_HOST), cert(RENEWED, WRONG_HOST)
    assert stages(life([(until(90), UNREADABLE), (until(89), first), (until(88), second)])) == ["error"] * 2


def test_servers_that_take_turns_are_not_told_of_at_every_turn() -> None:
    older = ENDS - timedelta(days=2)
    readings = [(until(12 - n / 24), cert(ENDS if n % 2 else older)) for n in range(24)]
    assert stages(life(readings)) == ["expiring 14", "expiring 14"]


def test_a_stage_that_comes_back_is_entered_again() -> None:
    readings = [(until(10), cert()), (until(9), UNREADABLE), (until(8), UNREADABLE), (until(7.5), cert())]
    turns = life(readings)
    assert stages(turns) == ["expiring 14", "error", "expiring 7"]
    readings[-1] = (until(7.5), cert(ENDS + timedelta(days=2)))
    assert stages(life(readings)) == ["expiring 14", "error", "expiring 14"]


@pytest.mark.parametrize(
    ("warning_days", "told"), [(365, []), (12, ["expiring 12"]), (10, ["expiring 10"]), (9, ["valid"])]
)
def test_changed_days_of_warning_tell_of_no_threshold_from_before(warning_days: int, told: list[str]) -> None:
    alarm, _ = judge(UNJUDGED, cert(), 30, until(10.5))
    assert stages(life([(until(10), cert())], warning_days, alarm)) == told


def row_of(before: SslAlarm, found: CertificateReading, now: datetime) -> OutboxRow:
    _, turn = judge(before, found, 30, now)
    assert turn is not None
    return ssl_row_of("enam.normal.00001", "mon_1", "team_1", turn)


def test_a_row_says_what_was_entered() -> None:
    now = until(13.5)
    at = int(now.timestamp())
    row = row_of(UNJUDGED, cert(), now)
    assert row == OutboxRow(
        shard="enam.normal.00001",
        monitor_id="mon_1",
        team_id="team_1",
        kind="ssl",
        seq=at,
        opened_seq=at,
        before=None,
        after=DEGRADED,
        slot=at,
        at=at,
        reason=Reason.EXPIRING,
        status_code=13,
        response_ms=0,
    )
    assert row.subject == "ssl#mon_1"


@pytest.mark.parametrize(
    ("alarm", "found", "before", "after", "reason", "days"),
    [
        (VALID, cert(), UP, DEGRADED, Reason.EXPIRING, 5),
        (VALID, UNREADABLE, UP, DOWN, Reason.UNREADABLE, 0),
        (VALID, cert(why=WRONG_HOST), UP, DOWN, Reason.UNREADABLE, 0),
        (SslAlarm("expiring", 14, 7), cert(), DEGRADED, DEGRADED, Reason.EXPIRING, 5),
        (SslAlarm("expiring", 1, 7), cert(until(6)), DEGRADED, DOWN, Reason.EXPIRED, 0),
        (SslAlarm("error", 0, 7), cert(), DOWN, DEGRADED, Reason.EXPIRING, 5),
        (SslAlarm("error", 0, 7), cert(RENEWED), DOWN, UP, Reason.NONE, 0),
        (SslAlarm("expired", 0, 7), cert(RENEWED), DOWN, UP, Reason.NONE, 0),
    ],
)
def test_what_the_stages_mean_to_alerts(
    alarm: SslAlarm, found: CertificateReading, before: Status, after: Status, reason: Reason, days: int
) -> None:
    row = row_of(alarm, found, until(5.5))
    assert (row.before, row.after, row.reason, row.status_code) == (before, after, reason, days)
    assert row.opened_seq == (7 if alarm.opened_seq else row.seq)


FOUND = st.builds(
    CertificateReading,
    st.sampled_from([Reason.NONE, Reason.NONE, Reason.TIMEOUT]),
    st.none() | st.sampled_from([ENDS, ENDS + timedelta(days=3), RENEWED]),
    verify_reason=st.sampled_from([Reason.NONE, Reason.NONE, WRONG_HOST]),
)


@given(
    st.lists(st.tuples(FOUND, st.integers(1, 20 * 86400), st.integers(1, 365)), max_size=30),
)
def test_in_any_life_the_turns_are_a_chain_of_incidents(
    readings: list[tuple[CertificateReading, int, int]],
) -> None:
    alarm, now, last = UNJUDGED, until(100), None
    for found, seconds, warning_days in readings:
        now += timedelta(seconds=seconds)
        before = alarm
        alarm, turn = judge(alarm, found, warning_days, now)
        if before == UNJUDGED and found.fault:
            assert (alarm, turn) == (UNJUDGED, None)
            continue
        assert alarm.status == ssl_status(found, now, warning_days)
        assert (alarm.opened_seq != 0) is (alarm.status != "valid")
        if alarm.status == "expiring":
            assert found.not_after is not None
            assert alarm.threshold >= days_left(found.not_after, now) or before.threshold == alarm.threshold
        if turn is None:
            assert replace(alarm, ends_at=None) == replace(before, ends_at=None) or alarm == VALID
            continue
        assert turn.before == before
        assert last is None or turn.seq > last.seq
        assert turn.opened_seq == (before.opened_seq or turn.seq)
        assert turn.before != turn.after
        last = turn


def test_a_monitors_own_threshold_is_the_first_and_need_not_be_one_of_the_others() -> None:
    assert THRESHOLDS == (30, 14, 7, 1)
    assert stages(life([(until(21), cert())], 21)) == ["expiring 21"]
    assert stages(life([(until(21), cert())], 20)) == []
