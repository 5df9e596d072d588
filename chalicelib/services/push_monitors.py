"""Push monitors of a team: create, read, change, delete. What one is by now is judged whenever it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from chalicelib.domain.heartbeat import Heartbeat, place_of
from chalicelib.domain.instant import whole_milliseconds
from chalicelib.domain.origin import Origin
from chalicelib.domain.push_monitor import KIND, PushHeartbeat, PushMonitor, push_token_of
from chalicelib.domain.silence import Pulse, Rules, Saying, begin, reschedule, stop
from chalicelib.errors import Conflict
from chalicelib.services.deps import Deps
from chalicelib.services.idempotency import fresh_origin
from chalicelib.services.judging import judged
from chalicelib.services.push_history import words_of
from chalicelib.services.reporting import (
    Sort,
    create_owner,
    delete_owner,
    get_owner,
    list_owners,
    read_owner,
    rewrite_owner,
)
from chalicelib.services.uptimes import Uptime, read_uptimes

PREFIX = "push"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a caller asks for, validated. One without a token gets one."""

    name: str
    rules: Rules
    is_public: bool = False
    push_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """A partial update: the new values, by the names of `PushMonitor` and `Rules`."""

    monitor: Mapping[str, Any]
    rules: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """A monitor as it is now. `words` are the newest beat's, None when there are none, or not any more."""

    monitor: PushMonitor
    pulse: Pulse
    words: str | None
    uptime: Uptime


def list_push_monitors(deps: Deps, team_id: str) -> list[Shown]:
    """Newest first. Eventually consistent."""
    return _shown(deps, list_owners(deps, _MONITORS, team_id))


def get_push_monitor(deps: Deps, team_id: str, monitor_id: str) -> PushMonitor:
    """Raises NotFound, also for another team's."""
    return get_owner(deps, _MONITORS, team_id, monitor_id)


def read_push_monitor(deps: Deps, team_id: str, monitor_id: str) -> tuple[PushMonitor, PushHeartbeat]:
    """A monitor and its heartbeat, as stored. Raises NotFound."""
    return read_owner(deps, _MONITORS, team_id, monitor_id)


def show_push_monitor(deps: Deps, team_id: str, monitor_id: str) -> Shown:
    """As it is now, whenever the scheduler has looked at it last. Raises NotFound."""
    monitor, heartbeat = read_push_monitor(deps, team_id, monitor_id)
    return _shown(deps, [(monitor, judged(heartbeat, deps.now()))])[0]


def create_push_monitor(
    deps: Deps, team_id: str, draft: Draft, origin: Origin | None = None, secret: bytes | None = None
) -> Shown:
    """Store a monitor. Raises LimitExceeded, and Conflict when somebody has its token already.

    A token that nobody has asked for comes from `secret` (32 bytes), else from chance. What another try of
    the same origin has stored is shown as it was made, token included.
    """
    now = whole_milliseconds(deps.now())
    push_token = draft.push_token or push_token_of(secret or deps.random_bits(256).to_bytes(32))
    place = place_of(push_token)
    monitor = PushMonitor(
        id=(origin or fresh_origin(deps)).new_id(PREFIX),
        team_id=team_id,
        name=draft.name,
        rules=draft.rules,
        created_at=now,
        updated_at=now,
        push_token=push_token,
        partitions=(place.name,),
        is_public=draft.is_public,
        enabled_at=now if draft.rules.is_enabled else None,
        token=f"{deps.random_bits(64):016x}",
    )
    heartbeat: PushHeartbeat = Heartbeat(place, monitor.id, team_id, KIND, draft.rules, _new_pulse(monitor))

    def check() -> None:
        if draft.push_token is not None:
            _check_free(deps, push_token, monitor.id)

    stored = create_owner(deps, _MONITORS, monitor, heartbeat, check)
    return Shown(stored, _new_pulse(stored), None, (None, None, None))


def update_push_monitor(deps: Deps, team_id: str, monitor_id: str, change: Change) -> Shown:
    """Apply a partial update; `updated_at` moves only when something changes. As it is then.

    Raises NotFound, and Conflict when somebody else has the new token.
    """

    def changed(before: PushMonitor, heartbeat: PushHeartbeat, now: datetime) -> PushMonitor:
        rules = replace(before.rules, **change.rules)
        after = replace(before, **change.monitor, rules=rules)
        if after.push_token == before.push_token:
            return after
        _check_free(deps, after.push_token, before.id)
        return replace(after, partitions=tuple(dict.fromkeys((*before.partitions, after.place.name))))

    return _shown(deps, [rewrite_owner(deps, _MONITORS, team_id, monitor_id, changed)])[0]


def delete_push_monitor(deps: Deps, team_id: str, monitor_id: str) -> None:
    """Delete a monitor with its history. Raises NotFound."""
    delete_owner(deps, _MONITORS, team_id, monitor_id)


def _check_free(deps: Deps, push_token: str, monitor_id: str) -> None:
    there = deps.heartbeats.get(place_of(push_token), consistent=True)
    if there is not None and there.id != monitor_id:
        raise Conflict("Another monitor has this pushToken.")


def _new_pulse(monitor: PushMonitor) -> Pulse:
    return Pulse() if monitor.enabled_at is None else begin(monitor.rules, Pulse(), monitor.enabled_at)


def _pulse_after(before: Rules, after: Rules, pulse: Pulse, now: datetime) -> Pulse:
    if not after.is_enabled:
        return stop(pulse, now) if before.is_enabled else pulse
    if not before.is_enabled:
        return begin(after, pulse, now)
    return pulse if after == before else reschedule(after, pulse, now)


def _shown(deps: Deps, found: Sequence[tuple[PushMonitor, PushHeartbeat]]) -> list[Shown]:
    now = deps.now()
    uptimes = read_uptimes(deps, [heartbeat for _, heartbeat in found], now)
    numbers = [(h.id, h.count) for _, h in found if h.pulse.saying is Saying.OWN]
    own = deps.beats.bodies(numbers, now) if numbers else {}
    return [
        Shown(monitor, heartbeat.pulse, _words(heartbeat, own), uptimes[heartbeat.id])
        for monitor, heartbeat in found
    ]


def _words(heartbeat: PushHeartbeat, own: Mapping[tuple[str, int], bytes]) -> str | None:
    saying = heartbeat.pulse.saying
    if saying is Saying.NOTHING:
        return None
    packed = own.get((heartbeat.id, heartbeat.count))
    return words_of(packed, has_own=saying is Saying.OWN, is_silence=saying is Saying.SILENCE)


_MONITORS: Final[Sort[PushMonitor]] = Sort(
    noun="push monitor",
    owners=lambda deps: deps.push_monitors,
    limit=lambda settings: settings.push_monitors_per_team,
    pulse_after=_pulse_after,
)
