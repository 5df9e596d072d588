"""The word to the delivery that transitions have been committed."""

import logging
from collections.abc import Collection

from chalicelib.services.deps import Deps

log = logging.getLogger(__name__)


def announce(deps: Deps, shards: Collection[str]) -> None:
    """Have these shards' outboxes looked at now. What has changed is stored, and stays so: when this fails,
    the minute's sweep finds it."""
    if not shards:
        return
    try:
        deps.deliveries.send(shards)
    except Exception:
        log.exception("the delivery is not told of %s, and will find it by itself", ", ".join(sorted(shards)))
