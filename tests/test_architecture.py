"""What import-linter cannot see, read from the syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "chalicelib"
MODULES = sorted(PACKAGE.rglob("*.py"))
OUTSIDE = [*sorted(ROOT.glob("*.py")), *sorted((ROOT / "localrun").rglob("*.py"))]
WITH_CODE = [path for path in MODULES if path.read_text().strip()]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), name_of(path))


def attributes(path: Path) -> Iterator[ast.Attribute]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute))


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))


def is_route_call(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "route"


def test_blueprint_route_is_called_once_in_the_project_and_that_is_the_default_deny_wrapper() -> None:
    found = [name_of(path) for path in (*MODULES, *OUTSIDE) for call in calls(path) if is_route_call(call)]
    assert found == ["chalicelib/routes/http.py"]


def test_blueprint_route_is_never_handed_around_without_being_called() -> None:
    uses = [name_of(p) for p in (*MODULES, *OUTSIDE) for node in attributes(p) if node.attr == "route"]
    assert uses == ["chalicelib/routes/http.py"]


def test_that_one_call_takes_the_methods_the_authorizer_and_any_content_type() -> None:
    (call,) = [call for call in calls(PACKAGE / "routes" / "http.py") if is_route_call(call)]
    assert {keyword.arg for keyword in call.keywords} == {"methods", "authorizer", "content_types"}


def test_every_view_is_declared_with_a_scope_or_the_word_public() -> None:
    for path in (PACKAGE / "routes").glob("*.py"):
        for call in calls(path):
            if isinstance(call.func, ast.Name) and call.func.id == "route":
                assert len(call.args) == 4, f"{name_of(path)}:{call.lineno}"


READERS = {"chalicelib/wiring.py"}
"""Hands the mapping over to settings.py, which does all the reading."""


def test_nobody_reads_the_environment_but_wiring_which_hands_it_to_settings() -> None:
    readers = set()
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv"):
                readers.add(name_of(path))
            if isinstance(node, ast.ImportFrom) and node.module == "os":
                readers.add(name_of(path))
    assert readers == READERS


def test_wiring_mentions_the_environment_once() -> None:
    found = [node for node in attributes(PACKAGE / "wiring.py") if node.attr == "environ"]
    assert len(found) == 1


@pytest.mark.parametrize("path", sorted((PACKAGE / "jobs").glob("*.py")), ids=name_of)
def test_a_job_uses_nothing_of_a_blueprint_that_needs_the_application(path: Path) -> None:
    """`bp.log` and `bp.current_app` raise in Lambda, which imports the job's module alone."""
    banned = {"log", "current_app", "current_request", "lambda_context"}
    assert not [
        node.attr
        for node in attributes(path)
        if isinstance(node.value, ast.Name) and node.value.id == "bp" and node.attr in banned
    ]


def test_the_request_of_the_process_is_used_nowhere() -> None:
    """It may be another thread's: views get theirs from the middleware."""
    used = [name_of(path) for path in MODULES for node in attributes(path) if node.attr == "current_request"]
    assert used == []


def test_a_jobs_handler_has_at_most_three_statements() -> None:
    for path in (PACKAGE / "jobs").glob("*.py"):
        for node in tree_of(path).body:
            if isinstance(node, ast.FunctionDef) and any("bp" in ast.dump(d) for d in node.decorator_list):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                assert len(body) <= 3, f"{name_of(path)}: {node.name}"


@pytest.mark.parametrize("path", WITH_CODE, ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(tree_of(path))
    assert docstring
    assert docstring[0].isupper()


@pytest.mark.parametrize("path", sorted((PACKAGE / "domain").glob("[a-z]*.py")), ids=name_of)
def test_every_domain_module_has_code_and_a_docstring(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "helpers", "common", "base", "manager", "core", "misc", "util", "helper"}
    assert not [name_of(path) for path in MODULES if path.stem in empty]


def test_chalicelib_imports_nothing_that_is_not_in_the_zip() -> None:
    ours = ("localrun", "tests", "bench", "local", "manage", "app")
    outside = (*ours, "chalice.local", "chalice.test", "moto", "pytest")
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert not any(name == o or name.startswith(o + ".") for o in outside), f"{path}: {name}"


def test_app_is_short_and_registers_every_blueprint() -> None:
    source = (ROOT / "app.py").read_text()
    assert len(source.splitlines()) <= 60
    blueprints = {
        path.stem
        for folder in ("routes", "jobs")
        for path in (PACKAGE / folder).glob("*.py")
        if "bp = Blueprint(" in path.read_text()
    }
    registered = {
        f"{node.value.id}"
        for node in attributes(ROOT / "app.py")
        if node.attr == "bp" and isinstance(node.value, ast.Name)
    }
    assert registered == blueprints
