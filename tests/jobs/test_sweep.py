"""The sweep's handler, with the events that EventBridge sends."""

from chalicelib import wiring
from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.outcome import Reason, Status
from chalicelib.jobs.sweep import run, sweep
from tests.fakes import FakeDeps
from tests.jobs.test_tick import SHARD, scheduled_event, with_a_shard


def with_a_row() -> FakeDeps:
    deps = with_a_shard()
    row = OutboxRow(SHARD, "mon_1", "team_1", "http", 1, 1, None, Status.DOWN, 0, 0, Reason.REFUSED, 0, 12)
    deps.store.write(("outbox", ("mon_1", 1), row))
    return deps


def test_what_is_due_is_handed_on_however_late_the_event_is() -> None:
    deps = with_a_row()
    with wiring.override(deps):
        sweep(scheduled_event("2020-01-01T00:00:00Z"), None)
    assert deps.deliveries.shards == [SHARD]


def test_run_answers_how_many_shards_have_something_due() -> None:
    assert run(with_a_row()) == 1
    assert run(FakeDeps()) == 0
