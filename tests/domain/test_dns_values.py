"""DNS values: normal forms, comparison with what is expected, the reported value (contract, section 4.5)."""

import string
from ipaddress import IPv6Address
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.dns_values import (
    MAX_REPORTED_LENGTH,
    RECORD_TYPES,
    is_expected,
    normal_record,
    report,
)


@pytest.mark.parametrize(
    ("record_type", "text", "normal"),
    [
        ("A", " 192.0.2.1 ", "192.0.2.1"),
        ("A", "192.000.2.1", "192.000.2.1"),
        ("AAAA", "2001:DB8:0:0::0:1", "2001:db8::1"),
        ("AAAA", "nonsense", "nonsense"),
        ("CNAME", "WWW.Example.COM.", "www.example.com"),
        ("CNAME", ".", "."),
        ("NS", "NS1.example.com", "ns1.example.com"),
        ("MX", "010   MX.Example.COM.", "10 mx.example.com"),
        ("MX", "MX.Example.COM.", "mx.example.com"),
        ("MX", "0 .", "0 ."),
        ("TXT", "v=spf1 -All", "v=spf1 -All"),
        ("TXT", '"v=spf1 -All"', "v=spf1 -All"),
        ("TXT", '"v=spf1 "  "-All"', "v=spf1 -All"),
        ("TXT", 'say "yes"', 'say "yes"'),
        ("TXT", '""', ""),
        ("TXT", '"', '"'),
        ("TXT", '"""', '"'),
        ("TXT", '"a"b"', 'a"b'),
        ("TXT", "ends with a dot.", "ends with a dot."),
    ],
)
def test_normal_forms(record_type: str, text: str, normal: str) -> None:
    assert normal_record(record_type, text) == normal


@pytest.mark.parametrize(
    ("record_type", "expected", "records", "is_met"),
    [
        ("A", None, ["192.0.2.1"], True),
        ("A", "", ["192.0.2.1"], True),
        ("A", " , ,", ["192.0.2.1"], True),
        ("A", "192.0.2.1", ["192.0.2.1"], True),
        ("A", "192.0.2.2,, 192.0.2.1 ,", ["192.0.2.1", "192.0.2.2"], True),
        ("A", "192.0.2.1, 192.0.2.1", ["192.0.2.1"], True),
        ("A", "192.0.2.1", ["192.0.2.1", "192.0.2.2"], False),
        ("A", "192.0.2.1, 192.0.2.2", ["192.0.2.1"], False),
        ("A", "192.0.2.3", ["192.0.2.1"], False),
        ("AAAA", "2001:DB8:0::1", ["2001:db8::1"], True),
        ("CNAME", "B.test", ["b.test."], True),
        ("NS", "b.test., A.test", ["a.test", "b.test"], True),
        ("MX", "10 MX1.a.test., 20 mx2.a.test", ["10 mx1.a.test", "20 mx2.a.test."], True),
        ("MX", "20 mx1.a.test", ["10 mx1.a.test"], False),
        ("MX", "mx1.a.test", ["10 mx1.a.test"], True),
        ("MX", "mx1.a.test", ["10 mx1.a.test", "20 mx1.a.test"], True),
        ("MX", "mx1.a.test", ["10 mx1.a.test", "20 mx2.a.test"], False),
        ("MX", "mx1.a.test, 20 mx2.a.test", ["10 mx1.a.test", "20 mx2.a.test"], True),
        ("MX", "mx1.a.test, mx2.a.test", ["10 mx1.a.test"], False),
        ("MX", "10 mx1.a.test", ["10 mx1.a.test", "20 mx1.a.test"], False),
        ("TXT", "a, b", ["a, b"], True),
        ("TXT", '"a, b"', ["a, b"], True),
        ("TXT", "a, b", ["a", "b"], True),
        ("TXT", "b,a", ["a", "b"], True),
        ("TXT", "A", ["a"], False),
        ("TXT", "a, b", ["a, b", "c"], False),
        ("TXT", '""', [""], True),
        ("TXT", "a", ["a", "b"], False),
    ],
)
def test_what_is_expected(record_type: str, expected: str | None, records: list[str], is_met: bool) -> None:
    assert is_expected(record_type, expected, records) is is_met


@pytest.mark.parametrize(
    ("record_type", "records", "text"),
    [
        ("A", ["192.0.2.2", "192.0.2.1"], "192.0.2.1, 192.0.2.2"),
        ("NS", ["B.test.", "a.test", "b.TEST"], "a.test, b.test"),
        ("MX", ["20 b.test.", "10 C.test"], "10 c.test, 20 b.test"),
        ("TXT", ["b, c", '"a"'], "a, b, c"),
        ("A", [], ""),
    ],
)
def test_the_reported_value_is_sorted_and_without_doubles(
    record_type: str, records: list[str], text: str
) -> None:
    assert report(record_type, records) == text


def test_the_reported_value_has_an_end_and_the_comparison_has_none() -> None:
    long = "x" * 60_000
    assert report("TXT", [long]) == "x" * MAX_REPORTED_LENGTH
    assert is_expected("TXT", long, [long])
    assert not is_expected("TXT", long, [long + "y"])


NAMES = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=20).filter(
    lambda text: not text.isdigit()
)
PREFERENCES = st.integers(0, 65535)
RECORDS = {
    "A": st.ip_addresses(v=4).map(str),
    "AAAA": st.ip_addresses(v=6).map(str),
    "CNAME": NAMES,
    "NS": NAMES,
    "MX": st.builds("{} {}".format, PREFERENCES, NAMES),
    # A text with a comma, or an empty one, can only be expected alone.
    "TXT": st.text(st.characters(exclude_characters=",", exclude_categories=["Cs", "Z", "Cc"])).filter(
        lambda text: normal_record("TXT", text)
    ),
}
ANSWERS = st.sampled_from(RECORD_TYPES).flatmap(
    lambda kind: st.tuples(st.just(kind), st.lists(RECORDS[kind], min_size=1, max_size=6))
)


@given(ANSWERS)
def test_a_normal_form_is_its_own(answer: tuple[str, list[str]]) -> None:
    kind, records = answer
    for record in records:
        normal = normal_record(kind, record)
        assert normal_record(kind, normal) == normal


@given(ANSWERS, st.randoms())
def test_what_was_reported_is_what_is_expected_in_any_order(
    answer: tuple[str, list[str]], random: Random
) -> None:
    kind, records = answer
    expected = report(kind, records)
    random.shuffle(records)
    assert is_expected(kind, expected, records)
    assert report(kind, records) == expected


@given(ANSWERS)
def test_a_record_more_or_less_is_a_change(answer: tuple[str, list[str]]) -> None:
    kind, records = answer
    more = {"A": "203.0.113.255", "AAAA": "2001:db8:ffff::", "MX": "7 added.test", "TXT": "added text"}
    added = [*records, more.get(kind, "added.test")]
    if report(kind, added) == report(kind, records):
        return
    assert not is_expected(kind, ",".join(records) or ".", added)
    assert not is_expected(kind, ",".join(added), records)


@given(st.sampled_from(RECORD_TYPES), st.text(max_size=80), st.lists(st.text(max_size=20), max_size=5))
def test_nothing_that_is_expected_or_found_can_break_the_comparison(
    kind: str, expected: str, records: list[str]
) -> None:
    assert is_expected(kind, expected, records) in (True, False)
    assert len(report(kind, records)) <= MAX_REPORTED_LENGTH


@given(st.ip_addresses(v=6), st.sampled_from(["exploded", "compressed"]))
def test_every_spelling_of_an_address_is_the_same(address: IPv6Address, spelling: str) -> None:
    assert is_expected("AAAA", getattr(address, spelling).upper(), [str(address)])
