import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from chalicelib.domain.idempotency import Begun, StoredAnswer, request_id
from chalicelib.domain.origin import origin_of
from chalicelib.errors import Contended
from chalicelib.settings import Settings
from chalicelib.store.requests import RequestStore

from .builders import NOW, SLOT, Items, at_once, monitor_id
from .wire import Call, Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Stored = Callable[[str], Items]
ID = request_id("team_1", "POST /v1/monitors", "a key")
ANSWER = StoredAnswer(
    201,
    json.dumps(
        {
            "data": {
                "id": monitor_id(1),
                "name": "Front page",
                "url": "https://www.example.com/" + "path/" * 60,
                "method": "GET",
                "interval": 60,
                "timeout": 30,
                "expectedStatus": 200,
                "degradedThreshold": 2000,
                "enabled": True,
                "public": False,
                "lastStatus": None,
                "lastCheckedAt": None,
                "createdAt": "2026-03-01T12:00:00Z",
                "updatedAt": "2026-03-01T12:00:00Z",
            }
        }
    ),
)


def begun(number: int = 1) -> Begun:
    """The number is also how many milliseconds after NOW it began."""
    return Begun(ID, bytes(range(32)), origin_of(NOW + timedelta(milliseconds=number), number))


@pytest.fixture
def requests(settings: Settings, client: "DynamoDBClient") -> RequestStore:
    return RequestStore(settings, client)


def test_a_request_is_one_item_with_an_end(requests: RequestStore, stored: Stored) -> None:
    requests.begin(begun())
    ((key, item),) = stored("checks").items()
    assert key == (f"I#{ID}", "I")
    assert item["ttl"] == {"N": str(SLOT + 86401)}
    requests.finish(begun(), ANSWER)
    assert list(stored("checks")) == [key]


def test_all_of_many_tries_at_once_hold_the_same_request(requests: RequestStore) -> None:
    held = at_once(20, lambda number: requests.begin(begun(number)))
    assert held == held[:1] * 20


def test_all_of_many_ends_at_once_hold_the_same_answer(requests: RequestStore) -> None:
    requests.begin(begun())
    held = at_once(20, lambda number: requests.finish(begun(), StoredAnswer(201, str(number))))
    assert held == held[:1] * 20
    assert requests.begin(begun(2)).answer == held[0]


def test_a_second_try_of_the_client_meets_its_own_request(requests: RequestStore, wire: Wire) -> None:
    with wire.losing_one_answer("PutItem"):
        assert requests.begin(begun()) == begun()


def test_a_second_try_of_the_client_meets_its_own_request_over_an_expired_one(
    requests: RequestStore, wire: Wire
) -> None:
    requests.begin(begun())
    requests.finish(begun(), ANSWER)
    later = begun(2 * 86_400_000)
    with wire.losing_one_answer("PutItem"):
        assert requests.begin(later) == later


def test_a_second_try_of_the_client_keeps_its_own_answer(requests: RequestStore, wire: Wire) -> None:
    requests.begin(begun())
    with wire.losing_one_answer("UpdateItem"):
        assert requests.finish(begun(), ANSWER) == ANSWER


def test_without_any_answer_it_is_contended_and_may_have_been_written(
    requests: RequestStore, wire: Wire
) -> None:
    with wire.losing_answers("PutItem"), pytest.raises(Contended):
        requests.begin(begun())
    with wire.losing_answers("UpdateItem"), pytest.raises(Contended):
        requests.finish(begun(), ANSWER)
    assert requests.begin(begun(2)) == replace(begun(), answer=ANSWER)


def test_a_throttle_is_contended(requests: RequestStore, wire: Wire) -> None:
    with wire.refusing("PutItem", "ThrottlingException"), pytest.raises(Contended):
        requests.begin(begun())
    with wire.refusing("UpdateItem", "ProvisionedThroughputExceededException"), pytest.raises(Contended):
        requests.finish(begun(), ANSWER)


def test_any_other_failure_goes_on(requests: RequestStore, wire: Wire) -> None:
    with wire.refusing("PutItem", "AccessDeniedException"), pytest.raises(ClientError, match="AccessDenied"):
        requests.begin(begun())
    with (
        wire.refusing("UpdateItem", "AccessDeniedException"),
        pytest.raises(ClientError, match="AccessDenied"),
    ):
        requests.finish(begun(), ANSWER)


def test_a_request_is_two_write_units(requests: RequestStore, wire: Wire) -> None:
    requests.begin(begun())
    requests.finish(begun(), ANSWER)
    assert wire.calls == [Call("PutItem", 1.0), Call("UpdateItem", 1.0)]


def test_a_long_answer_is_stored_deflated(requests: RequestStore, stored: Stored) -> None:
    requests.begin(begun())
    requests.finish(begun(), ANSWER)
    (item,) = stored("checks").values()
    assert len(item["a"]["B"]) < len(ANSWER.body) * 0.6


def test_requests_are_kept_without_pynamodb() -> None:
    look = "import sys, chalicelib.store.requests; print('pynamodb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
