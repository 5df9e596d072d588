"""Courses of alerts, the notes of when to look at them, and the records of what they tell."""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.domain.alert import Health
from chalicelib.domain.alert_event import LIFE, AlertEvent
from chalicelib.domain.course import Course
from chalicelib.domain.course_json import decode_course, decode_event, encode_course, encode_event
from chalicelib.domain.instant import from_milliseconds, to_milliseconds
from chalicelib.store.tables import CourseItem, EventItem, EventPointerItem, HealthItem, LookItem
from chalicelib.store.transactions import transact

_EVENTS = "E#"


class CourseStore:
    def get(self, alert_id: str, subject: str) -> Course | None:
        try:
            item = CourseItem.get(f"AL#{alert_id}", f"C#{subject}", consistent_read=True)
        except CourseItem.DoesNotExist:
            return None
        return _course(item)

    def of_alert(self, alert_id: str) -> list[Course]:
        found = CourseItem.query(f"AL#{alert_id}", CourseItem.sk.startswith("C#"), consistent_read=True)
        return [_course(item) for item in found]

    def due(
        self, shard: str, now: datetime, limit: int, after: tuple[str, str, int] | None = None
    ) -> list[tuple[str, str, int]]:
        until = looks_until(now)
        if after is not None:  # the upper end is excluded by its key, which no look has
            until = LookItem.sk.between(f"{_look_key(*after)}\0", _end_of_looks(now))
        found = LookItem.query(f"DUE#{shard}", until, consistent_read=True, limit=limit)
        return [_look(item) for item in found]

    def save(self, before: Course | None, after: Course | None, events: Sequence[AlertEvent] = ()) -> bool:
        is_as_read = (
            CourseItem.pk.does_not_exist() if before is None else CourseItem.version == before.version
        )
        old, new = (_look_item(course) if course else None for course in (before, after))
        is_moved = (old and old.sk) != (new and new.sk)

        def fill(t: TransactWrite) -> None:
            if after is None:
                assert before is not None
                t.delete(_item(before), condition=is_as_read)
            if old is not None and is_moved:
                t.delete(old)
            if after is not None:
                t.save(_item(after), condition=is_as_read)
            if new is not None and is_moved:
                t.save(new)
            for event in {event.id: event for event in events}.values():
                t.save(_event_item(event))
                if event.monitor_id:
                    t.save(_pointer_item(event))

        return transact(CourseItem, fill) is None

    def drop_look(self, shard: str, alert_id: str, subject: str, second: int) -> None:
        LookItem(f"DUE#{shard}", _look_key(alert_id, subject, second)).delete()

    def events(self, alert_id: str, limit: int, now: datetime, *, with_skipped: bool) -> list[AlertEvent]:
        items = EventItem.query(
            f"AL#{alert_id}",
            EventItem.sk.startswith(_EVENTS),
            _shown(EventItem, now, with_skipped=with_skipped),
            scan_index_forward=False,
            limit=limit,
            page_size=limit,
        )
        return [_event(item) for item in items]

    def events_about(
        self, monitor_id: str, limit: int, now: datetime, *, with_skipped: bool
    ) -> list[AlertEvent]:
        pointers = EventPointerItem.query(
            f"M#{monitor_id}",
            EventPointerItem.sk.startswith(_EVENTS),
            _shown(EventPointerItem, now, with_skipped=with_skipped),
            scan_index_forward=False,
            limit=limit,
            page_size=limit,
        )
        keys = [(f"AL#{pointer.alert_id}", pointer.sk) for pointer in pointers]
        found = {(item.pk, item.sk): _event(item) for item in _batch(EventItem, keys)}
        return [found[key] for key in keys if key in found]

    def healths(self, alert_ids: Iterable[str]) -> dict[str, Health]:
        keys = [(f"AL#{alert_id}", "HEALTH") for alert_id in alert_ids]
        return {item.pk.removeprefix("AL#"): _health(item) for item in _batch(HealthItem, keys)}

    def save_health(self, alert_id: str, health: Health) -> None:
        item = HealthItem(
            f"AL#{alert_id}",
            failures=health.failures,
            failing_since=_milliseconds(health.failing_since),
            disabled_at=_milliseconds(health.disabled_at),
            problem=health.problem,
        )
        if health == Health():
            item.delete()
        else:
            item.save()

    def forget(self, alert_id: str) -> None:
        """The pointers first: without their events nobody would know where they are."""
        about = EventItem.query(f"AL#{alert_id}", EventItem.sk.startswith(_EVENTS), consistent_read=True)
        with EventPointerItem.batch_write() as pointers:
            for event in map(_event, about):
                if event.monitor_id:
                    pointers.delete(_pointer_item(event))
        keys = ["pk", "sk"]
        with CourseItem.batch_write() as batch:
            for item in CourseItem.query(f"AL#{alert_id}", consistent_read=True, attributes_to_get=keys):
                batch.delete(item)


def looks_until(now: datetime) -> Condition:
    return LookItem.sk < _end_of_looks(now)


def _end_of_looks(now: datetime) -> str:
    return f"{int(now.timestamp()) + 1:010d}"


def _look_key(alert_id: str, subject: str, second: int) -> str:
    return f"{second:010d}#{alert_id}#{subject}"


def _batch(model: Any, keys: Sequence[tuple[str, str]]) -> Iterator[Any]:
    return iter(model.batch_get(keys, consistent_read=False)) if keys else iter(())


def _shown(model: Any, now: datetime, *, with_skipped: bool) -> Condition:
    """What has expired may still be there for days."""
    is_alive: Condition = model.ttl > int(now.timestamp())
    return is_alive if with_skipped else is_alive & (model.is_skip == False)  # noqa: E712


def _item(course: Course) -> CourseItem:
    return CourseItem(
        f"AL#{course.alert_id}",
        f"C#{course.subject}",
        version=course.version,
        data=encode_course(course),
        ttl=None if course.kept_until is None else int(course.kept_until.timestamp()),
    )


def _course(item: CourseItem) -> Course:
    return decode_course(
        item.pk.removeprefix("AL#"),
        item.sk.removeprefix("C#"),
        int(item.version),
        None if item.ttl is None else from_milliseconds(int(item.ttl) * 1000),
        item.data,
    )


def _look_item(course: Course) -> LookItem | None:
    """In the second at which the look is due, or the next: never before it."""
    if course.next_at is None:
        return None
    second = math.ceil(course.next_at.timestamp())
    return LookItem(f"DUE#{course.shard}", _look_key(course.alert_id, course.subject, second))


def _look(item: LookItem) -> tuple[str, str, int]:
    second, alert_id, subject = item.sk.split("#", 2)
    return alert_id, subject, int(second)


def _event_key(event: AlertEvent) -> str:
    return f"{_EVENTS}{to_milliseconds(event.created_at):013d}#{event.id}"


def _event_item(event: AlertEvent) -> EventItem:
    return EventItem(
        f"AL#{event.alert_id}",
        _event_key(event),
        data=encode_event(event),
        is_skip=event.skip is not None,
        ttl=_ttl(event),
    )


def _pointer_item(event: AlertEvent) -> EventPointerItem:
    return EventPointerItem(
        f"M#{event.monitor_id}",
        _event_key(event),
        alert_id=event.alert_id,
        is_skip=event.skip is not None,
        ttl=_ttl(event),
    )


def _ttl(event: AlertEvent) -> int:
    return int((event.created_at + LIFE).timestamp())


def _event(item: EventItem) -> AlertEvent:
    _, milliseconds, id = item.sk.split("#")
    created_at = from_milliseconds(int(milliseconds))
    return decode_event(item.pk.removeprefix("AL#"), id, created_at, item.data)


def _health(item: HealthItem) -> Health:
    since, disabled_at = (
        None if at is None else from_milliseconds(int(at)) for at in (item.failing_since, item.disabled_at)
    )
    return Health(int(item.failures), disabled_at, item.problem, since)


def _milliseconds(at: datetime | None) -> int | None:
    return None if at is None else to_milliseconds(at)
