"""Courses and events as text: the storage format of `store/courses.py`.

Instants are milliseconds of the epoch; what is nothing is left out.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from chalicelib.domain.alert_event import AlertEvent, EventStatus, Skip
from chalicelib.domain.course import Course, Incident, Skipped, Told, Waiting
from chalicelib.domain.event_type import EventType
from chalicelib.domain.finding import Finding
from chalicelib.domain.instant import from_milliseconds, to_milliseconds
from chalicelib.domain.outcome import Reason

_EVENTS: Final = {"d": EventType.DOWN, "g": EventType.DEGRADED, "u": EventType.UP}
_LETTERS: Final = {event: letter for letter, event in _EVENTS.items()}


def encode_course(course: Course) -> str:
    """But for the key, the version and the end of its life, which are attributes of their own."""
    return _json(
        team=course.team_id,
        monitor=course.monitor_id,
        kind=course.kind,
        shard=course.shard,
        token=course.token,
        heard=course.heard_seq,
        incident=course.incident and _incident(course.incident),
        waiting=[_waiting(waiting) for waiting in course.waiting],
        recovered=_at(course.recovered_at),
        sent=_at(course.sent_at),
        flips=[to_milliseconds(at) for at in course.flips],
        flapping=course.is_flapping_told,
        next=_at(course.next_at),
        lease=_at(course.leased_until),
    )


def decode_course(
    alert_id: str, subject: str, version: int, kept_until: datetime | None, text: str
) -> Course:
    raw = json.loads(text)
    incident = raw.get("incident")
    return Course(
        alert_id=alert_id,
        subject=subject,
        team_id=raw["team"],
        monitor_id=raw.get("monitor", ""),
        kind=raw["kind"],
        shard=raw["shard"],
        version=version,
        token=raw.get("token", ""),
        heard_seq=raw.get("heard", 0),
        incident=None if incident is None else _read_incident(incident),
        waiting=tuple(map(_read_waiting, raw.get("waiting", ()))),
        recovered_at=_instant(raw, "recovered"),
        sent_at=_instant(raw, "sent"),
        flips=tuple(map(from_milliseconds, raw.get("flips", ()))),
        is_flapping_told=raw.get("flapping", False),
        next_at=_instant(raw, "next"),
        leased_until=_instant(raw, "lease"),
        kept_until=kept_until,
    )


def encode_event(event: AlertEvent) -> str:
    """But for its id, its alert and its time, which are its key."""
    return _json(
        monitor=event.monitor_id,
        kind=event.kind,
        event=_LETTERS[event.event],
        status=event.status.value,
        sent=_at(event.sent_at),
        problem=event.problem,
        attempts=event.attempts,
        next=_at(event.next_attempt_at),
        test=event.is_test,
        skip=event.skip and event.skip.value,
        skipped=event.skipped,
        until=_at(event.until),
    )


def decode_event(alert_id: str, id: str, created_at: datetime, text: str) -> AlertEvent:
    raw = json.loads(text)
    return AlertEvent(
        id=id,
        alert_id=alert_id,
        monitor_id=raw.get("monitor", ""),
        kind=raw["kind"],
        event=_EVENTS[raw["event"]],
        status=EventStatus(raw["status"]),
        created_at=created_at,
        sent_at=_instant(raw, "sent"),
        problem=raw.get("problem", ""),
        attempts=raw.get("attempts", 0),
        next_attempt_at=_instant(raw, "next"),
        is_test=raw.get("test", False),
        skip=Skip(raw["skip"]) if "skip" in raw else None,
        skipped=raw.get("skipped", 0),
        until=_instant(raw, "until"),
    )


def _incident(incident: Incident) -> dict[str, Any]:
    return _given(
        opened=incident.opened_seq,
        since=_at(incident.since),
        finding=_finding(incident.finding),
        every=incident.every_seconds,
        told={_LETTERS[event]: _told(told) for event, told in incident.told.items()},
        untold=incident.is_untold,
        owed=incident.is_recovery_owed,
        sent=incident.sent,
        skips={reason.value: _skipped(skipped) for reason, skipped in incident.skips.items()},
    )


def _read_incident(raw: Mapping[str, Any]) -> Incident:
    return Incident(
        opened_seq=raw["opened"],
        since=from_milliseconds(raw["since"]),
        finding=_read_finding(raw["finding"]),
        every_seconds=raw["every"],
        told={_EVENTS[letter]: _read_told(told) for letter, told in raw.get("told", {}).items()},
        is_untold=raw.get("untold", False),
        is_recovery_owed=raw.get("owed", False),
        sent=raw.get("sent", 0),
        skips={Skip(name): _read_skipped(skipped) for name, skipped in raw.get("skips", {}).items()},
    )


def _told(told: Told) -> dict[str, Any]:
    return _given(
        count=told.count,
        ok=_at(told.succeeded_at),
        failures=told.failures,
        failed=_at(told.failed_at),
    )


def _read_told(raw: Mapping[str, Any]) -> Told:
    failures = raw.get("failures", 0)
    return Told(raw.get("count", 0), _instant(raw, "ok"), failures, _instant(raw, "failed"))


def _skipped(skipped: Skipped) -> dict[str, Any]:
    return _given(
        event=_LETTERS[skipped.event],
        began=_at(skipped.began_at),
        count=skipped.count,
        open=_at(skipped.open_from),
        until=_at(skipped.until),
    )


def _read_skipped(raw: Mapping[str, Any]) -> Skipped:
    began_at = from_milliseconds(raw["began"])
    open_from, until = _instant(raw, "open"), _instant(raw, "until")
    return Skipped(_EVENTS[raw["event"]], began_at, raw.get("count", 0), open_from, until)


def _finding(finding: Finding) -> dict[str, Any]:
    return _given(
        event=_LETTERS[finding.event],
        at=_at(finding.at),
        reason=int(finding.reason),
        code=finding.status_code,
        ms=finding.response_ms,
        text=finding.text,
    )


def _read_finding(raw: Mapping[str, Any]) -> Finding:
    return Finding(
        event=_EVENTS[raw["event"]],
        at=from_milliseconds(raw["at"]),
        reason=Reason(raw.get("reason", 0)),
        status_code=raw.get("code", 0),
        response_ms=raw.get("ms", 0),
        text=raw.get("text", ""),
    )


def _waiting(waiting: Waiting) -> dict[str, Any]:
    return _given(
        id=waiting.event_id,
        opened=waiting.opened_seq,
        finding=_finding(waiting.finding),
        since=_at(waiting.since),
        created=_at(waiting.created_at),
        number=waiting.number,
        sent=waiting.sent,
        held=waiting.held_back,
        flips=waiting.flips,
        attempts=waiting.attempts,
        began=_at(waiting.began_at),
        retry=_at(waiting.retry_at),
        test=waiting.is_test,
    )


def _read_waiting(raw: Mapping[str, Any]) -> Waiting:
    return Waiting(
        event_id=raw["id"],
        opened_seq=raw.get("opened", 0),
        finding=_read_finding(raw["finding"]),
        since=from_milliseconds(raw["since"]),
        created_at=from_milliseconds(raw["created"]),
        number=raw.get("number", 0),
        sent=raw.get("sent", 0),
        held_back=raw.get("held", 0),
        flips=raw.get("flips", 0),
        attempts=raw.get("attempts", 0),
        began_at=_instant(raw, "began"),
        retry_at=_instant(raw, "retry"),
        is_test=raw.get("test", False),
    )


def _at(at: datetime | None) -> int | None:
    return None if at is None else to_milliseconds(at)


def _instant(raw: Mapping[str, Any], name: str) -> datetime | None:
    return from_milliseconds(raw[name]) if name in raw else None


def _given(**fields: Any) -> dict[str, Any]:
    """Without what is nothing: 0, "", False, None, and empty lists."""
    return {name: value for name, value in fields.items() if value}


def _json(**fields: Any) -> str:
    return json.dumps(_given(**fields), separators=(",", ":"), ensure_ascii=False)
