"""Cron jobs and their pings (contract, sections 3.6 and 4.7)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.cron_expression import BadExpression
from chalicelib.domain.cron_job import CronJob
from chalicelib.domain.lateness import Pulse
from chalicelib.domain.recurrence import check_schedule
from chalicelib.errors import Detail, InvalidInput, LimitExceeded
from chalicelib.routes.http import Call, Id, Secret, route
from chalicelib.routes.job_urls import ping_urls
from chalicelib.routes.presenting.cron_job import present_body, present_job, present_ping
from chalicelib.routes.query import page_of
from chalicelib.services.api_pings import ping_by_key
from chalicelib.services.cron_jobs import (
    create_job,
    delete_job,
    get_job,
    list_jobs,
    new_pulse,
    read_job,
    rotate_token,
    show_job,
    token_of,
    update_job,
)
from chalicelib.services.ping_history import list_pings, read_body

bp = Blueprint(__name__)

_JOB = {"id": Id("cron", "cron job")}
_PING = {**_JOB, "ping_id": Id("ping", "ping")}


def _without_urls(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"data": {**body["data"], "pingUrl": None, "slugUrl": None}}


def _with_urls(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    data = body["data"]
    urls = ping_urls(call, with_slugs=data["slug"] is not None)
    secrets = {"pingUrl": urls.of_token(token_of(call.secret())), "slugUrl": urls.of_slug(data["slug"])}
    return {"data": {**data, **secrets}}


@route(bp, ["GET"], "/v1/cron-jobs", "cron-jobs:read", answer="cron_job:CronJobList")
def list_cron_jobs(call: Call) -> Any:
    """List all cron jobs, newest first, each with its status as it is now."""
    jobs = list_jobs(call.deps, call.team_id)
    urls = ping_urls(call, with_slugs=any(job.slug for job, _ in jobs))
    return {"data": [present_job(job, pulse, urls) for job, pulse in jobs]}


@route(
    bp,
    ["POST"],
    "/v1/cron-jobs",
    "cron-jobs:write",
    status=201,
    body="cron_job:CronJobCreate",
    answer="cron_job:CronJobItem",
    errors=[LimitExceeded],
    secret=Secret(_without_urls, _with_urls),
)
def create_cron_job(call: Call) -> Any:
    """Create a cron job, which from then on is to report in: by its `pingUrl`, or by the ping operation.

    It stays `new` until its first ping, and a job that was never pinged never alerts. The first job with a
    slug makes the team's ping key.
    """
    draft = call.body().draft()
    schedule = draft.rules.schedule
    with _naming("onCalendar" if schedule.kind == "calendar" else "cronExpression"):
        check_schedule(schedule, call.deps.now())
    job = create_job(call.deps, call.team_id, draft, call.origin, call.secret())
    return _shown(call, job, new_pulse(job))


@route(bp, ["GET"], "/v1/cron-jobs/{id}", "cron-jobs:read", answer="cron_job:CronJobItem", ids=_JOB)
def get_cron_job(call: Call, id: str) -> Any:
    """Get one cron job with its status as it is now."""
    return _shown(call, *show_job(call.deps, call.team_id, id))


@route(
    bp,
    ["PUT"],
    "/v1/cron-jobs/{id}",
    "cron-jobs:write",
    body="cron_job:CronJobUpdate",
    answer="cron_job:CronJobItem",
    ids=_JOB,
)
def update_cron_job(call: Call, id: str) -> Any:
    """Change a cron job: what the body leaves out stays as it is.

    A new schedule or time zone counts from now. A disabled job expects nothing and takes no pings; enabling
    it begins anew.
    """
    get_job(call.deps, call.team_id, id)
    body = call.body()
    with _naming(body.schedule_field):
        return _shown(call, *update_job(call.deps, call.team_id, id, body.change()))


@route(bp, ["DELETE"], "/v1/cron-jobs/{id}", "cron-jobs:write", status=204, ids=_JOB)
def delete_cron_job(call: Call, id: str) -> None:
    """Delete a cron job with its pings. Its ping URLs lead nowhere from then on."""
    delete_job(call.deps, call.team_id, id)


@route(
    bp,
    ["POST"],
    "/v1/cron-jobs/{id}/rotate-ping-url",
    "cron-jobs:write",
    answer="cron_job:CronJobItem",
    ids=_JOB,
)
def rotate_ping_url(call: Call, id: str) -> Any:
    """Give a cron job another `pingUrl`: the old one leads nowhere from the next request on."""
    return _shown(call, *rotate_token(call.deps, call.team_id, id))


@route(
    bp,
    ["POST"],
    "/v1/cron-jobs/{id}/ping",
    "cron-jobs:ping",
    status=201,
    answer="cron_job:CronPingItem",
    ids=_JOB,
    is_job_ping=True,
)
def ping_cron_job(call: Call, id: str) -> Any:
    """Say that a run has ended well. The body is ignored, whatever it is.

    Once a minute, unless a run was due since the last ping; 60 a minute from one address, refused ones
    included. A disabled job takes none: 409.
    """
    job = get_job(call.deps, call.team_id, id)
    call.begin()
    beat = ping_by_key(call.deps, job, call.origin, is_repeat=call.is_repeat)
    return {"data": present_ping(id, beat)}


@route(
    bp,
    ["GET"],
    "/v1/cron-jobs/{id}/ping",
    "cron-jobs:read",
    query=page_of(default=20, most=100),
    answer="cron_job:CronPingPage",
    ids=_JOB,
)
def list_cron_pings(call: Call, id: str) -> Any:
    """List a cron job's pings, newest first, whichever way they came. They are kept for 365 days."""
    _, heartbeat = read_job(call.deps, call.team_id, id)
    limit, offset = call.numbers()
    page = list_pings(call.deps, heartbeat, limit=limit, offset=offset)
    return {
        "data": [present_ping(id, listed.beat, listed.caller) for listed in page.pings],
        "pagination": {"total": page.total, "limit": limit, "offset": offset},
    }


@route(
    bp,
    ["GET"],
    "/v1/cron-jobs/{id}/ping/{ping_id}/body",
    "cron-jobs:read",
    answer="cron_job:CronPingBody",
    ids=_PING,
)
def get_cron_ping_body(call: Call, id: str, ping_id: str) -> Any:
    """Get what a ping brought along: the first 100,000 bytes of its body, kept of the newest 100 pings.

    The ping operation of this API ignores bodies; only what came by ping URLs has one.
    """
    _, heartbeat = read_job(call.deps, call.team_id, id)
    return {"data": present_body(ping_id, read_body(call.deps, heartbeat, ping_id))}


def _shown(call: Call, job: CronJob, pulse: Pulse) -> Any:
    return {"data": present_job(job, pulse, ping_urls(call, with_slugs=bool(job.slug)))}


@contextmanager
def _naming(field: str) -> Iterator[None]:
    try:
        yield
    except BadExpression as bad:
        raise InvalidInput([Detail(field, str(bad))]) from None
