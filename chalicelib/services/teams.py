"""Teams: made out of band, by the operator."""

import re

from chalicelib.domain.identifier import new_uuid, with_prefix
from chalicelib.domain.team import Team
from chalicelib.services.deps import Deps
from chalicelib.services.retrying import retried


def create_team(deps: Deps, name: str, owner_email: str) -> Team:
    """A team with its one owner."""
    now = deps.now()
    team_id = with_prefix("team", new_uuid(now, deps.random_bits(74)))
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "team"
    team = Team(
        id=team_id,
        name=name,
        slug=f"{stem}-{team_id[-6:]}",
        owner_id=with_prefix("user", new_uuid(now, deps.random_bits(74))),
        owner_email=owner_email,
        created_at=now,
    )
    retried(deps, lambda: deps.teams.create(team))
    return team
