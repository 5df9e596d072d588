"""A job that stops is late and then missed on the minute, in a real process that is killed in between."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from localrun.engine import free_port
from tests.localrun.running import Run, running

HOURLY = {"name": "Backup", "cronExpression": "0 * * * *", "gracePeriodSeconds": 300}


@contextmanager
def at_second_two(data: Path, port: int) -> Iterator[Run]:
    """The clock stands amid a minute's margin, so that whole minutes hold whole runs."""
    with running(data, PORT=str(port)) as run:
        second = datetime.fromisoformat(run.advance(0, freeze=True)["now"]).second
        run.advance(62 - second, run=False)
        yield run


def clock(run: Run) -> datetime:
    return datetime.fromisoformat(run.call("GET", "/_local/clock").json["now"])


def advance_to(run: Run, until: datetime) -> None:
    run.advance((until - clock(run)).total_seconds())


def shown(run: Run, key: str, job: Any) -> tuple[str, datetime, list[str]]:
    """Status, N, and the pings as listed, oldest first."""
    found = run.call("GET", f"/v1/cron-jobs/{job['id']}", key=key).json["data"]
    listed = run.call("GET", f"/v1/cron-jobs/{job['id']}/ping", key=key).json
    assert listed["pagination"]["total"] == len(listed["data"])
    n = datetime.fromisoformat(found["nextExpectedAt"])
    return found["status"], n, [ping["status"] for ping in reversed(listed["data"])]


def test_a_job_that_stops_across_a_kill(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    with at_second_two(data, port) as run:
        key = run.key
        made = run.call("POST", "/v1/cron-jobs", HOURLY, key)
        assert made.status == 201, made.raw
        job = made.json["data"]
        n = datetime.fromisoformat(job["nextExpectedAt"])
        advance_to(run, n + timedelta(seconds=2))
        assert run.call("GET", urlsplit(job["pingUrl"]).path).raw == b"OK"
        n += timedelta(hours=1)
        assert shown(run, key, job) == ("healthy", n, ["on_time"])
        advance_to(run, n + timedelta(minutes=5))
        assert shown(run, key, job)[0] == "healthy"
        run.advance(60)
        assert shown(run, key, job) == ("late", n, ["on_time"])
        run.kill()
    with at_second_two(data, port) as run:
        advance_to(run, n + timedelta(minutes=59, seconds=59))
        assert shown(run, key, job) == ("late", n, ["on_time"])
        run.advance(1)
        assert shown(run, key, job) == ("missed", n + timedelta(hours=1), ["on_time"])
        run.kill()
    with at_second_two(data, port) as run:
        advance_to(run, n + timedelta(hours=2, seconds=2))
        assert shown(run, key, job) == ("missed", n + timedelta(hours=2), ["on_time"])
        assert run.call("GET", urlsplit(job["pingUrl"]).path).raw == b"OK"
        run.advance(60)
        assert shown(run, key, job) == ("healthy", n + timedelta(hours=3), ["on_time", "on_time"])
