"""What notifications are about, as it is configured and as it is now: any monitor, or its certificate."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from chalicelib.domain import cron_job, push_monitor
from chalicelib.domain.evidence import (
    EVENTS,
    CronEvidence,
    DnsEvidence,
    Evidence,
    HttpEvidence,
    PushEvidence,
    SslEvidence,
    TcpEvidence,
)
from chalicelib.domain.finding import Finding
from chalicelib.domain.incident import SSL
from chalicelib.domain.lateness import deadline, is_overdue
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Status
from chalicelib.domain.push_monitor import PushHeartbeat
from chalicelib.domain.silence import PushStatus, Saying
from chalicelib.domain.snapshot import Snapshot
from chalicelib.domain.ssl_readings import SslReading, certificate_target
from chalicelib.errors import NotFound
from chalicelib.services.cron_jobs import read_job
from chalicelib.services.deps import Deps
from chalicelib.services.judging import judged
from chalicelib.services.push_history import words_of
from chalicelib.services.push_monitors import read_push_monitor
from chalicelib.services.readings import NOTHING_YET, Reading, read_monitors

EVERY_MINUTE: Final = 60
"""How often what has no interval of its own is looked at, in seconds."""
_CRON, _PUSH, _SSL = f"{cron_job.KIND}_", f"{push_monitor.KIND}_", f"{SSL}#"


@dataclass(frozen=True, slots=True)
class Subject:
    """A monitor or a certificate, whose `monitor_id` is that of its HTTP monitor.

    `current` is what is wrong with it right now. It is None when nothing is, while it is disabled, and until
    the first check after it was. `quiet_until` is set while nothing is to be repeated, though its alarm is
    on: a cron job of which no run is overdue. Certificates, which are not told again, have neither.
    """

    monitor_id: str
    name: str
    kind: str
    is_enabled: bool
    every_seconds: int
    alerts_on_late: bool
    link: str
    evidence: Evidence = field(repr=False)
    current: Finding | None = None
    quiet_until: datetime | None = None

    def notice_snapshot(self, finding: Finding) -> Snapshot:
        return self.evidence.snapshot(finding)

    def reason(self, finding: Finding) -> str:
        """One short sentence, or nothing."""
        return self.evidence.cause(finding)


def find_subjects(
    deps: Deps, team_id: str, shard: str, subjects: Collection[str], *, with_current: bool
) -> dict[str, Subject]:
    """By the names that rows and courses of this shard give them; what is gone is absent. Strongly
    consistent. Without `with_current`, nothing is known of what is wrong now. Raises Contended."""
    monitors = _find_monitors(deps, team_id, subjects)
    certificates = _read_certificates(deps, shard, monitors) if any(map(_is_certificate, subjects)) else {}
    checked = [m for s, m in monitors.items() if not _is_certificate(s) and m.is_enabled]
    readings = read_monitors(deps, checked, consistent=True) if with_current and checked else {}
    found: dict[str, Subject] = {}
    for subject in subjects:
        if subject in monitors:
            monitor = monitors[subject]
            if _is_certificate(subject):
                found[subject] = _certificate(deps, monitor, certificates.get(monitor.id))
            else:
                found[subject] = _checked(deps, monitor, readings.get(monitor.id, NOTHING_YET))
        elif subject.startswith((_CRON, _PUSH)):
            of_kind = _job if subject.startswith(_CRON) else _push
            try:
                found[subject] = of_kind(deps, team_id, subject, with_current=with_current)
            except NotFound:
                continue
    return found


def _is_certificate(subject: str) -> bool:
    return subject.startswith(_SSL)


def _find_monitors(deps: Deps, team_id: str, subjects: Collection[str]) -> dict[str, Monitor]:
    """By subject: a monitor that is checked may be there twice."""
    ids = {s: s.removeprefix(_SSL) for s in subjects if not s.startswith((_CRON, _PUSH))}
    there = {id: deps.monitors.get(team_id, id, consistent=True) for id in sorted(set(ids.values()))}
    return {subject: monitor for subject, id in ids.items() if (monitor := there[id]) is not None}


def _read_certificates(deps: Deps, shard: str, monitors: Mapping[str, Monitor]) -> dict[str, SslReading]:
    """As they were last read in this shard, which some monitors may have left since."""
    kept = deps.ssl_readings.get(shard, consistent=True).by_position
    found: dict[str, SslReading] = {}
    for monitor in monitors.values():
        for place in monitor.placements:
            if place.shard == shard and place.position in kept:
                found[monitor.id] = kept[place.position]
    return found


def _link(deps: Deps, monitor_id: str) -> str:
    return deps.settings.alert_link.replace("{id}", monitor_id)


def _certificate(deps: Deps, monitor: Monitor, reading: SslReading | None) -> Subject:
    return Subject(
        monitor_id=monitor.id,
        name=monitor.name,
        kind=SSL,
        is_enabled=monitor.is_enabled and certificate_target(monitor.spec) is not None,
        every_seconds=EVERY_MINUTE,
        alerts_on_late=True,
        link=_link(deps, monitor.id),
        evidence=SslEvidence(monitor.spec, reading),
    )


def _checked(deps: Deps, monitor: Monitor, reading: Reading) -> Subject:
    """What was found before it was enabled again says nothing: the next check is a minute off at most."""
    checked_at, enabled_at = reading.checked_at, monitor.enabled_at
    is_old = checked_at is not None and enabled_at is not None and checked_at < enabled_at
    return Subject(
        monitor_id=monitor.id,
        name=monitor.name,
        kind=monitor.kind,
        is_enabled=monitor.is_enabled,
        every_seconds=monitor.interval_seconds,
        alerts_on_late=True,
        link=_link(deps, monitor.id),
        evidence=_evidence(monitor, reading),
        current=None if is_old else _finding(reading),
        quiet_until=deps.now() + timedelta(minutes=1) if is_old else None,
    )


def _evidence(monitor: Monitor, reading: Reading) -> Evidence:
    if monitor.kind == "http":
        return HttpEvidence(monitor.spec)
    if monitor.kind == "tcp":
        return TcpEvidence(monitor.spec)
    newest = reading.newest_status
    return DnsEvidence(monitor.spec, reading.text, None if newest is None else EVENTS[newest])


def _finding(reading: Reading) -> Finding | None:
    """The status that counts is the confirmed one; all else is of the newest result."""
    if reading.status in (None, Status.UP) or reading.checked_at is None:
        return None
    return Finding(
        event=EVENTS[reading.status],
        at=reading.checked_at,
        reason=reading.reason,
        status_code=reading.status_code or 0,
        response_ms=reading.response_ms or 0,
        text=reading.text,
    )


def _job(deps: Deps, team_id: str, job_id: str, *, with_current: bool) -> Subject:
    """Raises NotFound."""
    job, stored = read_job(deps, team_id, job_id)
    now = deps.now()
    pulse = judged(stored, now).pulse
    current, quiet_until = None, None
    if with_current and job.is_enabled and not pulse.alarm.status.is_healthy:
        current = Finding(EVENTS[pulse.alarm.status], now, pulse.reason)
        if not is_overdue(stored.rules, pulse, now):
            limit = deadline(stored.rules, pulse)
            quiet_until = now + timedelta(days=1) if limit is None else limit + timedelta(seconds=1)
    return Subject(
        monitor_id=job.id,
        name=job.name,
        kind=cron_job.KIND,
        is_enabled=job.is_enabled,
        every_seconds=EVERY_MINUTE,
        alerts_on_late=job.alert_on_late,
        link=_link(deps, job.id),
        evidence=CronEvidence(job.rules, pulse),
        current=current,
        quiet_until=quiet_until,
    )


def _push(deps: Deps, team_id: str, monitor_id: str, *, with_current: bool) -> Subject:
    """Raises NotFound."""
    monitor, stored = read_push_monitor(deps, team_id, monitor_id)
    now = deps.now()
    heartbeat = judged(stored, now)
    pulse = heartbeat.pulse
    is_known = monitor.is_enabled and pulse.status is not PushStatus.PENDING
    is_wrong = with_current and is_known and not pulse.alarm.status.is_healthy
    return Subject(
        monitor_id=monitor.id,
        name=monitor.name,
        kind=push_monitor.KIND,
        is_enabled=monitor.is_enabled,
        every_seconds=EVERY_MINUTE,
        alerts_on_late=True,
        link=_link(deps, monitor.id),
        evidence=PushEvidence(monitor.rules, pulse, _words(deps, heartbeat, now) if with_current else None),
        current=Finding(EVENTS[pulse.alarm.status], now, pulse.reason) if is_wrong else None,
    )


def _words(deps: Deps, heartbeat: PushHeartbeat, now: datetime) -> str | None:
    """What came with the newest beat, if a heartbeat was the newest."""
    saying = heartbeat.pulse.saying
    if saying not in (Saying.DEFAULT, Saying.OWN):
        return None
    has_own = saying is Saying.OWN
    packed = deps.beats.body(heartbeat.id, heartbeat.count, now) if has_own else None
    return words_of(packed, has_own=has_own, is_silence=False)
