"""Ping URLs: public, and by the letter of Healthchecks' protocol, so that its clients need another base URL
and nothing else."""

from typing import Any, Final

from chalice.app import Blueprint

from chalicelib.domain.cron_job import SLUG, TOKEN
from chalicelib.domain.heartbeat import Caller
from chalicelib.errors import PayloadTooLarge, TooMany
from chalicelib.routes.http import PUBLIC, Call, route
from chalicelib.routes.query import Text
from chalicelib.routes.replies import said
from chalicelib.services import ping_urls
from chalicelib.services.limits import count_heartbeat
from chalicelib.services.ping_keys import LENGTH
from chalicelib.services.ping_urls import Request, take_ping, url_of
from chalicelib.services.pinging_jobs import BODY_BYTES
from chalicelib.settings import ping_prefix
from chalicelib.wiring import environment

bp = Blueprint(__name__)

ALIAS: Final = "/ping"
"""Where Healthchecks has it, for those who move from there. A custom domain of API Gateway keeps the path
`/ping` itself, which is none of these, to itself."""
PREFIXES: Final = tuple(dict.fromkeys((ping_prefix(environment()), ALIAS)))
MAX_BODY_BYTES: Final = 5_500_000
"""Deployed, the gateway refuses what Lambda's 6 MiB do not hold in base64: 4.5 MB always pass."""
BODY_TOO_LARGE: Final = "body too large"

_TEXTS: Final = {
    200: ["OK"],
    400: [ping_urls.BAD_URL, ping_urls.BAD_RUN_ID],
    404: [ping_urls.NOT_FOUND],
    413: [BODY_TOO_LARGE],
    429: ["rate limited"],
}
_TEXTS_BY_SLUG: Final = {
    **_TEXTS,
    201: ["Created"],
    403: [ping_urls.NO_ROOM],
    409: [ping_urls.AMBIGUOUS],
}
_UUID: Final = TOKEN.pattern.replace("a-f", "a-fA-F")
_RID: Final = Text("rid", "A UUID that the start and the end of one run share.", {"pattern": f"^{_UUID}$"})
_CREATE: Final = Text(
    "create", "`1` makes the job that a slug has not got yet; all else is ignored.", {"examples": ["1"]}
)
_WORDS: Final = "start|fail|log"
_STATUS: Final = "25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9]"
_KEY: Final = f"[0-9a-z]{{{LENGTH}}}"
_TOKEN_OR_KEY: Final = f"^({TOKEN.pattern}|{_KEY})$"
_SIGNAL_OR_SLUG: Final = f"^({_WORDS}|{SLUG.pattern})$"
"""Every exit status is a slug as well."""
SIGNAL: Final = f"^({_WORDS}|0*({_STATUS}))$"


def ping_cron_job(call: Call, code: str, part: str = "", suffix: str = "") -> Any:
    """Say what a cron job is doing. Any method, any body.

    By the job's own token: `{token}` for a success, `{token}/start`, `/fail`, `/log` (kept, and nothing else)
    or `/{exit status}` (0 to 255; 0 is a success). By the team's ping key and the job's slug:
    `{ping key}/{slug}`, with the same words behind it. The first 100,000 bytes of a body are kept, whatever
    they are.
    """
    now = call.deps.now()
    bucket = count_heartbeat(call.deps, call.source_ip, now)
    if bucket.is_exceeded:
        raise TooMany(bucket.retry_after_seconds(now))
    if len(call.raw_body) > MAX_BODY_BYTES:
        raise PayloadTooLarge(BODY_TOO_LARGE)
    request = Request(
        Caller(call.source_ip, call.headers.get("user-agent") or "", call.method),
        run_id=call.query["rid"][-1] if "rid" in call.query else None,
        body=call.raw_body,
        may_create=call.query.get("create", [""])[-1] == "1",
    )
    is_new = take_ping(call.deps, url_of(code, part, suffix), request)
    headers = {"Ping-Body-Limit": str(BODY_BYTES), "Access-Control-Allow-Origin": "*"}
    return said("Created", 201, headers) if is_new else said("OK", 200, headers)


def _declare(prefix: str, name: str) -> None:
    forms = {
        "/{code}": ("", _TEXTS, [_RID], [f"^{TOKEN.pattern}$"]),
        "/{code}/{part}": ("OrSignal", _TEXTS_BY_SLUG, [_RID, _CREATE], [_TOKEN_OR_KEY, _SIGNAL_OR_SLUG]),
        "/{code}/{part}/{suffix}": (
            "BySlug",
            _TEXTS_BY_SLUG,
            [_RID, _CREATE],
            [f"^{_KEY}$", f"^{SLUG.pattern}$", SIGNAL],
        ),
    }
    for form, (suffix, texts, query, patterns) in forms.items():
        for methods, verb in ((["GET", "HEAD"], ""), (["POST"], "WithBody")):
            route(
                bp,
                methods,
                prefix + form,
                PUBLIC,
                query=query,
                texts=texts,
                patterns=dict(zip(("code", "part", "suffix"), patterns, strict=False)),
                name=f"{name}{suffix}{verb}",
                tag="heartbeats",
                is_writing=True,
            )(ping_cron_job)


for _prefix in PREFIXES:
    _declare(_prefix, "pingAsHealthchecks" if _prefix == ALIAS else "ping")
