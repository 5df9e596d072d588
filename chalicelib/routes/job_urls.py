"""Where a team's cron jobs report in, as far as the caller may know."""

from chalicelib.routes.call import Call
from chalicelib.routes.presenting.cron_job import PingUrls
from chalicelib.services.ping_keys import get_ping_key

_MAY_KNOW = frozenset({"cron-jobs:write", "cron-jobs:ping"})


def base_url(call: Call) -> str:
    """The deployment's own, else below the address by which the caller has reached it."""
    settings = call.deps.settings
    return settings.ping_url or f"{call.site}{settings.ping_prefix}"


def may_know_urls(call: Call) -> bool:
    return bool(call.scopes & _MAY_KNOW)


def ping_urls(call: Call, *, with_slugs: bool) -> PingUrls:
    """Slugs cost a look at the team's ping key."""
    if not may_know_urls(call):
        return PingUrls()
    return PingUrls(base_url(call), get_ping_key(call.deps, call.team_id) if with_slugs else None)
