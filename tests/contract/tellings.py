"""Both kinds of the stores of delivery, and values that their tests write."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from chalicelib.domain.alert_event import AlertEvent, EventStatus, Skip
from chalicelib.domain.course import Course, Incident, Skipped, Told, Waiting
from chalicelib.domain.event_type import EventType
from chalicelib.domain.finding import Finding
from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.outcome import Reason, Status
from chalicelib.services import deps
from chalicelib.store.courses import CourseStore
from chalicelib.store.incidents import add_outbox_row
from chalicelib.store.outbox import OutboxStore
from chalicelib.store.tables import OutboxItem
from chalicelib.store.transactions import transact
from tests.fake_courses import FakeCourses, FakeOutbox
from tests.fakes import FakeStore

from .makers import BASE, NOW, SHARD

SECOND = timedelta(seconds=1)
DOWN, UP = EventType.DOWN, EventType.UP
FINDING = Finding(DOWN, NOW, Reason.WRONG_STATUS, 503, 120)


@dataclass(frozen=True)
class Tellings:
    courses: deps.Courses
    outbox: deps.Outbox
    put: Callable[[OutboxRow], None]
    """As a transition does."""


def fake_tellings() -> Tellings:
    store = FakeStore()
    return Tellings(
        FakeCourses(store),
        FakeOutbox(store),
        lambda row: store.write(("outbox", (row.subject, row.seq), row)),
    )


def real_tellings() -> Tellings:
    def put(row: OutboxRow) -> None:
        assert transact(OutboxItem, lambda t: add_outbox_row(t, row)) is None

    return Tellings(CourseStore(), OutboxStore(), put)


def course(alert: int = 1, subject: str = "mon_1", **fields: object) -> Course:
    """One that has just begun an incident."""
    made = Course(
        alert_id=f"alt_{alert}",
        subject=subject,
        team_id="team-1",
        monitor_id=subject.rpartition("#")[2],
        kind="http",
        shard=SHARD,
        version=1,
        token="aa",
        heard_seq=7,
        next_at=NOW + 60 * SECOND,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def full_course() -> Course:
    waiting = Waiting("evt_2", 7, FINDING, NOW, NOW, 1, 1, 59, 5, 2, NOW, NOW + SECOND)
    return course(
        incident=Incident(
            opened_seq=7,
            since=NOW,
            finding=replace(FINDING, text="192.0.2.1 ✓"),
            every_seconds=60,
            told={DOWN: Told(2, NOW, 1, NOW)},
            is_untold=True,
            is_recovery_owed=True,
            sent=1,
            skips={Skip.MAINTENANCE: Skipped(DOWN, NOW, 5, NOW)},
        ),
        waiting=(waiting, replace(waiting, event_id="evt_3")),
        recovered_at=NOW,
        sent_at=NOW,
        flips=(NOW, NOW + SECOND),
        is_flapping_told=True,
        leased_until=NOW + 90 * SECOND,
        kept_until=NOW + timedelta(days=8),
    )


def later(before: Course, **fields: object) -> Course:
    return replace(before, version=before.version + 1, token="bb", **fields)  # type: ignore[arg-type]


def event(number: int = 1, alert: int = 1, monitor_id: str = "mon_1", **fields: object) -> AlertEvent:
    made = AlertEvent(
        id=f"evt_{number}of{alert}",
        alert_id=f"alt_{alert}",
        monitor_id=monitor_id,
        kind="http",
        event=DOWN,
        status=EventStatus.PENDING,
        created_at=NOW + timedelta(milliseconds=number),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def row(number: int = 1, seq: int = 1, kind: str = "http", shard: str = SHARD) -> OutboxRow:
    return OutboxRow(
        shard=shard,
        monitor_id=f"mon_{number}",
        team_id="team-1",
        kind=kind,
        seq=seq,
        opened_seq=seq,
        before=Status.UP,
        after=Status.DOWN,
        slot=BASE,
        at=BASE,
        reason=Reason.TIMEOUT,
        status_code=0,
        response_ms=10_000,
    )
