"""A site that goes down and comes back, by mail, across a kill."""

import signal
from pathlib import Path
from typing import Any

from tests.localrun.running import Run, Site, running


def mails(run: Run) -> list[Any]:
    listed: list[Any] = run.call("GET", "/_local/mail").json
    return listed


def test_who_is_told_by_mail_finds_it_in_the_box(tmp_path: Path, site: Site) -> None:
    with running(tmp_path / "data") as run:
        key = run.key
        run.create(key, site.url)
        wanted = {"name": "Ops", "strategy": "email", "email": "ops@example.com"}
        created = run.call("POST", "/v1/alerts", wanted, key)
        assert created.status == 201, created.raw
        assert run.advance(60)["deliveries"] == 0
        site.down()
        assert run.advance(60)["deliveries"] == 1
        assert [mail["subject"] for mail in mails(run)] == ["DOWN: Site"]
        run.end(signal.SIGKILL)
    with running(tmp_path / "data") as run:
        site.up()
        assert run.advance(60)["deliveries"] == 1
        recovery, down = mails(run)
        assert (recovery["subject"], down["subject"]) == ("RECOVERED: Site", "DOWN: Site")
        assert recovery["to"] == "ops@example.com"
        page = run.call("GET", "/_local/mail", Accept="text/html")
        assert b"RECOVERED: Site" in page.raw
        booked = run.call("GET", "/_local/units").json["byWork"]
        assert booked["deliver"]["writeUnits"] > 0
        assert booked["sweep"]["calls"] > 0
