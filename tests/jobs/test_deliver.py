"""The delivery's handler, with the events that SQS sends: each message by itself."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain.delivery import DeliveryJob, encode_delivery
from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.job import UnknownJob
from chalicelib.jobs.deliver import deliver, run
from tests.fakes import FakeDeps
from tests.jobs.test_probe import sqs_event

SHARDS = [f"enam.normal.{number:05d}" for number in range(4)]
BODIES = [encode_delivery(DeliveryJob(shard)) for shard in SHARDS]


class ScriptedOutbox:
    """Satisfies `Outbox`: has nothing to tell in any shard, and notes which it was asked for."""

    def __init__(self, on_look: Callable[[str], object] = lambda shard: None) -> None:
        self.on_look = on_look
        self.looked: list[str] = []

    def of_shard(self, shard: str, limit: int, after: OutboxRow | None = None) -> list[OutboxRow]:
        self.looked.append(shard)
        self.on_look(shard)
        return []

    def remove(self, rows: Iterable[OutboxRow]) -> None:
        raise AssertionError("there is nothing to remove")

    def is_anything_due(self, shard: str, now: datetime) -> bool:
        raise AssertionError("for the sweep to ask")


def handle(outbox: ScriptedOutbox, *bodies: str, deps: FakeDeps | None = None) -> Any:
    deps = deps or FakeDeps()
    deps.outbox = outbox  # type: ignore[assignment]
    with wiring.override(deps):
        return deliver(sqs_event(*bodies), None)


def come_back(*numbers: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": f"message-{number}"} for number in numbers]}


def test_every_message_is_a_look_at_its_shard() -> None:
    outbox = ScriptedOutbox()
    assert handle(outbox, *BODIES) == come_back()
    assert outbox.looked == SHARDS


def test_a_message_that_fails_comes_back_alone(caplog: pytest.LogCaptureFixture) -> None:
    def fail(shard: str) -> None:
        if shard in (SHARDS[0], SHARDS[2]):
            raise RuntimeError("no table")

    outbox = ScriptedOutbox(fail)
    assert handle(outbox, *BODIES) == come_back(0, 2)
    assert outbox.looked == SHARDS
    assert "message-2 comes back" in caplog.text


@pytest.mark.parametrize(
    "body", ["", "not json", "{}", '{"v":2,"shard":"enam.normal.00001"}', '{"v":1}', "[]", "null"]
)
def test_a_message_that_cannot_be_read_comes_back_and_holds_up_no_other(body: str) -> None:
    outbox = ScriptedOutbox()
    assert handle(outbox, body, BODIES[1]) == come_back(0)
    assert outbox.looked == [SHARDS[1]]


def test_run_answers_how_many_attempts_were_made() -> None:
    assert run(FakeDeps(), BODIES[0]) == 0


def test_a_message_of_another_version_is_not_taken_for_work() -> None:
    with pytest.raises(UnknownJob):
        run(FakeDeps(), '{"v":2,"shard":"enam.normal.00001"}')
