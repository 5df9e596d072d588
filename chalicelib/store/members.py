"""Members of a shard, their extras, and the pack that caches them."""

from collections.abc import Mapping

from pynamodb.exceptions import PutError

from chalicelib.domain.extras import decode_spec
from chalicelib.domain.member import Member, Pack, decode_member, decode_pack, encode_pack
from chalicelib.domain.monitor import Spec
from chalicelib.store.client import error_code
from chalicelib.store.tables import ExtrasItem, MemberItem, PackItem


class MemberStore:
    def all(self, shard: str) -> dict[int, Member]:
        items = MemberItem.query(f"S#{shard}", MemberItem.sk.startswith("M#"), consistent_read=True)
        return {member.position: member for member in (decode_member(item.data) for item in items)}

    def extras(self, shard: str, revs: Mapping[int, int], *, consistent: bool) -> dict[int, Spec]:
        keys = [(f"S#{shard}", f"B#{position:04d}") for position in revs]
        items = ExtrasItem.batch_get(keys, consistent_read=consistent)
        read = {int(item.sk.removeprefix("B#")): item for item in items}
        return {
            position: decode_spec(item.data) for position, item in read.items() if item.rev == revs[position]
        }

    def pack(self, shard: str) -> Pack | None:
        try:
            item = PackItem.get(f"S#{shard}", "PACK", consistent_read=False)
        except PackItem.DoesNotExist:
            return None
        return decode_pack(int(item.config_version), item.data)

    def save_pack(self, shard: str, pack: Pack) -> None:
        item = PackItem(f"S#{shard}", config_version=pack.config_version, data=encode_pack(pack))
        is_older = PackItem.pk.does_not_exist() | (PackItem.config_version < pack.config_version)
        try:
            item.save(condition=is_older)
        except PutError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
