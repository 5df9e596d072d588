"""A monitor's life, minute by minute: the real services change it, the real probe checks it.

What was stored is also read by brute force, as the reference for every cleverer reader.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chalicelib.domain.job import ProbeJob
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.shard import region_of
from chalicelib.services import probing
from chalicelib.services.history import Result
from chalicelib.services.monitors import Change, Draft, create_monitor, update_monitor
from tests.fakes import FakeDeps

TEAM = "team_1"
KIND = "http"
SPEC = {"url": "https://example.com/"}
RETRIES: tuple[Mapping[str, int | None], ...] = (
    {},
    {"confirmations": 3, "recoveryConfirmations": 2, "retryIntervalSeconds": 60},
    {"confirmations": 2, "recoveryConfirmations": 5, "retryIntervalSeconds": 240},
    {"confirmations": 10, "recoveryConfirmations": 1, "retryIntervalSeconds": 540},
    {"confirmations": 3, "recoveryConfirmations": 3, "retryIntervalSeconds": None},
    {"confirmations": 1, "recoveryConfirmations": 1, "retryIntervalSeconds": 60},
)
"""What a monitor's spec may say of confirmations."""
RUN_DELAY = timedelta(seconds=7, milliseconds=400)
"""How long after its slot a run begins here."""


def draft(**fields: object) -> Draft:
    values: dict[str, object] = {
        "kind": KIND,
        "name": "Front page",
        "spec": SPEC,
        "interval_seconds": 60,
        "timeout_seconds": 10,
        "is_enabled": True,
        "is_public": True,
        **fields,
    }
    return Draft(**values)  # type: ignore[arg-type]


@dataclass
class Life:
    """Time goes on in whole minutes. `missed` minutes have no run at all."""

    deps: FakeDeps = field(default_factory=FakeDeps)
    places: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    checks: int = 0

    def born(self, **fields: object) -> str:
        monitor = create_monitor(self.deps, TEAM, "mon", draft(**fields))
        self._note(monitor)
        return monitor.id

    def change(self, monitor_id: str, **fields: object) -> None:
        changed = update_monitor(self.deps, TEAM, KIND, monitor_id, Change(**fields))  # type: ignore[arg-type]
        self._note(changed)

    def first_runs(self) -> None:
        """The queue delivers what creates have enqueued."""
        jobs, self.deps.queue.sent = [job for job, _ in self.deps.queue.sent], []
        for job in jobs:
            self._run(job)

    def minutes(self, count: int, missed: Sequence[int] = (), late: Sequence[int] = ()) -> None:
        """In `late` minutes every answer comes after the main tick."""
        everybody = set(self.places)
        for minute in range(count):
            slot = int(self.deps.at.timestamp()) // 60 * 60 + 60
            self.deps.at = datetime.fromtimestamp(slot, UTC) + RUN_DELAY
            self.deps.checks.late = everybody if minute in late else set()
            for shard in sorted(self.deps.store.items["state"]):
                if minute not in missed:
                    self._run(ProbeJob(shard, slot))

    def monitor(self, monitor_id: str) -> Monitor:
        found = self.deps.monitors.get(TEAM, monitor_id, consistent=True)
        assert found is not None
        return found

    def results(self, monitor_id: str) -> list[Result]:
        """By brute force: every tick of every place that the monitor ever had, newest first."""
        found = []
        for shard, position in self.places[monitor_id]:
            for tick in self.deps.store.items["tick", shard].values():
                outcome = tick.outcome(position)
                if outcome is not None:
                    found.append(Result(tick.slot, tick.checked_at(position), region_of(shard), outcome))
        return sorted(found, key=lambda result: result.slot, reverse=True)

    def forget_counts(self) -> None:
        for kind in list(self.deps.store.items):
            if kind[0] == "counts":
                del self.deps.store.items[kind]

    def outcome(self, monitor_id: str) -> Outcome:
        """What the next check of the monitor finds."""
        return answer(self.checks)

    def _run(self, job: ProbeJob) -> None:
        """Every check has its own answer, so that no two results look the same."""
        for monitor_id in self.places:
            self.checks += 1
            self.deps.checks.outcomes[monitor_id] = self.outcome(monitor_id)
        begin = self.deps.at
        probing.run(self.deps, job)
        self.deps.at = begin

    def _note(self, monitor: Monitor) -> None:
        place = (monitor.placement.shard, monitor.placement.position)
        self.places.setdefault(monitor.id, set()).add(place)


def answer(number: int) -> Outcome:
    """Runs of up, degraded and down, with milliseconds that tell them apart."""
    status = (Status.UP, Status.UP, Status.DEGRADED, Status.DOWN)[number // 7 % 4]
    if status is Status.DOWN:
        return Outcome(status, Reason.TIMEOUT, 0, number % 60_000, offset_ms=250)
    return Outcome(status, Reason.SLOW if status else Reason.NONE, 200, number % 60_000, offset_ms=500)
