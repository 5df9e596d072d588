"""What the first start makes: a team with an owner and a key that may do everything."""

from chalicelib.domain.api_key import SCOPES
from chalicelib.errors import Conflict
from chalicelib.services.deps import Deps
from chalicelib.services.keys import mint_key
from chalicelib.services.teams import create_team

TEAM_NAME = "My team"
OWNER_EMAIL = "owner@localhost"


def key_line(deps: Deps, *, wants_new_key: bool) -> str:
    """The second line of a start: the plaintext is shown here, once, and nowhere else."""
    teams = deps.teams.all()
    team = teams[0] if teams else create_team(deps, TEAM_NAME, OWNER_EMAIL)
    if not wants_new_key and deps.keys.of_team(team.id):
        return "API key: unchanged"
    try:
        minted = mint_key(deps, team.id, "make run", SCOPES, created_by=team.owner_id)
    except Conflict as refusal:
        return f"API key: none ({refusal.message})"
    return f"API key: {minted.plaintext}"
