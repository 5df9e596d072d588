"""One message, one shard: whatever its outbox has to tell, and whatever is due of what was told before."""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar

from chalicelib.domain.incident import OutboxRow
from chalicelib.services.announcing import announce
from chalicelib.services.delivering.audience import Audiences
from chalicelib.services.delivering.hearing import hear_rows
from chalicelib.services.delivering.looking import Look, look_again
from chalicelib.services.delivering.sending import send_all
from chalicelib.services.deps import Deps

ROWS: Final = 20
LOOKS: Final = 50
"""With ten alerts some 200 attempts, which fit into a lease together with the slowest channel."""
MOST_PAGES: Final = 20
ENOUGH: Final = timedelta(seconds=30)
"""After this no other page is begun: one may take as long again."""

log = logging.getLogger(__name__)

T = TypeVar("T")


def deliver(deps: Deps, shard: str) -> int:
    """The number of attempts made. What is left over is taken by a message of its own.

    Doubled, late or lost messages are harmless: what is due lies in the table. Raises what failed, when all
    else is done.
    """
    errors: list[Exception] = []
    began_at, attempts = deps.now(), 0
    last_row: OutboxRow | None = None
    last_look: Look | None = None
    for _ in range(MOST_PAGES):
        failures = len(errors)
        rows = _or_nothing(partial(deps.outbox.of_shard, shard, ROWS, last_row), errors)
        begun = hear_rows(deps, Audiences(deps), rows, errors) if rows else []
        looks = _or_nothing(partial(deps.courses.due, shard, deps.now(), LOOKS, last_look), errors)
        begun += look_again(deps, Audiences(deps), shard, looks, errors) if looks else []
        is_full = len(rows) == ROWS or len(looks) == LOOKS
        if is_full and len(errors) == failures:
            announce(deps, [shard])  # for the rest, which need not wait for the slowest of these
        attempts += send_all(deps, begun, errors)
        if not is_full or len(errors) == failures or deps.now() - began_at > ENOUGH:
            break
        # What failed stays where it is, and what lies behind it has its turn.
        last_row, last_look = rows[-1] if rows else last_row, looks[-1] if looks else last_look
    if errors:
        raise ExceptionGroup(f"shard {shard}: not everything was delivered", errors)
    return attempts


def _or_nothing(read: Callable[[], list[T]], errors: list[Exception]) -> list[T]:
    """What cannot be read keeps nothing else from being told."""
    try:
        return read()
    except Exception as error:
        log.exception("what is due cannot be read")
        errors.append(error)
        return []
