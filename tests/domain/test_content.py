"""Content checks: exactly what section 4.4 of the contract says, in bounded time."""

import time

import pytest

from chalicelib.domain.content import ContentRule, compile_error, satisfies, text_of


def unhurried() -> float:
    return 0.0


def is_met(type: str, value: str, text: str, is_case_sensitive: bool = False) -> bool:
    return satisfies([ContentRule(type, value, is_case_sensitive)], text, time.thread_time)


@pytest.mark.parametrize(
    ("type", "value", "text", "expected"),
    [
        ("contains", "Hello", "say hello!", True),
        ("contains", "STRASSE", "Hauptstraße", True),
        ("contains", "ὈΔΥΣΣΕΎΣ", "ὀδυσσεύς", True),
        ("contains", "hello", "goodbye", False),
        ("contains", "a.c", "abc", False),
        ("not_contains", "ERROR", "an error", False),
        ("not_contains", "error", "all is well", True),
        ("regex", r"in stock: \d+", "IN STOCK: 12", True),
        ("regex", "b", "abc", True),
        ("regex", "^b", "abc", False),
        ("regex", "^b", "a\nbc", False),
        ("regex", "(?m)^b", "a\nbc", True),
        ("regex", "ÄPFEL", "drei äpfel", True),
        ("regex", "^.$", "ü", True),
        ("regex", "a.b", "a\nb", False),
        ("regex", "(?s)a.b", "a\nb", True),
        ("regex", "", "something", True),
    ],
)
def test_letters_of_either_case_are_the_same(type: str, value: str, text: str, expected: bool) -> None:
    assert is_met(type, value, text) is expected


@pytest.mark.parametrize("type", ["contains", "regex"])
def test_unless_the_case_matters(type: str) -> None:
    assert is_met(type, "Hello", "Hello", is_case_sensitive=True)
    assert not is_met(type, "Hello", "hello", is_case_sensitive=True)
    assert is_met("not_contains", "Hello", "hello", is_case_sensitive=True)
    assert is_met("regex", "(?i)Hello", "hello", is_case_sensitive=True)


@pytest.mark.parametrize("pattern", ["x", ".*", "^$", ""])
def test_in_an_empty_body_nothing_is_found(pattern: str) -> None:
    assert not is_met("regex", pattern, "")
    assert not is_met("contains", "x", "")
    assert is_met("not_contains", "x", "")


def test_all_rules_have_to_be_met() -> None:
    rules = [ContentRule("contains", "a"), ContentRule("regex", "b"), ContentRule("not_contains", "c")]
    assert satisfies(rules, "ab", unhurried)
    assert not satisfies(rules, "a", unhurried)
    assert not satisfies(rules, "abc", unhurried)
    assert satisfies([], "", unhurried)


@pytest.mark.parametrize("pattern", [r"\d+", "(?P<name>x)", "ü", "a" * 4096, r"\pL{4}", "(a+)+$", ".{0,500}"])
def test_a_pattern_of_re2_compiles(pattern: str) -> None:
    assert compile_error(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    [
        *("(", "a**", r"(a)\1", "(?=x)", "(?<=x)y", "[z-a]", "a{1001}", "(a{1000}){1000}", r"\pL{100}"),
        "\ud800",
        f"(?s){'.{1000}' * 3}",
        "x" * 4097,
    ],
)
def test_what_re2_does_not_take_is_said(pattern: str) -> None:
    assert compile_error(pattern)


def test_a_stored_pattern_that_no_longer_compiles_fails_its_check() -> None:
    assert not is_met("regex", "(", "(")


EVIL = [
    "^(a+)+$",
    "(x+x+)+y",
    r"\s+$",
    "a[ab]{900}c",
    "(?:a?){300}(?:a?){300}c",
    r"(?s)a.{0,600}c",
    r"(a|b)*c|(a|ab)*c",
]


@pytest.mark.parametrize("pattern", EVIL)
@pytest.mark.parametrize("unit", ["a", "ab", " ", "x"])
def test_no_pattern_takes_long(pattern: str, unit: str) -> None:
    assert compile_error(pattern) is None
    started_at = time.process_time()
    is_met("regex", pattern, unit * (1_000_000 // len(unit)) + "!")
    assert time.process_time() - started_at < 4


def test_nor_do_ten_of_them_together() -> None:
    rules = [ContentRule("regex", f"(?:a[ab]{{{n}}}c)?") for n in range(900, 910)]
    started_at = time.process_time()
    assert satisfies(rules, "ab" * 500_000, time.thread_time)
    assert time.process_time() - started_at < 4


def test_a_simple_pattern_sees_all_of_a_large_body() -> None:
    assert is_met("regex", r"total:\s+\d+ items", "x" * 1_000_000 + " total: 12 items")
    assert is_met("regex", "x$", "y" * 1_000_000 + "x")


def test_where_the_time_for_a_pattern_ends_the_text_does_not() -> None:
    """`$` is the end of the body, and not the end of what was searched."""
    assert not is_met("regex", "a{999}$|b{999}$", "a" * 1_000_000)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("grüß".encode(), "", "grüß"),
        ("grüß".encode(), "text/html", "grüß"),
        ("grüß".encode(), "text/html; charset=utf-8", "grüß"),
        ("\ufeffgrüß".encode(), "text/html; charset=UTF-8", "grüß"),
        ("grüß".encode("latin-1"), "text/html; charset=ISO-8859-1", "grüß"),
        ("grüß".encode("latin-1"), 'text/html;boundary=x; Charset = "latin1"', "grüß"),
        ("10 €".encode("cp1252"), "text/html; charset=windows-1252", "10 €"),
        ("привет".encode("koi8-r"), "text/plain;charset=koi8-r", "привет"),
        ("日本".encode("cp932"), "text/html; charset=Shift_JIS", "日本"),
        ("中文".encode("gbk"), "text/html; charset=gb2312", "中文"),
        ("grüß".encode("utf-16"), "text/plain; charset=utf-16", "grüß"),
        ("grüß".encode(), "text/html; charset=klingon", "grüß"),
        ("grüß".encode(), "text/html; charset=", "grüß"),
        (b"ab", "text/html; charset=punycode", "ab"),
        (b"Wyv", "text/html; charset=base64", "Wyv"),
        (b"\\u0041", "text/html; charset=unicode_escape", "\\u0041"),
        (b"gr\xfc\xdf", "", "gr\ufffd\ufffd"),
        (b"a\x81b", "text/html; charset=windows-1252", "a\ufffdb"),
    ],
)
def test_a_body_is_read_by_its_charset_else_as_utf_8(body: bytes, content_type: str, text: str) -> None:
    assert text_of(body, content_type) == text


@pytest.mark.parametrize(
    "charset", ["utf-8", "windows-1252", "iso-8859-7", "shift_jis", "gb18030", "iso-2022-jp"]
)
@pytest.mark.parametrize("unit", [b"\xff", b"\x81", b"\xa5\xff", b"\x1b$"])
def test_nonsense_is_read_quickly(charset: str, unit: bytes) -> None:
    started_at = time.process_time()
    text_of(unit * (1_000_000 // len(unit)), f"text/html; charset={charset}")
    assert time.process_time() - started_at < 0.5


FOOTER = "Powered by the Example shop, copyright 2026 Example"


def test_patterns_that_need_little_leave_the_rest_to_the_others() -> None:
    page = ("<p>lorem ipsum dolor</p>\n" * 6000) + FOOTER
    patterns = ["Powered by.{0,20}Example", "copyright .{0,10}Example", "lorem", "ipsum"]
    assert satisfies([ContentRule("regex", pattern) for pattern in patterns], page, time.thread_time)


def test_what_the_patterns_before_have_spent_is_spent() -> None:
    clock = iter([0.0, 0.0, 9.0])
    rules = [ContentRule("regex", "a"), ContentRule("regex", "a")]
    assert not satisfies(rules, "a", lambda: next(clock))
