"""SQS: the one way to hand work on."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from chalicelib.domain.delivery import DeliveryJob, encode_delivery
from chalicelib.domain.job import ProbeJob, encode_job

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH = 10


class QueueRefused(Exception):
    """SQS did not take some of the messages; the caller's event is retried as a whole, harmlessly."""


class SqsQueue:
    """Satisfies `Queue`."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, jobs: Sequence[tuple[ProbeJob, int]]) -> None:
        _send(self._client, self._url, [(encode_job(job), delay) for job, delay in jobs])


class SqsDeliveries:
    """Satisfies `Deliveries`. A shard that is named twice gets one message."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, shards: Collection[str]) -> None:
        bodies = [encode_delivery(DeliveryJob(shard)) for shard in dict.fromkeys(shards)]
        _send(self._client, self._url, [(body, 0) for body in bodies])


def _send(client: "SQSClient", url: str, messages: Sequence[tuple[str, int]]) -> None:
    """Bodies, each with its delay in seconds. Raises QueueRefused once all others are sent."""
    refused = 0
    for start in range(0, len(messages), BATCH):
        response = client.send_message_batch(
            QueueUrl=url,
            Entries=[
                {"Id": str(index), "MessageBody": body, "DelaySeconds": delay}
                for index, (body, delay) in enumerate(messages[start : start + BATCH])
            ],
        )
        refused += len(response.get("Failed", ()))
    if refused:
        raise QueueRefused(f"{refused} of {len(messages)} messages")
