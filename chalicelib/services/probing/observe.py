"""Observe: check the due monitors. Sees no table."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from chalicelib.domain.member import Member
from chalicelib.domain.outcome import Outcome
from chalicelib.domain.state import Entry
from chalicelib.services.deps import Checks

MAIN_TICK_SECONDS = 12.0
"""How old a run may grow before the main tick is put without the checks that still hang."""


def order_for_start(due: Sequence[Member], entries: Mapping[int, Entry]) -> list[Member]:
    """Those that failed last time first, so that their timeouts overlap the paced starts of the rest."""

    def is_healthy(member: Member) -> bool:
        entry = entries.get(member.position)
        return entry is None or entry.status.is_healthy

    return sorted(due, key=lambda member: (is_healthy(member), member.position))


class Observation:
    """The checks of one run, from the start of the first to the end of the last."""

    def __init__(
        self, checks: Checks, due: Sequence[Member], extras: Mapping[int, Mapping[str, Any]]
    ) -> None:
        self._run = checks.start(due, extras)
        self._outcomes: dict[int, Outcome] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run.close()

    def until_main(self) -> Mapping[int, Outcome]:
        """What has ended when all have, or when the main tick may wait no longer."""
        self._outcomes |= self._run.collect(MAIN_TICK_SECONDS)
        return self._outcomes

    def until_end(self) -> Mapping[int, Outcome]:
        """All outcomes. Each check ends within its own timeout."""
        if self._run.pending:
            self._outcomes |= self._run.collect()
        return self._outcomes
