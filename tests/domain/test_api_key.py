import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.api_key import (
    PREFIX_LENGTH,
    SCOPES,
    key_digest,
    key_from_header,
    key_text,
)

HEX = "0123456789abcdef" * 4
KEY = f"uptime_{HEX}"


@given(st.binary(min_size=32, max_size=32))
def test_a_key_is_its_random_bytes(random_bytes: bytes) -> None:
    key = key_text(random_bytes)
    assert re.fullmatch(r"uptime_[0-9a-f]{64}", key)
    assert bytes.fromhex(key.removeprefix("uptime_")) == random_bytes
    assert key_from_header(f"Bearer {key}") == key


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_other_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32"):
        key_text(bytes(length))


def test_the_digest_is_the_sha256_of_the_whole_key() -> None:
    assert key_digest(KEY) == hashlib.sha256(KEY.encode()).hexdigest()


def test_the_prefix_shows_the_name_and_eight_digits() -> None:
    assert KEY[:PREFIX_LENGTH] == "uptime_01234567"


@pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER", "bEaReR"])
@pytest.mark.parametrize("gap", [" ", "   "])
@pytest.mark.parametrize("end", ["", " ", "   "])
def test_the_documented_header_carries_a_key(word: str, gap: str, end: str) -> None:
    assert key_from_header(f"{word}{gap}{KEY}{end}") == KEY


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        "Bearer",
        "Bearer ",
        KEY,
        f"Bearer{KEY}",
        f" Bearer {KEY}",
        f"Bearer\t{KEY}",
        f"Bearer\u00a0{KEY}",
        f"Bearer {KEY}\n",
        f"Bearer {KEY}\r\nX-Team: 1",
        f"Bearer {KEY}\x00",
        f"Bearer {KEY}\t",
        f"Basic {KEY}",
        f"Bearer Bearer {KEY}",
        f"Bearer {KEY} {KEY}",
        f"Bearer {KEY},{KEY}",
        f'Bearer "{KEY}"',
        f"Bearer {KEY}0",
        f"Bearer {KEY[:-1]}",
        f"Bearer {KEY[:-1]}g",
        f"Bearer {KEY[:-1]}٣",
        f"Bearer uptime_{HEX.upper()}",
        f"Bearer UPTIME_{HEX}",
        f"Bearer uptime-{HEX}",
        f"Bearer {HEX}",
        f"Bearer uptime_{HEX}"[::-1],
        f"ʙearer {KEY}",
    ],
)
def test_any_other_header_carries_none(header: str | None) -> None:
    assert key_from_header(header) is None


@given(st.text())
def test_no_text_breaks_the_parser(header: str) -> None:
    assert key_from_header(header) is None


def test_there_are_24_scopes() -> None:
    assert len(set(SCOPES)) == len(SCOPES) == 24
    assert all(re.fullmatch(r"[a-z-]+:(read|write|ping|trigger)", scope) for scope in SCOPES)
    assert {"monitors:read", "cron-jobs:ping", "ping:trigger", "api-keys:write"} <= set(SCOPES)
