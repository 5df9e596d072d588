"""What the tests of every kind of monitor need to know of it, and the minutes of its life."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib.domain.job import ProbeJob
from chalicelib.domain.outcome import Outcome
from chalicelib.domain.shard import speed_class_of
from chalicelib.services import probing
from chalicelib.services.deps import Deps
from tests.fakes import FakeDeps
from tests.routes.client import MINIMAL, Answer, Api, RealEdges


@dataclass(frozen=True)
class Kind:
    """One kind of monitor: where it lives and the least that one is made of."""

    path: str
    prefix: str
    scope: str
    minimal: dict[str, Any]
    switch: str = "isEnabled"

    def make(self, api: Api, **fields: Any) -> dict[str, Any]:
        return api.make(self.path, {**self.minimal, **fields})

    def path_of(self, monitor: Any) -> str:
        return f"{self.path}/{monitor['id']}"

    def results(self, api: Api, monitor: Any, query: Any = None) -> Answer:
        return api.get(f"{self.path_of(monitor)}/results", query)


HTTP = Kind("/v1/monitors", "mon", "monitors", MINIMAL, "enabled")
DNS = Kind(
    "/v1/dns-monitors",
    "dns",
    "dns-monitors",
    {"name": "Zone", "domain": "example.com", "recordType": "A", "intervalSeconds": 60},
)
TCP = Kind(
    "/v1/tcp-monitors", "tcpm", "tcp-monitors", {"name": "Mail", "host": "mail.example.com", "port": 993}
)
KINDS = (HTTP, DNS, TCP)


def live(deps: FakeDeps | RealEdges, monitor: Any, outcomes: Sequence[Outcome], seconds: int = 60) -> None:
    """The probe of every shard, once in these seconds, with these answers for this monitor in order."""
    checks = deps.checks if isinstance(deps, FakeDeps) else deps.fake_checks
    edges: Deps = deps
    for outcome in outcomes:
        deps.at += timedelta(seconds=seconds)
        checks.outcomes[monitor["id"]] = outcome
        for shard in edges.shards.all():
            slot_seconds = speed_class_of(shard.id).slot_seconds
            slot = int(deps.at.timestamp()) // slot_seconds * slot_seconds
            probing.run(edges, ProbeJob(shard.id, slot))
