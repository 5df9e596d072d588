"""One change of what reports in by itself, a cron job or a push monitor, as one transaction."""

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from chalicelib.domain.alarm import Turn
from chalicelib.domain.heartbeat import Heartbeat, Place


class Owner(Protocol):
    """What is configured, and has a heartbeat. `rev` guards every write; `token` is the last write's own."""

    @property
    def id(self) -> str: ...
    @property
    def team_id(self) -> str: ...
    @property
    def rev(self) -> int: ...
    @property
    def token(self) -> str: ...
    @property
    def place(self) -> Place: ...
    @property
    def partitions(self) -> tuple[str, ...]:
        """All that its heartbeats ever lay in: there is what the outbox has of it."""

    @property
    def is_public(self) -> bool: ...
    @property
    def is_enabled(self) -> bool: ...


OwnerT = TypeVar("OwnerT", bound=Owner)


@dataclass(frozen=True)  # without slots, as `Heartbeat`
class HeartbeatWrite(Generic[OwnerT]):
    """One transaction over teams and checks. `before` None creates, `after` None deletes.

    `read` is the heartbeat as read, whose version is a condition; `heartbeat` the one to be put, in another
    place when the secret has changed. `turn` is what the change makes of the alarm.
    """

    before: OwnerT | None
    after: OwnerT | None
    read: Heartbeat[Any, Any] | None
    heartbeat: Heartbeat[Any, Any] | None
    turn: Turn | None = None

    @property
    def owner(self) -> OwnerT:
        """As it will be, or was."""
        owner = self.after or self.before
        assert owner is not None
        return owner
