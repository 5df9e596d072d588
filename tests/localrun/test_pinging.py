"""Cron jobs report in over real sockets with the clients that people have: curl, runitor, a decorator."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from chalicelib.routes.heartbeats import MAX_BODY_BYTES
from localrun.engine import free_port
from tests.localrun.running import PATIENCE_SECONDS, Answer, Run, refusal, running

HOURLY = {"periodSeconds": 3600, "gracePeriodSeconds": 300, "timezone": "UTC"}
CURL = shutil.which("curl")
BYTES = bytes(range(256))


@pytest.fixture(autouse=True)
def _still(run: Run) -> Iterator[None]:
    run.advance(0, freeze=True)
    yield
    run.advance(0, freeze=False)


@pytest.fixture
def job(run: Run) -> Any:
    fields = {"name": "Backup", "slug": f"backup-{uuid4().hex}", **HOURLY}
    answer = run.call("POST", "/v1/cron-jobs", fields, run.key)
    assert answer.status == 201, answer.raw
    return answer.json["data"]


def state(run: Run, job: Any) -> tuple[str, str | None]:
    shown = run.call("GET", f"/v1/cron-jobs/{job['id']}", key=run.key).json["data"]
    return shown["status"], shown["statusReason"]


def pings(run: Run, job: Any) -> list[Any]:
    """Oldest first."""
    listed = run.call("GET", f"/v1/cron-jobs/{job['id']}/ping", key=run.key).json["data"]
    return list(reversed(listed))


def kinds(run: Run, job: Any) -> list[str]:
    return [ping["kind"] for ping in pings(run, job)]


def ping(run: Run, method: str, url: str, body: bytes | None = None, **headers: str) -> Answer:
    parts = urlsplit(url)
    return run.call(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, **headers)


def curl(*arguments: str, sent: bytes = b"") -> str:
    """As people write it into crontabs."""
    assert CURL is not None
    command = [CURL, "-fsS", "-m", "10", "--retry", "5", *arguments]
    done = subprocess.run(command, input=sent, capture_output=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def decorated(url: str, body: str) -> int:
    """A job's script with `healthchecks-decorator`; its exit status."""
    script = f"""
from healthchecks_decorator import healthcheck

@healthcheck(url={url!r}, send_start=True, send_diagnostics=True)
def work():
    {body}

work()
"""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, timeout=PATIENCE_SECONDS, check=False).returncode


@pytest.mark.skipif(CURL is None, reason="there is no curl")
def test_curl_in_a_crontab(run: Run, job: Any) -> None:
    url = job["pingUrl"]
    assert state(run, job) == ("new", None)
    assert curl(url) == "OK"
    assert state(run, job) == ("healthy", None)
    assert curl("-0", f"{url}/start/") == "OK"
    assert curl("--head", url).startswith("HTTP/1.1 200 OK\r\n")
    assert curl("--data-raw", "a=1&b=2", f"{url}/1") == "OK"
    assert state(run, job) == ("missed", "failed")
    assert curl("--data-binary", "@-", f"{url}/log", sent=BYTES) == "OK"
    assert curl(job["slugUrl"]) == "OK"
    assert state(run, job) == ("healthy", None)
    assert kinds(run, job) == ["success", "start", "success", "fail", "log", "success"]
    assert [found["hasBody"] for found in pings(run, job)] == [False, False, False, True, True, False]


def test_a_decorated_function_that_ends_well_and_one_that_fails(run: Run, job: Any) -> None:
    assert decorated(job["pingUrl"], "return {'copied': 3}") == 0
    assert state(run, job) == ("healthy", None)
    assert decorated(job["pingUrl"], "raise OSError('disk full')") == 1
    assert state(run, job) == ("missed", "failed")
    assert kinds(run, job) == ["start", "success", "start", "fail"]


def test_what_runitor_sends(run: Run, job: Any) -> None:
    """POST, text/plain, a run id on both ends, the exit status in the path; it takes only 200 and 201."""
    base, slug = job["slugUrl"].rpartition("/")[0], f"made-{uuid4().hex}"
    rid = str(uuid4())
    text = {"Content-Type": "text/plain", "User-Agent": "runitor/1.4.1"}
    began = ping(run, "POST", f"{base}/{slug}/start?create=1&rid={rid}", None, **text)
    assert (began.status, began.raw, began.headers["ping-body-limit"]) == (201, b"Created", "100000")
    run.advance(7)
    ended = ping(run, "POST", f"{base}/{slug}/0?create=1&rid={rid}", b"\xff log\n" * 50, **text)
    assert (ended.status, ended.raw) == (200, b"OK")
    listed = run.call("GET", "/v1/cron-jobs", key=run.key).json["data"]
    (made,) = (found for found in listed if found["slug"] == slug)
    assert (made["periodSeconds"], made["gracePeriodSeconds"]) == (86_400, 3600)
    assert state(run, made) == ("healthy", None)
    start, end = pings(run, made)
    assert (start["runId"], end["runId"], end["exitStatus"], end["durationMs"]) == (rid, rid, 0, 7000)


def test_a_run_that_does_not_end_is_overrun(run: Run, job: Any) -> None:
    assert ping(run, "GET", job["pingUrl"]).status == 200
    assert ping(run, "GET", job["pingUrl"] + "/start").status == 200
    run.advance(299)
    assert state(run, job) == ("healthy", None)
    run.advance(61)
    assert state(run, job) == ("late", "overrun")
    assert ping(run, "GET", job["pingUrl"] + "/0").status == 200
    assert pings(run, job)[-1]["durationMs"] == 360_000


def test_the_alias_and_both_forms_of_a_url(run: Run, job: Any) -> None:
    for url in (job["pingUrl"], job["slugUrl"]):
        alias = urlsplit(url)._replace(path="/ping" + urlsplit(url).path.removeprefix("/hb")).geturl()
        for form in (url, url + "/", alias, alias + "/"):
            assert ping(run, "GET", form).raw == b"OK"
    assert len(pings(run, job)) == 8


def test_the_largest_body_arrives_and_a_larger_one_is_no_ping(run: Run, job: Any) -> None:
    whole = BYTES * (MAX_BODY_BYTES // 256 + 1)
    taken = ping(run, "POST", job["pingUrl"], whole[:MAX_BODY_BYTES])
    assert (taken.status, taken.raw) == (200, b"OK")
    for size in (MAX_BODY_BYTES + 1, 12_000_000):
        assert ping(run, "POST", job["pingUrl"], bytes(size)).status == 413
    assert len(pings(run, job)) == 1


def test_a_job_that_falls_silent_is_late_and_then_missed(run: Run, job: Any) -> None:
    ping(run, "GET", job["pingUrl"])
    run.advance(3600 + 300 + 60)
    assert state(run, job) == ("late", "late")
    run.advance(3600)
    assert state(run, job) == ("missed", "missed")
    ping(run, "GET", job["pingUrl"])
    assert state(run, job)[0] in ("healthy", "late")


def test_a_prefix_that_is_no_path_ends_the_start(tmp_path: Path) -> None:
    refused = refusal(tmp_path / "data", free_port(), UPTIME_PING_PREFIX="/v1/hb")
    assert refused.returncode == 1
    assert refused.stderr.startswith("UPTIME_PING_PREFIX: '/v1/hb' is not a free path")
    assert "Traceback" not in refused.stderr


def test_another_prefix_is_told_and_taken(tmp_path: Path) -> None:
    with running(tmp_path / "data", UPTIME_PING_PREFIX="/of/jobs") as run:
        made = run.call("POST", "/v1/cron-jobs", {"name": "Backup", **HOURLY}, run.key).json["data"]
        assert urlsplit(made["pingUrl"]).path.startswith("/of/jobs/")
        assert ping(run, "GET", made["pingUrl"]).raw == b"OK"
        assert ping(run, "GET", made["pingUrl"].replace("/of/jobs/", "/hb/")).status == 404
