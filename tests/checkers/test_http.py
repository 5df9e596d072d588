"""HTTP checks: two pure functions around the exchange (contract, section 4.2)."""

from typing import Any

import pytest

from chalicelib.checkers.http import Config, judge, parse, passes_content, plan
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


# --- request headers, bodies, content checks ---


def rules(*given: tuple[str, str]) -> dict[str, Any]:
    return {"contentChecks": [{"type": type, "value": value} for type, value in given]}


def answer_with(body: bytes, status_code: int = 200, elapsed_ms: float = 1.0) -> HttpAnswer:
    return HttpAnswer(Reason.NONE, status_code, elapsed_ms, body=body)


@pytest.mark.parametrize("extras", [None, {}, {"headers": {}, "body": "", "contentChecks": []}])
def test_without_extras_there_are_none(extras: dict[str, Any] | None) -> None:
    assert parse(SPEC, extras) == CONFIG


def test_headers_and_body_are_sent() -> None:
    config = parse({**SPEC, "method": "POST"}, {"headers": {"X-A": "1", "X-B": "2"}, "body": "grüß"})
    planned = plan(config)
    assert (planned.headers, planned.body) == ((("X-A", "1"), ("X-B", "2")), "grüß".encode())
    assert planned.max_body_bytes == 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_only_asks_has_no_body(method: str) -> None:
    assert plan(parse({**SPEC, "method": method}, {"body": "x"})).body is None


def test_secrets_stand_in_no_repr() -> None:
    config = parse({**SPEC, "method": "POST"}, {"headers": {"Authorization": "s3cret"}, "body": "s3cret"})
    assert "s3cret" not in repr(config) + repr(plan(config)) + repr(answer_with(b"s3cret"))


@pytest.mark.parametrize(("method", "sent"), [("HEAD", "GET"), ("GET", "GET"), ("POST", "POST")])
def test_a_body_is_read_for_content_checks_and_head_would_have_none(method: str, sent: str) -> None:
    planned = plan(parse({**SPEC, "method": method}, rules(("contains", "x"))))
    assert (planned.method, planned.max_body_bytes) == (sent, 1 << 20)


def test_content_checks_that_are_switched_off_are_none() -> None:
    off = {"contentChecks": [{"type": "contains", "value": "x", "caseSensitive": False, "isEnabled": False}]}
    config = parse({**SPEC, "method": "HEAD"}, off)
    assert (plan(config).method, plan(config).max_body_bytes) == ("HEAD", 0)
    assert judge(config, answer_with(b"")).status is Status.UP


@pytest.mark.parametrize(
    ("body", "status_code", "elapsed_ms", "status", "reason"),
    [
        (b"in Stock", 200, 1.0, Status.UP, Reason.NONE),
        (b"in Stock", 200, 2000.0, Status.DEGRADED, Reason.SLOW),
        (b"sold out", 200, 1.0, Status.DOWN, Reason.CONTENT),
        (b"sold out", 200, 2000.0, Status.DOWN, Reason.CONTENT),
        (b"in stock, error", 200, 1.0, Status.DOWN, Reason.CONTENT),
        (b"", 200, 1.0, Status.DOWN, Reason.CONTENT),
        (b"sold out", 500, 2000.0, Status.DOWN, Reason.WRONG_STATUS),
        (b"in stock", 500, 2000.0, Status.DOWN, Reason.WRONG_STATUS),
    ],
)
def test_a_status_comes_first_then_content_then_time(
    body: bytes, status_code: int, elapsed_ms: float, status: Status, reason: Reason
) -> None:
    config = parse(SPEC, rules(("contains", "in stock"), ("not_contains", "error")))
    outcome = judge(config, answer_with(body, status_code, elapsed_ms))
    assert (outcome.status, outcome.reason, outcome.status_code) == (status, reason, status_code)
    assert outcome.content_passed is (b"tock" in body and b"error" not in body)


def test_letters_case_matters_on_demand() -> None:
    sensitive = {"contentChecks": [{"type": "regex", "value": "In S\\w+", "caseSensitive": True}]}
    assert judge(parse(SPEC, sensitive), answer_with(b"In Stock")).status is Status.UP
    assert judge(parse(SPEC, sensitive), answer_with(b"in stock")).status is Status.DOWN


def test_content_is_read_by_its_charset() -> None:
    config = parse(SPEC, rules(("contains", "Grüße")))
    answer = HttpAnswer(
        status_code=200, body="grüße".encode("latin-1"), content_type="text/html; charset=latin1"
    )
    assert judge(config, answer).status is Status.UP


@pytest.mark.parametrize(("type", "passes"), [("contains", False), ("regex", False), ("not_contains", True)])
def test_without_a_response_the_body_is_empty(type: str, passes: bool) -> None:
    config = parse(SPEC, rules((type, "x")))
    answer = HttpAnswer(Reason.CLOSED, 200, body=b"x")
    assert passes_content(config, answer) is passes
    outcome = judge(config, answer)
    assert (outcome.reason, outcome.content_passed) == (Reason.CLOSED, passes)
