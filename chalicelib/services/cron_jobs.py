"""Cron jobs of a team: create, read, change, delete. What one is by now is judged whenever it is read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from chalicelib.domain.alarm import turn_between
from chalicelib.domain.cron_job import KIND, CronHeartbeat, CronJob, CronJobWrite
from chalicelib.domain.heartbeat import Heartbeat, place_of
from chalicelib.domain.lateness import Pulse, Rules, begin, judge, reschedule, stop
from chalicelib.domain.monitor_write import Written
from chalicelib.domain.origin import Origin
from chalicelib.domain.recurrence import check_schedule
from chalicelib.errors import Contended, LimitExceeded, NotFound
from chalicelib.services.deps import Deps
from chalicelib.services.idempotency import fresh_origin
from chalicelib.services.leftovers import clear_leftovers
from chalicelib.services.ping_keys import ensure_ping_key
from chalicelib.services.retrying import TRIES, pause

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
    jobs = deps.cron_jobs.of_team(team_id)
    found = deps.heartbeats.of_places([place_of(job.ping_token) for job in jobs])
    now = deps.now()
    shown: list[tuple[CronJob, Pulse]] = []
    for job in jobs:
        heartbeat = found.get(place_of(job.ping_token))
        if heartbeat is not None:
            shown.append((job, _judged(heartbeat, now)))
        else:  # just made, moved or deleted
            shown += _look_again(deps, job, now)
    return shown


def get_job(deps: Deps, team_id: str, job_id: str) -> CronJob:
    """Raises NotFound, also for another team's."""
    job = deps.cron_jobs.get(team_id, job_id, consistent=True)
    if job is None:
        raise NotFound("There is no such cron job.")
    return job


def read_job(deps: Deps, team_id: str, job_id: str) -> tuple[CronJob, CronHeartbeat]:
    """A job and its heartbeat, as stored. Raises NotFound."""
    for attempt in range(TRIES):
        pause(deps, attempt)
        job = get_job(deps, team_id, job_id)
        heartbeat = deps.heartbeats.get(place_of(job.ping_token), consistent=True)
        if heartbeat is not None:
            return job, heartbeat
    raise Contended("read")


def show_job(deps: Deps, team_id: str, job_id: str) -> tuple[CronJob, Pulse]:
    """A job as it is now, whenever the scheduler has looked at it last. Raises NotFound."""
    job, heartbeat = read_job(deps, team_id, job_id)
    return job, _judged(heartbeat, deps.now())


def create_job(
    deps: Deps, team_id: str, draft: Draft, origin: Origin | None = None, secret: bytes | None = None
) -> CronJob:
    """Store a job. Raises LimitExceeded.

    The ping token comes from `secret` (16 bytes or more), else from chance. What another try of the same
    origin has stored is returned as it is by now, token included.
    """
    now = _whole_milliseconds(deps.now())
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
    for attempt in range(TRIES):
        pause(deps, attempt)
        written = _write(deps, CronJobWrite(None, job, None, heartbeat))
        if written is Written.YES:
            return job
        if written is Written.LOST:
            stored = deps.cron_jobs.get(team_id, job.id, consistent=True)
            if stored is not None:  # ours, whoever edited it since: only this origin makes this id
                return stored
        if written is Written.LIMIT:
            raise LimitExceeded(f"A team has at most {deps.settings.cron_jobs_per_team} cron jobs.")
    raise Contended("create")


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

    return _rewrite(deps, team_id, job_id, changed)


def rotate_token(deps: Deps, team_id: str, job_id: str) -> tuple[CronJob, Pulse]:
    """Another ping URL: the old one leads nowhere from now on. Raises NotFound."""
    tokens: dict[int, str] = {}

    def changed(before: CronJob, heartbeat: CronHeartbeat, now: datetime) -> CronJob:
        partition = heartbeat.place.partition
        if partition not in tokens:
            tokens[partition] = _token_in(deps, partition)
        return replace(before, ping_token=tokens[partition])

    return _rewrite(deps, team_id, job_id, changed)


def delete_job(deps: Deps, team_id: str, job_id: str) -> None:
    """Delete a job with its history. Raises NotFound.

    What an earlier delete of the team still owes, killed after its transaction, is made good on the way;
    the repeated delete of such a job succeeds.
    """
    was_there = _delete(deps, team_id, job_id)
    if job_id not in clear_leftovers(deps, team_id) and not was_there:
        raise NotFound("There is no such cron job.")


def token_of(random_bytes: bytes) -> str:
    """A random UUID, of 16 bytes or more."""
    return str(UUID(bytes=random_bytes[-16:], version=4))


def _rewrite(
    deps: Deps,
    team_id: str,
    job_id: str,
    changed: Callable[[CronJob, CronHeartbeat, datetime], CronJob],
) -> tuple[CronJob, Pulse]:
    token = f"{deps.random_bits(64):016x}"
    for attempt in range(TRIES):
        pause(deps, attempt)
        before, read = read_job(deps, team_id, job_id)
        now = _whole_milliseconds(deps.now())
        if before.token == token:
            return before, _judged(read, now)
        after = changed(before, read, now)
        if after == before:
            return before, _judged(read, now)
        after = replace(
            after,
            updated_at=now,
            enabled_at=_enabled_at(before, after, now),
            rev=before.rev + 1,
            token=token,
        )
        pulse = _pulse_after(before.rules, after.rules, _judged(read, now), now)
        heartbeat = replace(
            read,
            place=place_of(after.ping_token),
            rules=after.rules,
            pulse=pulse,
            version=read.version + 1,
        )
        turn = turn_between(read.pulse.alarm, pulse.alarm, pulse.reason)
        if _write(deps, CronJobWrite(before, after, read, heartbeat, turn)) is Written.YES:
            return after, judge(after.rules, pulse, now)
    raise Contended("update")


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


def _enabled_at(before: CronJob, after: CronJob, now: datetime) -> datetime | None:
    if not after.is_enabled:
        return None
    return before.enabled_at if before.is_enabled else now


def _delete(deps: Deps, team_id: str, job_id: str) -> bool:
    """Whether there was such a job; after this there is none."""
    was_there = False
    for attempt in range(TRIES):
        pause(deps, attempt)
        job = deps.cron_jobs.get(team_id, job_id, consistent=True)
        if job is None:
            return was_there
        was_there = True
        if _write(deps, CronJobWrite(job, None, None, None)) is Written.YES:
            return True
    raise Contended("delete")


def _token_in(deps: Deps, partition: int) -> str:
    """In the partition of the old one: there lies what the outbox has of the job."""
    while True:
        token = token_of(deps.random_bits(128).to_bytes(16))
        if place_of(token).partition == partition:
            return token


def _look_again(deps: Deps, job: CronJob, now: datetime) -> Sequence[tuple[CronJob, Pulse]]:
    try:
        job, heartbeat = read_job(deps, job.team_id, job.id)
    except NotFound:
        return []
    return [(job, _judged(heartbeat, now))]


def _judged(heartbeat: CronHeartbeat, now: datetime) -> Pulse:
    return judge(heartbeat.rules, heartbeat.pulse, now)


def _write(deps: Deps, write: CronJobWrite) -> Written | None:
    """None when the transaction collided with another, or its answer was lost."""
    try:
        return deps.cron_jobs.write(write, deps.settings.cron_jobs_per_team)
    except Contended:
        return None


def _whole_milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
