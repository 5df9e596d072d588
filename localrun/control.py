"""`/_local/*`: the clock, the advance, the mails and the units of a local run."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from localrun.clock import Clock
from localrun.mail_box import MailBox, mail_page
from localrun.scheduler import Scheduler
from localrun.server import WsgiApp
from localrun.units import UnitCounter

_HOST = r"(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?"
_LOCAL_HOST = re.compile(_HOST, re.IGNORECASE)
_LOCAL_ORIGIN = re.compile(f"https?://{_HOST}", re.IGNORECASE)
_MOST_SECONDS = 400 * 86400


class BadRequest(ValueError):
    pass


class Control:
    """Answers `/_local/*` and hands everything else to the gateway.

    Only to callers that name this machine as the host, and to no page of another origin: a browser on
    this machine may be showing anybody's page.
    """

    def __init__(
        self, clock: Clock, scheduler: Scheduler, units: UnitCounter, mail_box: MailBox, gateway: WsgiApp
    ) -> None:
        self._clock = clock
        self._scheduler = scheduler
        self._units = units
        self._mail_box = mail_box
        self._gateway = gateway

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["REQUEST_URI"].partition("?")[0]
        if not path.startswith("/_local/"):
            return self._gateway(environ, start_response)
        status, content_type, text = self._answer(environ, path.removeprefix("/_local/"))
        body = text.encode()
        headers = [
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        if status.startswith("405"):
            headers.append(("Allow", json.loads(text)["allow"]))
        start_response(status, headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _answer(self, environ: dict[str, Any], name: str) -> tuple[str, str, str]:
        if not _is_local(environ):
            return _json("403 Forbidden", {"error": "only for this machine"})
        known = {
            "clock": ("GET", self._show_clock),
            "advance": ("POST", self._advance),
            "mail": ("GET", self._mail),
            "units": ("GET", self._show_units),
        }
        if name not in known:
            return _json("404 Not Found", {"error": f"known: {', '.join(sorted(known))}"})
        method, answer = known[name]
        if environ["REQUEST_METHOD"] != method:
            return _json("405 Method Not Allowed", {"error": f"use {method}", "allow": method})
        try:
            return answer(environ)
        except BadRequest as bad:
            return _json("400 Bad Request", {"error": str(bad)})

    def _show_clock(self, environ: dict[str, Any]) -> tuple[str, str, str]:
        return _json("200 OK", {"now": _text(self._clock.now()), "frozen": self._clock.is_frozen})

    def _advance(self, environ: dict[str, Any]) -> tuple[str, str, str]:
        seconds, run, freeze = _order(environ["wsgi.input"].read())
        done = self._scheduler.advance(seconds, run=run, freeze=freeze)
        now = _text(datetime.fromtimestamp(done.now, UTC))
        return _json(
            "200 OK",
            {"now": now, "ticks": done.ticks, "checks": done.checks, "deliveries": done.deliveries},
        )

    def _mail(self, environ: dict[str, Any]) -> tuple[str, str, str]:
        letters = self._mail_box.newest_first()
        if "text/html" in environ.get("HTTP_ACCEPT", ""):
            return "200 OK", "text/html; charset=utf-8", mail_page(letters)
        return _json("200 OK", letters)

    def _show_units(self, environ: dict[str, Any]) -> tuple[str, str, str]:
        return _json("200 OK", self._units.report())


def _is_local(environ: dict[str, Any]) -> bool:
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and not _LOCAL_ORIGIN.fullmatch(origin):
        return False
    return _LOCAL_HOST.fullmatch(environ.get("HTTP_HOST", "")) is not None


def _order(raw: bytes) -> tuple[float, bool, bool | None]:
    try:
        order = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(order, dict):
        raise BadRequest("the body must be a JSON object")
    seconds, run, freeze = order.get("seconds", 0), order.get("run", True), order.get("freeze")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _MOST_SECONDS:
        raise BadRequest(f"seconds: a number from 0 to {_MOST_SECONDS}")
    if not isinstance(run, bool) or not isinstance(freeze, bool | None):
        raise BadRequest("run and freeze: true or false")
    return seconds, run, freeze


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _json(status: str, body: Any) -> tuple[str, str, str]:
    return status, "application/json", json.dumps(body) + "\n"
