from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.certificate import CertificateReading, SslStatus
from chalicelib.domain.outcome import Reason
from chalicelib.domain.ssl_readings import (
    MAX_ISSUER_LENGTH,
    MOST_PER_RUN,
    RENEWAL_SECONDS,
    RETRY_SECONDS,
    SPREAD_SECONDS,
    SSL_UNKNOWN,
    CertificateTarget,
    Ssl,
    SslReading,
    certificate_target,
    choose_due,
    decode_ssl_readings,
    encode_ssl_readings,
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
            readings = merge(readings, targets, dict.fromkeys(due, GOOD), now)
        if minute > 10:
            assert int(now.timestamp()) - min(r.tried_at for r in readings.values()) <= 24 * 3600
    assert writes[:7] == list(range(7))
    assert len(readings) == 200
    # Each write is paid for by its size.
    assert len([minute for minute in writes if minute >= 1440]) <= 3 * 12


def test_one_bad_certificate_among_many_is_looked_at_hourly() -> None:
    targets = dict.fromkeys(range(1, 51), HERE)
    readings = merge({}, targets, {**dict.fromkeys(targets, GOOD), 7: BAD}, NOW)
    asked: list[tuple[int, list[int]]] = []
    for minute in range(12 * 60):
        if due := choose_due(readings, targets, later(60 * minute)):
            asked.append((minute, due))
            readings = merge(readings, targets, dict.fromkeys(due, BAD), later(60 * minute))
    assert asked == [(60 * hour, [7]) for hour in range(1, 12)]


def test_what_is_not_wanted_any_more_drops_out() -> None:
    readings = {1: kept(), 2: kept(), 3: kept()}
    assert merge(readings, {1: HERE, 2: THERE}, {}, NOW) == {1: kept()}
    assert merge(readings, {1: HERE, 4: HERE}, {4: BAD}, NOW) == {1: kept(), 4: kept(BAD)}
    assert merge(readings, {1: HERE}, {5: GOOD}, NOW) == {1: kept()}


@pytest.mark.parametrize("hours", [1, 20, 47])
def test_a_target_in_trouble_keeps_what_was_found_and_when(hours: int) -> None:
    now = later(hours * 3600)
    merged = merge({1: kept()}, {1: HERE}, {1: TROUBLE}, now)
    assert merged == {1: kept(GOOD, AT, tried=int(now.timestamp()))}
    assert shown(SPEC, merged[1], now) == Ssl("valid", ENDS, "R11", NOW)


def test_after_two_days_of_trouble_it_is_an_error() -> None:
    now = later(48 * 3600)
    merged = merge({1: kept(GOOD, AT, tried=AT + 47 * 3600)}, {1: HERE}, {1: TROUBLE}, now)
    assert merged == {1: kept(TROUBLE, int(now.timestamp()))}
    assert shown(SPEC, merged[1], now) == Ssl("error", None, None, now)


@pytest.mark.parametrize(
    ("before", "after"),
    [(kept(), NO_TLS), (kept(NO_TLS), TROUBLE), (kept(of=THERE), TROUBLE), (None, TROUBLE), (kept(), BAD)],
)
def test_anything_else_is_believed_at_once(before: SslReading | None, after: CertificateReading) -> None:
    readings = {} if before is None else {1: before}
    assert merge(readings, {1: HERE}, {1: after}, later(60)) == {1: kept(after, AT + 60)}


@pytest.mark.parametrize("fault", [r for r in Reason if r not in (Reason.NONE, Reason.INTERNAL)])
def test_only_what_says_nothing_of_a_certificate_is_trouble(fault: Reason) -> None:
    merged = merge({1: kept()}, {1: HERE}, {1: CertificateReading(fault)}, later(60))
    is_trouble = fault.name in {
        "TIMEOUT",
        "NAME_NOT_FOUND",
        "NAME_FAILED",
        "REFUSED",
        "UNREACHABLE",
        "CLOSED",
    }
    assert (merged[1].found == GOOD) is is_trouble


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


INSTANTS = st.integers(-(2**31), 253_402_300_799).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
"""Up to the end of the year 9999."""
FOUND = st.builds(
    CertificateReading,
    st.sampled_from(Reason),
    st.none() | INSTANTS,
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=MAX_ISSUER_LENGTH),
    st.sampled_from(Reason),
)
SECONDS = st.integers(0, 2**32 - 1)
READINGS = st.builds(SslReading, st.binary(min_size=4, max_size=4), FOUND, SECONDS, SECONDS)


@given(st.dictionaries(st.integers(1, 1000), READINGS, max_size=40))
def test_what_is_packed_is_unpacked(readings: dict[int, SslReading]) -> None:
    assert decode_ssl_readings(encode_ssl_readings(readings)) == readings


def test_a_full_shard_is_small() -> None:
    issuers = ["R10", "R11", "E5", "E6", "WE1", "Amazon RSA 2048 M03", "DigiCert Global G2 TLS RSA SHA256"]
    readings = {
        p: kept(CertificateReading(not_after=ENDS, issuer=issuers[p % len(issuers)])) for p in range(1, 201)
    }
    assert len(encode_ssl_readings(readings)) <= 4500


def test_issuers_of_any_length_are_cut_and_odd_ones_kept_readable() -> None:
    names = {1: "x" * 255, 2: "\N{REPLACEMENT CHARACTER}" * 64, 3: "\udc80"}
    readings = {p: kept(CertificateReading(not_after=ENDS, issuer=name)) for p, name in names.items()}
    read = decode_ssl_readings(encode_ssl_readings(readings))
    assert [reading.found.issuer for reading in read.values()] == ["x" * 64, names[2], "?"]
