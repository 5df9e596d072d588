"""Monitors of any kind: create, read, change, delete, and the move between shards that a change may be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chalicelib.domain.confirmation import without_defaults
from chalicelib.domain.extras import NO_EXTRAS, Extras, with_extras
from chalicelib.domain.job import ProbeJob
from chalicelib.domain.member import member_of
from chalicelib.domain.monitor import (
    Monitor,
    Placement,
    Spec,
    close_placement,
    next_placement,
    with_retries_told,
)
from chalicelib.domain.monitor_write import MonitorWrite, Written
from chalicelib.domain.origin import Origin
from chalicelib.domain.retention import retained_days
from chalicelib.domain.schedule import SETTLED_SECONDS, SpeedClass, anchor_after, slot_of, speed_class
from chalicelib.domain.state import State, carried_entry, results_to_commit
from chalicelib.errors import Contended, LimitExceeded, NotFound
from chalicelib.services.certificates import carry_reading
from chalicelib.services.delivering.nudging import nudge_about
from chalicelib.services.deps import Deps
from chalicelib.services.idempotency import fresh_origin
from chalicelib.services.leftovers import clear_leftovers
from chalicelib.services.placing import place
from chalicelib.services.readings import read_monitors
from chalicelib.services.retrying import TRIES, pause
from chalicelib.settings import Settings

FIRST_RUN_DELAY_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Draft:
    """What a caller asks for, validated, in the terms of any kind."""

    kind: str
    name: str
    spec: Spec
    interval_seconds: int
    timeout_seconds: float
    is_enabled: bool
    is_public: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A partial update: None leaves a field as it is; `spec` holds only the fields to change.

    Empty `headers` and an empty `body` take away what there was.
    """

    name: str | None = None
    spec: Mapping[str, Any] | None = None
    interval_seconds: int | None = None
    timeout_seconds: float | None = None
    is_enabled: bool | None = None
    is_public: bool | None = None
    headers: tuple[tuple[str, str], ...] | None = field(default=None, repr=False)
    body: str | None = field(default=None, repr=False)


def list_monitors(deps: Deps, team_id: str, kind: str) -> list[Monitor]:
    return deps.monitors.of_team(team_id, kind)


def get_monitor(deps: Deps, team_id: str, kind: str, monitor_id: str, *, consistent: bool = True) -> Monitor:
    """Raises NotFound, also for another team's monitor or one of another kind."""
    monitor = deps.monitors.get(team_id, monitor_id, consistent=consistent)
    if monitor is None or monitor.kind != kind:
        raise NotFound("There is no such monitor.")
    return monitor


def get_extras(deps: Deps, monitor: Monitor) -> Extras:
    """At least as new as `monitor`; a write on its `rev` is lost when they were newer."""
    return deps.monitors.extras(monitor.team_id, monitor.id) if monitor.has_extras else NO_EXTRAS


def create_monitor(
    deps: Deps,
    team_id: str,
    prefix: str,
    draft: Draft,
    origin: Origin | None = None,
    extras: Extras | None = None,
) -> Monitor:
    """Store a monitor and enqueue its first run. Raises LimitExceeded.

    What another try of the same origin has stored is returned, and its first run enqueued again: that try
    may have ended between the two.
    """
    created_at = deps.now()
    monitor_id = (origin or fresh_origin(deps)).new_id(prefix)
    token = f"{deps.random_bits(64):016x}"
    speed = speed_class(draft.interval_seconds, draft.timeout_seconds)
    first_slot = slot_of(created_at.timestamp(), speed.slot_seconds)
    bare = Monitor(
        id=monitor_id,
        team_id=team_id,
        kind=draft.kind,
        name=draft.name,
        spec=without_defaults(draft.spec),
        interval_seconds=draft.interval_seconds,
        timeout_seconds=draft.timeout_seconds,
        is_enabled=draft.is_enabled,
        is_public=draft.is_public,
        enabled_at=created_at if draft.is_enabled else None,
        created_at=created_at,
        updated_at=created_at,
        token=token,
    )
    extras = _without_empty_body(extras or NO_EXTRAS)
    bare = with_extras(bare, extras)
    shard, position = place(deps, bare, speed)
    for attempt in range(TRIES):
        pause(deps, attempt)
        anchor = anchor_after(deps.now().timestamp(), speed.slot_seconds)
        placement = Placement(shard, position, anchor, draft.interval_seconds, first_slot=first_slot)
        if not draft.is_enabled:
            placement = replace(placement, first_slot=None, to_slot=anchor)
        monitor = with_retries_told(replace(bare, placements=(placement,)))
        written = write_monitor(deps, MonitorWrite(None, monitor, extras=extras))
        if written is Written.LOST:
            stored = deps.monitors.get(team_id, monitor_id, consistent=True)
            if stored is not None:  # ours, whoever edited it since: only this origin makes this id
                written, monitor = Written.YES, stored
        if written is Written.YES:
            _enqueue_first_run(deps, monitor)
            return monitor
        if written is Written.LIMIT:
            most = most_per_team(deps.settings, draft.kind)
            raise LimitExceeded(f"A team has at most {most} of these monitors.")
        if written is Written.NO_ROOM:
            shard, position = place(deps, bare, speed, full=[shard])
    raise Contended("create")


def update_monitor(
    deps: Deps,
    team_id: str,
    kind: str,
    monitor_id: str,
    change: Change,
    refuse: Callable[[Monitor, Change], None] = lambda monitor, change: None,
) -> Monitor:
    """Apply a partial update; `updated_at` moves only when something changes. Raises NotFound.

    `refuse` raises when the change does not go with the monitor; it judges what the write goes over. A new
    interval or an enable starts a new schedule at the next anchor; a change of the speed class moves the
    monitor to another shard with its state.
    """
    token = f"{deps.random_bits(64):016x}"
    seats = _Seats()
    for attempt in range(TRIES):
        pause(deps, attempt)
        before = get_monitor(deps, team_id, kind, monitor_id)
        if before.token == token:
            return before
        refuse(before, change)
        after = _changed(before, change)
        extras = _changed_extras(deps, before, change)
        if after == before and extras is None:
            return before
        now = deps.now()
        after = replace(
            after,
            updated_at=now,
            enabled_at=_enabled_at(before, after, now),
            rev=before.rev + 1,
            token=token,
        )
        if extras is not None:
            after = with_extras(after, extras)
        write = _scheduled(deps, before, after, extras, now, seats)
        if write is None:
            continue
        written = write_monitor(deps, write)
        if written is Written.YES:
            assert write.after is not None
            if not before.is_enabled and write.after.is_enabled:
                _enqueue_first_run(deps, write.after)
                nudge_about(deps, team_id, monitor_id)
            carry_reading(deps, before, write.after)
            return write.after
        if written is Written.NO_ROOM:
            seats.give_up()
    raise Contended("update")


def delete_monitor(deps: Deps, team_id: str, kind: str, monitor_id: str) -> None:
    """Delete a monitor with everything that belongs to it. Raises NotFound.

    What an earlier delete of the team still owes, killed after its transaction, is made good on the way;
    the repeated delete of such a monitor succeeds.

    Its results lie in ticks that it shares with others; without its locator nobody can reach them, and
    they end with the ticks.
    """
    was_there = _delete(deps, team_id, kind, monitor_id)
    if monitor_id not in clear_leftovers(deps, team_id) and not was_there:
        raise NotFound("There is no such monitor.")


def _delete(deps: Deps, team_id: str, kind: str, monitor_id: str) -> bool:
    """Whether there was such a monitor; after this there is none."""
    was_there = False
    for attempt in range(TRIES):
        pause(deps, attempt)
        monitor = deps.monitors.get(team_id, monitor_id, consistent=True)
        if monitor is None or monitor.kind != kind:
            return was_there
        was_there = True
        if write_monitor(deps, MonitorWrite(monitor, None)) is Written.YES:
            return True
    raise Contended("delete")


class _Seats:
    """The position that a move has taken, kept over its attempts so that none is wasted."""

    def __init__(self) -> None:
        self._taken: dict[SpeedClass, tuple[str, int]] = {}
        self._full: list[str] = []

    def take(self, deps: Deps, monitor: Monitor, speed: SpeedClass) -> tuple[str, int]:
        if speed not in self._taken:
            self._taken[speed] = place(deps, monitor, speed, self._full)
        return self._taken[speed]

    def give_up(self) -> None:
        """The shards turned out to have no room."""
        self._full += [shard for shard, _ in self._taken.values()]
        self._taken.clear()


def _changed(before: Monitor, change: Change) -> Monitor:
    def or_before(new: Any, old: Any) -> Any:
        return old if new is None else new

    return replace(
        before,
        name=or_before(change.name, before.name),
        spec=without_defaults({**before.spec, **(change.spec or {})}),
        interval_seconds=or_before(change.interval_seconds, before.interval_seconds),
        timeout_seconds=or_before(change.timeout_seconds, before.timeout_seconds),
        is_enabled=or_before(change.is_enabled, before.is_enabled),
        is_public=or_before(change.is_public, before.is_public),
    )


def _changed_extras(deps: Deps, before: Monitor, change: Change) -> Extras | None:
    """None when they stay as they are."""
    if change.headers is None and change.body is None:
        return None
    extras = get_extras(deps, before)
    headers = extras.headers if change.headers is None else change.headers
    body = extras.body if change.body is None else change.body
    changed = _without_empty_body(replace(extras, headers=headers, body=body))
    return None if changed == extras else changed


def _without_empty_body(extras: Extras) -> Extras:
    return replace(extras, body=extras.body or None)


def _enabled_at(before: Monitor, after: Monitor, now: datetime) -> datetime | None:
    if not after.is_enabled:
        return None
    return before.enabled_at if before.is_enabled else now


def _scheduled(
    deps: Deps,
    before: Monitor,
    after: Monitor,
    extras: Extras | None,
    now: datetime,
    seats: _Seats,
) -> MonitorWrite | None:
    """The write with its placements. None when a STATE of a move is not there (a shard just made).

    Every attempt computes the anchor anew, after its last read: it must lie ahead of the transaction's
    end, and only one call (ten seconds at most) may stand between.
    """
    speed = after.speed_class
    forget_before = int(now.timestamp()) - (retained_days(before.kind) + 1) * 86400
    old = before.placement
    if speed is not before.speed_class:
        shard, position = seats.take(deps, after, speed)
        states = _states(deps, old.shard, shard)
        if states is None:
            return None
        states = (_with_newest_result(deps, before, states[0]), states[1])
        if extras is None:
            extras = get_extras(deps, before)
        anchor = anchor_after(deps.now().timestamp(), speed.slot_seconds)
        ends = None if after.is_enabled else anchor
        first_slot = _first_slot(before, after, now)
        new = Placement(shard, position, anchor, after.interval_seconds, ends, first_slot)
        moved = replace(after, placements=next_placement(before.placements, new, forget_before))
        return MonitorWrite(before, with_retries_told(moved), states, extras)
    anchor = anchor_after(now.timestamp(), speed.slot_seconds)
    if after.is_enabled and (not before.is_enabled or after.interval_seconds != before.interval_seconds):
        first_slot = _first_slot(before, after, now)
        new = Placement(old.shard, old.position, anchor, after.interval_seconds, first_slot=first_slot)
        after = replace(after, placements=next_placement(before.placements, new, forget_before))
    elif before.is_enabled and not after.is_enabled:
        after = replace(after, placements=close_placement(before.placements, anchor))
    return MonitorWrite(before, with_retries_told(after), extras=extras)


def _first_slot(before: Monitor, after: Monitor, now: datetime) -> int | None:
    """The slot of the first run after an enable: the current one, unless the monitor may have a regular
    result there, from before a disable a moment ago. The contract wants a check within one tick."""
    slot = slot_of(now.timestamp(), after.speed_class.slot_seconds)
    is_enable = after.is_enabled and not before.is_enabled
    was_over = before.placement.to_slot is not None and before.placement.to_slot <= slot
    return slot if is_enable and was_over else None


def _enqueue_first_run(deps: Deps, monitor: Monitor) -> None:
    place = monitor.placement
    if monitor.is_enabled and place.first_slot is not None:
        job = ProbeJob(place.shard, place.first_slot, first_position=place.position)
        deps.queue.send([(job, FIRST_RUN_DELAY_SECONDS)])


def _states(deps: Deps, old_shard: str, new_shard: str) -> tuple[State, State] | None:
    old = deps.states.get(old_shard, consistent=True)
    new = deps.states.get(new_shard, consistent=True)
    return None if old is None or new is None else (old, new)


def _with_newest_result(deps: Deps, monitor: Monitor, state: State) -> State:
    """STATE as a move takes the monitor's entry from it: with the floor of its newest result, which stays
    behind in the old shard's ticks. Never past a result of another status: that transition is still due.
    Where changes need confirmation, every result that stays behind counts."""
    position = monitor.placement.position
    entry, member = state.entries.get(position), member_of(monitor)
    if entry is not None and member.confirmations.is_needed:
        ends = monitor.placement.to_slot  # of a disabled one; a write every hour has told STATE until then
        low = (state.swept if ends is None else min(state.swept, ends - 3600)) - SETTLED_SECONDS
        ticks = deps.ticks.since(monitor.placement.shard, low, consistent=True, until_slot=ends)
        results = results_to_commit(ticks, {position: member}).get(position, [])
        return replace(state, entries={**state.entries, position: carried_entry(member, entry, results)})
    newest = read_monitors(deps, [monitor], consistent=True, with_texts=False)[monitor.id]
    if entry is None or newest.checked_at is None or newest.status is not entry.status:
        return state
    slot = slot_of(newest.checked_at.timestamp(), monitor.speed_class.slot_seconds)
    if slot <= entry.slot:
        return state
    moved = replace(entry, slot=slot, response_ms=newest.response_ms or 0)
    return replace(state, entries={**state.entries, position: moved})


def write_monitor(deps: Deps, write: MonitorWrite) -> Written | None:
    """None when the transaction collided with another: the API retries TransactionConflict too."""
    some = write.after or write.before
    assert some is not None
    try:
        return deps.monitors.write(write, most_per_team(deps.settings, some.kind))
    except Contended:
        return None


def most_per_team(settings: Settings, kind: str) -> int:
    """How many monitors of a kind a team may have."""
    limits = {"dns": settings.dns_monitors_per_team, "tcp": settings.tcp_monitors_per_team}
    return limits.get(kind, settings.monitors_per_team)
