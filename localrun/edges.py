"""The deployment's edges with the local clock, queue and engine in their places."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chalicelib.domain.outcome import Outcome
from chalicelib.services.deps import Adhoc, Checks, Deps, Outbox
from chalicelib.services.pinging import ping
from chalicelib.settings import Settings
from chalicelib.wiring import Edges
from localrun.clock import Clock
from localrun.mail_box import MailBox
from localrun.outbox import WatchedOutbox
from localrun.units import UnitCounter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from chalicelib.mailing import Mailer


class DirectAdhoc:
    """Satisfies `Adhoc` in this process, where there is no other function."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    def ping(self, kind: str, spec: Mapping[str, Any], extras: Mapping[str, Any]) -> Outcome | None:
        return ping(self._deps, kind, spec, extras)


class LocalEdges(Edges):
    """`Edges` whose time is the local clock's; the runner puts its own queues in the place of SQS."""

    def __init__(
        self, settings: Settings, clock: Clock, units: UnitCounter, mail_box: MailBox | None = None
    ) -> None:
        super().__init__(settings)
        self.clock = clock
        self.units = units
        self.mail_box = mail_box or MailBox()

    def now(self) -> datetime:
        return self.clock.now()

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        client = super().dynamodb
        self.units.watch(client)
        return client

    @cached_property
    def outbox(self) -> Outbox:
        return WatchedOutbox(super().outbox, self.dynamodb)

    @cached_property
    def adhoc(self) -> Adhoc:
        return DirectAdhoc(self)

    @cached_property
    def mailer(self) -> "Mailer":
        """Nothing leaves this machine, unless there is a server that takes it."""
        return self.mail_box if self.settings.smtp is None else super().mailer

    @property
    def checks(self) -> Checks:
        """Unpaced while an advance runs: its timings are pretended anyway."""
        return self._unpaced if self.clock.is_advancing else self._paced

    @cached_property
    def _paced(self) -> Checks:
        return self.build_checks(self.settings)

    @cached_property
    def _unpaced(self) -> Checks:
        return self.build_checks(replace(self.settings, starts_per_second=None))
