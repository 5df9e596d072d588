"""Outcomes on their way from one function to another."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.outcome_json import outcome_from_json, outcome_to_json

OUTCOMES = st.builds(
    Outcome,
    status=st.sampled_from(Status),
    reason=st.sampled_from(Reason),
    status_code=st.integers(0, 999),
    response_ms=st.integers(0, 10**6),
    text=st.text(),
    content_passed=st.booleans(),
)


@given(OUTCOMES)
def test_what_arrives_is_what_was_sent(outcome: Outcome) -> None:
    arrived = outcome_from_json(json.loads(json.dumps(outcome_to_json(outcome))))
    assert arrived == outcome
    assert (type(arrived.status), type(arrived.reason)) == (Status, Reason)


def test_when_it_began_and_its_phases_stay_behind() -> None:
    sent = Outcome(Status.UP, status_code=200, response_ms=5, offset_ms=250)
    assert outcome_from_json(outcome_to_json(sent)) == Outcome(Status.UP, status_code=200, response_ms=5)


@pytest.mark.parametrize("change", [{"status": 9}, {"reason": 999}], ids=str)
def test_an_unknown_code_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        outcome_from_json({**outcome_to_json(Outcome(Status.UP)), **change})
