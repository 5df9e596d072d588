from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.rate import WINDOW_SECONDS, Bucket, address_group, window_of

START = 1_700_000_040
"""A second at which a window begins."""


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(START, UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(("seconds", "begins"), [(-0.001, -60), (0, 0), (0.001, 0), (59.999, 0), (60, 60)])
def test_a_window_begins_with_its_minute(seconds: float, begins: int) -> None:
    assert window_of(at(seconds)) == START + begins


@pytest.mark.parametrize(
    ("used", "remaining", "is_exceeded"), [(1, 99, False), (99, 1, False), (100, 0, False), (101, 0, True)]
)
def test_a_bucket_is_exceeded_by_the_request_after_the_last_one_allowed(
    used: int, remaining: int, is_exceeded: bool
) -> None:
    bucket = Bucket(100, used, START + 60)
    assert (bucket.remaining, bucket.is_exceeded) == (remaining, is_exceeded)


@pytest.mark.parametrize(
    ("seconds", "wait"), [(0, 60), (0.001, 60), (20, 40), (58.5, 2), (59, 1), (59.999, 1), (60, 1), (300, 1)]
)
def test_the_wait_is_the_rest_of_the_window_in_whole_seconds(seconds: float, wait: int) -> None:
    assert Bucket(100, 101, START + 60).retry_after_seconds(at(seconds)) == wait


def test_nobody_waits_longer_than_a_window_for_one_that_a_faster_clock_opened() -> None:
    assert Bucket(100, 101, START + 120).retry_after_seconds(at(59.5)) == WINDOW_SECONDS


@given(st.floats(0, 60, exclude_max=True))
def test_who_waits_as_told_meets_a_new_window(seconds: float) -> None:
    wait = Bucket(100, 101, START + 60).retry_after_seconds(at(seconds))
    assert window_of(at(seconds) + timedelta(seconds=wait)) == START + 60


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:cb00:7107", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
    ],
)
def test_an_address_counts_with_its_other_spellings_and_its_subscribers_network(
    text: str, group: str
) -> None:
    assert address_group(text) == group


@pytest.mark.parametrize(
    "text",
    [
        *("", "localhost", "203.0.113", "203.0.113.256", "0203.0.113.7", " 203.0.113.7", "203.0.113.7:443"),
        *("203.0.113.0/24", "[::1]", "3405803783", "٣.0.0.1", "test-invoke-source-ip", "1" * 5000),
    ],
)
def test_whatever_is_no_address_shares_one_bucket(text: str) -> None:
    assert address_group(text) == "unknown"


@given(st.ip_addresses(v=4))
def test_every_ipv4_address_is_alone(address: object) -> None:
    assert address_group(str(address)) == address_group(f"::ffff:{address}") == str(address)


@given(st.integers(1, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_all_of_a_network_is_one(network: int, host: int, other: int) -> None:
    def text(low: int) -> str:
        digits = f"{network << 64 | low:032x}"
        return ":".join(digits[i : i + 4] for i in range(0, 32, 4))

    assert address_group(text(host)) == address_group(text(other).upper())
