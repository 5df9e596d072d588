"""One word for many monitors (contract, section 4.10)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.domain.outcome import Status


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of all monitors, adding up to `total`, and the word over the enabled ones."""

    overall: str
    total: int
    up: int
    down: int
    degraded: int
    unknown: int


def shown_status(status: Status | None, *, is_enabled: bool) -> Status | None:
    """None stands for unknown: disabled or never checked."""
    return status if is_enabled else None


def summarise(shown: Iterable[Status | None]) -> Summary:
    """`shown` holds every monitor once, disabled ones as None, so they weigh on nothing but the counts."""
    counts = Counter(shown)
    known = sum(counts[status] for status in Status)
    return Summary(
        overall=_overall(counts, known),
        total=sum(counts.values()),
        up=counts[Status.UP],
        down=counts[Status.DOWN],
        degraded=counts[Status.DEGRADED],
        unknown=counts[None],
    )


def _overall(counts: Counter[Status | None], known: int) -> str:
    if not known:
        return "unknown"
    if counts[Status.DOWN]:
        return "major_outage" if counts[Status.DOWN] == known else "partial_outage"
    return "degraded" if counts[Status.DEGRADED] else "operational"
