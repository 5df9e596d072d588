"""Outbox, courses and their records in memory, over the store of `tests/fakes.py`."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from chalicelib.domain.alert import HEALTHY, Health
from chalicelib.domain.alert_event import LIFE, AlertEvent
from chalicelib.domain.course import Course
from chalicelib.domain.course_json import decode_course, encode_course
from chalicelib.domain.incident import OutboxRow
from tests.fakes import Change, _Edge


def _look(course: Course | None) -> tuple[str, int, str, str] | None:
    if course is None or course.next_at is None:
        return None
    return course.shard, math.ceil(course.next_at.timestamp()), course.alert_id, course.subject


def _as_stored(course: Course) -> Course:
    """Instants lose what is below a millisecond, and the end of its life what is below a second."""
    kept_until = course.kept_until and course.kept_until.replace(microsecond=0)
    return decode_course(course.alert_id, course.subject, course.version, kept_until, encode_course(course))


class FakeOutbox(_Edge):
    def of_shard(self, shard: str, limit: int, after: OutboxRow | None = None) -> list[OutboxRow]:
        def action() -> list[OutboxRow]:
            return [row for row in self._rows(shard) if after is None or _key(row) > _key(after)][:limit]

        return self.store.call("outbox.of_shard", action)

    def remove(self, rows: Iterable[OutboxRow]) -> None:
        """A batch is no transaction: a call for each."""
        for row in rows:
            self.store.call("outbox.remove", partial(self.store.write, ("outbox", _key(row), None)))

    def is_anything_due(self, shard: str, now: datetime) -> bool:
        def action() -> bool:
            looks = [look for look in self.store.items["look"] if look[0] == shard]
            return bool(self._rows(shard)) or any(look[1] <= now.timestamp() for look in looks)

        return self.store.call("outbox.is_anything_due", action)

    def _rows(self, shard: str) -> list[OutboxRow]:
        return sorted((row for row in self.store.items["outbox"].values() if row.shard == shard), key=_key)


class FakeCourses(_Edge):
    def get(self, alert_id: str, subject: str) -> Course | None:
        def action() -> Course | None:
            course: Course | None = self.store.get("course", (alert_id, subject))
            return course

        return self.store.call("courses.get", action)

    def of_alert(self, alert_id: str) -> list[Course]:
        return self.store.call("courses.of_alert", lambda: self._of(alert_id))

    def due(
        self, shard: str, now: datetime, limit: int, after: tuple[str, str, int] | None = None
    ) -> list[tuple[str, str, int]]:
        def action() -> list[tuple[str, str, int]]:
            found = sorted(look[1:] for look in self.store.items["look"] if look[0] == shard)
            later = [look for look in found if after is None or look > (after[2], *after[:2])]
            return [(a, s, second) for second, a, s in later if second <= now.timestamp()][:limit]

        return self.store.call("courses.due", action)

    def save(self, before: Course | None, after: Course | None, events: Sequence[AlertEvent] = ()) -> bool:
        def action() -> bool:
            some = after or before
            assert some is not None
            key = some.alert_id, some.subject
            stored: Course | None = self.store.get("course", key)
            if (stored.version if stored else None) != (before.version if before else None):
                return False
            changes: list[Change] = [("course", key, after and _as_stored(after))]
            changes += [("look", look, None) for look in [_look(before)] if look]
            changes += [("look", look, True) for look in [_look(after)] if look]
            changes += [("event", event.id, event) for event in events]
            self.store.write(*changes)
            return True

        return self.store.call("courses.save", action)

    def drop_look(self, shard: str, alert_id: str, subject: str, second: int) -> None:
        look = (shard, second, alert_id, subject)
        self.store.call("courses.drop_look", lambda: self.store.write(("look", look, None)))

    def events(self, alert_id: str, limit: int, now: datetime, *, with_skipped: bool) -> list[AlertEvent]:
        def action() -> list[AlertEvent]:
            found = [event for event in self._events(now, with_skipped) if event.alert_id == alert_id]
            return found[:limit]

        return self.store.call("courses.events", action)

    def events_about(
        self, monitor_id: str, limit: int, now: datetime, *, with_skipped: bool
    ) -> list[AlertEvent]:
        def action() -> list[AlertEvent]:
            found = [event for event in self._events(now, with_skipped) if event.monitor_id == monitor_id]
            return found[:limit]

        return self.store.call("courses.events_about", action)

    def healths(self, alert_ids: Iterable[str]) -> dict[str, Health]:
        wanted, stored = set(alert_ids), self.store.items["health"]
        return self.store.call("courses.healths", lambda: {id: stored[id] for id in wanted if id in stored})

    def save_health(self, alert_id: str, health: Health) -> None:
        kept = None if health == HEALTHY else health
        self.store.call("courses.save_health", lambda: self.store.write(("health", alert_id, kept)))

    def forget(self, alert_id: str) -> None:
        def action() -> None:
            items = self.store.items
            changes: list[Change] = [("course", key, None) for key in items["course"] if key[0] == alert_id]
            changes += [("event", e.id, None) for e in items["event"].values() if e.alert_id == alert_id]
            self.store.write(*changes, ("health", alert_id, None))

        self.store.call("courses.forget", action)

    def _of(self, alert_id: str) -> list[Course]:
        return [course for course in self.store.items["course"].values() if course.alert_id == alert_id]

    def _events(self, now: datetime, with_skipped: bool) -> list[AlertEvent]:
        found = self.store.items["event"].values()
        shown = [event for event in found if event.created_at + LIFE > now]
        shown = [event for event in shown if with_skipped or event.skip is None]
        return sorted(shown, key=lambda event: (event.created_at, event.id), reverse=True)


def _key(row: OutboxRow) -> tuple[str, int]:
    return row.subject, row.seq
