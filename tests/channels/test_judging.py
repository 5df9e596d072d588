"""What an answer means, where a vendor says nothing else."""

import pytest

from chalicelib.channels.judging import by_fault, by_status, json_object, pause, retry_after
from chalicelib.domain.message import DELIVERED, Fate, failed, retry
from chalicelib.domain.outcome import Reason

SENT_AT = "Sat, 21 Nov 2026 08:00:00 GMT"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_has_it(status: int) -> None:
    assert by_status(status, {"retry-after": "5"}) == DELIVERED


@pytest.mark.parametrize("status", [101, 300, 301, 302, 307, 308, 400, 401, 403, 404, 405, 410, 413, 600])
def test_what_will_not_change_is_final(status: int) -> None:
    assert by_status(status, {"retry-after": "5"}) == failed(f"HTTP status {status}")


@pytest.mark.parametrize("status", [408, 421, 425, 429, 500, 502, 503, 504, 507, 529])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert by_status(status, {}) == retry(f"HTTP status {status}")
    assert by_status(status, {"retry-after": "5"}) == retry(f"HTTP status {status}", 5)


def test_the_header_comes_before_the_body() -> None:
    assert by_status(429, {"retry-after": "5"}, 9).retry_after_seconds == 5
    assert by_status(429, {"retry-after": "0"}, 9).retry_after_seconds == 0
    assert by_status(429, {"retry-after": "soon"}, 9).retry_after_seconds == 9


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("3600", 3600),
        ("3601", 3600),
        ("999999999999", 3600),
        ("9" * 5000, None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        ("Sat, 21 Nov 2026 08:02:00 GMT", 120),
        ("Sat, 21 Nov 2026 09:02:00 +0100", 120),
        ("Sat, 21 Nov 2026 07:00:00 GMT", 0),
        ("Sat, 21 Nov 2099 07:00:00 GMT", 3600),
        ("Sat, 99 Nov 2026 07:00:00 GMT", None),
        ("tomorrow", None),
        ("\x00\ud800", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: int | None) -> None:
    assert retry_after({"retry-after": value, "date": SENT_AT}) == seconds


@pytest.mark.parametrize("date", ["", "today"])
def test_a_date_means_nothing_without_the_answers_own(date: str) -> None:
    assert retry_after({"retry-after": "Sat, 21 Nov 2026 08:02:00 GMT", "date": date}) is None


@pytest.mark.parametrize("reason", [r for r in Reason if 0 < r < 64 and r is not Reason.BLOCKED])
def test_without_an_answer_it_is_tried_again(reason: Reason) -> None:
    assert by_fault(reason) == retry(reason.name.lower())


def test_a_blocked_address_is_final() -> None:
    assert by_fault(Reason.BLOCKED).fate is Fate.FAILED


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"1", b"null", b"{", b"[" * 200_000])
def test_a_body_that_is_no_object_says_nothing(body: bytes) -> None:
    assert json_object(body) == {}


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (1.2, 2),
        (3, 3),
        (-1, 0),
        (float("inf"), 3600),
        (10**400, 3600),
        (float("nan"), None),
        ("3", None),
        (True, None),
    ],
)
def test_pauses_of_bodies(asked: object, seconds: int | None) -> None:
    assert pause(asked) == seconds
