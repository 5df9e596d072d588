"""The probe's handler, with the events that SQS sends."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain.job import ProbeJob, UnknownJob, encode_job
from chalicelib.jobs.probe import probe, run
from tests.fakes import FakeDeps
from tests.services.life import Life


def sqs_event(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "receiptHandle": f"handle-{number}",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1772366400000",
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "ApproximateFirstReceiveTimestamp": "1772366401000",
                },
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:uptime-probe",
                "awsRegion": "us-east-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


@pytest.fixture
def life() -> Life:
    life = Life()
    life.born()
    return life


def job_of(life: Life) -> ProbeJob:
    """The next minute's, once its time has come."""
    life.deps.at += timedelta(seconds=65)
    return ProbeJob("enam.normal.00001", int(life.deps.at.timestamp()) // 60 * 60)


def test_one_message_runs_one_slot(life: Life) -> None:
    job = job_of(life)
    with wiring.override(life.deps):
        probe(sqs_event(encode_job(job)), None)
    assert [tick.slot for tick in life.deps.store.items["tick", job.shard].values()] == [job.slot]


def test_run_answers_how_many_checks_were_made(life: Life) -> None:
    assert run(life.deps, encode_job(job_of(life))) == 1


@pytest.mark.parametrize("body", ['{"v":2,"shard":"enam.normal.00001","slot":1}', "{}", '{"v":"1"}'])
def test_a_message_of_another_version_goes_back_to_the_queue(life: Life, body: str) -> None:
    with wiring.override(life.deps), pytest.raises(UnknownJob):
        probe(sqs_event(body), None)


@pytest.mark.parametrize("body", ["", "not json"])
def test_a_message_that_cannot_be_read_goes_back_and_ends_as_a_dead_letter(body: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting value"):
        run(FakeDeps(), body)


def test_a_shard_that_is_not_there_is_no_work_and_no_error() -> None:
    assert run(FakeDeps(), encode_job(ProbeJob("enam.normal.00009", 1_772_366_400))) == 0
