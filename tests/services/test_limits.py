"""Requests without a valid key are counted by where they come from."""

from dataclasses import replace
from datetime import timedelta

from chalicelib.domain.rate import Bucket
from chalicelib.services.limits import count_address
from tests.fakes import FakeDeps

ADDRESS = "203.0.113.7"


def test_every_request_is_counted_in_its_minute_and_the_limit_is_the_settings() -> None:
    deps = FakeDeps(settings=replace(FakeDeps().settings, address_requests_per_minute=2))
    began = int(deps.at.timestamp())
    buckets = [count_address(deps, ADDRESS, deps.at + timedelta(seconds=s)) for s in (0, 30, 59.9, 60)]
    assert buckets == [
        Bucket(2, 1, began + 60),
        Bucket(2, 2, began + 60),
        Bucket(2, 3, began + 60),
        Bucket(2, 1, began + 120),
    ]
    assert [bucket.is_exceeded for bucket in buckets] == [False, False, True, False]


def test_the_limit_of_keys_is_another_one() -> None:
    deps = FakeDeps(settings=replace(FakeDeps().settings, requests_per_minute=1))
    assert count_address(deps, ADDRESS, deps.at).limit == 100


def test_a_subscriber_has_one_bucket_and_his_neighbour_another() -> None:
    deps = FakeDeps()
    addresses = ("2001:db8::1", "2001:DB8:0::2", "2001:db8:0:1::1", ADDRESS, f"::ffff:{ADDRESS}")
    assert [count_address(deps, address, deps.at).used for address in addresses] == [1, 2, 1, 1, 2]


def test_who_has_no_address_is_counted_too() -> None:
    deps = FakeDeps()
    assert [count_address(deps, text, deps.at).used for text in ("", "nonsense")] == [1, 2]
