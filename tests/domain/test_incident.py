import pytest

from chalicelib.domain.incident import OutboxRow, incident_of, outbox_row_of
from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.state import Entry, Observed, Transition

from .builders import DEGRADED, DOWN, SLOT, UP, instant, member, outcome

ENTRY_UP = Entry(UP, SLOT - 600, SLOT, seq=4)
ENTRY_OPEN = Entry(DEGRADED, SLOT - 600, SLOT, seq=5, opened_seq=5)


def transition(before: Entry | None, status: Status, seq: int, opened_seq: int) -> Transition:
    entry = Entry(status, SLOT + 62, SLOT + 60, seq, opened_seq, 120)
    return Transition(member(7), before, entry, Observed(SLOT + 60, outcome(status), instant(SLOT + 62)))


@pytest.mark.parametrize(("before", "seq"), [(None, 1), (ENTRY_UP, 5)])
def test_a_fault_opens_an_incident_known_by_its_transition(before: Entry | None, seq: int) -> None:
    change = incident_of(transition(before, DOWN, seq, seq))
    assert (change.monitor_id, change.team_id) == (member(7).monitor_id, "team_1")
    assert (change.opened_seq, change.is_opening, change.is_resolving) == (seq, True, False)
    assert (change.status, change.reason, change.status_code) == (DOWN, Reason.REFUSED, 0)
    assert change.at == SLOT + 62


def test_another_unhealthy_status_stays_in_the_incident() -> None:
    change = incident_of(transition(ENTRY_OPEN, DOWN, 6, 5))
    assert (change.opened_seq, change.is_opening, change.is_resolving) == (5, False, False)
    assert change.status is DOWN


def test_a_recovery_resolves_the_incident_at_the_check() -> None:
    change = incident_of(transition(ENTRY_OPEN, UP, 6, 0))
    assert (change.opened_seq, change.is_opening, change.is_resolving) == (5, False, True)
    assert change.at == SLOT + 62


def test_the_outbox_row_says_what_delivery_needs() -> None:
    assert outbox_row_of("enam.normal.00001", transition(ENTRY_OPEN, DOWN, 6, 5)) == OutboxRow(
        shard="enam.normal.00001",
        monitor_id=member(7).monitor_id,
        team_id="team_1",
        kind="http",
        seq=6,
        opened_seq=5,
        before=DEGRADED,
        after=DOWN,
        slot=SLOT + 60,
        at=SLOT + 62,
        reason=Reason.REFUSED,
        status_code=0,
        response_ms=120,
    )


def test_the_row_of_a_recovery_names_the_incident_that_ends() -> None:
    row = outbox_row_of("enam.normal.00001", transition(ENTRY_OPEN, UP, 6, 0))
    assert (row.opened_seq, row.after) == (5, UP)


def test_the_row_of_a_first_fault_has_nothing_before() -> None:
    assert outbox_row_of("enam.normal.00001", transition(None, DOWN, 1, 1)).before is None
