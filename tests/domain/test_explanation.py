import pytest

from chalicelib.domain.explanation import fault_text
from chalicelib.domain.outcome import Outcome, Reason

from .builders import DOWN, UP

FAULTS = [
    *(reason for reason in Reason if 0 < reason < 64),
    Reason.CHANGED,
    Reason.EXPIRING,
    Reason.EXPIRED,
    Reason.UNREADABLE,
]


@pytest.mark.parametrize("reason", FAULTS)
def test_every_fault_has_its_own_text(reason: Reason) -> None:
    others = {fault_text(Outcome(DOWN, other)) for other in (*FAULTS, Reason.NONE) if other is not reason}
    text = fault_text(Outcome(DOWN, reason))
    assert text
    assert text not in others


@pytest.mark.parametrize("reason", [Reason.NONE, Reason.WRONG_STATUS, Reason.SLOW, Reason.CONTENT])
def test_what_is_no_fault_of_the_exchange_has_a_text_all_the_same(reason: Reason) -> None:
    assert fault_text(Outcome(DOWN, reason)) == "The check failed"


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(UP, status_code=200),
        Outcome(UP),
        Outcome(DOWN, Reason.WRONG_STATUS, 500),
        Outcome(DOWN, Reason.CLOSED, 200),
    ],
)
def test_a_response_needs_no_fault(outcome: Outcome) -> None:
    assert fault_text(outcome) is None
