"""HTTP checks: two pure functions around the exchange (contract, section 4.2)."""

import pytest

from chalicelib.checkers.http import Config, judge, parse, plan
from chalicelib.domain.outcome import Outcome, Phases, Reason, Status
from chalicelib.net.exchange import HttpAnswer, HttpExchange

SPEC = {
    "url": "https://example.com/",
    "method": "GET",
    "expectedStatus": 200,
    "degradedAfterMs": 1000,
    "timeoutSeconds": 7,
}
CONFIG = parse(SPEC, None)


def test_the_stored_spec_is_the_config() -> None:
    assert parse(SPEC, None) == Config("https://example.com/", "GET", 200, 1000, 7)


def test_fields_of_the_spec_that_a_check_does_not_need_are_ignored() -> None:
    assert parse({**SPEC, "locationHint": "wnam", "sslMonitoringEnabled": True}, None) == CONFIG


def test_the_plan_asks_for_the_url_with_the_method_and_the_timeout() -> None:
    assert plan(CONFIG) == HttpExchange(
        url="https://example.com/", method="GET", timeout_seconds=7, follow_redirects=True
    )


@pytest.mark.parametrize(
    ("expected", "follows"), [(200, True), (299, True), (300, False), (301, False), (399, False), (400, True)]
)
def test_redirects_are_followed_unless_one_is_expected(expected: int, follows: bool) -> None:
    assert plan(parse({**SPEC, "expectedStatus": expected}, None)).follow_redirects is follows


@pytest.mark.parametrize(
    ("status_code", "elapsed_ms", "status", "reason"),
    [
        (200, 0.0, Status.UP, Reason.NONE),
        (200, 1000.0, Status.UP, Reason.NONE),
        (200, 1000.4, Status.UP, Reason.NONE),
        (200, 1000.6, Status.DEGRADED, Reason.SLOW),
        (200, 1001.0, Status.DEGRADED, Reason.SLOW),
        (201, 10.0, Status.DOWN, Reason.WRONG_STATUS),
        (500, 10.0, Status.DOWN, Reason.WRONG_STATUS),
        (301, 10.0, Status.DOWN, Reason.WRONG_STATUS),
        (404, 5000.0, Status.DOWN, Reason.WRONG_STATUS),
    ],
)
def test_a_response_is_judged_by_its_status_then_by_its_time_strictly_above(
    status_code: int, elapsed_ms: float, status: Status, reason: Reason
) -> None:
    outcome = judge(CONFIG, HttpAnswer(Reason.NONE, status_code, elapsed_ms))
    assert (outcome.status, outcome.reason) == (status, reason)
    assert (outcome.status_code, outcome.response_ms) == (status_code, round(elapsed_ms))


@pytest.mark.parametrize("fault", [reason for reason in Reason if 0 < reason < Reason.INTERNAL])
def test_without_a_response_it_is_down_with_code_0_and_the_elapsed_time(fault: Reason) -> None:
    outcome = judge(CONFIG, HttpAnswer(fault, 200, 7000.2, offset_ms=250.0, phases=Phases(1, 2, 3, 4)))
    assert outcome == Outcome(Status.DOWN, fault, 0, 7000, 250, Phases(1, 2, 3, 4))
