"""What a notification says, whatever the channel: the event, and the words for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from chalicelib.domain.event_type import EventType
from chalicelib.domain.snapshot import (
    CronSnapshot,
    DnsSnapshot,
    Fact,
    HttpSnapshot,
    PushSnapshot,
    Snapshot,
    SslSnapshot,
    TcpSnapshot,
    for_humans,
)
from chalicelib.domain.target import BadTarget, parse_url
from chalicelib.domain.wording import cut, one_line

MAX_NAME: Final = 200
MAX_VALUE: Final = 500
"""A line that is longer is not read."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One event of one monitor, for one channel, on one attempt.

    `event_id` is the same on every attempt, `thread_id` on everything that one alert tells about one monitor.
    `since` is when the incident began, `at` when this was seen, `attempted_at` when it is being sent. `sent`
    and `held_back` count the notifications of the incident before this one. `flips` is how often the monitor
    has changed in a day, on the notice that says so; 0 on every other.
    """

    event_id: str
    thread_id: str
    monitor_id: str
    name: str
    event: EventType
    snapshot: Snapshot
    since: datetime
    at: datetime
    attempted_at: datetime
    reason: str = ""
    sent: int = 0
    held_back: int = 0
    flips: int = 0
    link: str = ""
    is_test: bool = False

    @property
    def kind(self) -> str:
        return _KINDS[type(self.snapshot)][0]


_KINDS: Final = {
    HttpSnapshot: ("http", "HTTP monitor"),
    DnsSnapshot: ("dns", "DNS monitor"),
    TcpSnapshot: ("tcp", "TCP monitor"),
    CronSnapshot: ("cron", "Cron job"),
    SslSnapshot: ("ssl", "Certificate"),
    PushSnapshot: ("push", "Push monitor"),
}
_WORDS: Final = {
    EventType.DOWN: ("DOWN", "is down"),
    EventType.DEGRADED: ("DEGRADED", "is degraded"),
    EventType.UP: ("RECOVERED", "has recovered"),
}


@dataclass(frozen=True, slots=True)
class Composed:
    """A notice in words, plain text throughout: each a single line, and none of them empty but `link`.

    Markup in it is whatever a stranger wrote: a channel that understands any escapes it.
    """

    title: str
    sentence: str
    facts: tuple[Fact, ...]
    link: str

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(f"{label}: {value}" for label, value in self.facts)


def compose(notice: Notice) -> Composed:
    word, phrase = _WORDS[notice.event]
    mark = "[TEST] " if notice.is_test else ""
    flapping = " (FLAPPING)" if notice.flips else ""
    kind_name = _KINDS[type(notice.snapshot)][1]
    name = cut(one_line(notice.name), MAX_NAME) or notice.monitor_id
    reason = cut(one_line(notice.reason), MAX_VALUE)
    told = [
        ("Monitor", f"{name} ({kind_name})"),
        ("Status", word),
        ("Reason", reason),
        *notice.snapshot.facts(),
        *_course(notice),
        ("Time", for_humans(notice.at)),
    ]
    facts = ((label, cut(one_line(value), MAX_VALUE)) for label, value in told)
    return Composed(
        title=f"{mark}{word}{flapping}: {name}",
        sentence=f"{mark}{kind_name} {name} {phrase}{_tail(notice)}{f': {reason}' if reason else ''}",
        facts=tuple(fact for fact in facts if fact[1]),
        link=_safe_link(notice.link),
    )


def _tail(notice: Notice) -> str:
    """What a recovery has to say (contract 4.8): how long it took, and what was not told of it."""
    flapping = " (flapping)" if notice.flips else ""
    if notice.event is not EventType.UP:
        return flapping
    counts = f"; {notice.sent} sent, {notice.held_back} held back" if notice.held_back else ""
    return f"{flapping} after {duration(notice.at - notice.since)}{counts}"


def _course(notice: Notice) -> list[Fact]:
    """How the incident went so far."""
    facts = []
    if notice.event is EventType.UP:
        facts.append(("Duration", duration(notice.at - notice.since)))
    elif notice.at != notice.since:
        facts.append(("Since", for_humans(notice.since)))
    if notice.held_back:
        facts.append(("Notifications", f"{notice.sent} sent, {notice.held_back} held back"))
    if notice.flips:
        facts.append(("Flapping", f"{notice.flips} changes in 24 hours; from now on it is told less often"))
    return facts


def duration(span: timedelta) -> str:
    """The two largest units, such as `2 h 5 min`."""
    seconds = max(0, round(span.total_seconds()))
    amounts = (
        (seconds // 86400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    )
    first = next((i for i, (amount, _) in enumerate(amounts) if amount), len(amounts) - 1)
    shown = [f"{amount} {unit}" for amount, unit in amounts[first : first + 2] if amount]
    return " ".join(shown) or "0 s"


def _safe_link(link: str) -> str:
    """It is our own, from a setting; what is no plain http(s) address is left out and never shown."""
    try:
        parse_url(link)
    except BadTarget:
        return ""
    return link
