"""`local.py` as a process: what it prints, what survives, how it ends, what it refuses."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from threading import Thread

import pytest

from localrun.engine import ROOT, free_port
from tests.localrun.running import Run, children, clean_environment, is_alive, refusal, running, until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")

_CUT_OFF = (OSError, HTTPException)
NOWHERE = "http://127.0.0.1:9/"


def test_data_and_keys_survive_a_restart_and_a_kill(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as first:
        assert first.lines[0] == f"Uptime is listening on http://127.0.0.1:{first.port}"
        assert re.fullmatch(r"API key: uptime_[0-9a-f]{64}", first.lines[1])
        key = first.key
        monitor_id = first.create(key, NOWHERE)
        tree = first.tree()
        assert len(tree) == 2
        _ends_quietly(first, signal.SIGTERM)
        assert not any(is_alive(pid) for pid in tree)
    with running(data) as second:
        assert second.lines[1] == "API key: unchanged"
        assert second.monitor(key, monitor_id)["id"] == monitor_id
        tree = second.tree()
        os.kill(second.process.pid, signal.SIGKILL)
        second.process.wait()
        until(lambda: not any(is_alive(pid) for pid in tree))
    with running(data, NEW_KEY="1") as third:
        assert re.fullmatch(r"uptime_[0-9a-f]{64}", third.key)
        assert third.key != key
        assert third.monitor(key, monitor_id) == third.monitor(third.key, monitor_id)
        _ends_quietly(third, signal.SIGINT)


def test_what_was_answered_survives_a_kill_of_the_whole_tree_amid_work(tmp_path: Path) -> None:
    data = tmp_path / "data"
    created: list[str] = []
    with running(data) as run:
        key = run.key

        def create() -> None:
            while True:
                try:
                    created.append(run.create(key, NOWHERE))
                except _CUT_OFF:
                    return

        def advance() -> None:
            with suppress(*_CUT_OFF):
                run.advance(86400)

        workers = [Thread(target=work) for work in (create, create, advance)]
        for worker in workers:
            worker.start()
        until(lambda: len(created) >= 10)
        run.kill()
        for worker in workers:
            worker.join()
    with running(data) as again:
        listed = again.call("GET", "/v1/monitors", key=key).json["data"]
        assert set(created) <= {monitor["id"] for monitor in listed}


def test_the_clock_goes_on_where_it_was_after_a_kill_amid_an_advance(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as run:
        begin = run.call("GET", "/_local/clock").json["now"]

        def far() -> None:
            with suppress(*_CUT_OFF):
                run.advance(100 * 86400)

        advance = Thread(target=far)
        advance.start()
        until(lambda: run.call("GET", "/_local/clock").json["now"][:13] > begin[:13])
        seen = run.call("GET", "/_local/clock").json["now"]
        run.kill()
        advance.join()
    with running(data) as again:
        now = again.call("GET", "/_local/clock").json["now"]
        assert now > seen
        again.advance(3600, run=False)
        _ends_quietly(again, signal.SIGTERM)
    with running(data) as third:
        assert third.call("GET", "/_local/clock").json["now"][:13] > now[:13]


def test_it_ends_with_an_engine_that_is_killed_and_says_so(tmp_path: Path) -> None:
    with running(tmp_path / "data") as run:
        run.advance(0, freeze=True)  # a minute that begins just then would say what it misses
        (engine,) = children(run.process.pid)
        os.kill(engine, signal.SIGKILL)
        assert run.process.wait(10) == 1
        assert run.errors.read_text().splitlines()[-1].startswith("The engine has ended (status -9)")
        assert "Traceback" not in run.errors.read_text()


def test_a_signal_to_the_whole_tree_is_an_end_in_order(tmp_path: Path) -> None:
    with running(tmp_path / "data") as run:
        for pid in reversed(run.tree()):
            os.kill(pid, signal.SIGTERM)
        assert run.process.wait(10) == 0
        assert "The engine has ended" not in run.errors.read_text()


def test_a_signal_amid_an_advance_ends_the_run_in_order(tmp_path: Path) -> None:
    with running(tmp_path / "data") as run:
        run.create(run.key, NOWHERE)

        def far() -> None:
            with suppress(*_CUT_OFF):
                run.advance(100 * 86400)

        advance = Thread(target=far)
        advance.start()
        before = run.call("GET", "/_local/clock").json["now"]
        until(lambda: run.call("GET", "/_local/clock").json["now"][:13] > before[:13])
        _ends_quietly(run, signal.SIGTERM)
        advance.join()


def test_a_signal_at_any_moment_of_the_start_ends_it_quietly(tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "local.py"],
            cwd=ROOT,
            env=clean_environment(tmp_path / "data", free_port()),
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    until(lambda: bool(_caught(process.pid) >> (signal.SIGTERM - 1) & 1))
    process.terminate()
    assert process.wait(10) == 0
    assert errors.read_text() == ""


def test_two_runs_do_not_share_a_port_or_a_folder(tmp_path: Path) -> None:
    with running(tmp_path / "data") as run:
        port = refusal(tmp_path / "other", run.port)
        folder = refusal(run.data, free_port())
        assert run.call("GET", "/_local/clock").status == 200
    _is_refused(port, "PORT")
    assert str(run.port) in port.stderr
    assert not (tmp_path / "other").exists()
    _is_refused(folder, "UPTIME_LOCAL_DATA")


def test_a_port_that_somebody_listens_on_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("", 0)) as taken:
        refused = refusal(tmp_path / "data", taken.getsockname()[1])
    _is_refused(refused, "PORT")
    assert not (tmp_path / "data").exists()


def test_a_bad_setting_is_named_in_one_line(tmp_path: Path) -> None:
    refused = refusal(tmp_path / "data", free_port(), UPTIME_EGRESS_ALLOW="everywhere")
    _is_refused(refused, "UPTIME_EGRESS_ALLOW")


def test_it_does_not_run_inside_lambda(tmp_path: Path) -> None:
    refused = refusal(tmp_path / "data", free_port(), AWS_LAMBDA_FUNCTION_NAME="uptime-dev-api")
    _is_refused(refused, "the local runner")


def test_it_ends_with_the_make_that_started_it_even_if_that_is_killed(tmp_path: Path) -> None:
    started = (
        "import os, subprocess, sys\n"
        "env = {**os.environ, 'UPTIME_PARENT_PID': str(os.getpid())}\n"
        "subprocess.Popen([sys.executable, 'local.py'], env=env).wait()\n"
    )
    make = subprocess.Popen(
        [sys.executable, "-c", started],
        cwd=ROOT,
        env=clean_environment(tmp_path / "data", free_port()),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert make.stdout is not None
    with make.stdout:
        assert make.stdout.readline().startswith("Uptime is listening")
        (runner,) = children(make.pid)
        (engine,) = children(runner)
        make.kill()
        make.wait()
        until(lambda: not is_alive(runner) and not is_alive(engine))


def _ends_quietly(run: Run, sent: signal.Signals) -> None:
    assert run.end(sent) == 0
    assert "Traceback" not in run.errors.read_text()
    assert run.process.stdout is not None
    assert run.process.stdout.read() == ""


def _is_refused(refused: subprocess.CompletedProcess[str], name: str) -> None:
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith(name)


def _caught(pid: int) -> int:
    """The mask of the signals that a process has a handler for."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("SigCgt:")[2].split()[0], 16)
