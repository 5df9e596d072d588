"""Teams and the list of them."""

from datetime import UTC, datetime

from pynamodb.transactions import TransactWrite

from chalicelib.domain.team import Team
from chalicelib.store.tables import TeamItem, TeamListItem
from chalicelib.store.transactions import transact


class TeamStore:
    def create(self, team: Team) -> None:
        item = TeamItem(
            f"T#{team.id}",
            name=team.name,
            slug=team.slug,
            owner_id=team.owner_id,
            owner_email=team.owner_email,
            created_at=int(team.created_at.timestamp()),
        )

        def fill(t: TransactWrite) -> None:
            t.save(item, condition=TeamItem.pk.does_not_exist())
            t.save(TeamListItem("TEAMS", f"T#{team.id}"))

        transact(TeamItem, fill)

    def get(self, team_id: str) -> Team | None:
        try:
            return _team(TeamItem.get(f"T#{team_id}", "TEAM", consistent_read=True))
        except TeamItem.DoesNotExist:
            return None

    def all(self) -> list[Team]:
        ids = [item.sk for item in TeamListItem.query("TEAMS", consistent_read=True)]
        found = (self.get(team_id.removeprefix("T#")) for team_id in ids)
        return [team for team in found if team is not None]


def _team(item: TeamItem) -> Team:
    return Team(
        id=item.pk.removeprefix("T#"),
        name=item.name,
        slug=item.slug,
        owner_id=item.owner_id,
        owner_email=item.owner_email,
        created_at=datetime.fromtimestamp(item.created_at, UTC),
    )
