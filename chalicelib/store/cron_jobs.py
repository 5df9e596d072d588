"""Cron jobs in `teams`, and in the same transaction everything of them in `checks`."""

from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from chalicelib.domain.beat import from_milliseconds, to_milliseconds
from chalicelib.domain.cron_job import KIND, SLUG, CronHeartbeat, CronJob, CronJobWrite
from chalicelib.domain.heartbeat import Place, place_of
from chalicelib.domain.lateness_json import decode_rules, encode_rules
from chalicelib.domain.monitor_write import Written
from chalicelib.store.heartbeats import add_turn, decode_place, encode_place, heartbeat_item
from chalicelib.store.tables import (
    CronJobItem,
    HeartbeatItem,
    LeftoverItem,
    LimitItem,
    LocatorItem,
    SlugItem,
)
from chalicelib.store.transactions import transact


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
        plan = _Plan(change, limit)
        lost = transact(CronJobItem, plan.fill)
        if lost is None:
            return Written.YES
        return Written.LIMIT if lost == (plan.index_of_limit,) else Written.LOST

    def with_slug(self, team_id: str, slug: str) -> list[Place]:
        if not SLUG.fullmatch(slug):
            return []
        found = SlugItem.query(
            f"P#{team_id}", SlugItem.sk.startswith(f"{slug}#"), consistent_read=True, limit=2
        )
        return [decode_place(item.place) for item in found]


class _Plan:
    """The actions of one configuration transaction."""

    def __init__(self, change: CronJobWrite, limit: int) -> None:
        self._change, self._limit = change, limit
        self._deletes: list[tuple[Model, Condition | None]] = []
        self._puts: list[tuple[Model, Condition | None]] = []
        self._change_config(change.before, change.after)
        self._change_heartbeat(change)
        self._change_found_by(change.before, change.after)

    @property
    def index_of_limit(self) -> int:
        """DynamoDB reports deletes, then puts, then updates. A create's only update is that of the limit."""
        return len(self._deletes) + len(self._puts)

    def fill(self, t: TransactWrite) -> None:
        for item, condition in self._deletes:
            t.delete(item, condition=condition)
        for item, condition in self._puts:
            t.save(item, condition=condition)
        before, after = self._change.before, self._change.after
        if before is None:
            assert after is not None
            has_room = LimitItem.pk.does_not_exist() | (LimitItem.taken < self._limit)
            t.update(_limit_item(after), [LimitItem.taken.add(1)], condition=has_room)
        elif after is None:
            t.update(_limit_item(before), [LimitItem.taken.add(-1)])
        if self._change.turn is not None:
            assert before is not None
            assert self._change.heartbeat is not None
            add_turn(t, self._change.heartbeat, self._change.turn)

    def _change_config(self, before: CronJob | None, after: CronJob | None) -> None:
        as_read = CronJobItem.pk.does_not_exist() if before is None else CronJobItem.rev == before.rev
        if after is not None:
            self._puts.append((_job_item(after), as_read))
            return
        assert before is not None
        note = LeftoverItem(f"T#{before.team_id}", f"GONE#{before.id}")
        note.shards = place_of(before.ping_token).name
        self._deletes.append((_job_item(before), as_read))
        self._puts.append((note, None))

    def _change_heartbeat(self, change: CronJobWrite) -> None:
        """A delete takes it whatever its version: pings are no reason to keep a job."""
        before, read, new = change.before, change.read, change.heartbeat
        if change.after is None:
            assert before is not None
            self._deletes.append((_heartbeat_key(place_of(before.ping_token)), None))
        elif new is not None and read is not None and read.place == new.place:
            self._puts.append((heartbeat_item(new), _is_as_read(read)))
        elif new is not None:
            if read is not None:
                self._deletes.append((_heartbeat_key(read.place), _is_as_read(read)))
            self._puts.append((heartbeat_item(new), HeartbeatItem.pk.does_not_exist()))

    def _change_found_by(self, before: CronJob | None, after: CronJob | None) -> None:
        """Written only when they change: every unit is paid for."""
        old, new = _found_by(before), _found_by(after)
        self._deletes += [(item, None) for key, item in old.items() if key not in new]
        self._puts += [
            (item, None)
            for key, item in new.items()
            if key not in old or old[key].serialize() != item.serialize()
        ]


def _found_by(job: CronJob | None) -> dict[str, Model]:
    """What others find a job by, in terms of their keys."""
    if job is None:
        return {}
    place = encode_place(place_of(job.ping_token))
    locator = LocatorItem(f"M#{job.id}", team=job.team_id, kind=KIND, placements="[]", place=place)
    locator.is_public, locator.is_enabled = job.is_public, job.is_enabled
    if not job.slug:
        return {"L": locator}
    pointer = SlugItem(f"P#{job.team_id}", f"{job.slug}#{job.id}", place=place)
    return {"L": locator, pointer.sk: pointer}


def _is_as_read(read: CronHeartbeat) -> Any:
    return HeartbeatItem.version == read.version


def _heartbeat_key(place: Place) -> HeartbeatItem:
    return HeartbeatItem(f"HB#{place.partition:02d}", place.digest)


def _limit_item(job: CronJob) -> LimitItem:
    return LimitItem(f"T#{job.team_id}", f"LIMIT#{KIND}")


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
