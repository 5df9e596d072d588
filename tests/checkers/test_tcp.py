"""TCP checks: two pure functions around the exchange (contract, section 4.6)."""

from typing import Any

import pytest

from chalicelib.checkers.spec import BadSpec
from chalicelib.checkers.tcp import Config, judge, parse, plan
from chalicelib.domain.outcome import Outcome, Phases, Reason, Status
from chalicelib.net.exchange import TcpAnswer, TcpExchange

SPEC = {"host": "db.example.com", "port": 5432, "timeoutMs": 2500}
CONFIG = parse(SPEC, None)


def test_the_stored_spec_is_the_config() -> None:
    assert parse(SPEC, None) == Config("db.example.com", 5432, 2500)
    assert parse({**SPEC, "locationHint": "wnam"}, {}) == CONFIG


def test_the_plan_is_to_connect_within_the_timeout() -> None:
    assert plan(CONFIG) == TcpExchange("db.example.com", 5432, 2.5)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", ""),
        ("host", "x" * 256),
        ("host", None),
        ("host", 7),
        ("port", 0),
        ("port", 65536),
        ("port", "80"),
        ("port", 80.0),
        ("port", True),
        ("timeoutMs", 99),
        ("timeoutMs", 60_001),
        ("timeoutMs", None),
    ],
)
def test_a_bad_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(BadSpec) as caught:
        parse({**SPEC, field: value}, None)
    assert caught.value.fields == (field,)


@pytest.mark.parametrize(
    "spec",
    [{"host": "x", "port": 1, "timeoutMs": 100}, {"host": "x" * 255, "port": 65535, "timeoutMs": 60_000}],
)
def test_the_bounds_are_within(spec: dict[str, Any]) -> None:
    assert parse(spec, None).port == spec["port"]


def test_an_accepted_connection_is_up_with_its_time() -> None:
    answer = TcpAnswer(elapsed_ms=12.4, offset_ms=250.0, phases=Phases(3, 12), remote_address="192.0.2.1")
    assert judge(CONFIG, answer) == Outcome(Status.UP, Reason.NONE, 0, 12, 250, Phases(3, 12))


@pytest.mark.parametrize("fault", [reason for reason in Reason if 0 < reason < Reason.INTERNAL])
def test_without_a_connection_it_is_down_for_the_reason(fault: Reason) -> None:
    """A timeout too: the contract's status for it is made of the reason."""
    assert judge(CONFIG, TcpAnswer(fault, 2500.2)) == Outcome(Status.DOWN, fault, 0, 2500, 0, Phases())
