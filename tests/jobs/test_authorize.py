"""The authorizer: Allow in all cases, and strings that say who is calling."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app import app
from chalicelib import wiring
from chalicelib.domain.api_key import SCOPES, ApiKey, key_digest, key_text
from chalicelib.jobs.authorize import authorize, context_of, run
from chalicelib.settings import Settings
from chalicelib.wiring import Edges
from localrun.gateway import Context
from tests.fakes import FakeDeps
from tests.store.builders import at_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = key_text(b"k" * 32)
ARN = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/api/GET/v1/monitors/mon_1"


@pytest.fixture
def deps() -> Iterator[FakeDeps]:
    deps = FakeDeps()
    with wiring.override(deps):
        yield deps


class FrozenEdges(Edges):
    """A container with the real stores, whose clock stands still."""

    at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def put_key(deps: FakeDeps | FrozenEdges, *scopes: str, expires_in: timedelta | None = None) -> None:
    deps.keys.mint(
        ApiKey(
            id="key_1",
            team_id="team_1",
            name="a key",
            digest=key_digest(KEY),
            prefix=KEY[:15],
            scopes=scopes,
            created_at=deps.at,
            expires_at=None if expires_in is None else deps.at + expires_in,
        )
    )


def ask(header: str, arn: str = ARN) -> Any:
    event = {"type": "TOKEN", "authorizationToken": header, "methodArn": arn}
    return authorize(event, Context("request-1"))


def is_allowed(answer: Any) -> bool:
    (statement,) = answer["policyDocument"]["Statement"]
    return bool(statement["Effect"] == "Allow" and statement["Action"] == "execute-api:Invoke")


def test_a_valid_key_is_described_in_strings(deps: FakeDeps) -> None:
    put_key(deps, "monitors:write", "alerts:read")
    deps.at += timedelta(seconds=20)
    answer = ask(f"Bearer {KEY}")
    assert is_allowed(answer)
    assert answer["principalId"] == "key_1"
    assert answer["context"] == {
        "auth": "ok",
        "key": "key_1",
        "team": "team_1",
        "scopes": "alerts:read monitors:write",
        "limit": "100",
        "remaining": "99",
        "reset": str(int(deps.at.timestamp()) // 60 * 60 + 60),
        "limited": "false",
    }


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer x",
        KEY,
        f"Basic {KEY}",
        f"Bearer {KEY}x",
        f"Bearer {KEY} {KEY}",
        f"Bearer {KEY.upper()}",
        f"Bearer\t{KEY}",
        f"Bearer {KEY}\n",
        "Bearer uptime_" + "0" * 64,
        "\x00",
        "é" * 5000,
    ],
)
def test_an_unknown_or_malformed_key_is_allowed_through_as_nobody(deps: FakeDeps, header: str) -> None:
    put_key(deps, *SCOPES)
    answer = ask(header)
    assert is_allowed(answer)
    assert answer["context"] == {"auth": "none"}


@pytest.mark.parametrize(("seconds", "auth"), [(59, "ok"), (60, "none"), (61, "none")])
def test_a_key_is_valid_while_its_expiry_is_in_the_future(deps: FakeDeps, seconds: int, auth: str) -> None:
    put_key(deps, *SCOPES, expires_in=timedelta(seconds=60))
    deps.at += timedelta(seconds=seconds)
    answer = ask(f"Bearer {KEY}")
    assert is_allowed(answer)
    assert answer["context"]["auth"] == auth


def test_expired_unknown_and_malformed_keys_get_one_and_the_same_answer(deps: FakeDeps) -> None:
    put_key(deps, *SCOPES, expires_in=timedelta(0))
    unknown = "Bearer uptime_" + "0" * 64
    assert ask(f"Bearer {KEY}") == ask(unknown) == ask("nonsense")


def test_every_context_value_is_a_string(deps: FakeDeps) -> None:
    put_key(deps, *SCOPES)
    for header in (f"Bearer {KEY}", "nonsense"):
        context = ask(header)["context"]
        assert all(isinstance(value, str) for value in context.values())


def test_the_policy_covers_every_path_so_that_a_404_is_ours(deps: FakeDeps) -> None:
    put_key(deps)
    (statement,) = ask(f"Bearer {KEY}")["policyDocument"]["Statement"]
    assert statement["Resource"] == ["arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/api/*/*"]


def test_remaining_never_falls_below_nothing(deps: FakeDeps) -> None:
    put_key(deps)
    for _ in range(deps.settings.requests_per_minute):
        last = ask(f"Bearer {KEY}")
    assert last["context"]["remaining"] == "0"
    assert ask(f"Bearer {KEY}")["context"]["remaining"] == "0"
    deps.at += timedelta(seconds=60)
    assert ask(f"Bearer {KEY}")["context"]["remaining"] == "99"


def test_a_key_is_limited_from_the_first_request_over_its_limit_to_the_end_of_the_minute(
    deps: FakeDeps,
) -> None:
    put_key(deps)
    deps.settings = replace(deps.settings, requests_per_minute=2)
    limited = [ask(f"Bearer {KEY}")["context"]["limited"] for _ in range(4)]
    assert limited == ["false", "false", "true", "true"]
    deps.at += timedelta(seconds=60)
    assert ask(f"Bearer {KEY}")["context"]["limited"] == "false"


def test_of_320_requests_at_once_exactly_100_are_not_limited(
    settings: Settings, client: "DynamoDBClient"
) -> None:
    containers = [FrozenEdges(settings) for _ in range(4)]
    for container in containers:
        container.dynamodb = client
    put_key(containers[0], *SCOPES)

    def five(number: int) -> list[dict[str, str]]:
        return [context_of(run(containers[number % 4], f"Bearer {KEY}")) for _ in range(5)]

    answers = [answer for answers in at_once(64, five) for answer in answers]
    assert Counter(answer["limited"] for answer in answers) == {"false": 100, "true": 220}
    assert {answer["reset"] for answer in answers} == {str(int(FrozenEdges.at.timestamp()) + 60)}
    unlimited = sorted(int(answer["remaining"]) for answer in answers if answer["limited"] == "false")
    assert unlimited == list(range(100))


def test_nothing_is_cached_between_two_requests(deps: FakeDeps) -> None:
    put_key(deps)
    assert ask(f"Bearer {KEY}")["context"]["auth"] == "ok"
    deps.store.items["key"].clear()
    assert ask(f"Bearer {KEY}")["context"]["auth"] == "none"
    (handler,) = app.builtin_auth_handlers  # set up by the application, not by the job's module alone
    assert handler.ttl_seconds == 0


def test_a_failure_of_the_store_is_an_error_and_not_a_refusal(deps: FakeDeps) -> None:
    """The gateway makes a 500 of it; nobody is told that his key is bad when we cannot know."""
    put_key(deps)

    def fail(verb: str, phase: str) -> None:
        raise RuntimeError

    deps.store.on_call = fail
    with pytest.raises(RuntimeError):
        ask(f"Bearer {KEY}")
