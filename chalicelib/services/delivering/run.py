"""One message, one shard: whatever its outbox has to tell, and whatever is due of what was told before."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from chalicelib.domain.incident import OutboxRow
from chalicelib.services.announcing import announce
from chalicelib.services.delivering.audience import Audiences
from chalicelib.services.delivering.hearing import hear_rows
from chalicelib.services.delivering.looking import Look, look_again
from chalicelib.services.delivering.sending import send_all
from chalicelib.services.deps import Deps

ROWS: Final = 50
LOOKS: Final = 100
MOST_PAGES: Final = 20

log = logging.getLogger(__name__)

T = TypeVar("T")


def deliver(deps: Deps, shard: str) -> int:
    """The number of attempts made. What is left over is taken by a message of its own.

    Doubled, late or lost messages are harmless: what is due lies in the table. Raises what failed, when all
    else is done.
    """
    errors: list[Exception] = []
    attempts, is_full = 0, False
    last_row: OutboxRow | None = None
    last_look: Look | None = None
    for _ in range(MOST_PAGES):
        failures = len(errors)
        rows = _or_nothing(partial(deps.outbox.of_shard, shard, ROWS, last_row), errors)
        begun = hear_rows(deps, Audiences(deps), rows, errors) if rows else []
        looks = _or_nothing(partial(deps.courses.due, shard, deps.now(), LOOKS, last_look), errors)
        begun += look_again(deps, Audiences(deps), shard, looks, errors) if looks else []
        attempts += send_all(deps, begun, errors)
        is_full = len(rows) == ROWS or len(looks) == LOOKS
        if not is_full or len(errors) == failures:
            break
        # What failed stays where it is, and what lies behind it has its turn.
        last_row, last_look = rows[-1] if rows else last_row, looks[-1] if looks else last_look
    if errors:
        raise ExceptionGroup(f"shard {shard}: not everything was delivered", errors)
    if is_full:
        announce(deps, [shard])
    return attempts


def _or_nothing(read: Callable[[], list[T]], errors: list[Exception]) -> list[T]:
    """What cannot be read keeps nothing else from being told."""
    try:
        return read()
    except Exception as error:
        log.exception("what is due cannot be read")
        errors.append(error)
        return []
