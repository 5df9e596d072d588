"""The package booted under Lambda's own client, as deployed: one event of each kind."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zipfile import ZipFile

import pytest

from chalicelib.domain.api_key import SCOPES
from chalicelib.domain.lateness import JobStatus
from chalicelib.domain.outcome import Reason, Status
from chalicelib.store.ticks import TickStore

from .built import Package
from .deployment import Deployment, Target, path_of

UNKNOWN_KEY = f"Bearer uptime_{'0' * 64}"

pytestmark = pytest.mark.system


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()


def test_the_authorizer_vouches_for_a_valid_key(deployment: Deployment) -> None:
    answer = deployment.authorize(deployment.header)
    assert answer["context"]["auth"] == "ok"
    assert set(answer["context"]["scopes"].split()) == set(SCOPES)
    assert {type(value) for value in answer["context"].values()} == {str}
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"


def test_the_authorizer_lets_an_unknown_key_pass_as_nobody(deployment: Deployment) -> None:
    assert deployment.authorize(UNKNOWN_KEY)["context"] == {"auth": "none"}


def test_a_monitor_is_created_and_listed(deployment: Deployment, target: Target) -> None:
    created = deployment.create_monitor(target.url)
    status, listed, headers = deployment.api("GET", "/v1/monitors")
    assert status == 200
    assert created["id"] in [monitor["id"] for monitor in listed["data"]]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_call_that_the_authorizer_did_not_vouch_for_is_401(deployment: Deployment) -> None:
    valid, deployment.header = deployment.header, UNKNOWN_KEY
    try:
        status, answer, headers = deployment.api("GET", "/v1/monitors")
    finally:
        deployment.header = valid
    assert (status, answer["error"]["code"]) == (401, "UNAUTHORIZED")
    assert headers["WWW-Authenticate"] == "Bearer"
    assert headers["X-RateLimit-Remaining"] == "99"


def test_the_description_of_the_api_is_in_the_zip(deployment: Deployment) -> None:
    status, document, _ = deployment.api("GET", "/v1/openapi.json")
    assert (status, document["openapi"]) == (200, "3.1.0")
    status, page, headers = deployment.api("GET", "/docs")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "swagger" in page


@pytest.mark.parametrize("path", ["/v1/nothing", "/nothing/at/all"])
def test_an_unknown_path_is_404(deployment: Deployment, path: str) -> None:
    status, answer, _ = deployment.api("GET", path)
    assert (status, answer["error"]["code"]) == (404, "NOT_FOUND")
    assert set(answer["error"]) == {"code", "message"}


def test_a_wrong_method_is_405_and_names_the_right_ones(deployment: Deployment) -> None:
    status, answer, headers = deployment.api("PATCH", "/v1/monitors")
    assert (status, answer["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert set(headers["Allow"].replace(" ", "").split(",")) == {"GET", "POST"}


def test_a_schedule_event_enqueues_the_shards_slot(deployment: Deployment, target: Target) -> None:
    deployment.create_monitor(target.url)
    now = datetime.now(UTC)
    before = len(deployment.doors["Tick"].sent) if "Tick" in deployment.doors else 0
    deployment.tick(now)
    (entry,) = deployment.doors["Tick"].sent[before:]
    job = json.loads(entry["MessageBody"])
    assert job == {"v": 1, "shard": "enam.normal.00001", "slot": int(now.timestamp()) // 60 * 60}


def test_a_schedule_event_makes_a_late_job_late(deployment: Deployment) -> None:
    wanted = {"name": "Backup", "periodSeconds": 3600, "gracePeriodSeconds": 60}
    job = deployment.call("POST", "/v1/cron-jobs", wanted)["data"]
    deployment.call("GET", path_of(job["pingUrl"]))
    deployment.miss(job["pingUrl"], timedelta(minutes=10))
    deployment.schedule("Deadlines", datetime.now(UTC))
    stored = deployment.heartbeat(job["pingUrl"]).pulse
    assert (stored.status, stored.alarm.status) == (JobStatus.LATE, Status.DEGRADED)
    assert deployment.doors["Deadlines"].denied == []


def test_a_queue_event_checks_the_monitor_and_writes_a_tick(deployment: Deployment, target: Target) -> None:
    """Deployed, the door is shut to loopback: the check is down, and nothing has touched the page."""
    created = deployment.create_monitor(target.url)
    message = deployment.last_message("APIHandler")
    deployment.probe(message)
    job = json.loads(message)
    assert f"T#{job['slot']:010d}#F{job['first']:04d}" in deployment.stored_ticks(job["shard"])
    assert target.hits == 0
    status, answer, _ = deployment.api("GET", f"/v1/monitors/{created['id']}")
    assert (status, answer["data"]["status"]) == (200, "down")
    status, answer, _ = deployment.api("GET", f"/v1/monitors/{created['id']}/results")
    (result,) = answer["data"]
    assert (result["status"], result["statusCode"]) == ("down", 0)
    tick = TickStore(deployment.settings, deployment.dynamodb).since(
        job["shard"], job["slot"], consistent=True
    )
    outcomes = [found for t in tick if (found := t.outcome(job["first"])) is not None]
    assert [outcome.reason for outcome in outcomes] == [Reason.BLOCKED]


def test_what_a_check_finds_is_delivered_and_then_nothing_is_due(
    deployment: Deployment, target: Target
) -> None:
    """By the probe's own word, and by the sweep's where that was lost."""
    deployment.create_monitor(target.url)
    message = deployment.last_message("APIHandler")
    shard = json.loads(message)["shard"]
    deployment.probe(message)
    assert deployment.announced("Probe")[-1] == shard
    deployment.schedule("Sweep", datetime.now(UTC))
    assert deployment.announced("Sweep").count(shard) == 1
    deployment.deliver(shard)
    deployment.schedule("Sweep", datetime.now(UTC))
    assert deployment.announced("Sweep").count(shard) == 1
    assert [deployment.doors[name].denied for name in ("Probe", "Sweep", "Deliver")] == [[], [], []]


def test_a_message_that_the_delivery_cannot_read_comes_back_alone(deployment: Deployment) -> None:
    answer = deployment.hand_over("Deliver", "uptime-delivery", "nonsense", '{"v":1,"shard":"HB00"}')
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}


def test_an_ad_hoc_ping_is_made_by_the_function_that_has_no_rights(
    deployment: Deployment, target: Target
) -> None:
    ping = deployment.call("POST", "/v1/ping", {"type": "http", "url": target.url})["data"]["ping"]
    assert (ping["status"], ping["errorMessage"]) == ("down", "The target's address is not allowed")
    assert target.hits == 0
    assert (deployment.doors["Adhoc"].used, deployment.doors["Adhoc"].denied) == (set(), [])


def test_nothing_was_written_beside_the_code(deployment: Deployment, package: Package) -> None:
    """Bytecode that is not used would be written anew; the tests run as root in places."""
    deployment.authorize(UNKNOWN_KEY)
    with ZipFile(package.archive) as archive:
        shipped = set(archive.namelist())
    found = {path.relative_to(deployment.folder).as_posix() for path in deployment.folder.rglob("*")}
    assert {name for name in found if not (deployment.folder / name).is_dir()} == shipped
