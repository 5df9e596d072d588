from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.certificate import CertificateReading, SslStatus
from chalicelib.domain.outcome import Reason
from chalicelib.domain.ssl_alarm import UNJUDGED, VALID, SslAlarm
from chalicelib.domain.ssl_layout import MAX_ISSUER_LENGTH, decode_ssl_readings, encode_ssl_readings
from chalicelib.domain.ssl_readings import SslReading

from .test_ssl_readings import AT, ENDS, kept

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
STAGES = st.sampled_from([(status, 0) for status in get_args(SslStatus) if status != "expiring"]) | st.tuples(
    st.just("expiring"), st.integers(1, 365)
)
ENDS_AT = st.none() | INSTANTS.map(lambda at: int(at.timestamp()))
ALARMS = st.builds(lambda stage, *rest: SslAlarm(*stage, *rest), STAGES, SECONDS, ENDS_AT)
READINGS = st.builds(
    SslReading,
    st.binary(min_size=4, max_size=4),
    FOUND,
    SECONDS,
    SECONDS,
    st.sampled_from([UNJUDGED, VALID]) | ALARMS,
)


@given(st.dictionaries(st.integers(1, 1000), READINGS, max_size=40))
def test_what_is_packed_is_unpacked(readings: dict[int, SslReading]) -> None:
    assert decode_ssl_readings(encode_ssl_readings(readings)) == readings


def test_a_full_shard_is_small() -> None:
    issuers = ["R10", "R11", "E5", "E6", "WE1", "Amazon RSA 2048 M03", "DigiCert Global G2 TLS RSA SHA256"]
    readings = {
        p: replace(kept(CertificateReading(not_after=ENDS, issuer=issuers[p % 7])), alarm=VALID)
        for p in range(1, 201)
    }
    assert len(encode_ssl_readings(readings)) <= 4500
    alarmed = {p: replace(reading, alarm=SslAlarm("error", 0, AT, AT)) for p, reading in readings.items()}
    assert len(encode_ssl_readings(alarmed)) <= 6750


WRITTEN_BEFORE_ALARMS = bytes.fromhex(
    "01 01 06"
    "61626364 00 00 80d2c36900 c0f5a369 fcf5a369 0000"
    "65666768 08 00 0000000080 00000000 01000000 0100"
    "0300 523131 0000"
)


def test_what_was_kept_before_there_were_alarms_is_read_and_unjudged() -> None:
    ends = datetime.fromtimestamp(0x69C3D280, UTC)
    assert decode_ssl_readings(WRITTEN_BEFORE_ALARMS) == {
        1: SslReading(b"abcd", CertificateReading(not_after=ends, issuer="R11"), 0x69A3F5C0, 0x69A3F5FC),
        2: SslReading(b"efgh", CertificateReading(Reason.TLS_FAILED), 0, 1),
    }


def test_issuers_of_any_length_are_cut_and_odd_ones_kept_readable() -> None:
    names = {1: "x" * 255, 2: "\N{REPLACEMENT CHARACTER}" * 64, 3: "\udc80"}
    readings = {p: kept(CertificateReading(not_after=ENDS, issuer=name)) for p, name in names.items()}
    read = decode_ssl_readings(encode_ssl_readings(readings))
    assert [reading.found.issuer for reading in read.values()] == ["x" * 64, names[2], "?"]
