"""Another try after a lost race."""

from collections.abc import Callable
from typing import TypeVar

from chalicelib.errors import Contended
from chalicelib.services.deps import Deps

T = TypeVar("T")

TRIES = 16
"""About eight seconds in all: a move meets every other move and commit of its two shards."""


def pause(deps: Deps, attempt: int) -> None:
    """Before every attempt but the first: doubling from 20 ms to a second, with jitter."""
    if attempt:
        deps.wait(min(1.0, 0.02 * 2**attempt) * (0.5 + deps.random_bits(16) / 0x20000))


def retried(deps: Deps, work: Callable[[], T]) -> T:
    """Run `work`, which must recognise what an unanswered try of its own wrote, until it is not Contended."""
    for attempt in range(TRIES - 1):
        pause(deps, attempt)
        try:
            return work()
        except Contended:
            continue
    pause(deps, TRIES)
    return work()
