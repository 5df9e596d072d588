"""The sweep: once a minute, have delivered whatever is due, whether or not a message ever said so."""

import logging

from chalicelib.domain.heartbeat import PARTITIONS, Place
from chalicelib.services.deps import Deps

log = logging.getLogger(__name__)


def sweep(deps: Deps) -> int:
    """Look at the outbox of every shard, those without members too, and at the courses to look at by now;
    how many shards have something due.

    A shard that cannot be read takes no other with it; those are raised together at the end.
    """
    now = deps.now()
    heartbeats = [Place(partition, "").name for partition in range(PARTITIONS)]
    due, errors = [], []
    for shard in [*(shard.id for shard in deps.shards.all()), *heartbeats]:
        try:
            if deps.outbox.is_anything_due(shard, now):
                due.append(shard)
        except Exception as error:
            log.warning("the outbox of %s cannot be read", shard)
            errors.append(error)
    deps.deliveries.send(due)
    if errors:
        raise ExceptionGroup("outboxes that cannot be read", errors)
    return len(due)
