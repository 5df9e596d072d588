"""Lambda imports a job's module and nothing else of ours: each must work in a fresh process, and be lean."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
JOBS = sorted(path.stem for path in (ROOT / "chalicelib" / "jobs").glob("*.py") if path.stem != "__init__")
REPORT = "import json, sys; print(json.dumps([result, sorted(sys.modules)]))"


def in_a_fresh_process(code: str) -> tuple[Any, set[str]]:
    """The value of `result` and the modules that were loaded to get it."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\n{REPORT}"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result, modules = json.loads(done.stdout)
    return result, set(modules)


def packages(modules: set[str]) -> set[str]:
    return {module.split(".")[0] for module in modules}


@pytest.mark.parametrize("job", JOBS)
def test_every_job_imports_alone_and_brings_no_route_and_no_edge(job: str) -> None:
    _, modules = in_a_fresh_process(f"import chalicelib.jobs.{job}\nresult = None")
    assert "app" not in modules
    assert not [module for module in modules if module.startswith(("chalicelib.routes", "chalicelib.store"))]
    assert not packages(modules) & {"pydantic", "pynamodb", "boto3", "botocore", "pycurl", "requests"}


def test_the_authorizer_answers_an_event_without_the_heavy_libraries() -> None:
    code = """
from chalicelib.jobs.authorize import authorize
event = {
    "type": "TOKEN",
    "authorizationToken": "Bearer nonsense",
    "methodArn": "arn:aws:execute-api:us-east-1:123456789012:api/stage/GET/v1/monitors",
}
result = authorize(event, None)["context"]
"""
    result, modules = in_a_fresh_process(code)
    assert result == {"auth": "none"}
    assert not packages(modules) & {"pydantic", "pynamodb", "pycurl", "botocore"}


def test_the_authorizers_edge_needs_botocore_and_neither_pynamodb_nor_pydantic() -> None:
    code = """
from chalicelib.settings import Settings
from chalicelib.wiring import Edges
import chalicelib.jobs.authorize
edges = Edges(Settings(dynamodb_endpoint="http://127.0.0.1:9"))
edges.key_uses
result = None
"""
    _, modules = in_a_fresh_process(code)
    assert "botocore" in packages(modules)
    assert not packages(modules) & {"pydantic", "pynamodb", "pycurl", "boto3"}
    assert not [module for module in modules if module.startswith("chalicelib.routes")]


def test_the_application_imports_without_any_environment_and_without_a_client() -> None:
    """`chalice package` imports it without the functions' variables."""
    result, modules = in_a_fresh_process("from app import app\nresult = sorted(app.routes)")
    assert "/v1/monitors" in result
    assert not packages(modules) & {"pynamodb", "boto3", "botocore", "pycurl"}
