"""Cron jobs that the tests of stores write."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from chalicelib.domain.alarm import Turn, turned
from chalicelib.domain.beat import Beat
from chalicelib.domain.cron_job import KIND, CronHeartbeat, CronJob, CronJobWrite
from chalicelib.domain.heartbeat import Caller, Place, place_of, with_beat
from chalicelib.domain.lateness import JobStatus, Pulse, Rules, Run
from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.recurrence import Schedule

NOW = datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)
TEAM = "team-1"
RULES = Rules(Schedule("cron", "*/5 * * * *", "Europe/Berlin"), grace_seconds=300)
CALLER = Caller("198.51.100.7", "curl/8.5.0", "GET", "")


def token(number: int) -> str:
    return str(UUID(int=number))


def token_in(partition: int) -> str:
    return next(t for t in map(token, range(10_000, 20_000)) if place_of(t).partition == partition)


def job(number: int = 1, team_id: str = TEAM, **fields: object) -> CronJob:
    made = CronJob(
        id=f"cron_{number:032x}",
        team_id=team_id,
        name="Nightly",
        rules=RULES,
        created_at=NOW + timedelta(milliseconds=number),
        updated_at=NOW,
        ping_token=token(number),
        enabled_at=NOW,
        token="aa",
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def changed(before: CronJob, **fields: object) -> CronJob:
    return replace(before, rev=before.rev + 1, token="bb", **fields)  # type: ignore[arg-type]


def heartbeat(job: CronJob, **fields: object) -> CronHeartbeat:
    place = place_of(job.ping_token)
    made = CronHeartbeat(place, job.id, job.team_id, KIND, job.rules, Pulse(expected_at=NOW))
    return replace(made, **fields)  # type: ignore[arg-type]


def created(job: CronJob) -> CronJobWrite:
    return CronJobWrite(None, job, None, heartbeat(job))


def deleted(job: CronJob) -> CronJobWrite:
    return CronJobWrite(job, None, None, None)


def beat(number: int, at: datetime | None = None) -> Beat:
    at = at or NOW + timedelta(minutes=number)
    return Beat(0, at, True, number.to_bytes(8), milliseconds=1234, has_body=number % 2 == 0)


def pinged(read: CronHeartbeat, times: int = 1) -> CronHeartbeat:
    for _ in range(times):
        read = with_beat(read, beat(read.count + 1))
    return replace(read, version=read.version + 1)


def alarmed(read: CronHeartbeat, status: Status, at: datetime) -> tuple[CronHeartbeat, Turn]:
    """The heartbeat and its turn."""
    before, after = read.pulse.alarm, turned(read.pulse.alarm, status, at)
    reason = Reason.NONE if status.is_healthy else Reason.MISSED
    pulse = replace(read.pulse, alarm=after, reason=reason)
    return replace(read, pulse=pulse, version=read.version + 1), Turn(before, after, reason)


FULL_PULSE = Pulse(
    status=JobStatus.MISSED,
    reason=Reason.OVERRUN,
    expected_at=NOW,
    last_ping_at=NOW,
    last_success_at=NOW,
    run=Run(NOW, "7c8d4f3a-52b1-4e51-9c2b-0f4c6c1d2e3f"),
    strikes=12,
    alarm=turned(turned(Pulse().alarm, Status.DEGRADED, NOW), Status.DOWN, NOW),
)
"""Nothing in it is empty."""


def where(number: int) -> Place:
    return place_of(token(number))
