"""Cron jobs of a team: create, read, change, delete. What one is by now is judged whenever it is read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from chalicelib.domain.cron_job import KIND, CronHeartbeat, CronJob
from chalicelib.domain.heartbeat import Heartbeat, place_of
from chalicelib.domain.instant import whole_milliseconds
from chalicelib.domain.lateness import Pulse, Rules, begin, reschedule, stop
from chalicelib.domain.origin import Origin
from chalicelib.domain.recurrence import check_schedule
from chalicelib.services.deps import Deps
from chalicelib.services.idempotency import fresh_origin
from chalicelib.services.judging import judged
from chalicelib.services.ping_keys import ensure_ping_key
from chalicelib.services.reporting import (
    Sort,
    create_owner,
    delete_owner,
    get_owner,
    list_owners,
    read_owner,
    rewrite_owner,
)

PREFIX = "cron"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a caller asks for, validated."""

    name: str
    rules: Rules
    description: str | None = None
    slug: str = ""
    alert_on_late: bool = False
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A partial update: the new values, by the names of `CronJob`, `Rules` and `Schedule`."""

    job: Mapping[str, Any]
    rules: Mapping[str, Any]
    schedule: Mapping[str, Any]


def list_jobs(deps: Deps, team_id: str) -> list[tuple[CronJob, Pulse]]:
    """Newest first, each as it is now. Eventually consistent."""
    return [(job, heartbeat.pulse) for job, heartbeat in list_owners(deps, _JOBS, team_id)]


def get_job(deps: Deps, team_id: str, job_id: str) -> CronJob:
    """Raises NotFound, also for another team's."""
    return get_owner(deps, _JOBS, team_id, job_id)


def read_job(deps: Deps, team_id: str, job_id: str) -> tuple[CronJob, CronHeartbeat]:
    """A job and its heartbeat, as stored. Raises NotFound."""
    return read_owner(deps, _JOBS, team_id, job_id)


def show_job(deps: Deps, team_id: str, job_id: str) -> tuple[CronJob, Pulse]:
    """A job as it is now, whenever the scheduler has looked at it last. Raises NotFound."""
    job, heartbeat = read_job(deps, team_id, job_id)
    return job, judged(heartbeat, deps.now()).pulse


def create_job(
    deps: Deps, team_id: str, draft: Draft, origin: Origin | None = None, secret: bytes | None = None
) -> CronJob:
    """Store a job. Raises LimitExceeded.

    The ping token comes from `secret` (16 bytes or more), else from chance. What another try of the same
    origin has stored is returned as it is by now, token included.
    """
    now = whole_milliseconds(deps.now())
    secret = secret or deps.random_bits(128).to_bytes(16)
    rules = draft.rules
    job = CronJob(
        id=(origin or fresh_origin(deps)).new_id(PREFIX),
        team_id=team_id,
        name=draft.name,
        rules=rules,
        created_at=now,
        updated_at=now,
        ping_token=token_of(secret),
        description=draft.description,
        slug=draft.slug,
        alert_on_late=draft.alert_on_late,
        is_public=draft.is_public,
        enabled_at=now if rules.is_enabled else None,
        token=f"{deps.random_bits(64):016x}",
    )
    heartbeat: CronHeartbeat = Heartbeat(
        place_of(job.ping_token), job.id, team_id, KIND, rules, new_pulse(job)
    )
    if job.slug:
        ensure_ping_key(deps, team_id)
    return create_owner(deps, _JOBS, job, heartbeat)


def new_pulse(job: CronJob) -> Pulse:
    """Of a job that nothing has happened to since it was created."""
    return Pulse() if job.enabled_at is None else begin(job.rules, Pulse(), job.enabled_at)


def update_job(deps: Deps, team_id: str, job_id: str, change: Change) -> tuple[CronJob, Pulse]:
    """Apply a partial update; `updated_at` moves only when something changes. The job as it is then.

    What time has made of it by now comes first, and is told in the same transaction. Raises NotFound, and
    BadExpression for a schedule that never occurs again.
    """
    if change.job.get("slug"):
        ensure_ping_key(deps, team_id)

    def changed(before: CronJob, heartbeat: CronHeartbeat, now: datetime) -> CronJob:
        after = _changed(before, change)
        if after.rules.schedule != before.rules.schedule:
            check_schedule(after.rules.schedule, now)
        return after

    job, heartbeat = rewrite_owner(deps, _JOBS, team_id, job_id, changed)
    return job, heartbeat.pulse


def rotate_token(deps: Deps, team_id: str, job_id: str) -> tuple[CronJob, Pulse]:
    """Another ping URL: the old one leads nowhere from now on. Raises NotFound."""
    tokens: dict[int, str] = {}

    def changed(before: CronJob, heartbeat: CronHeartbeat, now: datetime) -> CronJob:
        partition = heartbeat.place.partition
        if partition not in tokens:
            tokens[partition] = _token_in(deps, partition)
        return replace(before, ping_token=tokens[partition])

    job, heartbeat = rewrite_owner(deps, _JOBS, team_id, job_id, changed)
    return job, heartbeat.pulse


def delete_job(deps: Deps, team_id: str, job_id: str) -> None:
    """Delete a job with its history. Raises NotFound."""
    delete_owner(deps, _JOBS, team_id, job_id)


def token_of(random_bytes: bytes) -> str:
    """A random UUID, of 16 bytes or more."""
    return str(UUID(bytes=random_bytes[-16:], version=4))


def _pulse_after(before: Rules, after: Rules, pulse: Pulse, now: datetime) -> Pulse:
    if not after.is_enabled:
        return stop(pulse) if before.is_enabled else pulse
    if not before.is_enabled:
        return begin(after, pulse, now)
    return pulse if after.schedule == before.schedule else reschedule(after, pulse, now)


def _changed(before: CronJob, change: Change) -> CronJob:
    schedule = replace(before.rules.schedule, **change.schedule)
    rules = replace(before.rules, **change.rules, schedule=schedule)
    return replace(before, **change.job, rules=rules)


def _token_in(deps: Deps, partition: int) -> str:
    """In the partition of the old one: there lies what the outbox has of the job."""
    while True:
        token = token_of(deps.random_bits(128).to_bytes(16))
        if place_of(token).partition == partition:
            return token


_JOBS: Final[Sort[CronJob]] = Sort(
    noun="cron job",
    owners=lambda deps: deps.cron_jobs,
    limit=lambda settings: settings.cron_jobs_per_team,
    pulse_after=_pulse_after,
)
