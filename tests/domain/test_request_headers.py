import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.request_headers import header_problem, header_problems


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Foo", "bar"),
        ("Authorization", "Bearer abc=="),
        ("X-Empty", ""),
        ("X-Text", "grüß 你好\tdich\N{NO-BREAK SPACE}"),
        ("x!#$%&'*+.^_`|~", "1"),
        ("Connection-Id", "1"),
        ("Proxy", "1"),
        ("X" * 256, "y" * 8192),
    ],
)
def test_what_may_be_sent(name: str, value: str) -> None:
    assert header_problems({name: value}) == {}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "X Foo",
        "X-Foo:",
        ":path",
        "X-Foo\r\nHost",
        "X-Föö",
        "X-Foo\n",
        "X\0",
        "(x)",
        "X" * 257,
        " X",
        '"x"',
    ],
)
def test_a_name_is_a_token(name: str) -> None:
    assert list(header_problems({name: "1"})) == [name]


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "hOST",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Upgrade",
        "Expect",
        "Proxy-Authorization",
        "proxy-connection",
        "HTTP2-Settings",
    ],
)
def test_what_frames_a_message_is_not_the_users(name: str) -> None:
    assert header_problem(name, "1") == "this header cannot be set"


@pytest.mark.parametrize(
    "value",
    [
        "a\r\nHost: b",
        "a\n",
        "\r",
        "\0",
        "\x0b",
        "\x7f",
        "\x85",
        "\u2028",
        "\u2029",
        "\ud800",
        "\x1b[0m",
        "y" * 8193,
    ],
)
def test_a_value_has_no_control_characters(value: str) -> None:
    assert "X-Foo" in header_problems({"X-Foo": value, "X-Good": "1"})
    assert "X-Good" not in header_problems({"X-Foo": value, "X-Good": "1"})


def test_one_name_in_two_spellings_is_one_too_many() -> None:
    assert list(header_problems({"X-Foo": "1", "x-foo": "2"})) == ["x-foo"]


def test_the_sum_is_limited_too() -> None:
    assert header_problems({f"X-{n}": "" for n in range(50)}) == {}
    assert list(header_problems({f"X-{n}": "" for n in range(51)})) == [""]
    assert list(header_problems({"A": "ü" * 4096, "B": "ü" * 4096})) == [""]


@given(st.text(), st.text())
def test_what_is_accepted_stays_on_its_line(name: str, value: str) -> None:
    if header_problem(name, value) is None:
        assert name.isascii()
        assert len(f"{name}: {value}".splitlines()) == 1
        assert b"\0" not in value.encode()
