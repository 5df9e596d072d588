"""One function for the authorizer and for public routes that ask for a key themselves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.api_key import SCOPES
from chalicelib.domain.rate import Bucket
from chalicelib.services.authentication import Caller, authenticate
from chalicelib.services.keys import mint_key
from tests.fakes import FakeDeps

TEAM = "team_1"


def test_a_caller_has_the_identity_and_the_rights_of_the_key() -> None:
    deps = FakeDeps()
    minted = mint_key(deps, TEAM, "a key", ["monitors:read", "alerts:write"])
    caller = authenticate(deps, f"Bearer {minted.plaintext}", deps.at)
    window_ends_at = int(deps.at.timestamp()) // 60 * 60 + 60
    scopes = frozenset({"monitors:read", "alerts:write"})
    assert caller == Caller(minted.key.id, TEAM, scopes, Bucket(100, 1, window_ends_at))


def test_no_scope_implies_another() -> None:
    deps = FakeDeps()
    for scope in SCOPES:
        caller = Caller("key", TEAM, frozenset({scope}), Bucket(100, 1, 0))
        assert [other for other in SCOPES if other in caller.scopes] == [scope]
    assert deps.queue.sent == []


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer nonsense", "Basic dXNlcg=="])
def test_a_header_of_another_form_asks_no_store(header: str | None) -> None:
    deps = FakeDeps()
    calls: list[str] = []
    deps.store.on_call = lambda verb, phase: calls.append(verb)
    assert authenticate(deps, header, deps.at) is None
    assert calls == []


def test_a_key_that_nobody_minted_is_nobodys() -> None:
    deps = FakeDeps()
    assert authenticate(deps, "Bearer uptime_" + "0" * 64, deps.at) is None


def test_every_request_is_counted_in_its_minute_and_the_limit_is_the_settings() -> None:
    deps = FakeDeps(settings=replace(FakeDeps().settings, requests_per_minute=3))
    header = f"Bearer {mint_key(deps, TEAM, 'a key', ['monitors:read']).plaintext}"
    buckets = []
    for seconds in (0, 10, 20, 30, 61):
        caller = authenticate(deps, header, deps.at + timedelta(seconds=seconds))
        assert caller is not None
        buckets.append(caller.bucket)
    assert {bucket.limit for bucket in buckets} == {3}
    assert [bucket.used for bucket in buckets] == [1, 2, 3, 4, 1]
