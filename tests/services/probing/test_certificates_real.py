"""Certificates of real servers, through the real engine, a run of the probe and what the API shows then."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from ssl import SSLContext
from typing import Any

import pytest
import trustme

from chalicelib.checkers.certificate import CertificateReader
from chalicelib.checkers.runner import CheckRunner
from chalicelib.domain.job import ProbeJob
from chalicelib.domain.monitor import Monitor
from chalicelib.net.engine import Engine
from chalicelib.routes.presenting.http_monitor import present_monitor
from chalicelib.services import probing
from chalicelib.services.certificates import read_with_certificates
from chalicelib.services.monitors import Draft, create_monitor
from tests.fakes import FakeDeps
from tests.net.running import options
from tests.net.servers import DnsServer, WebServer, response, sends, zone
from tests.net.test_http import closed_port, tls_server

TEAM = "team_1"
NOW = datetime.now(UTC).replace(microsecond=0)
"""The dates of certificates are judged by the service's clock, the handshake by the wall's."""


class Servers:
    """A container of the real engine, and servers for it."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self.authority = trustme.CA(organization_name="Söhne, Töchter & Co")
        ca_file = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(ca_file))
        names = stack.enter_context(DnsServer(zone({"a.test": ["A 127.0.0.1"]})))
        engine = Engine(options(nameserver=names.address, ca_file=ca_file, starts_per_second=100.0))
        self.deps = FakeDeps(at=NOW)
        self.deps.checks = CheckRunner(engine)  # type: ignore[assignment]
        self.deps.certificates = CertificateReader(engine)  # type: ignore[assignment]

    def serve(self, tls: SSLContext | None) -> int:
        return self._stack.enter_context(WebServer(sends(response()), tls)).port

    def monitor(self, port: int, **spec: Any) -> Monitor:
        values = {
            "url": f"https://a.test:{port}/path",
            "method": "GET",
            "expectedStatus": 200,
            "degradedAfterMs": 30_000,
            "timeoutSeconds": 10,
            "locationHint": "wnam",
            "sslMonitoringEnabled": True,
            "sslExpiryWarningDays": 30,
        }
        draft = Draft("http", "Page", {**values, **spec}, 60, 10.0, True, True)
        return create_monitor(self.deps, TEAM, "mon", draft)

    def run(self) -> None:
        jobs = [job for job, _ in self.deps.queue.sent]
        self.deps.queue.sent.clear()
        for job in jobs:
            probing.run(self.deps, job)

    def show(self, monitor: Monitor) -> dict[str, Any]:
        """What the API says of the certificate, and of the monitor."""
        found = read_with_certificates(self.deps, [monitor], consistent=True)[monitor.id]
        presented = present_monitor(monitor, found)
        return {
            name: presented[name]
            for name in ("status", "sslStatus", "sslExpiresAt", "sslIssuer", "sslLastCheckedAt")
        }


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(stack, tmp_path)


def ends(days: int) -> datetime:
    return NOW + timedelta(days=days, hours=1)


@pytest.mark.parametrize(
    ("days", "status", "ssl_status"), [(90, "up", "valid"), (20, "up", "expiring"), (-5, "down", "expired")]
)
def test_the_dates_of_a_certificate_decide(servers: Servers, days: int, status: str, ssl_status: str) -> None:
    port = servers.serve(tls_server(servers.authority, "a.test", ends(days)))
    monitor = servers.monitor(port)
    servers.run()
    told = servers.show(monitor)
    expires_at = datetime.fromisoformat(told.pop("sslExpiresAt"))
    assert abs(expires_at - ends(days)) < timedelta(minutes=1)
    assert told == {
        "status": status,
        "sslStatus": ssl_status,
        "sslIssuer": "Söhne, Töchter & Co",
        "sslLastCheckedAt": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    servers.deps.at = max(NOW, ends(days) + timedelta(hours=1))
    assert servers.show(monitor)["sslStatus"] == "expired"


def test_the_days_of_warning_are_the_monitors_own(servers: Servers) -> None:
    port = servers.serve(tls_server(servers.authority, "a.test", ends(20)))
    monitors = {days: servers.monitor(port, sslExpiryWarningDays=days) for days in (1, 19, 20, 365)}
    servers.run()
    told = {days: servers.show(monitor)["sslStatus"] for days, monitor in monitors.items()}
    assert told == {1: "valid", 19: "valid", 20: "expiring", 365: "expiring"}


def test_another_hosts_certificate_is_an_error_with_its_dates(servers: Servers) -> None:
    monitor = servers.monitor(servers.serve(tls_server(servers.authority, "b.test", ends(90))))
    servers.run()
    told = servers.show(monitor)
    assert (told["status"], told["sslStatus"]) == ("down", "error")
    assert told["sslExpiresAt"]
    assert told["sslIssuer"]


def test_one_that_nobody_vouches_for_has_its_dates_all_the_same(servers: Servers) -> None:
    stranger = trustme.CA(organization_name="Myself")
    monitor = servers.monitor(servers.serve(tls_server(stranger, "a.test", ends(90))))
    servers.run()
    told = servers.show(monitor)
    assert (told["status"], told["sslStatus"], told["sslIssuer"]) == ("down", "valid", "Myself")


def test_what_speaks_no_tls_or_nothing_at_all_is_an_error_without_dates(servers: Servers) -> None:
    monitors = [servers.monitor(servers.serve(None)), servers.monitor(closed_port())]
    servers.run()
    for monitor in monitors:
        told = servers.show(monitor)
        assert (told["status"], told["sslStatus"]) == ("down", "error")
        assert (told["sslExpiresAt"], told["sslIssuer"]) == (None, None)
        assert told["sslLastCheckedAt"]


def test_without_the_monitoring_or_without_tls_nobody_connects_twice(servers: Servers) -> None:
    with WebServer(sends(response())) as plain:
        monitors = [
            servers.monitor(plain.port, url=f"http://a.test:{plain.port}/"),
            servers.monitor(plain.port, url=f"http://a.test:{plain.port}/", sslMonitoringEnabled=False),
        ]
        servers.run()
        assert plain.connections == 2
    for monitor in monitors:
        assert servers.show(monitor) == {
            "status": "up",
            "sslStatus": "unknown",
            "sslExpiresAt": None,
            "sslIssuer": None,
            "sslLastCheckedAt": None,
        }


def test_a_certificate_that_was_renewed_is_seen_within_an_hour_of_its_end(servers: Servers) -> None:
    old, new = (tls_server(servers.authority, "a.test", ends(days)) for days in (-5, 90))
    with WebServer(sends(response()), old) as server:
        monitor = servers.monitor(server.port)
        servers.run()
        assert servers.show(monitor)["sslStatus"] == "expired"
        server._tls = new
        servers.deps.at += timedelta(hours=1)
        slot = int(servers.deps.at.timestamp()) // 60 * 60
        probing.run(servers.deps, ProbeJob(monitor.placement.shard, slot))
        assert servers.show(monitor)["sslStatus"] == "valid"
