"""Mails that nobody is sent, and what survives of them."""

import json
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from chalicelib.domain.message import DELIVERED, Fate, Mail
from localrun.mail_box import MOST, MailBox
from tests.channels.notices import AT


def mail(number: int = 1, to: str = "ops@example.com", subject: str = "DOWN: Shop") -> Mail:
    return Mail(to, subject, "text", "<p>html</p>", f"evt_{number}", AT)


def ids(box: MailBox) -> list[str]:
    return [letter["messageId"] for letter in box.newest_first()]


def test_it_is_from_whom_the_settings_say() -> None:
    box = MailBox(sender="Ops <ops@example.org>")
    assert box.send(mail()) == DELIVERED
    (letter,) = box.newest_first()
    assert (letter["from"], letter["messageId"]) == ("Ops <ops@example.org>", "<evt_1@example.org>")


def test_times_are_shown_in_utc() -> None:
    box = MailBox()
    there = AT.astimezone(timezone(timedelta(hours=5)))
    box.send(Mail("a@example.com", "s", "t", "h", "evt_1", there))
    assert box.newest_first()[0]["sentAt"] == "2026-11-21T08:05:00Z"


@pytest.mark.parametrize("bad", [mail(to="not an address"), mail(subject="a\r\nBcc: b@example.com")])
def test_what_no_server_would_be_sent_fails_here_too(bad: Mail) -> None:
    box = MailBox()
    assert box.send(bad).fate is Fate.FAILED
    assert box.newest_first() == []


def test_mails_survive_the_process(tmp_path: Path) -> None:
    kept = tmp_path / "data" / "mail.jsonl"
    first = MailBox(kept)
    assert first.newest_first() == []
    for number in (1, 2):
        first.send(mail(number))
    second = MailBox(kept)
    assert second.newest_first() == first.newest_first()
    second.send(mail(3))
    assert ids(MailBox(kept)) == [f"<evt_{number}@localhost>" for number in (3, 2, 1)]


@pytest.mark.parametrize("torn", [b'{"from": "x", "to', b"\xff\xfe", b"[]\n{}\nnull\n7", b'{"from": "x"}'])
def test_what_a_kill_has_torn_is_left_out(tmp_path: Path, torn: bytes) -> None:
    kept = tmp_path / "mail.jsonl"
    MailBox(kept).send(mail(1))
    kept.write_bytes(kept.read_bytes() + torn)
    again = MailBox(kept)
    again.send(mail(2))
    for line in kept.read_text().splitlines():
        json.loads(line)
    assert ids(MailBox(kept)) == ["<evt_2@localhost>", "<evt_1@localhost>"]


def test_the_newest_thousand_are_kept(tmp_path: Path) -> None:
    kept = tmp_path / "mail.jsonl"
    box = MailBox(kept)
    for number in range(2 * MOST + 10):
        box.send(mail(number))
    newest = [f"<evt_{number}@localhost>" for number in range(2 * MOST + 9, MOST + 9, -1)]
    assert ids(box) == newest
    assert ids(MailBox(kept)) == newest
    assert MOST <= len(kept.read_text().splitlines()) <= 2 * MOST


def test_without_a_place_to_keep_it_a_mail_is_still_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    box = MailBox(tmp_path / "file" / "mail.jsonl")
    assert box.send(mail()) == DELIVERED
    assert ids(box) == ["<evt_1@localhost>"]
    assert "the mail is not kept" in caplog.text
