"""Load: what a run has to know before it observes."""

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.member import Member, Pack
from chalicelib.domain.state import State
from chalicelib.services.deps import Deps


def load_pack(deps: Deps, shard: str, state: State) -> Pack:
    """The members as of `state.config_version` or newer.

    The warm container's pack and the stored one are caches: when both are older than STATE, the members
    are read strongly and saved under the version that was read before them.
    """
    kept = deps.packs.get(shard)
    if kept is not None and kept.config_version >= state.config_version:
        return kept
    pack = deps.members.pack(shard)
    if pack is None or pack.config_version < state.config_version:
        pack = Pack(state.config_version, deps.members.all(shard))
        deps.members.save_pack(shard, pack)
    deps.packs[shard] = pack
    return pack


def load_extras(deps: Deps, shard: str, due: Sequence[Member]) -> Mapping[int, Mapping[str, Any]]:
    positions = [member.position for member in due if member.has_extras]
    return deps.members.extras(shard, positions) if positions else {}
