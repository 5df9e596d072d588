from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.certificate import CertificateReading, SslStatus
from chalicelib.domain.outcome import Reason
from chalicelib.domain.ssl_alarm import UNJUDGED, VALID, SslTurn, judge
from chalicelib.domain.ssl_readings import (
    GONE_SECONDS,
    MOST_PER_RUN,
    MOST_TURNS,
    RENEWAL_SECONDS,
    RETRY_SECONDS,
    SPREAD_SECONDS,
    SSL_UNKNOWN,
    CertificateTarget,
    Merged,
    Ssl,
    SslReading,
    certificate_target,
    choose_due,
    merge,
    shown,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
HERE, THERE = CertificateTarget("e.com", 443), CertificateTarget("e.com", 8443)
ENDS = NOW + timedelta(days=90)
GOOD = CertificateReading(not_after=ENDS, issuer="R11")
BAD = CertificateReading(not_after=ENDS, issuer="R11", verify_reason=Reason.TLS_WRONG_HOST)
EXPIRED = CertificateReading(not_after=NOW - timedelta(days=2), issuer="R11")
TROUBLE = CertificateReading(Reason.TIMEOUT)
NO_TLS = CertificateReading(Reason.TLS_FAILED)
SPEC = {"url": "https://e.com/x", "sslMonitoringEnabled": True, "sslExpiryWarningDays": 30}


def kept(
    found: CertificateReading = GOOD, at: int = AT, tried: int | None = None, of: CertificateTarget = HERE
) -> SslReading:
    return SslReading(of.digest, found, at, at if tried is None else tried)


def merged(
    readings: Mapping[int, SslReading],
    targets: Mapping[int, CertificateTarget],
    found: Mapping[int, CertificateReading],
    now: datetime,
) -> dict[int, SslReading]:
    """What is kept, whatever that means to its alarm."""
    kept = merge(readings, targets, found, dict.fromkeys(found, 30), {*readings, *targets}, now).readings
    return {position: replace(reading, alarm=UNJUDGED) for position, reading in kept.items()}


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("spec", "target"),
    [
        (SPEC, HERE),
        ({**SPEC, "url": "HTTPS://E.com:8443"}, THERE),
        ({**SPEC, "url": "https://[::1]/"}, ("::1", 443)),
        ({**SPEC, "url": "http://e.com/"}, None),
        ({**SPEC, "url": "https://127.1/"}, None),
        ({**SPEC, "sslMonitoringEnabled": False}, None),
        ({"url": "https://e.com/"}, None),
        ({"host": "e.com", "port": 443}, None),
    ],
)
def test_whose_certificate_is_read(spec: dict[str, object], target: tuple[str, int] | None) -> None:
    assert certificate_target(spec) == target


def test_another_port_is_another_target() -> None:
    assert HERE.digest != THERE.digest


@pytest.mark.parametrize(
    ("reading", "least", "most"),
    [
        (kept(), RENEWAL_SECONDS, RENEWAL_SECONDS + SPREAD_SECONDS),
        (kept(BAD), RETRY_SECONDS, RETRY_SECONDS),
        (kept(EXPIRED), RETRY_SECONDS, RETRY_SECONDS),
        (kept(TROUBLE), RETRY_SECONDS, RETRY_SECONDS),
        (kept(NO_TLS), RETRY_SECONDS, RETRY_SECONDS),
        (kept(GOOD, AT - 5 * 3600, tried=AT), RETRY_SECONDS, RETRY_SECONDS),
    ],
    ids=["good", "wrong host", "expired", "trouble", "no TLS", "good before the trouble"],
)
def test_when_a_reading_is_due_again(reading: SslReading, least: int, most: int) -> None:
    for position in range(1, 201):
        assert choose_due({position: reading}, {position: HERE}, later(least - 1)) == []
        assert choose_due({position: reading}, {position: HERE}, later(most)) == [position]


def test_a_certificate_that_ends_is_read_again_at_once() -> None:
    reading = kept(CertificateReading(not_after=later(2 * RETRY_SECONDS)))
    assert choose_due({1: reading}, {1: HERE}, later(2 * RETRY_SECONDS)) == []
    assert choose_due({1: reading}, {1: HERE}, later(2 * RETRY_SECONDS + 1)) == [1]


def test_nothing_yet_and_another_target_are_due() -> None:
    assert choose_due({}, {}, NOW) == []
    assert choose_due({2: kept()}, {1: HERE, 2: THERE, 3: HERE}, NOW) == [1, 2, 3]


def test_the_readings_of_a_full_shard_are_renewed_daily_a_few_runs_at_a_time() -> None:
    targets = dict.fromkeys(range(1, 201), HERE)
    readings: dict[int, SslReading] = {}
    writes: list[int] = []
    for minute in range(4 * 24 * 60):
        now = later(60 * minute)
        if due := choose_due(readings, targets, now):
            writes.append(minute)
            assert len(due) <= MOST_PER_RUN
            readings = merged(readings, targets, dict.fromkeys(due, GOOD), now)
        if minute > 10:
            assert int(now.timestamp()) - min(r.tried_at for r in readings.values()) <= 24 * 3600
    assert writes[:7] == list(range(7))
    assert len(readings) == 200
    # Each write is paid for by its size.
    assert len([minute for minute in writes if minute >= 1440]) <= 3 * 12


def test_one_bad_certificate_among_many_is_looked_at_hourly() -> None:
    targets = dict.fromkeys(range(1, 51), HERE)
    readings = merged({}, targets, {**dict.fromkeys(targets, GOOD), 7: BAD}, NOW)
    asked: list[tuple[int, list[int]]] = []
    for minute in range(12 * 60):
        if due := choose_due(readings, targets, later(60 * minute)):
            asked.append((minute, due))
            readings = merged(readings, targets, dict.fromkeys(due, BAD), later(60 * minute))
    assert asked == [(60 * hour, [7]) for hour in range(1, 12)]


def test_what_is_not_wanted_any_more_drops_out() -> None:
    readings = {1: kept(), 2: kept(), 3: kept()}
    assert merged(readings, {1: HERE, 2: THERE}, {}, NOW) == {1: kept()}
    assert merged(readings, {1: HERE, 4: HERE}, {4: BAD}, NOW) == {1: kept(), 4: kept(BAD)}
    assert merged(readings, {1: HERE}, {5: GOOD}, NOW) == {1: kept()}


@pytest.mark.parametrize("hours", [1, 20, 47])
def test_a_target_in_trouble_keeps_what_was_found_and_when(hours: int) -> None:
    now = later(hours * 3600)
    found = merged({1: kept()}, {1: HERE}, {1: TROUBLE}, now)
    assert found == {1: kept(GOOD, AT, tried=int(now.timestamp()))}
    assert shown(SPEC, found[1], now) == Ssl("valid", ENDS, "R11", NOW)


def test_after_two_days_of_trouble_it_is_an_error() -> None:
    now = later(48 * 3600)
    found = merged({1: kept(GOOD, AT, tried=AT + 47 * 3600)}, {1: HERE}, {1: TROUBLE}, now)
    assert found == {1: kept(TROUBLE, int(now.timestamp()))}
    assert shown(SPEC, found[1], now) == Ssl("error", None, None, now)


@pytest.mark.parametrize(
    ("before", "after"),
    [(kept(), NO_TLS), (kept(NO_TLS), TROUBLE), (kept(of=THERE), TROUBLE), (None, TROUBLE), (kept(), BAD)],
)
def test_anything_else_is_believed_at_once(before: SslReading | None, after: CertificateReading) -> None:
    readings = {} if before is None else {1: before}
    assert merged(readings, {1: HERE}, {1: after}, later(60)) == {1: kept(after, AT + 60)}


@pytest.mark.parametrize("fault", [r for r in Reason if r not in (Reason.NONE, Reason.INTERNAL)])
def test_only_what_says_nothing_of_a_certificate_is_trouble(fault: Reason) -> None:
    found = merged({1: kept()}, {1: HERE}, {1: CertificateReading(fault)}, later(60))
    is_trouble = fault.name in {
        "TIMEOUT",
        "NAME_NOT_FOUND",
        "NAME_FAILED",
        "REFUSED",
        "UNREACHABLE",
        "CLOSED",
    }
    assert (found[1].found == GOOD) is is_trouble


@pytest.mark.parametrize(
    ("days", "status"), [(0, "valid"), (59, "valid"), (60, "expiring"), (90, "expiring"), (91, "expired")]
)
def test_expiry_comes_with_time(days: int, status: SslStatus) -> None:
    assert shown(SPEC, kept(), NOW + timedelta(days=days)) == Ssl(status, ENDS, "R11", NOW)


@pytest.mark.parametrize(
    ("spec", "reading"),
    [
        (SPEC, None),
        (SPEC, kept(of=THERE)),
        ({**SPEC, "sslMonitoringEnabled": False}, kept()),
        ({**SPEC, "url": "http://e.com/x"}, kept()),
    ],
)
def test_without_a_reading_of_this_target_nothing_is_shown(
    spec: dict[str, object], reading: SslReading | None
) -> None:
    assert shown(spec, reading, NOW) == SSL_UNKNOWN == Ssl("unknown", None, None, None)


ENDING = CertificateReading(not_after=NOW + timedelta(days=10, hours=1))


def merge_one(
    before: SslReading | None, found: CertificateReading, now: datetime = NOW, of: CertificateTarget = HERE
) -> tuple[SslReading, SslTurn | None]:
    result = merge({} if before is None else {1: before}, {1: of}, {1: found}, {1: 30}, {1}, now)
    return result.readings[1], result.turns.get(1)


def test_a_first_reading_that_is_bad_is_told_and_a_good_one_is_not() -> None:
    reading, turn = merge_one(None, ENDING)
    assert turn is not None
    assert (turn.before, turn.after) == (UNJUDGED, reading.alarm)
    assert reading.alarm == judge(UNJUDGED, ENDING, 30, NOW)[0]
    assert merge_one(None, GOOD) == (replace(kept(), alarm=VALID), None)


def test_a_reading_from_before_there_were_alarms_is_as_none() -> None:
    for found in (GOOD, ENDING, EXPIRED, BAD):
        assert merge_one(kept(found), found, later(60))[1] == merge_one(None, found, later(60))[1]


@pytest.mark.parametrize("found", [GOOD, ENDING])
def test_another_target_starts_over(found: CertificateReading) -> None:
    before, turn = merge_one(None, EXPIRED)
    assert turn is not None
    assert merge_one(before, found, later(60), of=THERE) == merge_one(None, found, later(60), of=THERE)


def test_what_dropped_out_starts_over() -> None:
    before, _ = merge_one(None, ENDING)
    gone = merge({1: before, 2: kept()}, {2: HERE}, {2: GOOD}, {2: 30}, {1, 2}, later(60))
    assert list(gone.readings) == [2]
    assert merge_one(gone.readings.get(1), GOOD, later(120))[1] is None


def test_who_is_not_looked_at_keeps_its_alarm_and_enters_nothing() -> None:
    before, _ = merge_one(None, ENDING)
    result = merge({1: before}, {1: HERE, 2: THERE}, {2: GOOD}, {2: 30}, {1, 2}, NOW + timedelta(days=5))
    assert result.readings[1] is before
    assert result.turns == {}


def test_trouble_tells_nothing_while_the_dates_that_are_known_go_on() -> None:
    ends = CertificateReading(not_after=later(25 * 3600))
    before, turn = merge_one(None, ends)
    assert turn is not None
    assert turn.after.threshold == 1
    in_trouble, turn = merge_one(before, TROUBLE, later(3600))
    assert (in_trouble.alarm, turn) == (before.alarm, None)
    past_its_end, turn = merge_one(in_trouble, TROUBLE, later(26 * 3600))
    assert turn is not None
    assert (turn.after.status, past_its_end.found) == ("expired", ends)
    unknown, turn = merge_one(past_its_end, TROUBLE, later(48 * 3600))
    assert turn is not None
    assert (turn.after.status, unknown.found) == ("error", TROUBLE)
    assert unknown.alarm.opened_seq == before.alarm.opened_seq


def test_a_reading_of_the_same_second_or_an_older_one_changes_nothing() -> None:
    before, _ = merge_one(None, ENDING)
    for now in (NOW, later(-60)):
        assert merge_one(before, EXPIRED, now) == (before, None)


def test_more_turns_than_a_save_takes_are_left_to_the_next_run() -> None:
    order = range(1, MOST_TURNS + 12)
    targets, warnings = dict.fromkeys(order, HERE), dict.fromkeys(order, 30)
    readings = dict.fromkeys(range(1, MOST_TURNS + 6), kept())
    told: list[int] = []
    for minute in range(3):
        now = later(60 + 60 * minute)
        due = order if minute == 0 else [p for p in order if p not in told]
        result = merge(readings, targets, dict.fromkeys(due, EXPIRED), warnings, order, now)
        if minute == 0:
            assert len(result.turns) == MOST_TURNS
            assert result.readings[MOST_TURNS + 1] == kept()
            assert MOST_TURNS + 6 not in result.readings
        told += result.turns
        readings = dict(result.readings)
    assert told == list(order)
    assert merge(readings, targets, {}, {}, order, later(600)) == Merged(readings, {})


def test_a_position_without_a_member_is_kept_for_two_days() -> None:
    """It may have moved, or be newer than what this run knows of."""
    readings = {1: kept(), 2: kept(ENDING)}
    for seconds, positions in ((60, [1, 2]), (GONE_SECONDS - 1, [1, 2]), (GONE_SECONDS, [1])):
        result = merge(readings, {1: HERE}, {1: GOOD}, {1: 30}, {1}, later(seconds))
        assert sorted(result.readings) == positions
        assert result.readings.get(2, readings[2]) is readings[2]
