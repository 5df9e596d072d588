from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from chalicelib.settings import BadSetting
from localrun.engine import Engine, EngineMissing, attached_engine, binary, start_dynoxide, start_engine


@pytest.mark.parametrize(
    ("system", "machine", "package"),
    [
        ("Linux", "x86_64", "linux-x64"),
        ("Linux", "aarch64", "linux-arm64"),
        ("Darwin", "arm64", "darwin-arm64"),
        ("Darwin", "x86_64", "darwin-x64"),
        ("Windows", "AMD64", "win32-x64"),
    ],
)
def test_the_binary_is_looked_for_by_platform(
    tmp_path: Path, system: str, machine: str, package: str
) -> None:
    assert binary(tmp_path, system, machine) is None
    program = tmp_path / "@dynoxide" / package / "dynoxide"
    program.parent.mkdir(parents=True)
    program.touch()
    assert binary(tmp_path, system, machine) == program


def test_without_any_engine_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match=r"npm ci.*ministack"):
        start_engine(tmp_path / "data", None, modules=tmp_path, fallback="no_engine_of_this_name")


def test_an_engine_that_ends_at_once_is_told(tmp_path: Path) -> None:
    program = tmp_path / "dynoxide"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(EngineMissing, match="status 3"):
        start_dynoxide(None, program)


def test_a_given_endpoint_is_used_and_not_ended(engine: Engine, tmp_path: Path) -> None:
    given = start_engine(tmp_path / "data", engine.endpoint)
    given.stop()
    assert engine.child is not None
    assert engine.child.poll() is None


def test_a_folder_has_one_engine_at_a_time(tmp_path: Path) -> None:
    first = start_engine(tmp_path, None)
    try:
        with pytest.raises(BadSetting, match="UPTIME_LOCAL_DATA"):
            start_engine(tmp_path, None)
        with attached_engine(tmp_path, None) as attached:
            assert attached.endpoint == first.endpoint
    finally:
        first.stop()
    with attached_engine(tmp_path, None) as own:
        assert own.child is not None
    assert own.child.poll() is not None


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadSetting, match=r"^UPTIME_LOCAL_DATA: "):
        start_engine(tmp_path / "file", None)


def test_an_endpoint_left_behind_that_is_somebody_elses_by_now_is_not_believed(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
        Thread(target=other.serve_forever, kwargs={"poll_interval": 0.02}).start()
        noted = f"http://127.0.0.1:{other.server_port}"
        (tmp_path / "endpoint").write_text(noted)
        with attached_engine(tmp_path, None) as own:
            assert own.child is not None
            assert own.endpoint != noted
        other.shutdown()
