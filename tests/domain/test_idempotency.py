from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.idempotency import Begun, fingerprint, parse_key, request_id
from chalicelib.domain.origin import Origin

from .builders import SLOT, instant

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
keys = st.text(PRINTABLE, min_size=1, max_size=255)
blanks = st.text(" \t", max_size=3)
UUID = "8e03978e-40d5-43e8-bc93-6894a57f9324"


def quoted(key: str) -> str:
    return '"{}"'.format(key.replace("\\", "\\\\").replace('"', '\\"'))


@given(keys, blanks, blanks)
def test_a_quoted_key_is_what_was_quoted(key: str, before: str, after: str) -> None:
    assert parse_key(before + quoted(key) + after) == key


@given(keys.filter(lambda key: not key.startswith('"') and key == key.strip()), blanks, blanks)
def test_a_bare_key_is_itself_without_the_blanks_around_it(key: str, before: str, after: str) -> None:
    assert parse_key(before + key + after) == key


@pytest.mark.parametrize("text", [UUID, f'"{UUID}"', f" {UUID}\t", f'\t"{UUID}" '])
def test_the_drafts_form_and_the_usual_one_are_one_key(text: str) -> None:
    assert parse_key(text) == UUID


def test_a_quote_inside_a_bare_key_is_a_character() -> None:
    assert parse_key('a"b') == 'a"b'
    assert parse_key("a\\b") == "a\\b"


@pytest.mark.parametrize("text", ["", " ", "\t ", '""', "a" * 256, '"' + "a" * 256 + '"'])
def test_a_key_has_1_to_255_characters(text: str) -> None:
    with pytest.raises(ValueError, match="1 to 255 characters"):
        parse_key(text)


@pytest.mark.parametrize("text", ["a" * 255, '"' + "\\\\" * 255 + '"'])
def test_255_characters_are_allowed_and_counted_without_quoting(text: str) -> None:
    assert len(parse_key(text)) == 255


@pytest.mark.parametrize(
    "text", ["ä", "a\tb", "a\nb", "a\x00", "a\x7f", '"ä"', '"a\tb"', "a\n", "\u00a0a", "٣"]
)
def test_a_key_is_printable_ascii(text: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        parse_key(text)


@pytest.mark.parametrize(
    "text", ['"', '"abc', '"a"b"', '"a" ;x=1', '"a","b"', '"a\\"', '"a\\b"', '"\\"', '"a"c']
)
def test_what_begins_with_a_quote_is_a_whole_quoted_string(text: str) -> None:
    with pytest.raises(ValueError, match="quoted"):
        parse_key(text)


@given(st.text())
def test_any_text_is_a_key_or_refused(text: str) -> None:
    try:
        key = parse_key(text)
    except ValueError:
        return
    assert 1 <= len(key) <= 255
    assert set(key) <= set(PRINTABLE)


@given(st.lists(st.text()), st.lists(st.text()))
def test_other_parts_have_another_fingerprint(parts: list[str], others: list[str]) -> None:
    assert (fingerprint(*parts) == fingerprint(*others)) is (parts == others)


@pytest.mark.parametrize("others", [("a", "bc"), ("abc",), ("", "abc"), ("ab", "c", ""), ("c", "ab")])
def test_parts_do_not_run_into_each_other(others: tuple[str, ...]) -> None:
    assert fingerprint(*others) != fingerprint("ab", "c")


def test_a_fingerprint_is_32_bytes_of_any_text() -> None:
    assert len(fingerprint("\ud800")) == 32


def test_a_key_is_another_request_in_another_team_or_route() -> None:
    ids = {request_id(t, r, k) for t in ("t1", "t2") for r in ("POST /a", "POST /b") for k in ("k", "l")}
    assert len(ids) == 8
    assert {len(each) for each in ids} == {64}


@pytest.mark.parametrize(("milliseconds", "expires_at"), [(0, SLOT + 86400), (1, SLOT + 86401)])
def test_a_request_is_kept_for_at_least_24_hours(milliseconds: int, expires_at: int) -> None:
    at = instant(SLOT) + timedelta(milliseconds=milliseconds)
    assert Begun("id", b"", Origin(at, bytes(32))).expires_at == expires_at
