"""Cron jobs in `teams`, and how they are found by slug."""

from pynamodb.models import Model

from chalicelib.domain.cron_job import KIND, SLUG, CronJob, CronJobWrite
from chalicelib.domain.heartbeat import Place
from chalicelib.domain.instant import from_milliseconds, to_milliseconds
from chalicelib.domain.lateness_json import decode_rules, encode_rules
from chalicelib.domain.monitor_write import Written
from chalicelib.store.heartbeat_writes import write_owner
from chalicelib.store.heartbeats import decode_place, encode_place
from chalicelib.store.tables import CronJobItem, SlugItem


class CronJobStore:
    def get(self, team_id: str, job_id: str, *, consistent: bool) -> CronJob | None:
        try:
            item = CronJobItem.get(f"T#{team_id}", f"CRON#{job_id}", consistent_read=consistent)
        except CronJobItem.DoesNotExist:
            return None
        return _job(item)

    def of_team(self, team_id: str) -> list[CronJob]:
        items = CronJobItem.query(f"T#{team_id}", CronJobItem.sk.startswith("CRON#"))
        return sorted(map(_job, items), key=lambda job: (job.created_at, job.id), reverse=True)

    def write(self, change: CronJobWrite, limit: int) -> Written:
        return write_owner(change, limit, KIND, _job_item, _pointers)

    def with_slug(self, team_id: str, slug: str) -> list[Place]:
        if not SLUG.fullmatch(slug):
            return []
        found = SlugItem.query(
            f"P#{team_id}", SlugItem.sk.startswith(f"{slug}#"), consistent_read=True, limit=2
        )
        return [decode_place(item.place) for item in found]


def _pointers(job: CronJob) -> dict[str, Model]:
    if not job.slug:
        return {}
    place = encode_place(job.place)
    pointer = SlugItem(f"P#{job.team_id}", f"{job.slug}#{job.id}", place=place)
    return {pointer.sk: pointer}


def _job_item(job: CronJob) -> CronJobItem:
    return CronJobItem(
        f"T#{job.team_id}",
        f"CRON#{job.id}",
        name=job.name,
        description=job.description,
        slug=job.slug or None,
        rules=encode_rules(job.rules),
        ping_token=job.ping_token,
        alert_on_late=job.alert_on_late,
        is_public=job.is_public,
        enabled_at=None if job.enabled_at is None else to_milliseconds(job.enabled_at),
        created_at=to_milliseconds(job.created_at),
        updated_at=to_milliseconds(job.updated_at),
        rev=job.rev,
        token=job.token,
    )


def _job(item: CronJobItem) -> CronJob:
    return CronJob(
        id=item.sk.removeprefix("CRON#"),
        team_id=item.pk.removeprefix("T#"),
        name=item.name,
        rules=decode_rules(item.rules),
        created_at=from_milliseconds(int(item.created_at)),
        updated_at=from_milliseconds(int(item.updated_at)),
        ping_token=item.ping_token,
        description=item.description,
        slug=item.slug or "",
        alert_on_late=item.alert_on_late,
        is_public=item.is_public,
        enabled_at=None if item.enabled_at is None else from_milliseconds(int(item.enabled_at)),
        rev=int(item.rev),
        token=item.token,
    )
