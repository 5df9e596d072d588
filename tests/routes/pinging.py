"""A cron job, its ping URLs in anybody's hands, and what is stored of its pings."""

import zlib
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from chalicelib.domain.beat import Beat
from chalicelib.domain.cron_job import CronHeartbeat, CronJob
from chalicelib.domain.heartbeat import Caller, place_of
from chalicelib.domain.lateness import Kind, Rules
from chalicelib.domain.recurrence import Schedule
from chalicelib.services.cron_jobs import Draft, create_job
from chalicelib.services.deps import Deps
from chalicelib.services.ping_keys import ensure_ping_key
from tests.routes.client import Answer, Api

ANYBODY = Api()
UNKNOWN_TOKEN = "0" * 8 + "-0000-4000-8000-" + "0" * 12
RUN_ID = "c2b9a2e6-3d2f-4f7b-9d7e-5a0f0e1d2c3b"


def make_job(deps: Deps, team_id: str, slug: str = "backup", **rules: Any) -> CronJob:
    """Hourly, with a quarter of an hour of grace."""
    given = Rules(Schedule("cron", "0 * * * *"), **{"grace_seconds": 900, **rules})
    return create_job(deps, team_id, Draft("Backup", given, slug=slug), secret=uuid4().bytes)


@dataclass(frozen=True)
class Pinged:
    """A job as its ping URLs see it."""

    deps: Deps
    job: CronJob

    @property
    def by_token(self) -> str:
        return f"/hb/{self.job.ping_token}"

    @property
    def by_slug(self) -> str:
        return f"/hb/{self.key}/{self.job.slug}"

    @property
    def key(self) -> str:
        return ensure_ping_key(self.deps, self.job.team_id)

    @property
    def heartbeat(self) -> CronHeartbeat:
        found = self.deps.heartbeats.get(place_of(self.job.ping_token), consistent=True)
        assert found is not None
        return found

    @property
    def beats(self) -> tuple[Beat, ...]:
        return self.heartbeat.recent

    @property
    def kinds(self) -> list[Kind]:
        return [Kind(beat.kind) for beat in self.beats]

    @property
    def last_caller(self) -> Caller:
        number = self.heartbeat.count
        return self.deps.beats.callers(self.job.id, [number], self.deps.now())[number]

    @property
    def last_body(self) -> bytes | None:
        packed = self.deps.beats.body(self.job.id, self.heartbeat.count, self.deps.now())
        return None if packed is None else zlib.decompress(packed)


def said(answer: Answer) -> tuple[int, str]:
    """The status and the word, once it is plain text that nobody may keep."""
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "no-cache" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    return answer.status, answer.raw.decode()
