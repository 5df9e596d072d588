"""SQS: the one way to hand work on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
        refused = 0
        for start in range(0, len(jobs), BATCH):
            response = self._client.send_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(index), "MessageBody": encode_job(job), "DelaySeconds": delay}
                    for index, (job, delay) in enumerate(jobs[start : start + BATCH])
                ],
            )
            refused += len(response.get("Failed", ()))
        if refused:
            raise QueueRefused(f"{refused} of {len(jobs)} messages")
