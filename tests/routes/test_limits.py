"""Rate limits as a caller sees them (contract, section 1): 100 a minute, a key or an address."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from chalicelib.settings import Settings
from tests.fakes import FakeDeps
from tests.routes.client import START, Answer, Api, People, RealEdges, caller, installed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WINDOW_END = int(START.timestamp()) + 60
UNKNOWN = Api("Bearer uptime_" + "0" * 64)
MONITOR = "/v1/monitors/mon_" + "0" * 32


@pytest.fixture
def deps() -> FakeDeps:
    """With the limits that a deployment has by default."""
    return FakeDeps()


@pytest.fixture
def plain(settings: Settings, client: "DynamoDBClient") -> Iterator[People]:
    with installed(RealEdges(settings, client)) as people:
        yield people


def bucket(answer: Answer) -> tuple[int, int, int]:
    """Limit, remaining, reset."""
    names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
    limit, remaining, reset = (int(answer.headers[name]) for name in names)
    return limit, remaining, reset


def spend(api: Api, times: int) -> list[int]:
    return [api.get(MONITOR).status for _ in range(times)]


def broken(prefix: str) -> Callable[[str, str], None]:
    """A storage whose verbs of this prefix fail."""

    def fail(verb: str, phase: str) -> None:
        if verb.startswith(prefix):
            raise RuntimeError(verb)

    return fail


def has_no_bucket(answer: Answer) -> bool:
    return not any(name.startswith("x-ratelimit") for name in answer.headers)


def test_the_hundred_and_first_request_of_a_minute_is_429(owner: Api) -> None:
    assert spend(owner, 100) == [404] * 100
    answer = owner.get("/v1/monitors")
    assert (answer.status, answer.code) == (429, "RATE_LIMITED")
    assert bucket(answer) == (100, 0, WINDOW_END)
    assert answer.headers["retry-after"] == "60"
    assert "60" in answer.json["error"]["message"]


def test_every_answer_tells_the_state_of_the_bucket(deps: FakeDeps, people: People) -> None:
    owner = people.owner
    created = owner.create()
    answers = [
        owner.get("/v1/monitors"),
        owner.post("/v1/monitors", {}),
        owner.send("POST", "/v1/monitors", b" " * (256 * 1024 + 1)),
        owner.get(MONITOR),
        owner.delete(f"/v1/monitors/{created['id']}"),
        caller(deps, owner.team_id, ["api-keys:read"]).get("/v1/monitors"),
        UNKNOWN.get("/v1/monitors"),
    ]
    deps.store.on_call = broken("monitors.of_team")
    answers.append(owner.get("/v1/monitors"))
    assert [answer.status for answer in answers] == [200, 400, 413, 404, 204, 403, 401, 500]
    states = [bucket(answer) for answer in answers]
    assert [remaining for _, remaining, _ in states] == [98, 97, 96, 95, 94, 99, 99, 93]
    assert {(limit, reset) for limit, _, reset in states} == {(100, WINDOW_END)}


def test_what_no_code_of_ours_shapes_and_unknown_routes_and_public_ones_have_no_bucket(owner: Api) -> None:
    created = owner.create(public=True)
    for answer in (
        Api().get("/v1/monitors"),
        Api("Bearer nonsense").get("/v1/monitors"),
        owner.get("/v1/nothing"),
        owner.send("PATCH", "/v1/monitors"),
        owner.get("/v1/openapi.json"),
        owner.get("/docs"),
        owner.get(f"/api/badge/{created['id']}/status"),
    ):
        assert has_no_bucket(answer)
    assert bucket(owner.get("/v1/monitors"))[1] == 98


def test_a_limited_key_is_refused_before_anything_else_is_looked_at(deps: FakeDeps, people: People) -> None:
    reader = caller(deps, people.owner.team_id, ["monitors:read"])
    spend(reader, 100)
    deps.store.on_call = broken("monitors.")
    for answer in (
        reader.delete(MONITOR),
        reader.send("POST", "/v1/monitors", b" " * (256 * 1024 + 1)),
        reader.get("/v1/monitors/mon_1"),
        reader.get("/v1/monitors"),
    ):
        assert (answer.status, answer.code) == (429, "RATE_LIMITED")


def test_each_key_has_its_own_bucket_and_all_of_a_teams_addresses_share_none(people: People) -> None:
    spend(people.owner, 101)
    assert people.owner.get("/v1/monitors").status == 429
    assert people.teammate.get("/v1/monitors").status == 200
    assert people.stranger.get("/v1/monitors").status == 200


@pytest.mark.parametrize(("seconds", "wait"), [(0, 60), (1, 59), (30.5, 30), (59, 1), (59.999, 1)])
def test_retry_after_counts_down_to_the_windows_end(
    deps: FakeDeps, owner: Api, seconds: float, wait: int
) -> None:
    deps.at = START + timedelta(seconds=seconds)
    spend(owner, 100)
    answer = owner.get("/v1/monitors")
    assert answer.headers["retry-after"] == str(wait)
    assert f" {wait} second" in answer.json["error"]["message"]


def test_waiting_as_long_as_told_is_enough(deps: FakeDeps, owner: Api) -> None:
    deps.at = START + timedelta(seconds=12.3)
    spend(owner, 100)
    deps.at += timedelta(seconds=int(owner.get("/v1/monitors").headers["retry-after"]))
    answer = owner.get("/v1/monitors")
    assert (answer.status, bucket(answer)) == (200, (100, 99, WINDOW_END + 60))


def test_requests_without_a_valid_key_use_their_addresss_bucket(people: People) -> None:
    """The order: the bucket's 429 comes in the place of the 401."""
    answers = [UNKNOWN.get("/v1/monitors") for _ in range(100)]
    assert [answer.status for answer in answers] == [401] * 100
    assert bucket(answers[0]) == (100, 99, WINDOW_END)
    refused = UNKNOWN.get("/v1/monitors")
    assert (refused.status, refused.code) == (429, "RATE_LIMITED")
    assert bucket(refused) == (100, 0, WINDOW_END)
    assert refused.headers["retry-after"] == "60"
    assert "www-authenticate" not in refused.headers


def test_who_has_a_key_is_not_hurt_by_strangers_at_the_same_address(people: People) -> None:
    for _ in range(101):
        UNKNOWN.get("/v1/monitors")
    assert bucket(people.owner.get("/v1/monitors")) == (100, 99, WINDOW_END)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP"])
def test_an_address_cannot_be_made_up(people: People, header: str) -> None:
    for number in range(100):
        UNKNOWN.get("/v1/monitors", headers={header: f"198.51.100.{number}"})
    assert UNKNOWN.get("/v1/monitors", headers={header: "192.0.2.1"}).status == 429


def test_a_revoked_keys_requests_move_to_the_addresss_bucket(people: People) -> None:
    minted = people.owner.post("/v1/api-keys", {"name": "doomed", "scopes": ["monitors:read"]}).json
    doomed = Api(f"Bearer {minted['key']}")
    assert doomed.get("/v1/monitors").status == 200
    assert people.owner.delete(f"/v1/api-keys/{minted['id']}").status == 200
    answer = doomed.get("/v1/monitors")
    assert (answer.status, bucket(answer)) == (401, (100, 99, WINDOW_END))


def test_of_320_parallel_requests_exactly_100_pass(plain: People) -> None:
    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda _: plain.owner.get("/v1/status"), range(320)))
    assert Counter(answer.status for answer in answers) == {200: 100, 429: 220}
    passed = sorted(bucket(answer)[1] for answer in answers if answer.status == 200)
    assert passed == list(range(100))


def test_of_150_parallel_requests_without_a_key_exactly_100_are_401(plain: People) -> None:
    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda _: UNKNOWN.get("/v1/status"), range(150)))
    assert Counter(answer.status for answer in answers) == {401: 100, 429: 50}
