"""What is bound to an HTTP monitor, an alert or a maintenance window, and goes with it.

What writes a binding asks in the same transaction for the monitor, and what is bound to one that is gone is
as if it were not there until a deletion has removed it (`services/leftovers.py`).
"""

import re
from typing import Final, Protocol, TypeVar

from chalicelib.errors import NotFound
from chalicelib.services.deps import Deps
from chalicelib.services.monitors import get_monitor

_HTTP_ID: Final = re.compile(r"mon_[0-9a-f]{32}")
"""Whatever else a body says is as unknown as any other id, and a long one would be no key to DynamoDB."""


class Bound(Protocol):
    """`monitor_id` None is bound to none."""

    @property
    def team_id(self) -> str: ...
    @property
    def monitor_id(self) -> str | None: ...


BoundT = TypeVar("BoundT", bound=Bound)


def check_monitor(deps: Deps, bound: Bound) -> None:
    """Raises NotFound for a monitor that is not there, or is none of HTTP."""
    if bound.monitor_id is None:
        return
    if not _HTTP_ID.fullmatch(bound.monitor_id):
        raise NotFound("There is no such monitor.")
    get_monitor(deps, bound.team_id, "http", bound.monitor_id)


def unless_gone(deps: Deps, found: BoundT | None) -> BoundT | None:
    """The monitor is looked for after what was found: one that is gone does not come back."""
    if found is None or found.monitor_id is None:
        return found
    return found if deps.monitors.get(found.team_id, found.monitor_id, consistent=True) else None
