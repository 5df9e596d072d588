from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from pynamodb.exceptions import PutError

from chalicelib.domain.schedule import ANCHOR_MARGIN_SECONDS
from chalicelib.settings import Settings
from chalicelib.store.client import (
    CONNECT_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    TRIES,
    dynamodb_client,
    error_code,
)

REFUSED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "PutItem")
WAITS_SECONDS = sum(0.025 * 2**k for k in range(TRIES - 1))
WAITS_WHEN_THROTTLED_SECONDS = sum(2**k for k in range(TRIES - 1))
"""The most that botocore's standard mode waits between tries."""


def test_a_call_without_answers_ends_within_ten_seconds() -> None:
    tries_seconds = TRIES * (CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS)
    assert tries_seconds + WAITS_SECONDS < 10
    assert tries_seconds + WAITS_WHEN_THROTTLED_SECONDS < ANCHOR_MARGIN_SECONDS


def test_the_client_obeys_those_limits(settings: Settings) -> None:
    client = dynamodb_client(settings)
    config: Any = client.meta.config
    assert config.connect_timeout == CONNECT_TIMEOUT_SECONDS
    assert config.read_timeout == READ_TIMEOUT_SECONDS
    assert config.retries == {"total_max_attempts": TRIES, "mode": "standard"}
    client.close()


def test_an_endpoint_of_the_settings_is_used(settings: Settings) -> None:
    client = dynamodb_client(replace(settings, aws_region="eu-west-1"))
    assert client.meta.endpoint_url == settings.dynamodb_endpoint
    assert client.meta.region_name == "eu-west-1"
    client.close()


def test_without_an_endpoint_it_talks_to_the_region() -> None:
    client = dynamodb_client(Settings(aws_region="eu-west-1"))
    assert client.meta.endpoint_url == "https://dynamodb.eu-west-1.amazonaws.com"
    client.close()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (REFUSED, "ThrottlingException"),
        (PutError("failed", REFUSED), "ThrottlingException"),
        (PutError("failed", ReadTimeoutError(endpoint_url="x")), ""),
        (ReadTimeoutError(endpoint_url="x"), ""),
        (ValueError("x"), ""),
    ],
)
def test_the_code_is_found_in_whatever_was_raised(error: Exception, code: str) -> None:
    assert error_code(error) == code
