"""Ping keys: a team's own, and whose one is. Both change in one transaction."""

import hashlib

from pynamodb.transactions import TransactWrite

from chalicelib.store.tables import PingKeyItem, PingKeyTeamItem
from chalicelib.store.transactions import transact


class PingKeyStore:
    def of_team(self, team_id: str) -> str | None:
        try:
            return PingKeyItem.get(f"T#{team_id}", "PINGKEY", consistent_read=True).ping_key
        except PingKeyItem.DoesNotExist:
            return None

    def team_of(self, ping_key: str) -> str | None:
        """Strongly consistent: a key that was replaced must stop at once."""
        try:
            return PingKeyTeamItem.get(_lookup_key(ping_key), "K", consistent_read=True).team
        except PingKeyTeamItem.DoesNotExist:
            return None

    def replace(self, team_id: str, before: str | None, after: str) -> bool:
        if before == after:
            return self.of_team(team_id) == after
        is_as_read = PingKeyItem.pk.does_not_exist() if before is None else PingKeyItem.ping_key == before

        def fill(t: TransactWrite) -> None:
            t.save(PingKeyItem(f"T#{team_id}", ping_key=after), condition=is_as_read)
            is_new = PingKeyTeamItem.pk.does_not_exist()
            t.save(PingKeyTeamItem(_lookup_key(after), team=team_id), condition=is_new)
            if before is not None:
                t.delete(PingKeyTeamItem(_lookup_key(before)))

        return transact(PingKeyItem, fill) is None


def _lookup_key(ping_key: str) -> str:
    """Of any text, a well-formed key or not."""
    return "PK#" + hashlib.sha256(ping_key.encode("utf-8", "surrogatepass")).hexdigest()
