"""Own faults: results that our own network would explain are not recorded while it is away."""

import logging
from collections.abc import Mapping, Sequence

from chalicelib.domain.member import Member
from chalicelib.domain.metric import OWN_FAULT
from chalicelib.domain.outcome import Outcome
from chalicelib.domain.own_fault import is_suspicious
from chalicelib.services.deps import Deps
from chalicelib.services.probing.commit import Slot

log = logging.getLogger(__name__)


def is_own_fault(deps: Deps, slot: Slot, members: Sequence[Member], outcomes: Mapping[int, Outcome]) -> bool:
    """Whether a tick of these outcomes must not be put: all failed alike, and so do the reference hosts now.

    `members` are those that the tick is about, with or without an outcome. The operator hears of it.
    """
    if not is_suspicious(outcomes.values(), (member.spec for member in members)):
        return False
    if deps.reference.is_reachable():
        return False
    log.error(
        "shard %s slot %s: %s checks and the reference hosts failed alike, so nothing is recorded",
        slot.shard,
        slot.at,
        len(members),
    )
    deps.metrics.count(OWN_FAULT, deps.now())
    return True
