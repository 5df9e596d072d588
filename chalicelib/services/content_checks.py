"""Content checks of a monitor: what the body of its responses must satisfy.

They are part of the monitor's configuration and stored with its other extras: every change is one write on
the monitor's `rev`, so that the most there may be is exact whoever adds at once, and a probe that runs
meanwhile starts over with the new ones. The monitor's own `updated_at` stays: it tells of the monitor's own
fields.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.domain.content import REGEX, compile_error
from chalicelib.domain.extras import MAX_CONTENT_CHECKS, ContentCheck, Extras, with_extras
from chalicelib.domain.instant import whole_milliseconds
from chalicelib.domain.monitor_write import MonitorWrite, Written
from chalicelib.domain.origin import Origin
from chalicelib.errors import Contended, Detail, InvalidInput, LimitExceeded, NotFound
from chalicelib.services.deps import Deps
from chalicelib.services.idempotency import fresh_origin
from chalicelib.services.monitors import get_extras, get_monitor, write_monitor
from chalicelib.services.retrying import TRIES, pause

Checks = tuple[ContentCheck, ...]


@dataclass(frozen=True, slots=True)
class ContentCheckDraft:
    """What a caller asks for, validated."""

    type: str
    value: str
    case_sensitive: bool = False
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class ContentCheckChange:
    """A partial update: None leaves a field as it is."""

    type: str | None = None
    value: str | None = None
    case_sensitive: bool | None = None
    is_enabled: bool | None = None


def list_content_checks(deps: Deps, team_id: str, kind: str, monitor_id: str) -> list[ContentCheck]:
    """Newest first. Raises NotFound when there is no such monitor, as all of these do."""
    checks = get_extras(deps, get_monitor(deps, team_id, kind, monitor_id)).content_checks
    return sorted(checks, key=lambda check: (check.created_at, check.id), reverse=True)


def find_content_check(deps: Deps, team_id: str, kind: str, monitor_id: str, check_id: str) -> ContentCheck:
    """Raises NotFound, also for another monitor's content check."""
    monitor = get_monitor(deps, team_id, kind, monitor_id)
    return _found(get_extras(deps, monitor).content_checks, check_id)


def add_content_check(
    deps: Deps,
    team_id: str,
    kind: str,
    monitor_id: str,
    draft: ContentCheckDraft,
    origin: Origin | None = None,
) -> ContentCheck:
    """Raises LimitExceeded. What another try of the same origin has added is returned."""
    now = whole_milliseconds(deps.now())
    check_id = (origin or fresh_origin(deps)).new_id("cc")
    new = ContentCheck(
        check_id,
        draft.type,
        draft.value,
        draft.case_sensitive,
        draft.is_enabled,
        created_at=now,
        updated_at=now,
    )

    def edit(checks: Checks) -> Checks:
        if _find(checks, check_id):
            return checks
        if len(checks) >= MAX_CONTENT_CHECKS:
            raise LimitExceeded(f"A monitor has at most {MAX_CONTENT_CHECKS} content checks.")
        return (*checks, new)

    return _found(_edit(deps, team_id, kind, monitor_id, edit), check_id)


def update_content_check(
    deps: Deps, team_id: str, kind: str, monitor_id: str, check_id: str, change: ContentCheckChange
) -> ContentCheck:
    """Raises NotFound, also for another monitor's content check, and InvalidInput for a pattern that
    does not compile."""
    now = whole_milliseconds(deps.now())

    def edit(checks: Checks) -> Checks:
        before = _found(checks, check_id)
        after = _changed(before, change)
        problem = compile_error(after.value) if after.type == REGEX else None
        if problem is not None:
            raise InvalidInput([Detail("value", problem)])
        if after == before:
            return checks
        return tuple(replace(after, updated_at=now) if check is before else check for check in checks)

    return _found(_edit(deps, team_id, kind, monitor_id, edit), check_id)


def delete_content_check(deps: Deps, team_id: str, kind: str, monitor_id: str, check_id: str) -> None:
    """Raises NotFound, also for another monitor's content check."""
    was_there = False

    def edit(checks: Checks) -> Checks:
        nonlocal was_there
        if not was_there:
            _found(checks, check_id)
        was_there = True
        return tuple(check for check in checks if check.id != check_id)

    _edit(deps, team_id, kind, monitor_id, edit)


def _edit(deps: Deps, team_id: str, kind: str, monitor_id: str, edit: Callable[[Checks], Checks]) -> Checks:
    """Apply `edit`, again after every lost race, and return what is stored now.

    It must find nothing left to do where an unanswered try has already done it.
    """
    token = f"{deps.random_bits(64):016x}"
    for attempt in range(TRIES):
        pause(deps, attempt)
        before = get_monitor(deps, team_id, kind, monitor_id)
        extras = get_extras(deps, before)
        checks = edit(extras.content_checks)
        if checks == extras.content_checks:
            return checks
        edited: Extras = replace(extras, content_checks=checks)
        after = with_extras(replace(before, rev=before.rev + 1, token=token), edited)
        if write_monitor(deps, MonitorWrite(before, after, extras=edited)) is Written.YES:
            return checks
    raise Contended("content checks")


def _find(checks: Checks, check_id: str) -> ContentCheck | None:
    return next((check for check in checks if check.id == check_id), None)


def _found(checks: Checks, check_id: str) -> ContentCheck:
    check = _find(checks, check_id)
    if check is None:
        raise NotFound("There is no such content check.")
    return check


def _changed(before: ContentCheck, change: ContentCheckChange) -> ContentCheck:
    return replace(
        before,
        type=before.type if change.type is None else change.type,
        value=before.value if change.value is None else change.value,
        case_sensitive=before.case_sensitive if change.case_sensitive is None else change.case_sensitive,
        is_enabled=before.is_enabled if change.is_enabled is None else change.is_enabled,
    )
