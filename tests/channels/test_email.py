"""Email, as text and as HTML."""

from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser

import pytest

from chalicelib.channels.email import MAX_SUBJECT, Config, parse, render
from chalicelib.channels.fields import BadConfig
from chalicelib.domain.event_type import EventType
from chalicelib.mailing import composed
from tests.channels.notices import ATTEMPTED_AT, HOSTILE, hostile, notice, recovered

CONFIG = Config("ops@example.com", "[shop]")
TAGS = {"html", "head", "meta", "title", "body", "h1", "p", "table", "tr", "th", "td", "a"}


class Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str | None] = []
        self.shown: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links.extend(value for name, value in attrs if name == "href")

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


def test_the_subject_has_prefix_word_and_name() -> None:
    assert render(CONFIG, notice()).subject == "[shop] DOWN: Shop"
    assert render(CONFIG, notice(event=EventType.DEGRADED)).subject == "[shop] DEGRADED: Shop"
    assert render(CONFIG, recovered()).subject == "[shop] RECOVERED: Shop"
    assert render(Config("a@b"), notice(is_test=True)).subject == "[TEST] DOWN: Shop"


def test_the_text() -> None:
    mail = render(CONFIG, notice())
    assert (mail.to, mail.event_id, mail.at) == ("ops@example.com", "evt_1", ATTEMPTED_AT)
    assert mail.text == (
        "HTTP monitor Shop is down: Status 503 instead of 200\n"
        "\n"
        "Monitor: Shop (HTTP monitor)\n"
        "Status: DOWN\n"
        "Reason: Status 503 instead of 200\n"
        "URL: https://shop.example/\n"
        "Response status: 503 (expected 200)\n"
        "Response time: 120 ms\n"
        "Since: 2026-11-21 08:00:00 UTC\n"
        "Time: 2026-11-21 08:05:00 UTC\n"
        "\n"
        "https://uptime.example/monitors/mon_1\n"
    )


def test_the_html_says_the_same() -> None:
    mail = render(CONFIG, notice())
    read = Reader(mail.html)
    assert read.links == ["https://uptime.example/monitors/mon_1"]
    assert {"Reason", "Status 503 instead of 200", "DOWN: Shop"} <= set(read.shown)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_adds_a_header_or_a_tag(text: str) -> None:
    for event in EventType:
        for each in hostile(text, event):
            mail = render(Config("ops@example.com", text[:50]), each)
            assert len(mail.subject) <= MAX_SUBJECT
            assert mail.subject.splitlines() == [mail.subject]
            read = Reader(mail.html)
            assert read.tags <= TAGS
            assert read.links == ["https://uptime.example/monitors/mon_1"]
            mail.html.encode()
            mail.text.encode()


@pytest.mark.parametrize("link", ["javascript:alert(1)", 'https://x/"onclick="y', "https://u:p@x/", "x"])
def test_a_link_that_is_none_of_ours_stands_nowhere_as_it_is(link: str) -> None:
    mail = render(CONFIG, notice(link=link))
    assert Reader(mail.html).links in ([], [link])
    assert "javascript" not in mail.html + mail.text
    assert '"onclick' not in mail.html


@pytest.mark.parametrize("address", ["a@b", "first.last+tag@mail.example.com", "o'neil@example.com"])
def test_good_addresses(address: str) -> None:
    assert parse({"email": address}) == Config(address)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a b@c",
            "a@b,c@d",
            "a@b;c@d",
            "<a@b>",
            "A <a@b>",
            '"a b"@c',
            "a@b c",
        ),
        *(
            "a@b\n",
            "a@b\r\nBcc: c@d",
            "a\x00@b",
            "é@b",
            "a@é",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a@-b",
            "a@b-",
            "a@b..c",
        ),
        *(f"{'a' * 65}@b", f"a@{'b' * 64}", f"a@{'b.' * 130}c", 5, None, ["a@b"]),
    ],
)
def test_bad_addresses(address: object) -> None:
    with pytest.raises(BadConfig) as caught:
        parse({"email": address})
    assert [detail.field for detail in caught.value.details] == ["email"]


@pytest.mark.parametrize(("length", "is_good"), [(0, True), (50, True), (51, False)])
def test_a_prefix_has_up_to_50_characters(length: int, is_good: bool) -> None:
    config = {"email": "a@b", "subjectPrefix": "👍" * length}
    if is_good:
        assert parse(config).subject_prefix == "👍" * length
    else:
        with pytest.raises(BadConfig):
            parse(config)


def test_an_encoded_word_in_a_name_hides_no_line_break() -> None:
    """RFC 2047: a header is decoded when it is set, by some versions of Python to more headers."""
    hostile = "=?utf-8?q?a=0D=0ABcc:_victim@example.com?="
    config = Config("ops@example.com", "=?utf-8?q?p=0D=0AX-Injected:_1?=")
    mail = render(config, notice(name=hostile))
    sent = composed(mail, "alerts@example.com").as_bytes()
    names = set(message_from_bytes(sent).keys())
    assert not names & {"Bcc", "X-Injected"}
    assert message_from_bytes(sent, policy=default)["Subject"] == mail.subject
    assert "=?" not in mail.subject
