"""Load: what a run has to know before it observes."""

import logging
from collections.abc import Mapping, Sequence

from chalicelib.domain.member import Member, Pack
from chalicelib.domain.monitor import Spec
from chalicelib.domain.state import State
from chalicelib.services.deps import Deps

EXTRAS_TRIES = 3

log = logging.getLogger(__name__)


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


def load_extras(deps: Deps, shard: str, due: Sequence[Member]) -> tuple[Sequence[Member], Mapping[int, Spec]]:
    """The due members, and the extras of those that have some, each pair from one and the same configuration.

    Extras that do not belong to their member are an older copy, or the configuration has changed since the
    pack was read: then the member is read anew. Half a change must not be checked: a header would go to
    the host of another URL. A member that goes on changing is left out, and so is one that has gone or has
    another schedule now.
    """
    members = {member.position: member for member in due}
    extras: dict[int, Spec] = {}
    for attempt in range(EXTRAS_TRIES):
        missing = {p: m.extras_rev for p, m in members.items() if m.has_extras and p not in extras}
        if not missing:
            break
        if attempt:
            missing = _renew(deps, shard, members, missing)
        extras |= deps.members.extras(shard, missing, consistent=attempt > 0)
    for position, member in list(members.items()):
        if member.has_extras and position not in extras:
            log.warning("monitor %s is not checked: its configuration changes too fast", member.monitor_id)
            del members[position]
    return list(members.values()), extras


def _renew(
    deps: Deps, shard: str, members: dict[int, Member], positions: Mapping[int, int]
) -> dict[int, int]:
    """Replace these members by what they are now; the `extras_rev` of those that still have extras."""
    state = deps.states.get(shard, consistent=True)
    now = load_pack(deps, shard, state).members if state is not None else {}
    revs = {}
    for position in positions:
        before, member = members.pop(position), now.get(position)
        if member is None or not member.is_enabled or member.anchor != before.anchor:
            continue
        members[position] = member
        if member.has_extras:
            revs[position] = member.extras_rev
    return revs
