"""The package, built once, and a deployment of it for each file of tests."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from zipfile import ZipFile

import pytest

from chalicelib.domain.api_key import SCOPES
from chalicelib.services.keys import mint_key
from chalicelib.services.teams import create_team
from chalicelib.settings import Settings
from chalicelib.store.tables import create_tables
from chalicelib.wiring import Edges
from localrun.engine import Engine

from .built import Package, make_package, make_runtime
from .deployment import Deployment, Seams


@pytest.fixture(scope="session")
def package() -> Package:
    return make_package()


@pytest.fixture(scope="session")
def runtime_python(package: Package) -> Path:
    return make_runtime()


@pytest.fixture(scope="session")
def task_root(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, unpacked into an empty folder that nobody may write to."""
    folder = tmp_path_factory.mktemp("task")
    with ZipFile(package.archive) as archive:
        archive.extractall(folder)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


@pytest.fixture(scope="module")
def seams() -> Seams | None:
    """None: as deployed, with the door shut to loopback. A file may have its own."""
    return None


@pytest.fixture(scope="module")
def deployment(
    request: pytest.FixtureRequest,
    package: Package,
    engine: Engine,
    runtime_python: Path,
    task_root: Path,
    seams: Seams | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployment]:
    name = request.path.stem
    settings = Settings(
        teams_table=f"{name}-teams",
        checks_table=f"{name}-checks",
        alerts_table=f"{name}-alerts",
        dynamodb_endpoint=engine.endpoint,
    )
    edges = Edges(settings)
    create_tables(settings, edges.dynamodb)
    team = create_team(edges, "Owners", "owner@example.com")
    key = mint_key(edges, team.id, "all", SCOPES)
    with ExitStack() as stack:
        yield Deployment(
            template=package.template,
            settings=settings,
            dynamodb=edges.dynamodb,
            header=f"Bearer {key.plaintext}",
            python=runtime_python,
            folder=task_root,
            logs=tmp_path_factory.mktemp("logs"),
            stack=stack,
            seams=seams,
        )
    edges.dynamodb.close()
