"""The artifact: what `make package` writes."""

import json
import shutil
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest

from packager.template import ANY_METHOD, CATCH_ALL, GATEWAY_RESPONSES, functions, operations

from .built import BUILD, ROOT, Package

pytestmark = pytest.mark.system

DELIVERY = {"Deliver", "Sweep"}


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
    assert set(roles) == {"APIHandler", "Authorize", "Tick", "Probe", "Adhoc", "Deadlines", *DELIVERY}
    assert len(set(roles.values())) == len(roles)


def test_the_probe_has_no_right_on_the_teams_table(package: Package) -> None:
    assert "TeamsTable" not in json.dumps(package.template["Resources"]["ProbeRole"])


def test_a_function_is_soon_loaded(package: Package) -> None:
    """Twice what it takes; what a module brings along is looked at in `tests/jobs/test_imports.py`."""
    handlers = (f["Properties"]["Handler"] for f in functions(package.template).values())
    assert set(package.import_ms) == {handler.rpartition(".")[0] for handler in handlers}
    for module, took in package.import_ms.items():
        assert took <= (400 if module == "app" else 200), module


def test_a_delivery_that_fails_sends_back_its_own_message_alone(package: Package) -> None:
    (event,) = package.template["Resources"]["Deliver"]["Properties"]["Events"].values()
    assert event["Properties"]["Queue"] == {"Fn::Sub": "${DeliveryQueue.Arn}"}
    assert event["Properties"]["BatchSize"] == 1
    assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_password_of_the_mail_server_is_for_one_function_and_never_shown(package: Package) -> None:
    assert package.template["Parameters"]["SmtpUrl"]["NoEcho"] is True
    for name, function in functions(package.template).items():
        own = json.dumps(function["Properties"].get("Environment", {}))
        assert ("SmtpUrl" in own) == (name == "Deliver"), name


def test_the_deadlines_have_no_right_on_the_teams_table(package: Package) -> None:
    assert "TeamsTable" not in json.dumps(package.template["Resources"]["DeadlinesRole"])


@pytest.mark.parametrize("name", ["Tick", "Deadlines", "Sweep"])
def test_every_minute_a_function_runs_whose_silence_is_an_alarm(package: Package, name: str) -> None:
    resources = package.template["Resources"]
    (event,) = resources[name]["Properties"]["Events"].values()
    assert (event["Type"], event["Properties"]["Schedule"]) == ("Schedule", "cron(* * * * ? *)")
    alarm = resources[f"{name}SilentAlarm"]["Properties"]
    assert alarm["TreatMissingData"] == "breaching"
    measured = [m["MetricStat"]["Metric"] for m in alarm["Metrics"] if "MetricStat" in m]
    assert [m["Dimensions"][0]["Value"] for m in measured] == [{"Ref": name}] * 2


def test_the_stack_says_where_its_tables_and_its_queues_are(package: Package) -> None:
    wanted = {"ApiUrl", "TeamsTable", "ChecksTable", "AlertsTable", "ProbeQueueUrl", "DeliveryQueueUrl"}
    assert wanted <= set(package.template["Outputs"])


def test_every_function_comes_from_the_zip_beside_the_template(package: Package) -> None:
    for function in functions(package.template).values():
        uri = function["Properties"]["CodeUri"]
        assert (BUILD / uri).samefile(package.archive)
        assert function["Properties"]["Runtime"] == "python3.13"


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
