"""The mails that would have been sent."""

import json
import logging
import threading
from collections import deque
from collections.abc import Iterator
from datetime import UTC
from email.errors import MessageError
from html import escape
from pathlib import Path
from typing import Any, Final

from chalicelib.domain.message import DELIVERED, Mail, Verdict, failed
from chalicelib.mailing import composed

DEFAULT_SENDER: Final = "Uptime <uptime@localhost>"
MOST: Final = 1000
_FIELDS: Final = {"from", "to", "subject", "messageId", "sentAt", "text", "html"}

Letter = dict[str, Any]

log = logging.getLogger(__name__)


class MailBox:
    """Satisfies `Mailer`: keeps the newest thousand mails. `kept` is the file, a line each, in which they
    survive the process."""

    def __init__(self, kept: Path | None = None, sender: str = "") -> None:
        self._kept = kept
        self._sender = sender or DEFAULT_SENDER
        self._lock = threading.Lock()
        self._letters = deque(self._read(), MOST)
        self._lines = 2 * MOST

    def send(self, mail: Mail) -> Verdict:
        try:
            message = composed(mail, self._sender)
            message.as_bytes()
        except (ValueError, IndexError, MessageError):
            return failed("the mail cannot be composed")
        letter = {
            "from": str(message["From"]),
            "to": str(message["To"]),
            "subject": str(message["Subject"]),
            "messageId": str(message["Message-ID"]),
            "sentAt": mail.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "text": mail.text,
            "html": mail.html,
        }
        with self._lock:
            self._letters.append(letter)
            self._write(letter)
        return DELIVERED

    def newest_first(self) -> list[Letter]:
        with self._lock:
            return list(reversed(self._letters))

    def _read(self) -> Iterator[Letter]:
        """What is no letter is left out: the process may have been killed amid a line."""
        if self._kept is None:
            return
        try:
            lines = self._kept.read_bytes().splitlines()
        except OSError:  # none yet
            return
        for line in lines:
            try:
                letter = json.loads(line)
            except ValueError:
                continue
            if isinstance(letter, dict) and letter.keys() == _FIELDS:
                yield letter

    def _write(self, letter: Letter) -> None:
        """Under the lock. A line more, or all anew: when half of the lines are past keeping, and at first,
        since the last one may be torn."""
        if self._kept is None:
            return
        try:
            if self._lines >= 2 * MOST:
                self._kept.parent.mkdir(parents=True, exist_ok=True)
                fresh = self._kept.with_suffix(".new")
                fresh.write_text("".join(_line(letter) for letter in self._letters))
                fresh.replace(self._kept)
                self._lines = len(self._letters)
            else:
                with self._kept.open("a") as file:
                    file.write(_line(letter))
                self._lines += 1
        except OSError as error:
            log.warning("the mail is not kept: %s", error)


def _line(letter: Letter) -> str:
    return json.dumps(letter) + "\n"


def mail_page(letters: list[Letter]) -> str:
    """For a browser. What a mail brings along is text, or shut into a frame that runs nothing."""
    shown = "".join(_article(letter) for letter in letters) or "<p>No mail has been sent.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mail</title><style>'
        "body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "iframe{width:100%;height:24em;border:1px solid #bbb}pre{white-space:pre-wrap}"
        f"</style></head><body><h1>Mail</h1>{shown}</body></html>"
    )


def _article(letter: Letter) -> str:
    told = {name: escape(str(value)) for name, value in letter.items()}
    return (
        f"<article><h2>{told['subject']}</h2>"
        f"<p>{told['sentAt']}, from {told['from']} to {told['to']}, {told['messageId']}</p>"
        f'<iframe sandbox srcdoc="{told["html"]}" title="{told["subject"]}"></iframe>'
        f"<details><summary>Text</summary><pre>{told['text']}</pre></details></article>"
    )
