"""A site goes down and comes back, in pretended time, over the real API."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest

from tests.localrun.running import Run, Site, until


@pytest.fixture(autouse=True)
def _still(run: Run) -> Iterator[None]:
    """The clock stands at a minute's second second, so that a minute holds one slot and its margin."""
    second = _instant(run.advance(0, freeze=True)["now"]).second
    run.advance(62 - second, run=False)
    yield
    run.advance(0, freeze=False)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _badge(run: Run, monitor_id: str) -> str:
    answer = run.call("GET", f"/api/badge/{monitor_id}/status")
    assert answer.status == 200
    return answer.raw.decode()


def _all_agree(run: Run, monitor_id: str, status: str) -> None:
    assert run.monitor(run.key, monitor_id)["status"] == status
    newest = run.call("GET", f"/v1/monitors/{monitor_id}/results?limit=1", key=run.key).json["data"][0]
    assert newest["status"] == status
    overview = run.call("GET", "/v1/status", key=run.key).json["monitors"]
    assert [shown["status"] for shown in overview if shown["id"] == monitor_id] == [status]
    assert f">{status.capitalize()}<" in _badge(run, monitor_id)


def test_a_site_goes_down_and_comes_back(run: Run, site: Site) -> None:
    monitor_id = run.create(run.key, site.url)
    until(lambda: run.monitor(run.key, monitor_id)["status"] != "pending")
    _all_agree(run, monitor_id, "up")
    site.down()
    assert run.advance(60)["ticks"] == 1
    _all_agree(run, monitor_id, "down")
    site.up()
    run.advance(60)
    _all_agree(run, monitor_id, "up")
    results = run.call("GET", f"/v1/monitors/{monitor_id}/results", key=run.key).json
    assert [result["status"] for result in results["data"]] == ["up", "down", "up"]
    assert results["pagination"]["total"] == 3


@pytest.mark.parametrize("seconds", [0, 0.25, 1, 57, 58, 59, 60, 150, 3600])
def test_an_advance_ends_exactly_and_runs_every_minute_start_once(run: Run, seconds: float) -> None:
    before = _instant(run.call("GET", "/_local/clock").json["now"])
    done = run.advance(seconds)
    after = before + timedelta(seconds=seconds)
    assert _instant(done["now"]) == after
    assert _instant(run.call("GET", "/_local/clock").json["now"]) == after
    assert done["ticks"] == after.timestamp() // 60 - before.timestamp() // 60


def test_a_jump_runs_nothing(run: Run) -> None:
    before = _instant(run.call("GET", "/_local/clock").json["now"])
    done = run.advance(3600, run=False)
    assert done == {"now": done["now"], "ticks": 0, "checks": 0, "deliveries": 0}
    assert _instant(done["now"]) == before + timedelta(hours=1)


def test_advances_wait_for_each_other(run: Run) -> None:
    before = _instant(run.call("GET", "/_local/clock").json["now"])
    answers: list[Any] = []
    threads = [Thread(target=lambda: answers.append(run.advance(600))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["ticks"] for answer in answers] == [10, 10, 10]
    assert sorted(_instant(a["now"]) - before for a in answers) == [
        timedelta(minutes=m) for m in (10, 20, 30)
    ]


def test_calls_amid_an_advance_are_answered_and_see_its_clock(run: Run, site: Site) -> None:
    monitor_id = run.create(run.key, site.url)
    begin = _instant(run.call("GET", "/_local/clock").json["now"])
    end = begin + timedelta(hours=3)
    advance = Thread(target=run.advance, args=(3 * 3600,))
    advance.start()
    seen = []
    while advance.is_alive():
        earliest = _instant(run.call("GET", "/_local/clock").json["now"])
        checked = run.monitor(run.key, monitor_id)["lastCheckedAt"]
        seen.append((earliest, checked))
    advance.join()
    clocks = [now for now, _ in seen]
    assert clocks == sorted(clocks)
    assert all(begin <= now <= end for now in clocks)
    assert any(begin < now < end and now.second == 0 for now in clocks)
    late = timedelta(minutes=1)
    assert all(_instant(checked) >= now - late for now, checked in seen[1:] if checked and now > begin + late)


def test_the_clock_goes_on_when_it_is_let_go(run: Run) -> None:
    assert run.call("GET", "/_local/clock").json["frozen"] is True
    held = run.call("GET", "/_local/clock").json["now"]
    assert run.call("GET", "/_local/clock").json["now"] == held
    run.advance(0, freeze=False)
    until(lambda: run.call("GET", "/_local/clock").json["now"] > held)
    assert _instant(held) > datetime.now(UTC)
