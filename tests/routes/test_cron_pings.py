"""Pings of cron jobs by key, their limits and their history (contract 1, 3.6 and 4.7)."""

import base64
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.api_key import SCOPES
from chalicelib.domain.heartbeat import Caller, place_of
from chalicelib.domain.lateness import Kind
from chalicelib.services.deadlines import find_deadlines
from chalicelib.services.deps import Deps
from chalicelib.services.pinging_jobs import BODY_BYTES, Ping, ping_job
from tests.fakes import AFTER, FakeDeps, Killed
from tests.routes.client import START, Answer, Api, People, RealEdges, caller

PATH = "/v1/cron-jobs"
HOURLY = {"name": "Backup", "cronExpression": "0 * * * *"}
MINUTELY = {"name": "Often", "cronExpression": "* * * * *"}
WINDOW_END = int(START.timestamp()) + 60


def ping(api: Api, job: Any, key: str | None = None, raw: bytes = b"") -> Answer:
    headers = {} if key is None else {"Idempotency-Key": key}
    return api.send("POST", f"{PATH}/{job['id']}/ping", raw, headers=headers)


def history(api: Api, job: Any, **query: Any) -> Answer:
    return api.get(f"{PATH}/{job['id']}/ping", query)


def by_url(deps: Deps, job: Any, kind: Kind = Kind.SUCCESS, **more: Any) -> None:
    """As the ping URL does it."""
    run_id = more.pop("run_id", "")
    token = job["pingUrl"].rpartition("/")[2]
    assert ping_job(deps, place_of(token), Ping(kind, Caller("192.0.2.1", "curl/8", "GET", run_id), **more))


def test_a_ping_is_what_the_history_then_shows(owner: Api) -> None:
    made = owner.make(PATH, HOURLY)
    answer = ping(owner, made)
    assert re.fullmatch(r"ping_[0-9a-f]{32}", answer.data["id"])
    assert answer.data == {
        "id": answer.data["id"],
        "cronJobId": made["id"],
        "receivedAt": "2026-03-01T12:00:00Z",
        "status": "on_time",
        "kind": "success",
        "exitStatus": None,
        "durationMs": None,
        "runId": None,
        "method": None,
        "sourceAddress": None,
        "userAgent": None,
        "hasBody": False,
    }
    assert history(owner, made).json == {
        "data": [answer.data],
        "pagination": {"total": 1, "limit": 20, "offset": 0},
    }


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a":1,"a":2}', b"\xff\x00", b"x" * (256 * 1024 + 1)])
@pytest.mark.parametrize("content_type", [None, "application/json", "text/plain", "nonsense"])
def test_the_body_is_ignored_whatever_it_is(owner: Api, raw: bytes, content_type: str | None) -> None:
    made = owner.make(PATH, HOURLY)
    path = f"{PATH}/{made['id']}/ping"
    answer = owner.send("POST", path, raw, content_type=content_type)
    assert (answer.status, answer.data["hasBody"]) == (201, False)


# What a ping at these seconds after 12:00:00 gets. The first one is at 0.
SPACING = [
    (HOURLY, [(0.0, 201), (59.999, 429), (60.0, 201), (119.0, 429), (120.5, 201)]),
    ({**HOURLY, "cronExpression": "1 12 * * *"}, [(30.0, 201), (60.0, 201), (61.0, 429), (120.0, 201)]),
    (MINUTELY, [(58.0, 201), (59.0, 429), (60.0, 201), (60.5, 429), (119.9, 429), (120.0, 201)]),
    ({"name": "x", "periodSeconds": 60}, [(0.0, 201), (59.0, 429), (60.0, 201)]),
    ({"name": "x", "onCalendar": "*:*:30"}, [(20.0, 201), (29.0, 429), (30.0, 201), (31.0, 429)]),
]


@pytest.mark.parametrize(("body", "tries"), SPACING)
def test_once_a_minute_unless_a_run_was_due_in_between(
    deps: FakeDeps, owner: Api, body: dict[str, Any], tries: list[tuple[float, int]]
) -> None:
    made = owner.make(PATH, body)
    before: Any = None
    for seconds, expected in tries:
        deps.at = START + timedelta(seconds=seconds)
        answer = ping(owner, made)
        assert answer.status == expected, seconds
        if expected == 429:
            assert answer.code == "RATE_LIMITED"
            assert history(owner, made).json == before
        before = history(owner, made).json


@pytest.mark.parametrize(
    ("body", "seconds", "wait"),
    [(HOURLY, 0.0, 60), (HOURLY, 0.5, 60), (HOURLY, 59.9, 1), (MINUTELY, 10.0, 50), (MINUTELY, 59.9, 1)],
)
def test_waiting_as_long_as_told_is_enough_and_less_is_not(
    deps: FakeDeps, owner: Api, body: dict[str, Any], seconds: float, wait: int
) -> None:
    made = owner.make(PATH, body)
    assert ping(owner, made).status == 201
    deps.at = START + timedelta(seconds=seconds)
    refused = ping(owner, made)
    assert (refused.status, refused.headers["retry-after"]) == (429, str(wait))
    assert f" {wait} second" in refused.json["error"]["message"]
    assert refused.headers["x-ratelimit-limit"] == str(deps.settings.requests_per_minute)
    deps.at += timedelta(seconds=wait)
    assert ping(owner, made).status == 201


def test_a_ping_by_url_counts_as_the_last_one_but_starts_and_logs_do_not(deps: FakeDeps, owner: Api) -> None:
    made = owner.make(PATH, HOURLY)
    by_url(deps, made, Kind.START)
    by_url(deps, made, Kind.LOG)
    assert ping(owner, made).status == 201
    deps.at += timedelta(minutes=2)
    by_url(deps, made)
    assert ping(owner, made).status == 429


def test_a_disabled_job_takes_none_and_stays_as_it_is(owner: Api) -> None:
    made = owner.make(PATH, {**HOURLY, "enabled": False})
    answer = ping(owner, made)
    assert (answer.status, answer.code) == (409, "CONFLICT")
    assert history(owner, made).json["pagination"]["total"] == 0
    assert owner.get(f"{PATH}/{made['id']}").data == made


def test_disabled_comes_before_too_soon(owner: Api) -> None:
    made = owner.make(PATH, HOURLY)
    assert ping(owner, made).status == 201
    owner.put(f"{PATH}/{made['id']}", {"enabled": False})
    assert ping(owner, made).code == "CONFLICT"


def test_sixty_a_minute_from_one_address_whoever_asks_and_before_the_key(
    deps: FakeDeps, people: People
) -> None:
    made, other = (people.owner.make(PATH, HOURLY) for _ in range(2))
    unknown = Api("Bearer uptime_" + "0" * 64)
    apis = [people.owner, people.stranger, unknown]
    answers = [ping(apis[number % 3], made) for number in range(60)]
    assert {answer.status for answer in answers} == {201, 429, 404, 401}
    for api in (*apis, people.teammate):
        refused = ping(api, made)
        assert (refused.status, refused.code) == (429, "RATE_LIMITED")
        bucket = [refused.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "reset")]
        assert bucket == ["60", "0", str(WINDOW_END)]
        assert refused.headers["retry-after"] == "60"
        assert "60 seconds" in refused.json["error"]["message"]
    assert ping(people.owner, other).status == 201
    assert history(people.owner, made).status == 200
    deps.at += timedelta(minutes=1)
    assert ping(people.owner, made).status == 201


def test_the_budget_is_of_an_address_and_ids_that_are_none_have_none(deps: FakeDeps, owner: Api) -> None:
    for id in ("x" * 3000, "cron_1", "%00", "mon_" + "0" * 32):
        for _ in range(61):
            assert owner.send("POST", f"{PATH}/{id}/ping").status == 404
    assert not [name for name, _ in deps.store.items["bucket"] if name.startswith("cron ping")]
    owner.send("POST", f"{PATH}/cron_{'0' * 32}/ping")
    (name,) = [name for name, _ in deps.store.items["bucket"] if name.startswith("cron ping")]
    assert name == f"cron ping 203.0.113.9 cron_{'0' * 32}"


def test_the_order_of_refusals(deps: FakeDeps, people: People) -> None:
    made = people.owner.make(PATH, {**HOURLY, "enabled": False})
    lacking = caller(deps, people.owner.team_id, [scope for scope in SCOPES if scope != "cron-jobs:ping"])
    absent = {"id": "cron_" + "0" * 32}
    assert ping(Api("Bearer uptime_" + "0" * 64), absent).status == 401
    assert ping(lacking, absent).status == 403
    assert ping(lacking, made, key="").status == 403
    assert ping(people.owner, absent, key="").status == 404
    assert ping(people.owner, made, key="").fields == ["Idempotency-Key"]
    assert ping(people.owner, made).status == 409


# Idempotency-Key: one ping, however often it is sent.


def is_replay(answer: Answer) -> bool:
    return answer.headers.get("idempotency-replayed") == "true"


def test_a_repeated_request_is_one_ping_and_no_body_tells_them_apart(owner: Api) -> None:
    made = owner.make(PATH, HOURLY)
    first, again = ping(owner, made, "k", b"{"), ping(owner, made, "k", b"other")
    assert (first.status, again.status, again.raw) == (201, 201, first.raw)
    assert (is_replay(first), is_replay(again)) == (False, True)
    assert history(owner, made).data == [first.data]
    assert ping(owner, made, "other").status == 429


def killed_after(deps: FakeDeps, verb: str) -> Callable[[str, str], None]:
    def on_call(called: str, phase: str) -> None:
        if (called, phase) == (verb, AFTER):
            deps.store.on_call = lambda verb, phase: None
            raise Killed

    return on_call


@pytest.mark.parametrize("later", ["at once", "in blocks", "disabled", "a day less a second"])
def test_a_try_that_died_before_it_answered_has_pinged_once(deps: FakeDeps, owner: Api, later: str) -> None:
    made = owner.make(PATH, HOURLY)
    deps.store.on_call = killed_after(deps, "heartbeats.save")
    with pytest.raises(Killed):
        ping(owner, made, "k")
    (pinged,) = history(owner, made).data
    if later == "in blocks":
        for _ in range(40):
            deps.at += timedelta(minutes=1)
            by_url(deps, made)
            find_deadlines(deps)
        assert deps.store.items["block", made["id"]]
    elif later == "disabled":
        owner.put(f"{PATH}/{made['id']}", {"enabled": False})
    elif later == "a day less a second":
        deps.at += timedelta(days=1, seconds=-1)
    total = history(owner, made).json["pagination"]["total"]
    again = ping(owner, made, "k")
    assert (again.status, again.data, is_replay(again)) == (201, pinged, True)
    assert history(owner, made).json["pagination"]["total"] == total


@pytest.mark.parametrize("verb", ["requests.begin", "cron_jobs.get", "heartbeats.get"])
def test_a_try_that_died_before_the_ping_has_not_pinged(deps: FakeDeps, owner: Api, verb: str) -> None:
    made = owner.make(PATH, HOURLY)
    deps.store.on_call = killed_after(deps, verb)
    with pytest.raises(Killed):
        ping(owner, made, "k")
    assert history(owner, made).data == []
    deps.at += timedelta(minutes=5)
    assert ping(owner, made, "k").data["receivedAt"] == "2026-03-01T12:05:00Z"
    assert len(history(owner, made).data) == 1


def test_a_refused_ping_may_be_sent_again_with_its_key(deps: FakeDeps, owner: Api) -> None:
    made = owner.make(PATH, HOURLY)
    assert [ping(owner, made, key).status for key in ("a", "b")] == [201, 429]
    deps.at += timedelta(minutes=1)
    assert ping(owner, made, "b").status == 201
    assert len(history(owner, made).data) == 2


def test_a_create_is_repeated_with_its_urls_which_are_not_stored_with_it(
    deps: FakeDeps, people: People
) -> None:
    raw, headers = json.dumps({**HOURLY, "slug": "x"}).encode(), {"Idempotency-Key": "k"}
    first = people.owner.send("POST", PATH, raw, headers=headers)
    again = people.owner.send("POST", PATH, raw, headers=headers)
    assert (again.raw, is_replay(again)) == (first.raw, True)
    assert people.owner.get(PATH).data == [first.data]
    for url in (first.data["pingUrl"], first.data["slugUrl"]):
        secret = url.split("/hb/")[1].partition("/")[0]
        assert secret not in repr(deps.store.items["request"])
    colleague = caller(deps, people.owner.team_id, SCOPES)
    assert colleague.send("POST", PATH, raw, headers=headers).code == "CONFLICT"
    people.owner.delete(f"{PATH}/{first.data['id']}")
    assert people.owner.send("POST", PATH, raw, headers=headers).raw == first.raw


# The history.


def filled(deps: FakeDeps | RealEdges, owner: Api, pings: int, every: int = 1) -> Any:
    """A job with so many pings, moved into blocks as the minutes pass, and by the pings themselves."""
    made = owner.make(PATH, HOURLY)
    edges: Deps = deps
    for number in range(pings):
        deps.at += timedelta(minutes=1)
        by_url(edges, made)
        if number % every == every - 1:
            find_deadlines(edges)
    return made


@pytest.mark.parametrize(("pings", "every"), [(5, 1), (30, 1), (70, 100), (61, 17)])
def test_every_page_is_exact(deps: FakeDeps, owner: Api, pings: int, every: int) -> None:
    made = filled(deps, owner, pings, every)
    whole = history(owner, made, limit=100).data
    times = [row["receivedAt"] for row in whole]
    assert times == sorted(times, reverse=True)
    assert len({row["id"] for row in whole}) == pings
    for limit, offset in (
        (1, 0),
        (7, 3),
        (20, 12),
        (20, 23),
        (100, 24),
        (13, 50),
        (5, pings - 1),
        (9, pings),
    ):
        page = history(owner, made, limit=limit, offset=offset).json
        assert page["data"] == whole[offset : offset + limit]
        assert page["pagination"] == {"total": pings, "limit": limit, "offset": offset}
    assert history(owner, made, offset=2**53).data == []


def test_the_history_is_exact_on_the_real_stores(edges: RealEdges, real: People) -> None:
    made = filled(edges, real.owner, 40, 5)
    whole = history(real.owner, made, limit=100).data
    assert len({row["id"] for row in whole}) == 40
    for limit, offset in ((7, 3), (20, 12), (100, 24)):
        page = history(real.owner, made, limit=limit, offset=offset).json
        assert page["data"] == whole[offset : offset + limit]
        assert page["pagination"]["total"] == 40


def test_a_page_reads_no_more_than_its_blocks(deps: FakeDeps, owner: Api) -> None:
    made = filled(deps, owner, 100)
    calls: list[str] = []
    deps.store.on_call = lambda verb, phase: calls.append(verb) if phase == AFTER else None
    history(owner, made, limit=1, offset=90)
    assert calls.count("beats.blocks") == 1


def test_pings_older_than_a_year_are_gone_and_not_counted(deps: FakeDeps, owner: Api) -> None:
    made = filled(deps, owner, 30)
    oldest = START + timedelta(minutes=1)
    for seconds, left in ((-1, 30), (0, 29), (60, 28), (14 * 60, 15), (29 * 60, 0), (10**6, 0)):
        deps.at = oldest + timedelta(days=365, seconds=seconds)
        page = history(owner, made, limit=100).json
        assert (len(page["data"]), page["pagination"]["total"]) == (left, left), seconds


def test_a_job_long_silent_has_the_total_of_what_is_left(deps: FakeDeps, owner: Api) -> None:
    made = filled(deps, owner, 5, every=100)
    deps.at += timedelta(days=365, minutes=-2)
    by_url(deps, made)
    assert history(owner, made, limit=1).json["pagination"]["total"] == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"limit": "1.0"}, "limit"),
        ({"offset": -1}, "offset"),
        ({"offset": ""}, "offset"),
    ],
)
def test_a_page_out_of_range_is_400(owner: Api, query: dict[str, Any], field: str) -> None:
    made = owner.make(PATH, HOURLY)
    assert history(owner, made, **query).fields == [field]


def test_the_history_tells_kinds_durations_and_runs(deps: FakeDeps, owner: Api) -> None:
    made = owner.make(PATH, HOURLY)
    run = "7f9a4f6e-6b56-4a1e-9d5a-2f4c53a5b1c0"
    by_url(deps, made, Kind.START, run_id=run)
    deps.at += timedelta(seconds=2.5)
    by_url(deps, made, Kind.FAIL, run_id=run, exit_status=3, body=b"no space left")
    by_url(deps, made, Kind.LOG)
    owner.put(f"{PATH}/{made['id']}", {"enabled": False})
    by_url(deps, made)
    fields = ("kind", "exitStatus", "durationMs", "runId", "hasBody")
    assert [tuple(row[field] for field in fields) for row in history(owner, made).data] == [
        ("ignored", None, None, None, False),
        ("log", None, None, None, False),
        ("fail", 3, 2500, run, True),
        ("start", None, None, run, False),
    ]
    shown = owner.get(f"{PATH}/{made['id']}").data
    assert (shown["status"], shown["statusReason"]) == ("missed", "failed")


def test_who_pings_with_a_key_is_neither_kept_nor_shown(deps: FakeDeps, owner: Api) -> None:
    made = owner.make(PATH, HOURLY)
    answer = owner.send("POST", f"{PATH}/{made['id']}/ping", headers={"User-Agent": "curl/8"})
    for text in (answer.raw, history(owner, made).raw):
        assert b"203.0.113.9" not in text
        assert b"curl" not in text
    assert not deps.store.items["caller", made["id"]]


def test_who_calls_a_ping_url_is_shown_for_30_days(deps: FakeDeps, owner: Api) -> None:
    made = owner.make(PATH, HOURLY)
    by_url(deps, made)
    fields = ("method", "sourceAddress", "userAgent")
    (shown,) = history(owner, made).data
    assert tuple(shown[field] for field in fields) == ("GET", "192.0.2.1", "curl/8")
    deps.at += timedelta(days=30)
    (shown,) = history(owner, made).data
    assert tuple(shown[field] for field in fields) == (None, None, None)


def test_runs_are_told_for_30_days_of_the_newest_100(deps: FakeDeps, owner: Api) -> None:
    made = owner.make(PATH, HOURLY)
    for _ in range(101):
        by_url(deps, made, Kind.LOG, run_id="a")
    assert history(owner, made, limit=1, offset=99).data[0]["runId"] == "a"
    assert history(owner, made, limit=1, offset=100).data[0]["runId"] is None
    deps.at += timedelta(days=30)
    assert history(owner, made, limit=1).data[0]["runId"] is None


# Bodies.

BODIES = [
    (b"all done\n", "utf-8", "all done\n", False),
    ("é\x00\u2028".encode(), "utf-8", "é\x00\u2028", False),
    (b"<script>alert(1)</script>", "utf-8", "<script>alert(1)</script>", False),
    (b"\xff\xfe\x00", "base64", "//4A", False),
    (b"cut \xe2\x82", "base64", base64.b64encode(b"cut \xe2\x82").decode(), False),
    (b"x" * (BODY_BYTES - 1), "utf-8", "x" * (BODY_BYTES - 1), False),
    (b"x" * (BODY_BYTES + 9), "utf-8", "x" * BODY_BYTES, True),
    (b"x" * (BODY_BYTES - 1) + "é".encode(), "utf-8", "x" * (BODY_BYTES - 1), True),
]


@pytest.mark.parametrize(("sent", "encoding", "text", "is_cut"), BODIES)
def test_a_body_comes_back_as_it_was_sent(
    deps: FakeDeps, people: People, sent: bytes, encoding: str, text: str, is_cut: bool
) -> None:
    made = people.owner.make(PATH, HOURLY)
    by_url(deps, made, body=sent)
    (row,) = history(people.teammate, made).data
    answer = people.teammate.get(f"{PATH}/{made['id']}/ping/{row['id']}/body")
    expected = {"pingId": row["id"], "encoding": encoding, "body": text, "truncated": is_cut}
    assert (answer.status, answer.data) == (200, expected)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_body_is_found_in_blocks_and_lost_after_100_pings(deps: FakeDeps, owner: Api) -> None:
    made = owner.make(PATH, HOURLY)
    by_url(deps, made, body=b"kept")
    (row,) = history(owner, made).data
    path = f"{PATH}/{made['id']}/ping/{row['id']}/body"
    for _ in range(99):
        by_url(deps, made, Kind.LOG)
    assert owner.get(path).data["body"] == "kept"
    by_url(deps, made, Kind.LOG)
    assert owner.get(path).code == "NOT_FOUND"


def test_a_ping_without_a_body_an_unknown_one_and_another_jobs_are_404(deps: FakeDeps, owner: Api) -> None:
    made, other = owner.make(PATH, HOURLY), owner.make(PATH, HOURLY)
    by_url(deps, made)
    by_url(deps, other, body=b"x")
    bare, its = history(owner, made).data[0]["id"], history(owner, other).data[0]["id"]
    for id in (bare, its, "ping_" + "0" * 32, "ping_x"):
        assert owner.get(f"{PATH}/{made['id']}/ping/{id}/body").code == "NOT_FOUND"
    assert owner.get(f"{PATH}/{other['id']}/ping/{its}/body").status == 200


def test_of_many_pings_at_once_one_is_taken(real: People) -> None:
    made = real.owner.make(PATH, HOURLY)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: ping(real.owner, made), range(16)))
    assert sorted(answer.status for answer in answers) == [201] + [429] * 15
    assert history(real.owner, made).json["pagination"]["total"] == 1


def test_of_one_request_sent_many_times_at_once_all_get_its_ping(real: People) -> None:
    made = real.owner.make(PATH, HOURLY)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: ping(real.owner, made, "k"), range(16)))
    assert {(answer.status, answer.raw) for answer in answers} == {(201, answers[0].raw)}
    assert history(real.owner, made).data == [answers[0].data]


def test_a_create_sent_many_times_at_once_is_one_job(real: People) -> None:
    raw, headers = json.dumps({**HOURLY, "slug": "x"}).encode(), {"Idempotency-Key": "k"}
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: real.owner.send("POST", PATH, raw, headers=headers), range(16)))
    assert {(answer.status, answer.raw) for answer in answers} == {(201, answers[0].raw)}
    assert real.owner.get(PATH).data == [answers[0].data]
