"""The artifact: what `make package` writes, booted under Lambda's own client, one event of each kind."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from chalicelib.domain.api_key import SCOPES
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.tick import MAIN, build_tick
from chalicelib.services.keys import mint_key
from chalicelib.services.teams import create_team
from chalicelib.settings import Settings
from chalicelib.store.tables import create_tables
from chalicelib.store.ticks import TickStore
from chalicelib.wiring import Edges
from localrun.engine import Engine
from packager.template import ANY_METHOD, CATCH_ALL, GATEWAY_RESPONSES, functions, operations

from .deployment import Deployment, Target
from .rights import Act, Rights

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
UNKNOWN_KEY = f"Bearer uptime_{'0' * 64}"

pytestmark = pytest.mark.system


# What is built


@dataclass(frozen=True)
class Package:
    template: dict[str, Any]
    archive: Path


@pytest.fixture(scope="module")
def package() -> Package:
    built = subprocess.run(
        ["make", "package"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "MAKE", "MFLAGS"))
        },
    )
    assert built.returncode == 0, built.stdout
    assert "cfn-lint has nothing to say" in built.stdout
    print(built.stdout)
    return Package(json.loads((BUILD / "template.json").read_text()), BUILD / "uptime.zip")


def test_the_zip_is_within_the_limits_and_holds_only_what_ships(package: Package) -> None:
    with ZipFile(package.archive) as archive:
        entries = archive.infolist()
    assert package.archive.stat().st_size <= 50 * 2**20
    assert sum(entry.file_size for entry in entries) <= 120 * 2**20
    tops = {entry.filename.split("/")[0] for entry in entries}
    assert {"app.py", "chalicelib", "chalice", "botocore", "pynamodb", "pydantic"} <= tops
    assert not tops & {"localrun", "local.py", "manage.py", "tests", "packager", "bench", "moto", "pip"}
    assert not [name for name in tops if name.endswith(".dist-info")]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_every_module_has_bytecode_beside_it(package: Package) -> None:
    with ZipFile(package.archive) as archive:
        names = set(archive.namelist())
    for name in names:
        if name.endswith(".py"):
            folder, _, file = name.rpartition("/")
            cached = f"{folder}/" if folder else ""
            assert f"{cached}__pycache__/{file.removesuffix('.py')}.cpython-313.pyc" in names


def test_every_v1_method_has_the_authorizer_and_no_other_has(package: Package) -> None:
    seen = list(operations(package.template))
    assert len(seen) >= 9
    for path, method, operation in seen:
        has_authorizer = operation.get("security") == [{"authorize": []}]
        is_private = path.startswith("/v1/") and path != "/v1/openapi.json"
        assert has_authorizer == is_private, f"{method} {path}"
        assert has_authorizer or "security" not in operation, f"{method} {path}"


def test_every_path_and_the_catch_all_reach_the_function_without_an_authorizer(package: Package) -> None:
    body = package.template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    assert CATCH_ALL in body["paths"]
    for path, item in body["paths"].items():
        assert "x-amazon-apigateway-integration" in item[ANY_METHOD], path
        assert "security" not in item[ANY_METHOD], path


def test_the_gateways_own_answers_have_the_shape_of_all_errors(package: Package) -> None:
    body = package.template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    for kind, response in body[GATEWAY_RESPONSES].items():
        error = json.loads(response["responseTemplates"]["application/json"])
        assert set(error) == {"error"}, kind
        assert {"code", "message"} <= set(error["error"]) <= {"code", "message", "details"}, kind


def test_each_function_has_a_role_of_its_own(package: Package) -> None:
    roles = {n: f["Properties"]["Role"]["Fn::GetAtt"][0] for n, f in functions(package.template).items()}
    assert set(roles) == {"APIHandler", "Authorize", "Tick", "Probe"}
    assert len(set(roles.values())) == 4


def test_the_probe_has_no_right_on_the_teams_table(package: Package) -> None:
    assert "TeamsTable" not in json.dumps(package.template["Resources"]["ProbeRole"])


def test_the_stack_says_where_its_tables_and_its_queue_are(package: Package) -> None:
    wanted = {"ApiUrl", "TeamsTable", "ChecksTable", "AlertsTable", "ProbeQueueUrl"}
    assert wanted <= set(package.template["Outputs"])


def test_every_function_comes_from_the_zip_beside_the_template(package: Package) -> None:
    for function in functions(package.template).values():
        uri = function["Properties"]["CodeUri"]
        assert (BUILD / uri).samefile(package.archive)
        assert function["Properties"]["Runtime"] == "python3.13"


# How it runs


@pytest.fixture(scope="module")
def runtime_python(package: Package) -> Path:
    """Python 3.13 with Lambda's client and nothing else, least of all what the zip should bring."""
    venv = BUILD / "runtime-venv"
    pins = (ROOT / "requirements-dev.txt").read_text().splitlines()
    wanted = next(line for line in pins if line.startswith("awslambdaric=="))
    marker = venv / "installed.txt"
    if not marker.exists() or marker.read_text() != wanted:
        subprocess.run([BUILD / "venv/bin/python", "-m", "venv", "--clear", venv], check=True)
        subprocess.run(
            [venv / "bin/pip", "install", "-qq", "--disable-pip-version-check", wanted], check=True
        )
        marker.write_text(wanted)
    return venv / "bin/python"


@pytest.fixture(scope="module")
def folder(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, unpacked into an empty folder that nobody may write to."""
    task = tmp_path_factory.mktemp("task")
    with ZipFile(package.archive) as archive:
        archive.extractall(task)
    for path in [task, *task.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    return task


@pytest.fixture(scope="module")
def deployment(
    package: Package,
    engine: Engine,
    runtime_python: Path,
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployment]:
    settings = Settings(
        teams_table="package-teams",
        checks_table="package-checks",
        alerts_table="package-alerts",
        dynamodb_endpoint=engine.endpoint,
    )
    edges = Edges(settings)
    create_tables(settings, edges.dynamodb)
    team = create_team(edges, "Owners", "owner@example.com")
    key = mint_key(edges, team.id, "all", SCOPES)
    with ExitStack() as stack:
        deployment = Deployment(
            template=package.template,
            settings=settings,
            dynamodb=edges.dynamodb,
            header=f"Bearer {key.plaintext}",
            python=runtime_python,
            folder=folder,
            logs=tmp_path_factory.mktemp("logs"),
            stack=stack,
        )
        yield deployment
    edges.dynamodb.close()


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()


def last_message(deployment: Deployment, function: str) -> str:
    return str(deployment.doors[function].sent[-1]["MessageBody"])


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


def test_a_queue_event_checks_the_monitor_and_writes_a_tick(deployment: Deployment, target: Target) -> None:
    """Deployed, the door is shut to loopback: the check is down, and nothing has touched the page."""
    created = deployment.create_monitor(target.url)
    message = last_message(deployment, "APIHandler")
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


def test_each_role_has_what_its_function_does_and_nothing_else(
    deployment: Deployment, target: Target
) -> None:
    """Every kind of call the code makes, against roles that are enforced; then the rights nobody used."""
    created = deployment.create_monitor(target.url, public=True)
    first_run = last_message(deployment, "APIHandler")
    deployment.probe(first_run)
    _recover(deployment, json.loads(first_run))
    path = f"/v1/monitors/{created['id']}"
    assert deployment.api("GET", path)[1]["data"]["status"] == "up"
    deployment.tick(datetime.now(UTC))
    sparse = deployment.create_monitor(target.url, intervalSeconds=3600)
    steps: list[tuple[str, str, Any]] = [
        ("GET", f"{path}/results", None),
        ("GET", f"/v1/monitors/{sparse['id']}/results", None),
        ("GET", f"/api/badge/{created['id']}/status", None),
        ("GET", "/v1/status", None),
        ("PUT", path, {"timeoutSeconds": 20}),
        ("PUT", path, {"enabled": False}),
        ("DELETE", path, None),
    ]
    wanted = {"name": "CI", "scopes": ["monitors:read"]}
    once = {"Idempotency-Key": "once"}
    key = deployment.api("POST", "/v1/api-keys", wanted, once)[1]
    assert deployment.api("POST", "/v1/api-keys", wanted, once)[1] == key
    steps += [("GET", "/v1/api-keys", None), ("DELETE", f"/v1/api-keys/{key['id']}", None)]
    for method, step, body in steps:
        status, answer, _ = deployment.api(method, step, body)
        assert status in (200, 204), answer
    assert {name: door.denied for name, door in deployment.doors.items() if door.denied} == {}
    unused = {name: granted(deployment, name) - door.used for name, door in deployment.doors.items()}
    assert unused == {
        "Authorize": set(),
        "APIHandler": set(),
        "Tick": set(),
        # Nothing writes extras yet.
        "Probe": {"dynamodb:BatchGetItem"},
    }


def _recover(deployment: Deployment, job: dict[str, Any]) -> None:
    """An up result of the next slot and an old sweep: the run settles both, the incident is resolved."""
    slot = job["slot"] + 60
    up = {job["first"]: Outcome(Status.UP, Reason.NONE, 200, 12, 0)}
    tick = build_tick(slot, MAIN, datetime.fromtimestamp(slot, UTC), up)
    TickStore(deployment.settings, deployment.dynamodb).put(job["shard"], tick)
    deployment.dynamodb.update_item(
        TableName=deployment.settings.checks_table,
        Key={"pk": {"S": f"S#{job['shard']}"}, "sk": {"S": "STATE"}},
        UpdateExpression="SET w = :past",
        ExpressionAttributeValues={":past": {"N": str(int(time.time()) - 7200)}},
    )
    deployment.probe(json.dumps({"v": 1, "shard": job["shard"], "slot": slot}))


def granted(deployment: Deployment, function: str) -> set[str]:
    """What the code itself calls: the queue's consumer rights are Lambda's, the log's the runtime's."""
    (role, _) = deployment.template["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"]
    policy = deployment.template["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]
    actions = {action for statement in policy["Statement"] for action in statement["Action"]}
    consumer = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
    return {action for action in actions - consumer if not action.startswith("logs:")}


def test_the_rights_are_enforced_here(deployment: Deployment) -> None:
    """The tests above would pass with a door that lets everything through."""
    rights = Rights(deployment.template, "Probe", deployment.names)
    settings = deployment.settings
    assert not rights.allow(Act("dynamodb:GetItem", settings.teams_table, "T#1"))
    assert not rights.allow(Act("dynamodb:GetItem", settings.checks_table, "M#1"))
    assert not rights.allow(Act("dynamodb:DeleteItem", settings.checks_table, "S#1"))
    assert not rights.allow(Act("dynamodb:Scan", settings.checks_table))
    assert rights.allow(Act("dynamodb:GetItem", settings.checks_table, "S#1"))


def test_nothing_was_written_beside_the_code(deployment: Deployment, package: Package) -> None:
    """Bytecode that is not used would be written anew; the tests run as root in places."""
    deployment.authorize(UNKNOWN_KEY)
    with ZipFile(package.archive) as archive:
        shipped = set(archive.namelist())
    found = {path.relative_to(deployment.folder).as_posix() for path in deployment.folder.rglob("*")}
    assert {name for name in found if not (deployment.folder / name).is_dir()} == shipped


def test_without_python_313_one_line_says_so(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("dirname", "ls", "sort", "tail"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    result = subprocess.run(
        ["/bin/sh", str(ROOT / "packager/package.sh")],
        env={"PATH": str(tools), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert "Python 3.13" in result.stderr
