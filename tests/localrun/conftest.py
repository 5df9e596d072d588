"""One run for a module, and sites to watch."""

from collections.abc import Iterator

import pytest

from tests.localrun.running import Run, Site, running


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with running(tmp_path_factory.mktemp("run") / "data") as run:
        yield run


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.down()
