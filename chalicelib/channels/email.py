"""Email: one address, in plain text and in HTML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

from chalicelib.channels.fields import Field, Fields, address, read, text
from chalicelib.channels.judging import Headers, by_status
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import Mail, Verdict
from chalicelib.domain.notice import Composed, Notice, compose
from chalicelib.domain.wording import cut, one_line

MAX_SUBJECT: Final = 200

FIELDS: Final[Fields] = {
    "email": Field(address, is_required=True),
    "subjectPrefix": Field(text(0, 50)),
}
_COLOURS: Final = {EventType.DOWN: "#b3261e", EventType.DEGRADED: "#8a5300", EventType.UP: "#1b6e3c"}


@dataclass(frozen=True, slots=True)
class Config:
    email: str = field(repr=False)
    subject_prefix: str = ""


def parse(config: Mapping[str, Any]) -> Config:
    """Raises BadConfig."""
    given = read(FIELDS, config)
    return Config(given["email"], given.get("subjectPrefix", ""))


def render(config: Config, notice: Notice) -> Mail:
    composed = compose(notice)
    return Mail(
        to=config.email,
        subject=cut(_plain(one_line(f"{config.subject_prefix} {composed.title}")), MAX_SUBJECT),
        text=_as_text(composed),
        html=_as_html(composed, _COLOURS[notice.event]),
        event_id=notice.event_id,
        at=notice.attempted_at,
    )


def judge(status: int, body: bytes, headers: Headers) -> Verdict:
    """For a mail service with an HTTP interface. SMTP and SES are judged where they are spoken."""
    return by_status(status, headers)


def _plain(text: str) -> str:
    """No encoded word of RFC 2047: it would be decoded on the way, to line breaks and other headers even."""
    return text.replace("=?", "= ?")


def _as_text(composed: Composed) -> str:
    link = ["", composed.link] if composed.link else []
    return "\n".join([composed.sentence, "", *composed.lines, *link, ""])


def _as_html(composed: Composed, colour: str) -> str:
    rows = "".join(
        f'<tr><th align="left" valign="top" style="padding:2px 16px 2px 0">{escape(label)}</th>'
        f'<td style="padding:2px 0;word-break:break-word">{escape(value)}</td></tr>'
        for label, value in composed.facts
    )
    href = escape(composed.link)
    link = f'<p><a href="{href}">{href}</a></p>' if href else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(composed.title)}</title></head>"
        '<body style="font-family:sans-serif;font-size:15px">'
        f'<h1 style="font-size:18px;color:{colour}">{escape(composed.title)}</h1>'
        f'<p>{escape(composed.sentence)}</p><table style="border-collapse:collapse">{rows}</table>'
        f"{link}</body></html>"
    )
