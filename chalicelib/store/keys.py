"""API keys as objects of a team: ten slots, and for each taken one the item that requests find."""

from datetime import UTC, datetime

from pynamodb.transactions import TransactWrite

from chalicelib.domain.api_key import MAX_KEYS_PER_TEAM, ApiKey
from chalicelib.store.tables import KeyItem, KeySlotItem
from chalicelib.store.transactions import transact

_SLOTS = [f"KEY#{number:02d}" for number in range(MAX_KEYS_PER_TEAM)]
_IS_KNOWN = 1
"""Which condition of the mint was lost: that nobody has this digest."""


class KeyStore:
    def mint(self, key: ApiKey) -> bool:
        taken = {item.sk: item.id for item in self._slots(key.team_id)}
        if key.id in taken.values():  # an earlier try whose answer was lost
            return True
        free = [slot for slot in _SLOTS if slot not in taken]
        for slot in free:
            lost = self._put(slot, key)
            if lost is None:
                return True
            if _IS_KNOWN in lost:  # another try of the same request was faster, in this slot or another
                break
        return bool(free) and key.id in {item.id for item in self._slots(key.team_id)}

    def of_team(self, team_id: str) -> list[ApiKey]:
        slots = self._slots(team_id)
        found = KeyItem.batch_get([(f"K#{slot.digest}", "K") for slot in slots]) if slots else ()
        used = {item.id: item.last_used_at for item in found}
        keys = [_key(slot, used.get(slot.id)) for slot in slots]
        return sorted(keys, key=lambda key: (key.created_at, key.id), reverse=True)

    def revoke(self, team_id: str, key_id: str) -> bool:
        slot = next((item for item in self._slots(team_id) if item.id == key_id), None)
        if slot is None:
            return False

        def fill(t: TransactWrite) -> None:
            t.delete(slot, condition=KeySlotItem.id == key_id)
            t.delete(KeyItem(f"K#{slot.digest}"))

        return transact(KeySlotItem, fill) is None

    def _slots(self, team_id: str) -> list[KeySlotItem]:
        return list(
            KeySlotItem.query(f"T#{team_id}", KeySlotItem.sk.startswith("KEY#"), consistent_read=True)
        )

    def _put(self, slot: str, key: ApiKey) -> tuple[int, ...] | None:
        expires = None if key.expires_at is None else int(key.expires_at.timestamp())
        scopes = " ".join(key.scopes)
        sentinel = KeySlotItem(
            f"T#{key.team_id}",
            slot,
            id=key.id,
            name=key.name,
            digest=key.digest,
            prefix=key.prefix,
            scopes=scopes,
            created_at=int(key.created_at.timestamp()),
            expires_at=expires,
            created_by=key.created_by,
        )
        found_by_requests = KeyItem(
            f"K#{key.digest}", id=key.id, team=key.team_id, scopes=scopes, expires_at=expires
        )

        def fill(t: TransactWrite) -> None:
            t.save(sentinel, condition=KeySlotItem.pk.does_not_exist())
            t.save(found_by_requests, condition=KeyItem.pk.does_not_exist())

        return transact(KeySlotItem, fill)


def _key(item: KeySlotItem, last_used_at: float | None) -> ApiKey:
    return ApiKey(
        id=item.id,
        team_id=item.pk.removeprefix("T#"),
        name=item.name,
        digest=item.digest,
        prefix=item.prefix,
        scopes=tuple(item.scopes.split()),
        created_at=datetime.fromtimestamp(item.created_at, UTC),
        expires_at=None if item.expires_at is None else datetime.fromtimestamp(item.expires_at, UTC),
        last_used_at=None if last_used_at is None else datetime.fromtimestamp(last_used_at, UTC),
        created_by=item.created_by,
    )
