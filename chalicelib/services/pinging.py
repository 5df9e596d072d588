"""Ad-hoc pings: one check right now, which leaves nothing behind. Sees no table."""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.member import Member
from chalicelib.domain.outcome import Outcome
from chalicelib.services.deps import Deps

MAX_SECONDS = 25
"""The most that a ping waits, whatever was asked for: the gateway gives up at 29."""


def ping(deps: Deps, kind: str, spec: Mapping[str, Any], extras: Mapping[str, Any]) -> Outcome | None:
    """None when the check failed inside our own code, which says nothing of the target."""
    member = Member(
        position=0,
        monitor_id="ping",
        team_id="",
        kind=kind,
        spec=spec,
        interval_seconds=0,
        anchor=0,
        is_enabled=True,
        extras_rev=int(bool(extras)),
    )
    run = deps.checks.start([member], {0: extras} if extras else {})
    try:
        return run.collect().get(0)
    finally:
        run.close()
