"""Maintenance windows of a team: list, read, create, change, end, delete."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chalicelib.domain.instant import whole_milliseconds
from chalicelib.domain.maintenance import Window
from chalicelib.domain.origin import Origin
from chalicelib.errors import AlreadyEnded, Contended, InvalidDateRange, NotFound, NotStarted
from chalicelib.services.binding import check_monitor, unless_gone
from chalicelib.services.deps import Deps
from chalicelib.services.idempotency import fresh_origin
from chalicelib.services.retrying import TRIES, pause

PREFIX = "mnt"
_NO_WINDOW = "There is no such maintenance window."


@dataclass(frozen=True, slots=True)
class Draft:
    """What a caller asks for, validated field by field."""

    name: str
    starts_at: datetime
    ends_at: datetime
    monitor_id: str | None = None
    is_silencing: bool = True
    is_on_pages: bool = True


def windows_of_team(deps: Deps, team_id: str, *, consistent: bool) -> list[Window]:
    """Newest first, past ones included; none whose monitor is gone. One Query: 0.5 RRU for 4 KB, some 15
    windows, when it need not be consistent."""
    return deps.maintenance.of_team(team_id, consistent=consistent)


def get_window(deps: Deps, team_id: str, window_id: str) -> Window:
    """Raises NotFound, also for another team's."""
    window = _find(deps, team_id, window_id)
    if window is None:
        raise NotFound(_NO_WINDOW)
    return window


def create_window(deps: Deps, team_id: str, draft: Draft, origin: Origin | None = None) -> Window:
    """Raises InvalidDateRange; NotFound for a monitor that is not there. A window may lie in the past.

    What another try of the same origin has stored is returned.
    """
    now = whole_milliseconds(deps.now())
    window = Window(
        id=(origin or fresh_origin(deps)).new_id(PREFIX),
        team_id=team_id,
        name=draft.name,
        starts_at=draft.starts_at,
        ends_at=draft.ends_at,
        created_at=now,
        updated_at=now,
        monitor_id=draft.monitor_id,
        is_silencing=draft.is_silencing,
        is_on_pages=draft.is_on_pages,
        token=f"{deps.random_bits(64):016x}",
    )
    _check_range(window)
    for attempt in range(TRIES):
        pause(deps, attempt)
        stored = deps.maintenance.get(team_id, window.id) if attempt else None
        if stored is not None:  # ours, whoever edited it since: only this origin makes this id
            return stored
        check_monitor(deps, window)
        if _write(deps, None, window):
            return window
    raise Contended("create")


def update_window(deps: Deps, team_id: str, window_id: str, change: Mapping[str, Any]) -> Window:
    """Apply new values by the names of `Window`; `updated_at` moves only when something changes. Raises
    InvalidDateRange, and NotFound for the window or the monitor that it is to be bound to."""
    token = f"{deps.random_bits(64):016x}"
    for attempt in range(TRIES):
        pause(deps, attempt)
        before = get_window(deps, team_id, window_id)
        if before.token == token:
            return before
        after = replace(before, **change)
        if after == before:
            return before
        _check_range(after)
        if after.monitor_id != before.monitor_id:
            check_monitor(deps, after)
        after = _revised(deps, after, token)
        if _write(deps, before, after):
            return after
    raise Contended("update")


def end_window(deps: Deps, team_id: str, window_id: str) -> Window:
    """End an active window now. Raises AlreadyEnded, NotStarted and NotFound."""
    token = f"{deps.random_bits(64):016x}"
    for attempt in range(TRIES):
        pause(deps, attempt)
        before = get_window(deps, team_id, window_id)
        if before.token == token:
            return before
        now = deps.now()
        if before.ended_early_at is not None or before.ends_at <= now:
            raise AlreadyEnded("The maintenance window is over.")
        if before.starts_at > now:
            raise NotStarted("The maintenance window has not started.")
        after = _revised(deps, replace(before, ended_early_at=now.replace(microsecond=0)), token)
        if _write(deps, before, after):
            return after
    raise Contended("end")


def delete_window(deps: Deps, team_id: str, window_id: str) -> None:
    """Lifts an active one at once. Raises NotFound."""
    was_there = False
    for attempt in range(TRIES):
        pause(deps, attempt)
        window = _find(deps, team_id, window_id)
        if window is None and was_there:
            return
        if window is None:
            raise NotFound(_NO_WINDOW)
        was_there = True
        if _write(deps, window, None):
            return
    raise Contended("delete")


def _find(deps: Deps, team_id: str, window_id: str) -> Window | None:
    return unless_gone(deps, deps.maintenance.get(team_id, window_id))


def _check_range(window: Window) -> None:
    if window.ends_at <= window.starts_at:
        raise InvalidDateRange("endsAt must be after startsAt.")


def _revised(deps: Deps, window: Window, token: str) -> Window:
    now = whole_milliseconds(deps.now())
    return replace(window, updated_at=now, rev=window.rev + 1, token=token)


def _write(deps: Deps, before: Window | None, after: Window | None) -> bool:
    """False when it was lost, collided with another, or its answer was."""
    try:
        return deps.maintenance.write(before, after)
    except Contended:
        return False
