"""One change of a monitor's configuration, as one transaction, and what became of it."""

from dataclasses import dataclass
from enum import Enum

from chalicelib.domain.extras import Extras
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.state import State


@dataclass(frozen=True, slots=True)
class MonitorWrite:
    """One configuration transaction over teams and checks.

    `before` None creates, `after` None deletes. When the placement's shard changes it is a move, and
    `states` are both STATE items as read, (old shard, new shard): the entry is copied between them.
    `extras` are those of `after`, given when they change and when they move along; None leaves them.
    """

    before: Monitor | None
    after: Monitor | None
    states: tuple[State, State] | None = None
    extras: Extras | None = None

    @property
    def changes_extras(self) -> bool:
        """Whether what is stored for management is put or deleted."""
        return (self.after.extras_rev if self.after else 0) != (self.before.extras_rev if self.before else 0)

    @property
    def old_extras_place(self) -> tuple[str, int] | None:
        """Shard and position from which the probe's copy goes."""
        before, after = self.before, self.after
        if before is None or not before.has_extras:
            return None
        stays = after is not None and after.has_extras and _place(after) == _place(before)
        return None if stays else _place(before)

    @property
    def new_extras_place(self) -> tuple[str, int] | None:
        """Shard and position at which the probe's copy is put."""
        before, after = self.before, self.after
        if after is None or not after.has_extras:
            return None
        has_moved = before is None or _place(after) != _place(before)
        return _place(after) if has_moved or self.changes_extras else None


class Written(Enum):
    """What became of a configuration transaction. Only YES wrote anything."""

    YES = "yes"
    LOST = "lost"
    """The monitor or a STATE is not as read. Read again: it may carry your own token."""
    LIMIT = "limit"
    NO_ROOM = "no room"
    """The shard took another monitor meanwhile."""


def _place(monitor: Monitor) -> tuple[str, int]:
    return monitor.placement.shard, monitor.placement.position
