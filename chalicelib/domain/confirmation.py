"""How many results in a row it takes until a monitor's state changes.

Only STATE waits for confirmation; each result keeps the status that its own check was judged to have. A
*streak* is the newest results in a row that speak for the same change: all worse, or all better, than
the state is. While there is one, the monitor may be checked sooner than its interval says (*retries*).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.outcome import Status

MAX_CONFIRMATIONS = 10
_WORSE, _BETTER, _RETRY = "confirmations", "recoveryConfirmations", "retryIntervalSeconds"
_DEFAULTS: Mapping[str, int | None] = {_WORSE: 1, _BETTER: 1, _RETRY: None}
"""The API's own names, also in the spec; there only what is not the default is kept."""


@dataclass(frozen=True, slots=True)
class Confirmations:
    """How many results in a row make a monitor worse, and how many make it better."""

    worse: int = 1
    better: int = 1

    @property
    def is_needed(self) -> bool:
        """Otherwise the newest result alone decides."""
        return self.worse > 1 or self.better > 1


@dataclass(frozen=True, slots=True)
class Streak:
    """`count` results; `status` is what all of them amount to at least: the mildest of worse ones, the
    worst of better ones."""

    count: int = 0
    status: Status = Status.UP

    def __bool__(self) -> bool:
        return self.count > 0


NO_STREAK = Streak()


def confirmations_of(spec: Mapping[str, Any]) -> Confirmations:
    return Confirmations(spec.get(_WORSE, 1), spec.get(_BETTER, 1))


def shown_confirmations(spec: Mapping[str, Any]) -> dict[str, int | None]:
    """Both numbers, and the seconds between retries, as the API tells them."""
    return {key: spec.get(key, default) for key, default in _DEFAULTS.items()}


def without_defaults(spec: Mapping[str, Any]) -> dict[str, Any]:
    """As stored: a monitor that needs no confirmation looks as if there were none."""
    return {key: value for key, value in spec.items() if key not in _DEFAULTS or value != _DEFAULTS[key]}


def retry_seconds(spec: Mapping[str, Any], interval_seconds: int, slot_seconds: int) -> int:
    """How long after a result of a streak the next check is due at the latest, in whole slots. 0 when it is
    due by the interval alone, which is not longer."""
    wanted = spec.get(_RETRY)
    if wanted is None:
        return 0
    seconds: int = -(-wanted // slot_seconds) * slot_seconds
    return seconds if seconds < interval_seconds else 0


def follow(status: Status, streak: Streak, told: Status, needed: Confirmations) -> tuple[Status, Streak]:
    """The state and its streak after one more result.

    A result that says what the state is ends the streak; one of the other side begins another. A change
    ends it too: what confirmed it does not count again.
    """
    if told is status:
        return status, NO_STREAK
    is_worse = told > status
    enough = needed.worse if is_worse else needed.better
    if enough == 1:
        return told, NO_STREAK  # whatever a streak says, from when more were needed
    if not streak or (streak.status > status) is not is_worse:
        streak = Streak(1, told)
    else:
        mildest = min if is_worse else max
        streak = Streak(streak.count + 1, mildest(streak.status, told))
    if streak.count < enough:
        return status, streak
    return streak.status, NO_STREAK
