import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.job import ProbeJob, UnknownJob, decode_job, encode_job


@given(st.builds(ProbeJob, st.text(), st.integers(), st.none() | st.integers(0, 1000)))
def test_a_job_comes_back_from_its_message(job: ProbeJob) -> None:
    assert decode_job(encode_job(job)) == job


def test_a_regular_job_names_shard_and_slot_alone() -> None:
    message = encode_job(ProbeJob("enam.normal.00001", 60))
    assert json.loads(message) == {"v": 1, "shard": "enam.normal.00001", "slot": 60}


def test_the_first_run_at_position_0_is_a_first_run() -> None:
    assert decode_job(encode_job(ProbeJob("enam.normal.00001", 60, 0))).first_position == 0


@pytest.mark.parametrize("message", ['{"v":2,"shard":"a","slot":60}', '{"shard":"a","slot":60}', "{}"])
def test_a_message_of_another_version_is_unknown(message: str) -> None:
    with pytest.raises(UnknownJob):
        decode_job(message)


def test_a_field_of_a_later_deploy_is_ignored() -> None:
    assert decode_job('{"v":1,"shard":"a","slot":60,"hint":true}') == ProbeJob("a", 60)
