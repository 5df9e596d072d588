import logging
import time
from collections.abc import Callable, Iterator
from threading import Event

import pytest

from chalicelib.domain.delivery import DeliveryJob, decode_delivery, encode_delivery
from chalicelib.domain.job import ProbeJob, encode_job
from localrun.queue import DELIVERIES, LocalDeliveries, LocalQueue

Probes = LocalQueue[ProbeJob]
Start = Callable[[Callable[[str], int]], Probes]

REDELIVERY_SECONDS = 0.3


@pytest.fixture
def start() -> Iterator[Start]:
    """Queues with their workers, ended afterwards."""
    started: list[Probes] = []

    def start(work: Callable[[str], int]) -> Probes:
        queue = LocalQueue(work, encode_job, REDELIVERY_SECONDS)
        queue.start()
        started.append(queue)
        return queue

    yield start
    for queue in started:
        queue.close()
        queue.join(5)


def job(slot: int) -> ProbeJob:
    return ProbeJob("shard", slot)


def _note(seen: list[str], what: str) -> int:
    seen.append(what)
    return 1


def test_messages_are_drained_in_the_order_of_their_delays_then_of_their_sending() -> None:
    seen: list[str] = []
    queue = LocalQueue(lambda body: _note(seen, body), encode_job)
    queue.send([(job(1), 30), (job(2), 0), (job(3), 0)])
    queue.send([(job(4), 30)])
    assert queue.drain() == 4
    assert seen == [encode_job(job(slot)) for slot in (2, 3, 1, 4)]


def test_what_the_work_sends_is_drained_too() -> None:
    queue: Probes = LocalQueue(lambda body: _send_again(queue, body), encode_job)
    queue.send([(job(3), 0)])
    assert queue.drain() == 3


def _send_again(queue: Probes, body: str) -> int:
    left = int(body[body.index('"slot":') + 7 : -1]) - 1
    if left:
        queue.send([(job(left), 0)])
    return 1


def test_what_still_has_to_wait_stays_in_the_queue() -> None:
    seen: list[str] = []
    queue = LocalQueue(lambda body: _note(seen, body), encode_job)
    queue.send([(job(1), 0), (job(2), 0), (job(3), 0)])
    assert queue.drain(lambda body: 60 if body == encode_job(job(2)) else 0) == 2
    assert seen == [encode_job(job(1)), encode_job(job(3))]
    assert queue.drain() == 1


def test_workers_take_messages_when_their_delay_is_over_by_the_wall(start: Start) -> None:
    done = Event()
    taken: list[float] = []

    def work(body: str) -> int:
        taken.append(time.monotonic())
        if len(taken) == 2:
            done.set()
        return 1

    begin = time.monotonic()
    start(work).send([(job(1), 1), (job(2), 0)])
    assert done.wait(10)
    assert taken[1] - begin >= 1


def test_a_message_that_fails_comes_back_three_times_then_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[str] = []
    queue = LocalQueue(lambda body: _fail(seen, body), encode_job)
    queue.send([(job(1), 0), (job(2), 0)])
    assert queue.drain() == 0
    assert len(seen) == 2 * DELIVERIES
    dead = [record.getMessage() for record in caplog.records if "dead letter" in record.getMessage()]
    assert dead == [f"dead letter: {encode_job(job(slot))}" for slot in (1, 2)]
    assert all(record.levelno == logging.ERROR for record in caplog.records)


def _fail(seen: list[str], body: str) -> int:
    seen.append(body)
    raise RuntimeError("not today")


def test_workers_wait_before_they_take_a_message_that_failed(start: Start) -> None:
    done = Event()
    taken: list[float] = []

    def work(body: str) -> int:
        taken.append(time.monotonic())
        if len(taken) == 1:
            raise RuntimeError("not today")
        done.set()
        return 1

    start(work).send([(job(1), 0)])
    assert done.wait(10)
    assert taken[1] - taken[0] >= REDELIVERY_SECONDS


def test_paused_it_lets_what_runs_end_and_starts_nothing(start: Start) -> None:
    running, may_end, second = Event(), Event(), Event()
    ended: list[str] = []

    def work(body: str) -> int:
        if '"slot":2' in body:
            second.set()
            return 1
        running.set()
        may_end.wait(10)
        ended.append(body)
        return 1

    queue = start(work)
    queue.send([(job(1), 0)])
    assert running.wait(10)
    may_end.set()
    queue.pause()
    assert ended == [encode_job(job(1))]
    queue.send([(job(2), 0)])
    assert not second.wait(0.1)
    queue.resume()
    assert second.wait(10)


def test_closed_it_starts_nothing_more(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    running, may_end = Event(), Event()

    def work(body: str) -> int:
        seen.append(body)
        running.set()
        may_end.wait(10)
        raise RuntimeError("the engine is gone")

    queue = start(work)
    queue.send([(job(1), 0)])
    assert running.wait(10)
    queue.close()
    queue.send([(job(2), 0)])
    assert queue.drain() == 0
    queue.pause()
    may_end.set()
    queue.join(10)
    assert seen == [encode_job(job(1))]
    assert caplog.records == []


def test_deliveries_are_messages_with_no_shard_twice() -> None:
    seen: list[DeliveryJob] = []

    def work(body: str) -> int:
        seen.append(decode_delivery(body))
        return 2

    queue = LocalQueue(work, encode_delivery)
    LocalDeliveries(queue).send(["b", "a", "b"])
    assert queue.drain() == 4
    assert seen == [DeliveryJob("b"), DeliveryJob("a")]
