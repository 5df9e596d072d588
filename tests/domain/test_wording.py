"""Texts of strangers, made fit to be shown."""

import html

import hypothesis.strategies as st
import pytest
from hypothesis import given

from chalicelib.domain.wording import cut, in_utf8, in_utf16, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Shop", "Shop"),
        ("  a  b ", "a b"),
        ("a\r\nBcc: b", "a Bcc: b"),
        ("a\x00b\x0bc\x85d\u2028e\u2029f\x1b[31m\x7f", "a b c d e f [31m"),
        ("a\ud800b", "a\ufffdb"),
        ("\u202egnp.exe\u202c \u2066x\u2069 \u200fy", "gnp.exe x y"),
        ("👩‍👩‍👧‍👦 café שלום", "👩‍👩‍👧‍👦 café שלום"),
        ("\u2003\t", ""),
    ],
)
def test_one_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_one_line_is_one_line_of_unicode(text: str) -> None:
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1
    assert shown.encode().decode() == shown
    assert one_line(shown) == shown


def test_what_fits_is_not_cut() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
    assert cut("a&b", 7, escape=html.escape) == "a&amp;b"
    assert cut("a&b", 6, escape=html.escape) == "a…"


@given(st.text(max_size=60), st.integers(3, 50), st.sampled_from([len, in_utf8, in_utf16]))
def test_a_cut_text_is_never_longer_and_no_escape_is_cut_in_two(text: str, most: int, size: object) -> None:
    assert callable(size)
    shown = cut(text, most, size, html.escape)
    assert size(shown) <= most
    assert html.escape(text).startswith(shown.removesuffix("…"))
    assert text.startswith(html.unescape(shown.removesuffix("…"))) or "&" in text


def test_sizes() -> None:
    assert (in_utf16("a👍"), in_utf8("a👍"), in_utf8("\ud800")) == (3, 5, 1)
