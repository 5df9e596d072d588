"""One change of a monitor's configuration, as one transaction, and what became of it."""

from dataclasses import dataclass
from enum import Enum

from chalicelib.domain.monitor import Monitor
from chalicelib.domain.state import State


@dataclass(frozen=True, slots=True)
class MonitorWrite:
    """One configuration transaction over teams and checks.

    `before` None creates, `after` None deletes. When the placement's shard changes it is a move, and
    `states` are both STATE items as read, (old shard, new shard): the entry is copied between them.
    """

    before: Monitor | None
    after: Monitor | None
    states: tuple[State, State] | None = None


class Written(Enum):
    """What became of a configuration transaction. Only YES wrote anything."""

    YES = "yes"
    LOST = "lost"
    """The monitor or a STATE is not as read. Read again: it may carry your own token."""
    LIMIT = "limit"
    NO_ROOM = "no room"
    """The shard took another monitor meanwhile."""
