"""Hearing: hand the rows of an outbox to every alert that they are for."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from chalicelib.domain.alert import Alert, hears
from chalicelib.domain.alert_event import Skip
from chalicelib.domain.course import Course
from chalicelib.domain.event_type import EventType
from chalicelib.domain.evidence import EVENTS
from chalicelib.domain.finding import Finding
from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.telling import MAX_NEWS, News, Scene
from chalicelib.services.delivering.audience import Audience, Audiences
from chalicelib.services.delivering.steps import Begun, advance
from chalicelib.services.delivering.subjects import Subject, find_subjects
from chalicelib.services.deps import Deps

log = logging.getLogger(__name__)

_WITH_TEXTS: Final = ("dns", "push")
"""Kinds whose newest result says something in words, which no row has."""


def hear_rows(
    deps: Deps, audiences: Audiences, rows: Sequence[OutboxRow], errors: list[Exception]
) -> list[Begun]:
    """What is to be sent for these rows, which come by subject and then by seq.

    A row goes when everybody has heard it; what failed is added to `errors`, and its rows stay. So does
    everything of a team that cannot be read.
    """
    by_team: defaultdict[str, list[OutboxRow]] = defaultdict(list)
    for row in rows:
        by_team[row.team_id].append(row)
    begun: list[Begun] = []
    for team_id, its_rows in by_team.items():
        try:
            begun.extend(_hear_team(deps, audiences.of_team(team_id), its_rows, errors))
        except Exception as error:
            log.exception("the outbox rows of team %s were not heard", team_id)
            errors.append(error)
    return begun


def _hear_team(
    deps: Deps, audience: Audience, rows: Sequence[OutboxRow], errors: list[Exception]
) -> list[Begun]:
    begun: list[Begun] = []
    heard: list[OutboxRow] = []
    subjects = {}
    if audience.alerts:
        keys = {row.subject for row in rows}
        has_texts = any(row.kind in _WITH_TEXTS for row in rows)
        subjects = find_subjects(deps, rows[0].team_id, rows[0].shard, keys, with_current=has_texts)
    for key, group in groupby(rows, key=lambda row: row.subject):
        its_rows, subject = list(group), subjects.get(key)
        failed = False
        for alert in audience.alerts.values() if subject is not None else ():
            assert subject is not None
            try:
                told = _hear(deps, audience, alert, subject, its_rows)
            except Exception as error:
                log.exception("alert %s did not hear of %s", alert.id, key)
                errors.append(error)
                failed = True
                continue
            begun.extend([told] if told else [])
        heard.extend([] if failed else its_rows)
    try:
        deps.outbox.remove(heard)
    except Exception as error:  # they are heard again, which is nothing; what was begun is to be sent now
        log.exception("outbox rows of team %s stay, though they were heard", rows[0].team_id)
        errors.append(error)
    return begun


def _hear(
    deps: Deps, audience: Audience, alert: Alert, subject: Subject, rows: Iterable[OutboxRow]
) -> Begun | None:
    rows = [row for row in rows if hears(alert, row.monitor_id, _at(row))]
    if not rows:
        return None
    now = deps.now()
    news = [_news(row, subject) for row in rows]
    newest = news[-1].finding
    scene = Scene(
        now=now,
        is_suppressed=audience.is_suppressed(subject.monitor_id, now),
        is_watched=subject.is_enabled,
        current=None if newest.event is EventType.UP else newest,
    )

    def is_overtaken(stored: Course | None) -> bool:
        if stored is None:  # who has enabled the alert since has found nothing to nudge
            return audience.health(alert).disabled_at is not None
        read_at = audience.read_at.replace(microsecond=0)
        return stored.next_at is not None and read_at <= stored.next_at <= now

    at, begun = (rows[0].subject, rows[0].shard), None
    for first in range(0, len(news), MAX_NEWS):
        some = news[first : first + MAX_NEWS]
        told = advance(deps, audience, alert, subject, at, scene, some, is_overtaken)
        begun = begun or told
    return begun


def _news(row: OutboxRow, subject: Subject) -> News:
    event = EVENTS[row.after]
    is_silent = event is EventType.DEGRADED and not subject.alerts_on_late
    return News(
        seq=row.seq,
        opened_seq=row.opened_seq,
        finding=Finding(event, _at(row), row.reason, row.status_code, row.response_ms),
        every_seconds=subject.every_seconds,
        skip=Skip.LATE if is_silent else None,
    )


def _at(row: OutboxRow) -> datetime:
    return datetime.fromtimestamp(row.at, UTC)
