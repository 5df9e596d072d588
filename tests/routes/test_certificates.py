"""What HTTP monitors show of their certificates (contract, sections 3.3 and 4.3), and what that costs."""

from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.certificate import CertificateReading
from chalicelib.domain.job import ProbeJob
from chalicelib.domain.outcome import Reason
from chalicelib.services import probing
from chalicelib.services.deps import Deps
from tests.fakes import GOOD, FakeDeps
from tests.routes.client import Api, People, RealEdges

FIELDS = ("sslStatus", "sslExpiresAt", "sslIssuer", "sslLastCheckedAt")
UNKNOWN = ("unknown", None, None, None)
VALID = ("valid", "2026-09-01T00:00:00Z", "R11", "2026-03-01T12:00:00Z")
ON = {"sslMonitoringEnabled": True}


def ssl(monitor: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(monitor[field] for field in FIELDS)


def path_of(created: dict[str, Any]) -> str:
    return f"/v1/monitors/{created['id']}"


def run(deps: FakeDeps | RealEdges) -> None:
    edges: Deps = deps
    for shard in edges.shards.all():
        probing.run(edges, ProbeJob(shard.id, int(edges.now().timestamp()) // 60 * 60))


def test_only_those_that_want_it_and_have_one_show_it(deps: FakeDeps, owner: Api) -> None:
    on = owner.create(**ON)
    off = owner.create()
    plain = owner.create(url="http://example.com/", **ON)
    for created in (on, off, plain):
        assert ssl(created) == UNKNOWN
    run(deps)
    told = {monitor["id"]: ssl(monitor) for monitor in owner.get("/v1/monitors").data}
    assert told == {on["id"]: VALID, off["id"]: UNKNOWN, plain["id"]: UNKNOWN}
    for created in (on, off, plain):
        assert ssl(owner.get(path_of(created)).data) == told[created["id"]]


def test_an_answer_to_a_change_shows_what_it_makes_of_it(deps: FakeDeps, owner: Api) -> None:
    path = path_of(owner.create(**ON))
    run(deps)
    for change, shown in (
        ({"sslExpiryWarningDays": 365}, ("expiring", *VALID[1:])),
        ({"sslExpiryWarningDays": 30}, VALID),
        ({"sslMonitoringEnabled": False}, UNKNOWN),
        ({"sslMonitoringEnabled": True}, VALID),
        ({"url": "https://example.com/elsewhere"}, VALID),
        ({"url": "https://example.com:8443/"}, UNKNOWN),
        ({"url": "https://example.com/", "enabled": False}, VALID),
    ):
        assert ssl(owner.put(path, change).data) == shown
        assert ssl(owner.get(path).data) == shown


def test_expiry_comes_with_time_alone(deps: FakeDeps, owner: Api) -> None:
    path = path_of(owner.create(**ON))
    run(deps)
    end = datetime(2026, 9, 1, tzinfo=UTC)
    for at, status in (
        (end - timedelta(days=31), "valid"),
        (end - timedelta(days=30), "expiring"),
        (end, "expiring"),
        (end + timedelta(seconds=1), "expired"),
    ):
        deps.at = at
        assert ssl(owner.get(path).data) == (status, *VALID[1:])


def test_it_never_changes_the_status(deps: FakeDeps, owner: Api) -> None:
    """And an error has no dates unless there is a certificate."""
    path = path_of(owner.create(**ON))
    deps.at += timedelta(minutes=2)
    wrong = CertificateReading(not_after=GOOD.not_after, issuer="R11", verify_reason=Reason.TLS_WRONG_HOST)
    for reading, shown in (
        (wrong, ("error", *VALID[1:3])),
        (CertificateReading(Reason.TLS_FAILED), ("error", None, None)),
    ):
        deps.certificates.readings = {"example.com": reading}
        run(deps)
        monitor = owner.get(path).data
        assert monitor["status"] == "up"
        assert ssl(monitor)[:3] == shown
        assert owner.get("/v1/status").json["status"] == "operational"
        deps.at += timedelta(hours=1)


def test_a_first_run_shows_it_within_seconds(deps: FakeDeps, owner: Api) -> None:
    path = path_of(owner.create(**ON))
    ((job, delay),) = deps.queue.sent
    deps.at += timedelta(seconds=delay)
    probing.run(deps, job)
    assert ssl(owner.get(path).data)[0] == "valid"


def test_a_list_pays_for_one_item_a_shard_and_only_when_one_of_its_monitors_wants_it(
    edges: RealEdges, real: People
) -> None:
    for number in range(100):
        real.owner.create(url=f"https://{number}.example.com/", **ON)
    plain = real.stranger.create()
    for _ in range(5):
        run(edges)
        edges.at += timedelta(minutes=1)
    calls, units = {}, {}
    for name, caller, path in (
        ("list", real.owner, "/v1/monitors"),
        ("status", real.owner, "/v1/status"),
        ("list without", real.stranger, "/v1/monitors"),
        ("one without", real.stranger, path_of(plain)),
    ):
        edges.meter.reset()
        answer = caller.get(path)
        assert answer.status == 200
        calls[name], units[name] = len(edges.meter.calls), edges.meter.read_units
        if name == "list":
            assert {ssl(monitor)[0] for monitor in answer.data} == {"valid"}
    assert calls == {"list": 5, "status": 4, "list without": 4, "one without": 4}
    assert units["list"] - units["status"] <= 1
