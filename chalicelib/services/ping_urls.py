"""Which cron job a ping URL means and what it says of it: the ping protocol of Healthchecks.

Refusals carry the protocol's own words. Whoever knows no secret learns from none of them whether there is a
job, a key or a slug.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.domain.cron_job import (
    CREATED_GRACE_SECONDS,
    CREATED_PERIOD_SECONDS,
    SLUG,
    TOKEN,
    CronJob,
)
from chalicelib.domain.heartbeat import Caller, place_of
from chalicelib.domain.idempotency import StoredAnswer, fingerprint
from chalicelib.domain.lateness import Kind, Rules
from chalicelib.domain.recurrence import Schedule
from chalicelib.errors import Conflict, Contended, Detail, Forbidden, InvalidInput, LimitExceeded, NotFound
from chalicelib.services.cron_jobs import Draft, create_job, token_of
from chalicelib.services.deps import Deps
from chalicelib.services.idempotency import begin, finish
from chalicelib.services.pinging_jobs import Ping, ping_job
from chalicelib.services.retrying import TRIES

NOT_FOUND: Final = "not found"
AMBIGUOUS: Final = "ambiguous slug"
BAD_URL: Final = "invalid url format"
BAD_RUN_ID: Final = "invalid uuid format"
NO_ROOM: Final = "cron job limit reached"
USER_AGENT_CHARACTERS: Final = 200
MOST_EXIT_STATUS: Final = 255

_KINDS: Final = {"": Kind.SUCCESS, "start": Kind.START, "fail": Kind.FAIL, "log": Kind.LOG}
_NUMBER = re.compile(r"[0-9]+")
_SLUG_LIKE = re.compile(r"[A-Za-z0-9_-]+")
"""What Healthchecks reads as a slug before it finds fault with it."""
_RUN_ID = re.compile(TOKEN.pattern, re.IGNORECASE | re.ASCII)
_CREATION: Final = "a cron job by its first ping"


@dataclass(frozen=True, slots=True)
class PingUrl:
    """A URL's parts. Either `token` or both `ping_key` and `slug` are given; `signal` is what stands behind
    them, and empty for a success."""

    token: str = ""
    ping_key: str = ""
    slug: str = ""
    signal: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What came with a URL. `run_id` is None when none was given, and as it was given otherwise."""

    caller: Caller
    run_id: str | None = None
    body: bytes = b""
    may_create: bool = False


def url_of(code: str, part: str = "", suffix: str = "") -> PingUrl:
    """The two forms share their second part: behind a token it is a signal, behind a ping key a slug."""
    if not part or (not suffix and TOKEN.fullmatch(code) and _is_signal(part)):
        return PingUrl(token=code, signal=part)
    return PingUrl(ping_key=code, slug=part, signal=suffix)


def take_ping(deps: Deps, url: PingUrl, request: Request) -> bool:
    """Store a ping; whether its job was made for it. Raises NotFound, InvalidInput, Conflict, Forbidden, and
    then has stored nothing.

    What is wrong with the rest of a request is told only of a job that there is, or would be.
    """
    if not _is_signal(url.signal):
        raise NotFound(NOT_FOUND)
    problem = _problem_of(url, request)

    def check(*_: object) -> None:
        if problem is not None:
            raise problem

    ping = _ping_of(url, request)
    if url.slug:
        return _ping_by_slug(deps, url, ping, check, may_create=request.may_create)
    if ping_job(deps, place_of(url.token), ping, refuse=check) is None:
        raise NotFound(NOT_FOUND)
    return False


def _ping_by_slug(
    deps: Deps, url: PingUrl, ping: Ping, check: Callable[..., None], *, may_create: bool
) -> bool:
    if not _SLUG_LIKE.fullmatch(url.slug):
        raise NotFound(NOT_FOUND)
    if not SLUG.fullmatch(url.slug):
        raise _refusal(BAD_URL)
    team_id = deps.ping_keys.team_of(url.ping_key)
    if team_id is None:
        raise NotFound(NOT_FOUND)
    for attempt in range(TRIES):
        places = deps.cron_jobs.with_slug(team_id, url.slug)
        if len(places) > 1:
            raise Conflict(AMBIGUOUS)
        if not places and not may_create:
            raise NotFound(NOT_FOUND)
        is_new = False
        if not places:
            check()
            made = _make_job(deps, team_id, url.slug, attempt)
            if made is None:
                continue
            job, is_new = made
            places = [place_of(job.ping_token)]
        # Between the look and the ping the job may have been deleted, or got another token.
        if ping_job(deps, places[0], ping, refuse=check) is not None:
            return is_new
    raise Contended("slug")


def _make_job(deps: Deps, team_id: str, slug: str, number: int) -> tuple[CronJob, bool] | None:
    """The job that all pings at once make together, and whether it was this one that stored it. Two would
    have the same slug, and be ambiguous for ever.

    `number` counts the jobs made like this in a day. None when that one was: it is not new, and has been
    deleted or renamed unless it was made this very moment. Raises Forbidden.
    """
    begun = begin(deps, team_id, _CREATION, f"{slug} {number}", fingerprint(slug))
    if begun.answer is not None:
        return None
    rules = Rules(Schedule("period", period_seconds=CREATED_PERIOD_SECONDS), CREATED_GRACE_SECONDS)
    secret = deps.random_bits(128).to_bytes(16)
    try:
        job = create_job(deps, team_id, Draft(slug, rules, slug=slug), begun.origin, secret)
    except LimitExceeded:
        raise Forbidden(NO_ROOM) from None
    finish(deps, begun, StoredAnswer(201, ""))
    return (job, job.ping_token == token_of(secret)) if job.slug == slug else None


def _is_signal(text: str) -> bool:
    return text in _KINDS or _NUMBER.fullmatch(text) is not None


def _exit_status(signal: str) -> int | None:
    """256 for whatever is too large."""
    if not _NUMBER.fullmatch(signal):
        return None
    digits = signal.lstrip("0")
    return int(digits or "0") if len(digits) <= 3 else MOST_EXIT_STATUS + 1


def _problem_of(url: PingUrl, request: Request) -> InvalidInput | None:
    status = _exit_status(url.signal)
    if status is not None and status > MOST_EXIT_STATUS:
        return _refusal(BAD_URL)
    if request.run_id is not None and not _RUN_ID.fullmatch(request.run_id):
        return _refusal(BAD_RUN_ID)
    return None


def _ping_of(url: PingUrl, request: Request) -> Ping:
    status = _exit_status(url.signal)
    caller = replace(
        request.caller,
        user_agent=request.caller.user_agent[:USER_AGENT_CHARACTERS],
        run_id=(request.run_id or "").lower(),
    )
    kind = _KINDS[url.signal] if status is None else Kind.FAIL if status else Kind.SUCCESS
    return Ping(kind, caller, status, request.body)


def _refusal(text: str) -> InvalidInput:
    return InvalidInput([Detail("url", text)], text)
