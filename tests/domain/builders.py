"""Short ways to say what most tests of the domain are about."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from chalicelib.domain.member import Member
from chalicelib.domain.outcome import Outcome, Phases, Reason, Status
from chalicelib.domain.tick import MAIN, Tick, build_tick

SLOT = 1_700_000_040
"""A slot of every shard: a whole minute."""

UP, DEGRADED, DOWN = Status.UP, Status.DEGRADED, Status.DOWN


def instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def outcome(status: Status, response_ms: int = 120) -> Outcome:
    """An ordinary result of each status."""
    if status is UP:
        return Outcome(UP, status_code=200, response_ms=response_ms)
    if status is DEGRADED:
        return Outcome(DEGRADED, Reason.SLOW, 200, response_ms, phases=Phases(1, 2, 3, 4))
    return Outcome(DOWN, Reason.REFUSED, 0, response_ms, phases=Phases(1, 2))


def tick(slot: int, statuses: Mapping[int, Status], part: str = MAIN) -> Tick:
    """A tick whose run began two seconds into its slot."""
    started_at = instant(slot) + timedelta(seconds=2)
    return build_tick(slot, part, started_at, {p: outcome(status) for p, status in statuses.items()})


def ups(slot: int, positions: Iterable[int], part: str = MAIN) -> Tick:
    return tick(slot, dict.fromkeys(positions, UP), part)


def member(
    position: int, *, is_enabled: bool = True, interval_seconds: int = 60, anchor: int = SLOT
) -> Member:
    return Member(
        position=position,
        monitor_id=f"chk_{position:032x}",
        team_id="team_1",
        kind="http",
        spec={"url": f"https://example.com/{position}", "method": "GET"},
        interval_seconds=interval_seconds,
        anchor=anchor,
        is_enabled=is_enabled,
    )


def members(*positions: int) -> dict[int, Member]:
    return {position: member(position) for position in positions}


statuses = st.sampled_from(Status)
positions = st.integers(0, 1000)
u16 = st.integers(0, 0xFFFF)
phases = st.builds(Phases, u16, u16, u16, u16)
outcomes = st.builds(
    Outcome,
    status=statuses,
    reason=st.sampled_from(Reason),
    status_code=st.integers(0, 599),
    response_ms=st.integers(0, 100_000),
    offset_ms=st.integers(0, 90_000),
    phases=st.none() | phases,
)
