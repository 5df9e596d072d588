"""One message, one shard: whatever its outbox has to tell, and whatever is due of what was told before."""

import logging
from typing import Final

from chalicelib.services.announcing import announce
from chalicelib.services.delivering.audience import Audiences
from chalicelib.services.delivering.hearing import hear_rows
from chalicelib.services.delivering.looking import look_again
from chalicelib.services.delivering.sending import send_all
from chalicelib.services.deps import Deps

ROWS: Final = 50
LOOKS: Final = 100

log = logging.getLogger(__name__)


def deliver(deps: Deps, shard: str) -> int:
    """The number of attempts made. What is left over is taken by a message of its own.

    Doubled, late or lost messages are harmless: what is due lies in the table. Raises what failed, when all
    else is done.
    """
    errors: list[Exception] = []
    audiences = Audiences(deps)
    rows = deps.outbox.of_shard(shard, ROWS)
    begun = hear_rows(deps, audiences, rows, errors) if rows else []
    looks = deps.courses.due(shard, deps.now(), LOOKS)
    begun += look_again(deps, audiences, shard, looks, errors) if looks else []
    attempts = send_all(deps, audiences, begun, errors)
    if errors:
        raise ExceptionGroup(f"shard {shard}: not everything was delivered", errors)
    if len(rows) == ROWS or len(looks) == LOOKS:
        announce(deps, [shard])
    return attempts
