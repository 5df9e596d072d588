"""Request units per check of a full shard, measured on the embedded engine over a simulated hour."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from bench.table import print_table
from chalicelib.domain.job import ProbeJob
from chalicelib.domain.member import Member
from chalicelib.domain.outcome import Outcome, Status
from chalicelib.services import probing
from chalicelib.services.deps import Checks
from chalicelib.services.monitors import Draft, create_monitor
from chalicelib.settings import Settings
from chalicelib.store.tables import create_tables
from localrun.clock import Clock
from localrun.edges import LocalEdges
from localrun.engine import start_dynoxide
from localrun.units import UnitCounter, work

BEGIN = 1_800_000_000
SLOTS = 60
MOST_WRU, MOST_RRU = 0.02, 0.03


class NoQueue:
    def send(self, jobs: Sequence[tuple[ProbeJob, int]]) -> None:
        pass


class AlwaysUp:
    """Checks that answer 200 in about 120 ms."""

    def start(self, members: Sequence[Member], extras: Mapping[int, Mapping[str, Any]]) -> "AlwaysUp":
        self._due = [member.position for member in members]
        return self

    @property
    def pending(self) -> int:
        return 0

    def collect(self, until_seconds: float | None = None) -> dict[int, Outcome]:
        return {p: Outcome(Status.UP, status_code=200, response_ms=100 + p % 40) for p in self._due}

    def close(self) -> None:
        pass


class BenchEdges(LocalEdges):
    @cached_property
    def checks(self) -> Checks:
        return AlwaysUp()


def measure(members: int, url_length: int) -> tuple[int, dict[str, Any]]:
    """(checks made, units of the probe) over an hour of slots, the sweep included, the container warm."""
    engine = start_dynoxide(None)
    try:
        settings = Settings(dynamodb_endpoint=engine.endpoint, monitors_per_team=members)
        clock, units = Clock(wall=lambda: 0.0), UnitCounter()
        clock.hold_at(BEGIN)
        edges = BenchEdges(settings, clock, units)
        edges.queue = NoQueue()
        create_tables(settings, edges.dynamodb)
        for number in range(members):
            create_monitor(edges, "team_bench", "mon", _draft(number, url_length))
        shard = edges.shards.all()[0]
        checks = 0
        for slot in range(BEGIN // 60 * 60 + 120, BEGIN // 60 * 60 + 120 + 60 * (SLOTS + 2), 60):
            clock.hold_at(slot)
            is_warm = slot > BEGIN + 240
            with work("probe" if is_warm else "cold"):
                made = probing.run(edges, ProbeJob(shard.id, slot))
            checks += made if is_warm else 0
        return checks, units.report()["byWork"]["probe"]
    finally:
        engine.stop()


def _draft(number: int, url_length: int) -> Draft:
    url = f"https://host-{number:04d}.example.com/".ljust(url_length, "x")
    spec = {
        "url": url,
        "method": "HEAD",
        "expectedStatus": 200,
        "degradedAfterMs": 5000,
        "timeoutSeconds": 10,
        "locationHint": "wnam",
        "sslMonitoringEnabled": False,
        "sslExpiryWarningDays": 30,
    }
    return Draft("http", f"Monitor {number}", spec, 60, 10, is_enabled=True, is_public=False)


def main() -> None:
    rows = []
    for title, members, url_length in (
        ("200 monitors, URL of 100", 200, 100),
        ("42 of the largest", 42, 2048),
    ):
        checks, units = measure(members, url_length)
        wru, rru = units["writeUnits"] / checks, units["readUnits"] / checks
        rows.append((title, f"{wru:.4f}", f"{MOST_WRU}", f"{rru:.4f}", f"{MOST_RRU}"))
    began = datetime.fromtimestamp(BEGIN, UTC).isoformat()
    print_table(
        f"Request units per check, an hour from {began}, all at 60 s (targets are for the first row)",
        ("shard", "WRU/check", "must", "RRU/check", "must"),
        rows,
    )


if __name__ == "__main__":
    main()
