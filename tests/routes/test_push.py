"""Push URLs by the letter of Uptime Kuma's."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.beat import MOST_MILLISECONDS
from tests.fakes import AFTER, BEFORE, FakeDeps
from tests.routes.client import Answer, Api, People
from tests.routes.test_push_monitors import make, results, shown

ANYBODY = Api()
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OK = (200, b'{"ok":true}')
UNKNOWN = (404, b'{"ok":false,"msg":"Monitor not found or not active."}')
BAD_PING = (404, b'{"ok":false,"msg":"Invalid ping value. Must be between 0 and 100000000000 ms."}')


@pytest.fixture
def made(owner: Api) -> Any:
    return make(owner)


def push(made: Any, query: str = "", method: str = "GET", raw: bytes = b"", **kwargs: Any) -> Answer:
    return ANYBODY.send(method, f"/api/push/{made['pushToken']}", raw, query=query, **kwargs)


def said(answer: Answer) -> tuple[int, bytes]:
    return answer.status, answer.raw


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("slash", ["", "/"])
def test_any_method_is_a_push(owner: Api, made: Any, method: str, slash: str) -> None:
    answer = ANYBODY.send(method, f"/api/push/{made['pushToken']}{slash}", query="msg=by+any&ping=3")
    assert said(answer) == ((200, b"") if method == "HEAD" else OK)
    (found,) = results(owner, made)
    assert (found["status"], found["message"], found["responseTimeMs"]) == ("up", "by any", 3)


def test_nothing_says_that_a_page_may_read_it(made: Any) -> None:
    for answer in (push(made), push(made, method="OPTIONS"), push({"pushToken": "nobody-has-this"})):
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        (b'{"status":"down"}', "application/json"),
        (b"{", "application/json"),
        (b"status=down", "application/x-www-form-urlencoded"),
        (bytes(range(256)) * 2000, "application/octet-stream"),
        (b"\xff", None),
        (b"x", "no such / type"),
    ],
)
def test_bodies_are_ignored(owner: Api, made: Any, raw: bytes, content_type: str | None) -> None:
    assert said(push(made, method="POST", raw=raw, content_type=content_type)) == OK
    assert results(owner, made)[0]["status"] == "up"


@pytest.mark.parametrize(
    ("query", "status"),
    [("", "up"), ("status=up", "up"), ("status=", "up")]
    + [(f"status={s}", "down") for s in ("down", "UP", "Up", "1", "true", "up%20", "pending", "%00", "0")]
    + [("status=up&status=up", "down"), ("status=down&status=up", "down"), ("Status=down", "up")],
)
def test_only_up_is_up(owner: Api, made: Any, query: str, status: str) -> None:
    assert said(push(made, query)) == OK
    assert shown(owner, made)["status"] == status


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "OK"),
        ("msg=", "OK"),
        ("msg=OK", "OK"),
        ("msg=ok", "ok"),
        ("msg=a+b%20c", "a b c"),
        ("msg=a&msg=b", "a,b"),
        ("msg=%E2%98%83", "☃"),
        ("msg=" + "x" * 251, "x" * 250),
        ("msg=" + "%F0%9F%98%80" * 251, "😀" * 250),
        ("msg=<script>%22%0A%00", '<script>"\n\x00'),
    ],
)
def test_words_are_kept_as_far_as_250_characters(owner: Api, made: Any, query: str, message: str) -> None:
    assert said(push(made, query)) == OK
    assert results(owner, made)[0]["message"] == message == shown(owner, made)["lastMessage"]


@pytest.mark.parametrize(
    "query", ["msg=%ED%A0%80", "msg=%FF%FE", "msg=%C3", "msg=%", "msg=%zz", "=", "&&", "a"]
)
def test_hostile_queries_are_pushes_all_the_same(owner: Api, made: Any, query: str) -> None:
    assert said(push(made, query)) == OK
    assert len(results(owner, made)) == 1


@pytest.mark.parametrize(
    ("ping", "kept"),
    [
        ("", None),
        ("0", None),
        ("-0", None),
        ("NaN", None),
        ("abc", None),
        ("null", None),
        ("12", 12),
        ("12.5", 13),
        ("0.4", 0),
        (".5", 1),
        ("+7", 7),
        ("1e3", 1000),
        ("12ms", 12),
        ("%20%2012", 12),
        ("0x10", None),
        ("5.", 5),
        ("1e", 1),
        ("1,5", 1),
        ("4294967294", MOST_MILLISECONDS),
        ("100000000000", MOST_MILLISECONDS),
        ("%D9%A1", None),
    ],
)
def test_pings_are_read_as_javascript_reads_them(owner: Api, made: Any, ping: str, kept: int | None) -> None:
    assert said(push(made, f"ping={ping}")) == OK
    assert results(owner, made)[0]["responseTimeMs"] == kept == shown(owner, made)["lastResponseTimeMs"]


@pytest.mark.parametrize(
    "ping", ["-1", "-0.001", "100000000000.1", "100000000001", "Infinity", "-Infinity", "1e12", "9" * 400]
)
def test_a_ping_that_cannot_be_is_refused_and_no_push(owner: Api, made: Any, ping: str) -> None:
    for method in METHODS:
        answer = push(made, f"ping={ping}", method)
        assert answer.status == 404
        assert method == "HEAD" or said(answer) == BAD_PING
    assert results(owner, made) == []


@pytest.mark.parametrize(
    "token",
    ["nobody-has-this", "x", "a" * 65, "%ED%A0%80" * 8, "%00", "x" * 3000, "..%2F..%2Fx"],
)
def test_unknown_malformed_paused_and_foreign_tokens_are_one(owner: Api, made: Any, token: str) -> None:
    owner.put(f"/v1/push-monitors/{made['id']}", {"isEnabled": False})
    job = owner.make("/v1/cron-jobs", {"name": "x", "periodSeconds": 60})
    for path in (token, made["pushToken"], job["pingUrl"].rpartition("/")[2]):
        answer = ANYBODY.get(f"/api/push/{path}")
        assert said(answer) == UNKNOWN
        assert answer.headers == ANYBODY.get("/api/push/nobody-has-this").headers


def test_a_push_token_is_no_ping_token(made: Any) -> None:
    assert ANYBODY.get(f"/hb/{made['pushToken']}").status == 404


def calls_of(deps: FakeDeps) -> list[str]:
    calls: list[str] = []
    deps.store.on_call = lambda verb, phase: calls.append(verb) if phase == BEFORE else None
    return calls


def test_the_caller_is_counted_first_and_refused_before_anything_is_looked_at(
    deps: FakeDeps, made: Any
) -> None:
    calls = calls_of(deps)
    push(made)
    assert calls == ["buckets.count", "heartbeats.get", "heartbeats.save"]
    deps.settings = replace(deps.settings, heartbeats_per_minute=1)
    calls.clear()
    for query in ("", "ping=-1", "msg=x"):
        refused = push(made, query)
        assert (refused.status, refused.headers["retry-after"]) == (429, "60")
        assert refused.json["ok"] is False
        assert refused.json["msg"].startswith("Too many requests")
    assert calls == ["buckets.count"] * 3
    assert ANYBODY.get("/hb/whoever").status == 429
    deps.at += timedelta(minutes=1)
    assert push(made).status == 200


def test_what_is_not_stored_is_not_ok(deps: FakeDeps, owner: Api, made: Any) -> None:
    def on_call(verb: str, phase: str) -> None:
        if verb == "heartbeats.save":
            raise RuntimeError

    for phase in (BEFORE, AFTER):
        deps.store.on_call = lambda verb, at, phase=phase: on_call(verb, at) if at == phase else None  # type: ignore[misc]
        assert push(made).status == 500
    deps.store.on_call = lambda verb, phase: None
    assert len(results(owner, made)) == 1


def test_a_push_may_be_to_any_team(people: People) -> None:
    ours, theirs = make(people.owner), make(people.stranger)
    assert push(ours).status == push(theirs).status == 200
    assert len(results(people.owner, ours)) == len(results(people.stranger, theirs)) == 1
