"""DNS checks: two pure functions around the exchange (contract, section 4.5)."""

from typing import Any

import pytest

from chalicelib.checkers.dns import Config, judge, parse, plan
from chalicelib.checkers.spec import BadSpec
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.net.exchange import DnsAnswer, DnsExchange

SPEC = {"domain": "example.com", "recordType": "MX", "expectedValue": "mx1.example.com, 20 mx2.example.com"}
CONFIG = parse(SPEC, None)


def test_the_stored_spec_is_the_config() -> None:
    assert parse(SPEC, None) == Config("example.com", "MX", "mx1.example.com, 20 mx2.example.com")
    assert parse({**SPEC, "locationHint": "wnam"}, {}) == CONFIG


def test_nothing_need_be_expected() -> None:
    without = {"domain": "example.com", "recordType": "MX"}
    assert parse(without, None) == parse({**without, "expectedValue": None}, None)
    assert parse(without, None).expected_value is None


def test_the_plan_is_to_ask_for_ten_seconds() -> None:
    assert plan(CONFIG) == DnsExchange("example.com", "MX", 10.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("domain", ""),
        ("domain", "x" * 256),
        ("domain", None),
        ("recordType", "ANY"),
        ("recordType", "mx"),
        ("recordType", None),
        ("recordType", ["MX"]),
        ("expectedValue", "x" * 1025),
        ("expectedValue", 7),
    ],
)
def test_a_bad_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(BadSpec) as caught:
        parse({**SPEC, field: value}, None)
    assert caught.value.fields == (field,)


def answered(*records: str) -> DnsAnswer:
    return DnsAnswer(records=records, code=0, elapsed_ms=12.4, offset_ms=250.0)


def test_what_is_expected_is_up_with_the_value_found() -> None:
    outcome = judge(CONFIG, answered("20 MX2.example.com.", "10 mx1.example.com."))
    found = "10 mx1.example.com, 20 mx2.example.com"
    assert outcome == Outcome(Status.UP, Reason.NONE, 0, 12, 250, None, found)


def test_something_else_is_degraded_with_the_value_found() -> None:
    outcome = judge(CONFIG, answered("10 mx3.example.com."))
    assert outcome == Outcome(Status.DEGRADED, Reason.CHANGED, 0, 12, 250, None, "10 mx3.example.com")


@pytest.mark.parametrize("expected", [None, "", " , "])
def test_anything_is_up_when_nothing_is_expected(expected: str | None) -> None:
    outcome = judge(parse({**SPEC, "expectedValue": expected}, None), answered("10 mx3.example.com."))
    assert (outcome.status, outcome.text) == (Status.UP, "10 mx3.example.com")


@pytest.mark.parametrize("fault", [reason for reason in Reason if 0 < reason < Reason.INTERNAL])
def test_without_records_it_is_down_for_the_reason_and_without_a_value(fault: Reason) -> None:
    outcome = judge(CONFIG, DnsAnswer(fault, elapsed_ms=9.6))
    assert outcome == Outcome(Status.DOWN, fault, 0, 10)
