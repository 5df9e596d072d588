"""`/_local/*`: who may ask, and for what."""

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import pytest

from chalicelib.domain.message import Mail
from localrun.clock import Clock
from localrun.control import Control
from localrun.mail_box import MailBox
from localrun.units import UnitCounter
from tests.channels.notices import AT
from tests.localrun.idle import idle_scheduler

NOON = 1_800_000_000.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Caller:
    def __init__(self) -> None:
        self.clock = Clock(lambda: NOON)
        self.mail_box = MailBox()
        scheduler = idle_scheduler(self.clock)
        self.control = Control(self.clock, scheduler, UnitCounter(), self.mail_box, _gateway)

    def call(
        self, method: str, path: str, body: Any = None, host: str = "127.0.0.1:8000", **headers: str
    ) -> Answer:
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": method,
            "REQUEST_URI": path,
            "HTTP_HOST": host,
            "wsgi.input": io.BytesIO(raw),
            **headers,
        }
        began: list[tuple[str, list[tuple[str, str]]]] = []
        text = b"".join(self.control(environ, lambda *start: began.append(start))).decode()
        ((status, given),) = began
        return Answer(int(status.split()[0]), dict(given), text)


def _gateway(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("299 Passed on", [])
    return [b""]


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.mark.parametrize("path", ["/", "/v1/monitors", "/_local", "/_locals/clock", "//_local/clock"])
def test_other_paths_are_the_gateways(caller: Caller, path: str) -> None:
    assert caller.call("GET", path, host="uptime.example").status == 299


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]", "[::1]:65535"]
)
def test_callers_that_name_this_machine_are_answered(caller: Caller, host: str) -> None:
    assert caller.call("GET", "/_local/clock", host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "uptime.example",
        "localhost.example",
        "127.0.0.1.example",
        "127.0.0.2",
        "::1",
        "[::1",
        "[::2]",
        "me@localhost",
        "localhost, evil.example",
        "localhost:80:80",
        "localhost\n",
    ],
)
def test_any_other_host_is_refused(caller: Caller, host: str) -> None:
    assert caller.call("POST", "/_local/advance", {"seconds": 60}, host=host).status == 403
    assert caller.clock.seconds() == NOON


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8000", "http://localhost", "https://[::1]:3000"])
def test_a_page_of_this_machine_may_ask(caller: Caller, origin: str) -> None:
    assert caller.call("GET", "/_local/clock", HTTP_ORIGIN=origin).status == 200


@pytest.mark.parametrize("origin", ["", "null", "https://evil.example", "http://localhost.evil.example"])
def test_a_page_of_anybody_else_may_not(caller: Caller, origin: str) -> None:
    assert caller.call("POST", "/_local/advance", {"seconds": 60}, HTTP_ORIGIN=origin).status == 403
    assert caller.clock.seconds() == NOON


def test_the_clock_is_shown(caller: Caller) -> None:
    answer = caller.call("GET", "/_local/clock?x=1")
    assert answer.json == {"now": "2027-01-15T08:00:00.000000Z", "frozen": False}
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Length"] == str(len(answer.text))


def test_an_advance_tells_what_it_did(caller: Caller) -> None:
    answer = caller.call("POST", "/_local/advance", {"seconds": 150})
    assert answer.json == {"now": "2027-01-15T08:02:30.000000Z", "ticks": 2, "checks": 0, "deliveries": 0}


def test_an_advance_may_jump_and_freeze(caller: Caller) -> None:
    assert caller.call("POST", "/_local/advance", {"seconds": 60, "run": False}).json["ticks"] == 0
    caller.call("POST", "/_local/advance", {"freeze": True})
    assert caller.call("GET", "/_local/clock").json["frozen"] is True
    caller.call("POST", "/_local/advance", {"seconds": 1})
    assert caller.call("GET", "/_local/clock").json["frozen"] is True
    caller.call("POST", "/_local/advance", {"freeze": False})
    assert caller.call("GET", "/_local/clock").json["frozen"] is False


def test_an_empty_order_changes_nothing(caller: Caller) -> None:
    assert caller.call("POST", "/_local/advance").status == 200
    assert caller.clock.seconds() == NOON


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b"[" * 100_000,
        [],
        "60",
        {"seconds": -1},
        {"seconds": "60"},
        {"seconds": True},
        {"seconds": None},
        {"seconds": 1e9},
        b'{"seconds": NaN}',
        b'{"seconds": Infinity}',
        {"seconds": 60, "run": 0},
        {"seconds": 60, "freeze": "yes"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(caller: Caller, body: Any) -> None:
    answer = caller.call("POST", "/_local/advance", body)
    assert answer.status == 400
    assert answer.json["error"]
    assert caller.clock.seconds() == NOON


def mail(number: int, **changes: str) -> Mail:
    fields: dict[str, Any] = {
        "to": "ops@example.com",
        "subject": f"DOWN: Shop {number}",
        "text": "Shop is down",
        "html": "<p>Shop is down</p>",
        "event_id": f"evt_{number}",
        "at": AT,
    }
    return Mail(**{**fields, **changes})


def test_mails_are_shown_newest_first(caller: Caller) -> None:
    assert caller.call("GET", "/_local/mail").json == []
    for number in (1, 2):
        caller.mail_box.send(mail(number))
    newest, oldest = caller.call("GET", "/_local/mail").json
    assert newest == {
        "from": "Uptime <uptime@localhost>",
        "to": "ops@example.com",
        "subject": "DOWN: Shop 2",
        "messageId": "<evt_2@localhost>",
        "sentAt": "2026-11-21T08:05:00Z",
        "text": "Shop is down",
        "html": "<p>Shop is down</p>",
    }
    assert oldest["messageId"] == "<evt_1@localhost>"


def page_of(caller: Caller) -> Answer:
    page = caller.call("GET", "/_local/mail", HTTP_ACCEPT="text/html,*/*;q=0.8")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.text.startswith("<!doctype html>")
    return page


def test_a_browser_gets_a_page(caller: Caller) -> None:
    assert "No mail has been sent." in page_of(caller).text
    caller.mail_box.send(mail(1))
    assert "DOWN: Shop 1" in page_of(caller).text


class Outside(HTMLParser):
    """The tags of a page, and the frames' documents, which are attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.frames: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "iframe":
            self.frames.append(dict(attrs))


def test_a_hostile_mail_stays_text_or_in_a_frame_that_runs_nothing(caller: Caller) -> None:
    markup = """\"'></iframe></pre><script>alert(1)</script>"""
    caller.mail_box.send(mail(1, subject=markup, text=markup, html=markup))
    outside = Outside()
    outside.feed(page_of(caller).text)
    assert "script" not in outside.tags
    (frame,) = outside.frames
    assert frame == {"sandbox": None, "srcdoc": markup, "title": markup}


def test_units_are_shown(caller: Caller) -> None:
    assert caller.call("GET", "/_local/units").json["byWork"] == {}


@pytest.mark.parametrize("path", ["/_local/", "/_local/nothing", "/_local/clock/", "/_local/%63lock"])
def test_unknown_paths(caller: Caller, path: str) -> None:
    assert caller.call("GET", path).status == 404


@pytest.mark.parametrize(
    ("method", "name", "allowed"),
    [
        ("POST", "clock", "GET"),
        ("GET", "advance", "POST"),
        ("DELETE", "mail", "GET"),
        ("PUT", "units", "GET"),
    ],
)
def test_wrong_methods(caller: Caller, method: str, name: str, allowed: str) -> None:
    answer = caller.call(method, f"/_local/{name}")
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
