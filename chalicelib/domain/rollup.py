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


def summarise(shown: Iterable[tuple[Status | None, bool]]) -> Summary:
    """`shown` holds (status, is enabled) of every monitor once. Disabled ones weigh on nothing but the
    counts; an enabled one that was never checked keeps an outage from being a major one."""
    rows = list(shown)
    counts = Counter(shown_status(status, is_enabled=is_enabled) for status, is_enabled in rows)
    enabled = sum(is_enabled for _, is_enabled in rows)
    return Summary(
        overall=_overall(counts, enabled),
        total=len(rows),
        up=counts[Status.UP],
        down=counts[Status.DOWN],
        degraded=counts[Status.DEGRADED],
        unknown=counts[None],
    )


def _overall(counts: Counter[Status | None], enabled: int) -> str:
    if not any(counts[status] for status in Status):
        return "unknown"
    if counts[Status.DOWN]:
        return "major_outage" if counts[Status.DOWN] == enabled else "partial_outage"
    return "degraded" if counts[Status.DEGRADED] else "operational"
