"""Alerts over a real run: a site goes down and comes back, and whoever wants to hear of it does."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from threading import Event, Thread
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.localrun.running import Run, Site, running, until
from tests.localrun.sinks import HookSink, Posted, hook_sink

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def sink() -> Iterator[HookSink]:
    with hook_sink() as sink:
        yield sink


@pytest.fixture(autouse=True)
def _still(run: Run) -> Iterator[None]:
    second = datetime.fromisoformat(run.advance(0, freeze=True)["now"]).second
    run.advance(62 - second, run=False)
    yield
    run.advance(0, freeze=False)


def create(run: Run, path: str, **body: Any) -> Any:
    answer = run.call("POST", path, body, run.key)
    assert answer.status == 201, answer.raw
    return answer.json


def get(run: Run, path: str) -> Any:
    answer = run.call("GET", path, key=run.key)
    assert answer.status == 200, answer.raw
    return answer.json


def watch(run: Run, site: Site) -> str:
    """Up at first, so that what comes is a change."""
    monitor_id = run.create(run.key, site.url)
    until(lambda: run.monitor(run.key, monitor_id)["status"] == "up")
    return monitor_id


@pytest.fixture
def monitor_id(run: Run, site: Site) -> Iterator[str]:
    monitor_id = watch(run, site)
    yield monitor_id
    assert run.call("DELETE", f"/v1/monitors/{monitor_id}", key=run.key).status == 204


@pytest.fixture
def alert(run: Run, sink: HookSink) -> Iterator[Any]:
    alert = create(run, "/v1/alerts", name="Hook", strategy="webhook", url=sink.url("/hook"), secret=SECRET)
    yield alert
    assert run.call("DELETE", f"/v1/alerts/{alert['id']}", key=run.key).status == 204


def test_an_outage_is_told_and_recorded(
    run: Run, site: Site, monitor_id: str, sink: HookSink, alert: Any
) -> None:
    site.down()
    assert run.advance(60)["deliveries"] == 1
    site.up()
    assert run.advance(60)["deliveries"] == 1
    down, up = sink.at("/hook")
    assert (down["eventType"], up["eventType"]) == ("down", "up")
    assert down["monitorId"] == up["monitorId"] == monitor_id
    assert down["eventId"] != up["eventId"]
    assert down["snapshot"]["url"] == site.url
    events = get(run, f"/v1/alerts/{alert['id']}/events")["events"]
    told = [(event["id"], event["type"], event["status"], event["resourceId"]) for event in events]
    assert told == [
        (up["eventId"], "recovered", "delivered", monitor_id),
        (down["eventId"], "triggered", "delivered", monitor_id),
    ]
    assert get(run, f"/v1/monitors/{monitor_id}/alert-events")["events"] == events


def test_a_trial_is_signed_so_that_the_library_takes_it(
    tmp_path_factory: pytest.TempPathFactory, sink: HookSink
) -> None:
    """In a run of its own: the library compares with the wall's time."""
    with running(tmp_path_factory.mktemp("signed") / "data") as run:
        alert = create(run, "/v1/alerts", name="H", strategy="webhook", url=sink.url("/"), secret=SECRET)
        answer = run.call("POST", f"/v1/alerts/{alert['id']}/test", key=run.key)
        assert answer.status == 202
        until(lambda: bool(sink.posted))
    (posted,) = sink.posted
    assert Webhook(SECRET).verify(posted.body.decode(), dict(posted.headers)) == posted.json
    assert (posted.json["isTest"], posted.json["eventId"]) == (True, answer.json["id"])


def test_a_mail_is_kept_to_be_looked_at(run: Run, site: Site, monitor_id: str) -> None:
    alert = create(run, "/v1/alerts", name="Mail", strategy="email", email="ops@example.com")
    site.down()
    run.advance(60)
    newest = run.call("GET", "/_local/mail").json[0]
    assert newest["to"] == "ops@example.com"
    assert "DOWN" in newest["subject"]
    run.call("DELETE", f"/v1/alerts/{alert['id']}", key=run.key)


def test_a_sink_that_fails_for_an_hour_hears_everything_in_order(
    run: Run, site: Site, monitor_id: str, sink: HookSink, alert: Any
) -> None:
    sink.status_of = lambda posted: 503
    site.down()
    run.advance(1200)
    site.up()
    run.advance(2400)
    tried = {posted.json["eventId"] for posted in sink.posted}
    assert len(tried) == 1, "the recovery waits behind"
    sink.posted.clear()
    sink.status_of = lambda posted: 200
    run.advance(3600)
    down, up = sink.at("/hook")
    assert (down["eventType"], up["eventType"]) == ("down", "up")
    assert {down["eventId"]} == tried


def test_nothing_is_told_in_a_window_and_what_is_still_down_after_it_is(
    run: Run, site: Site, monitor_id: str, sink: HookSink, alert: Any
) -> None:
    window = create(
        run,
        "/v1/maintenance",
        name="Move",
        monitorId=monitor_id,
        startsAt="2020-01-01T00:00:00Z",
        endsAt="2090-01-01T00:00:00Z",
    )["data"]
    site.down()
    run.advance(600)
    assert sink.posted == []
    assert get(run, f"/v1/alerts/{alert['id']}/events")["events"] == []
    run.call("POST", f"/v1/maintenance/{window['id']}/end", key=run.key)
    run.advance(60)
    assert [each["eventType"] for each in sink.at("/hook")] == ["down"]
    path = f"/v1/alerts/{alert['id']}/events?includeSkipped=true"
    skips = [event for event in get(run, path)["events"] if event["status"] == "skipped"]
    assert [event["skipReason"] for event in skips] == ["maintenance"]


def test_what_was_being_sent_when_the_service_was_killed_is_sent_again(
    tmp_path_factory: pytest.TempPathFactory, site: Site, sink: HookSink
) -> None:
    data = tmp_path_factory.mktemp("killed") / "data"
    arrived, let_go = Event(), Event()

    def hold(posted: Posted) -> int:
        arrived.set()
        let_go.wait(30)
        return 200

    with running(data) as run:
        run.advance(0, freeze=True)
        watch(run, site)
        create(run, "/v1/alerts", name="Hook", strategy="webhook", url=sink.url("/hook"))
        key = run.key
        sink.status_of = hold
        site.down()
        advance = Thread(target=lambda: _ignoring_the_end(run), daemon=True)
        advance.start()
        assert arrived.wait(30)
        run.kill()
        run.process.wait(30)
        let_go.set()
    sink.status_of = lambda posted: 200
    with running(data) as run:
        run.advance(0, freeze=True)
        run.advance(180)
        posted = sink.at("/hook")
        assert len({each["eventId"] for each in posted}) == 1
        assert len(posted) == 2
        (alert,) = run.call("GET", "/v1/alerts", key=key).json["alerts"]
        (event,) = run.call("GET", f"/v1/alerts/{alert['id']}/events", key=key).json["events"]
        assert (event["status"], event["attempts"]) == ("delivered", 2)


def _ignoring_the_end(run: Run) -> None:
    with contextlib.suppress(OSError, AssertionError):
        run.advance(120)
