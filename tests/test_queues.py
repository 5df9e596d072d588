"""SQS, the one way to hand work on."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from moto import mock_aws

from chalicelib.domain.delivery import DeliveryJob, decode_delivery
from chalicelib.domain.job import ProbeJob, decode_job
from chalicelib.queues import QueueRefused, SqsDeliveries, SqsQueue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

JOBS = [(ProbeJob("enam.normal.00001", slot, slot % 3 or None), 0) for slot in range(23)]


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator["SQSClient"]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("sqs", region_name="us-east-1")
        yield client
        client.close()


def test_every_job_arrives_as_a_message_that_the_probe_reads(sqs: "SQSClient") -> None:
    url = sqs.create_queue(QueueName="probe")["QueueUrl"]
    SqsQueue(sqs, url).send(JOBS)
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [decode_job(message["Body"]) for message in messages]
    assert sorted(found, key=lambda job: job.slot) == [job for job, _ in JOBS]


def test_a_delayed_job_is_not_there_yet(sqs: "SQSClient") -> None:
    url = sqs.create_queue(QueueName="probe")["QueueUrl"]
    SqsQueue(sqs, url).send([(ProbeJob("enam.normal.00001", 60), 900)])
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


class ScriptedSqs:
    """Records batches; refuses the messages whose number is in `refused`."""

    def __init__(self, refused: set[int]) -> None:
        self.refused = refused
        self.batches: list[list[Any]] = []
        self.sent = 0

    def send_message_batch(self, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        assert QueueUrl == "https://sqs/probe"
        self.batches.append(Entries)
        first, self.sent = self.sent, self.sent + len(Entries)
        failed = [{"Id": str(n - first)} for n in range(first, self.sent) if n in self.refused]
        return {"Failed": failed} if failed else {}


def queue_over(client: ScriptedSqs) -> SqsQueue:
    return SqsQueue(cast("SQSClient", client), "https://sqs/probe")


def test_batches_are_of_ten_with_ids_that_are_unique_in_each() -> None:
    client = ScriptedSqs(set())
    queue_over(client).send(JOBS)
    assert [len(batch) for batch in client.batches] == [10, 10, 3]
    for batch in client.batches:
        assert len({entry["Id"] for entry in batch}) == len(batch)


def test_delays_travel_with_their_messages() -> None:
    client = ScriptedSqs(set())
    queue_over(client).send([(ProbeJob("enam.normal.00001", n), n) for n in range(3)])
    assert [entry["DelaySeconds"] for entry in client.batches[0]] == [0, 1, 2]


def test_nothing_to_send_is_no_call() -> None:
    client = ScriptedSqs(set())
    queue_over(client).send([])
    assert client.batches == []


@pytest.mark.parametrize("refused", [{0}, {22}, {3, 11, 12}])
def test_a_refused_message_fails_the_event_after_all_others_were_sent(refused: set[int]) -> None:
    client = ScriptedSqs(refused)
    with pytest.raises(QueueRefused, match=f"{len(refused)} of 23"):
        queue_over(client).send(JOBS)
    assert client.sent == 23


# To the delivery

SHARDS = [f"enam.normal.{number:05d}" for number in range(23)]


def deliveries_over(client: ScriptedSqs) -> SqsDeliveries:
    return SqsDeliveries(cast("SQSClient", client), "https://sqs/probe")


def test_every_shard_arrives_as_a_message_that_the_delivery_reads(sqs: "SQSClient") -> None:
    url = sqs.create_queue(QueueName="delivery")["QueueUrl"]
    SqsDeliveries(sqs, url).send(SHARDS)
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [decode_delivery(message["Body"]) for message in messages]
    assert sorted(found, key=lambda job: job.shard) == [DeliveryJob(shard) for shard in SHARDS]


def test_a_shard_that_is_named_twice_gets_one_message() -> None:
    client = ScriptedSqs(set())
    deliveries_over(client).send([*SHARDS, *SHARDS])
    assert [len(batch) for batch in client.batches] == [10, 10, 3]
    assert {entry["DelaySeconds"] for batch in client.batches for entry in batch} == {0}


def test_no_shard_is_no_call() -> None:
    client = ScriptedSqs(set())
    deliveries_over(client).send([])
    assert client.batches == []


def test_a_refused_shard_is_told_after_all_others_were_sent() -> None:
    client = ScriptedSqs({3, 22})
    with pytest.raises(QueueRefused, match="2 of 23"):
        deliveries_over(client).send(SHARDS)
    assert client.sent == 23
