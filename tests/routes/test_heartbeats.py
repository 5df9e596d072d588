"""Ping URLs: what hostile callers send, what strangers learn, what it costs, jobs made by many at once."""

import base64
import gzip
import math
import os
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import app
from chalicelib.domain.lateness import Kind
from chalicelib.errors import Contended
from chalicelib.routes.heartbeats import MAX_BODY_BYTES
from chalicelib.services.cron_jobs import Change, delete_job, update_job
from chalicelib.services.ping_keys import replace_ping_key
from localrun.gateway import Context
from tests.fakes import AFTER, BEFORE, FakeDeps, Killed
from tests.routes.client import START, People, RealEdges
from tests.routes.pinging import ANYBODY, RUN_ID, UNKNOWN_TOKEN, Pinged, make_job, said

OK, NOT_FOUND = (200, "OK"), (404, "not found")


@pytest.fixture
def pinged(deps: FakeDeps, people: People) -> Pinged:
    return Pinged(deps, make_job(deps, people.owner.team_id))


@pytest.fixture
def real_pinged(edges: RealEdges, real: People) -> Pinged:
    return Pinged(edges, make_job(edges, real.owner.team_id))


# What strangers learn.


ODD_CODES = [
    *("0", "x", "%00", "%20", "%0A", "%FF", "%ED%A0%80", "%2F", "..%2F..", "a%2Fb", "%2e%2e", "{code}", "*"),
    *("x" * 3000, "%25", "%2500", "a+b", "a%20b", "%3Cscript%3E", "%E2%80%AE", "0" * 36, "-" * 36),
    UNKNOWN_TOKEN + "%0A",
    UNKNOWN_TOKEN + "%00",
    "%20" + UNKNOWN_TOKEN,
    UNKNOWN_TOKEN[:-1],
    UNKNOWN_TOKEN.replace("4", "\uff14".encode().hex()),
    UNKNOWN_TOKEN.replace("-", "%E2%80%90"),
    "urn:uuid:" + UNKNOWN_TOKEN,
    "%7B" + UNKNOWN_TOKEN + "%7D",
]


@pytest.mark.parametrize("odd", ODD_CODES, ids=range(len(ODD_CODES)))
@pytest.mark.parametrize("suffix", ["", "/start", "/0", "/256", "/nothing", "/backup", "/backup/fail"])
@pytest.mark.parametrize("query", [{}, {"rid": RUN_ID}, {"rid": ""}, {"create": "1"}])
def test_malformed_and_unknown_codes_are_one_answer_byte_for_byte(
    pinged: Pinged, odd: str, suffix: str, query: dict[str, str]
) -> None:
    answer = ANYBODY.get(f"/hb/{odd}{suffix}", query)
    assert answer == ANYBODY.get(f"/hb/{UNKNOWN_TOKEN}")
    assert said(answer) == NOT_FOUND
    assert pinged.beats == ()


@pytest.mark.parametrize(
    "slug", ["%00", "a%2Fb", "back%20up", "back.up", "b%C3%A4ck", "%FF", "backup%0A", "%2e%2e", "a:b", "*"]
)
def test_what_is_no_slug_is_no_slug_of_any_key(pinged: Pinged, slug: str) -> None:
    for key in (pinged.key, "unknown"):
        assert said(ANYBODY.get(f"/hb/{key}/{slug}", {"create": "1"})) == NOT_FOUND


def test_a_slug_that_no_job_could_have_is_told_without_a_look(pinged: Pinged) -> None:
    for key in (pinged.key, "unknown"):
        answer = ANYBODY.get(f"/hb/{key}/{'a' * 101}", {"create": "1"})
        assert said(answer) == (400, "invalid url format")
    assert said(ANYBODY.get(f"/hb/{pinged.key}/{'a' * 100}", {"create": "1"})) == (201, "Created")


@pytest.mark.parametrize("digit", ["0", "9"])
def test_a_suffix_that_is_nearly_a_number_is_read_in_no_time(pinged: Pinged, digit: str) -> None:
    began = time.perf_counter()
    for path in (pinged.by_token, pinged.by_slug, "/hb/x"):
        assert ANYBODY.get(f"{path}/{digit * 200_000}x").status in (400, 404)
    assert time.perf_counter() - began < 1


def test_a_token_may_be_percent_encoded(pinged: Pinged) -> None:
    encoded = "".join(f"%{ord(character):02X}" for character in pinged.job.ping_token)
    assert said(ANYBODY.get(f"/hb/{encoded}/%73tart")) == OK
    assert pinged.kinds == [Kind.START]


def test_an_id_of_a_job_is_no_token(pinged: Pinged) -> None:
    for code in (pinged.job.id, pinged.job.id.removeprefix("cron_"), pinged.job.team_id, pinged.key):
        assert said(ANYBODY.get(f"/hb/{code}")) == NOT_FOUND


def test_a_slug_of_another_team_is_not_found(deps: FakeDeps, people: People, pinged: Pinged) -> None:
    theirs = Pinged(deps, make_job(deps, people.stranger.team_id, "theirs"))
    assert said(ANYBODY.get(f"/hb/{theirs.key}/backup")) == NOT_FOUND
    assert said(ANYBODY.get(f"/hb/{pinged.key}/theirs")) == NOT_FOUND


def test_a_deleted_job_and_a_replaced_ping_key_are_unknown(deps: FakeDeps, pinged: Pinged) -> None:
    before = pinged.by_slug
    replace_ping_key(deps, pinged.job.team_id)
    assert said(ANYBODY.get(before)) == NOT_FOUND
    assert said(ANYBODY.get(pinged.by_slug)) == OK
    delete_job(deps, pinged.job.team_id, pinged.job.id)
    assert said(ANYBODY.get(pinged.by_slug)) == NOT_FOUND
    assert said(ANYBODY.get(pinged.by_token)) == NOT_FOUND


def test_a_key_of_the_api_changes_nothing(people: People, pinged: Pinged) -> None:
    assert said(people.stranger.get(pinged.by_token)) == OK
    assert said(people.owner.get(f"/hb/{UNKNOWN_TOKEN}")) == NOT_FOUND


def test_unknown_paths_below_the_prefix_are_unknown_paths(pinged: Pinged) -> None:
    for path in ("/hb", "/ping", f"{pinged.by_slug}/start/more", f"{pinged.by_token}/0/0/0"):
        assert ANYBODY.get(path).status == 404
    assert pinged.beats == ()


def test_every_unknown_code_costs_the_same(real_pinged: Pinged, edges: RealEdges) -> None:
    """The counter's write and one read: nothing to tell them apart by, and nothing to be had for nothing."""
    codes = [UNKNOWN_TOKEN, "x", "x" * 3000, "%00", real_pinged.job.ping_token.upper(), real_pinged.job.id]
    for path in [f"/hb/{code}" for code in codes] + [f"/hb/{code}/backup?create=1" for code in codes]:
        edges.meter.reset()
        path, _, query = path.partition("?")
        assert said(ANYBODY.get(path, query)) == NOT_FOUND
        assert [operation for operation, _ in edges.meter.calls] == ["UpdateItem", "GetItem"]
        assert (edges.meter.write_units, edges.meter.read_units) == (1.0, 1.0)


# Hostile requests.


RIDS = [
    *("%00", RUN_ID + "%00", RUN_ID + "%0A", "%20" + RUN_ID, RUN_ID + "%20", "%FF", "%ED%A0%80", "%7B%7D"),
    *(RUN_ID.replace("a", "%EF%BD%81"), RUN_ID.replace("1", "%D9%A1"), "x" * 5000, "null", "[]", "0" * 36),
    *("g" + RUN_ID[1:], RUN_ID.replace("-", "%E2%80%90"), RUN_ID.replace("-", "_"), f"%22{RUN_ID}%22"),
    RUN_ID.replace("f", "%C5%BF"),
]


@pytest.mark.parametrize("rid", RIDS, ids=range(len(RIDS)))
def test_a_run_id_that_is_nearly_one_is_refused(pinged: Pinged, rid: str) -> None:
    assert said(ANYBODY.get(pinged.by_token, f"rid={rid}")) == (400, "invalid uuid format")
    assert pinged.beats == ()


def test_of_a_repeated_parameter_the_last_one_counts(pinged: Pinged) -> None:
    assert said(ANYBODY.get(pinged.by_token, f"rid=x&rid={RUN_ID}")) == OK
    assert said(ANYBODY.get(pinged.by_token, f"rid={RUN_ID}&rid=x")) == (400, "invalid uuid format")
    new = f"/hb/{pinged.key}/new-job"
    assert said(ANYBODY.get(new, "create=1&create=0")) == NOT_FOUND
    assert said(ANYBODY.get(new, "create=0&create=1")) == (201, "Created")


def test_other_parameters_are_ignored(pinged: Pinged) -> None:
    for query in ("RID=x&Create=1", "&" * 10_000, "%00=%FF&%ED%A0%80", "rid%00=x", "a" * 50_000):
        assert said(ANYBODY.get(pinged.by_token, query)) == OK


@pytest.mark.parametrize(
    "content_type",
    [
        *(None, "", "nonsense", "\xff", "text/plain", "text/plain; charset=utf-16", "application/json"),
        *(
            "application/x-www-form-urlencoded",
            "application/octet-stream",
            "multipart/form-data",
            "image/png",
        ),
    ],
)
@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe\x00", b"a=%00&b", bytes(range(256)), b"\x00", b"\xed\xa0\x80"]
)
def test_any_bytes_of_any_type_are_kept_as_they_came(
    pinged: Pinged, content_type: str | None, body: bytes
) -> None:
    assert said(ANYBODY.send("POST", pinged.by_token, body, content_type=content_type)) == OK
    assert pinged.last_body == body


def test_a_compressed_body_is_kept_compressed(pinged: Pinged) -> None:
    body = gzip.compress(b"log" * 1000)
    assert said(ANYBODY.send("POST", pinged.by_token, body, headers={"Content-Encoding": "gzip"})) == OK
    assert pinged.last_body == body


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_of_a_get_is_kept_too(pinged: Pinged, method: str) -> None:
    assert said(ANYBODY.send(method, pinged.by_token, b"done")) == OK
    assert (pinged.last_body, pinged.beats[0].has_body) == (b"done", True)


def test_without_a_body_none_is_kept(pinged: Pinged) -> None:
    assert said(ANYBODY.send("POST", pinged.by_token, b"")) == OK
    assert (pinged.last_body, pinged.beats[0].has_body) == (None, False)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_largest_body_is_taken_and_one_byte_more_does_not_count(pinged: Pinged, method: str) -> None:
    body = os.urandom(MAX_BODY_BYTES + 1)
    answer = ANYBODY.send(method, pinged.by_token, body)
    assert said(answer) == (413, "body too large")
    assert pinged.beats == ()
    assert said(ANYBODY.send(method, pinged.by_token, body[:-1])) == OK
    assert pinged.last_body == body[:100_000]


def test_what_the_platform_does_not_carry_does_not_count(pinged: Pinged) -> None:
    for size in (10 * 1024 * 1024 + 1, 12_000_000):
        answer = ANYBODY.send("POST", pinged.by_token, b"x" * size)
        assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")
    assert pinged.beats == ()


def test_what_is_known_of_the_caller(pinged: Pinged) -> None:
    headers = {"User-Agent": "é" * 300, "X-Forwarded-For": "198.51.100.1, 198.51.100.2"}
    ANYBODY.send("POST", pinged.by_token, query={"rid": RUN_ID.upper()}, headers=headers)
    caller = pinged.last_caller
    assert (caller.address, caller.method) == ("203.0.113.9", "POST")
    assert (caller.user_agent, caller.run_id) == ("é" * 200, RUN_ID)


def test_a_caller_that_says_nothing_of_itself(pinged: Pinged) -> None:
    ANYBODY.get(pinged.by_token)
    assert (pinged.last_caller.user_agent, pinged.last_caller.run_id) == ("", "")


PIECES = st.sampled_from(["rid=", "create=", "1", "&", "=", "%", "%00", "%ff", RUN_ID, "start", "/", "+"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(PIECES | st.text(max_size=3), max_size=6).map("".join),
    st.lists(PIECES | st.text(max_size=3), max_size=4).map("".join),
    st.binary(max_size=50),
)
def test_nothing_is_ever_a_500(pinged: Pinged, query: str, rest: str, body: bytes) -> None:
    path = f"{pinged.by_token}/{rest}".partition("?")[0]
    assert ANYBODY.send("POST", path, body, query=query).status in (200, 400, 404)
    assert ANYBODY.send("POST", f"/hb/{pinged.key}/{rest}", body, query=query).status in (200, 201, 400, 404)


# The limit of an address.


def test_a_refused_caller_touches_nothing_else(deps: FakeDeps, pinged: Pinged) -> None:
    deps.settings = replace(deps.settings, heartbeats_per_minute=2)
    calls: list[str] = []
    deps.store.on_call = lambda verb, phase: calls.append(verb) if phase == BEFORE else None
    for path in (pinged.by_token, f"/hb/{UNKNOWN_TOKEN}"):
        assert ANYBODY.get(path).status in (200, 404)
    calls.clear()
    for path in (pinged.by_token, f"/hb/{UNKNOWN_TOKEN}", "/hb/x/y", "/hb/x/Y/256"):
        headers = {"X-Forwarded-For": "198.51.100.7", "X-Real-Ip": "198.51.100.8", "Forwarded": "for=1.2.3.4"}
        answer = ANYBODY.send("POST", path, b"x" * 5000, query="rid=x&create=1", headers=headers)
        assert said(answer) == (429, "rate limited")
        assert answer.headers["retry-after"] == str(60 - START.second)
    assert set(calls) == {"buckets.count"}
    assert len(pinged.beats) == 1


def test_the_counter_is_written_first(deps: FakeDeps, pinged: Pinged) -> None:
    calls: list[str] = []
    deps.store.on_call = lambda verb, phase: calls.append(verb) if phase == BEFORE else None
    by_slug = pinged.by_slug
    for path in (pinged.by_token, by_slug, f"/hb/{UNKNOWN_TOKEN}", "/hb/x/Y"):
        calls.clear()
        ANYBODY.get(path)
        assert calls[0] == "buckets.count"
        assert calls.count("buckets.count") == 1


def test_a_minute_later_it_goes_on(deps: FakeDeps, pinged: Pinged) -> None:
    deps.settings = replace(deps.settings, heartbeats_per_minute=1)
    assert [ANYBODY.get(pinged.by_token).status for _ in range(2)] == [200, 429]
    deps.wait(60)
    assert ANYBODY.get(pinged.by_token).status == 200


# Storage failures.


def test_a_ping_that_is_not_stored_is_not_ok(deps: FakeDeps, pinged: Pinged) -> None:
    def fail(verb: str, phase: str) -> None:
        if (verb, phase) == ("heartbeats.save", BEFORE):
            raise Contended("throttled")

    deps.store.on_call = fail
    answer = ANYBODY.get(pinged.by_token)
    assert (answer.status, answer.code) == (500, "INTERNAL_ERROR")
    deps.store.on_call = lambda verb, phase: None
    assert pinged.beats == ()


def test_a_lost_answer_of_the_storage_is_one_ping(deps: FakeDeps, pinged: Pinged) -> None:
    lost = iter([True])

    def lose(verb: str, phase: str) -> None:
        if (verb, phase) == ("heartbeats.save", AFTER) and next(lost, False):
            raise Contended("lost")

    deps.store.on_call = lose
    assert said(ANYBODY.get(pinged.by_token)) == OK
    assert len(pinged.beats) == 1


# Jobs made by their first ping.


def slugs(pinged: Pinged) -> list[str]:
    return sorted(job.slug for job in pinged.deps.cron_jobs.of_team(pinged.job.team_id))


@pytest.mark.parametrize("number", range(5))
def test_pings_at_once_make_one_job_and_all_count(real_pinged: Pinged, number: int) -> None:
    path = f"/hb/{real_pinged.key}/new-job"
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: said(ANYBODY.get(path, {"create": "1"})), range(16)))
    assert sorted(answers) == [OK] * 15 + [(201, "Created")]
    assert slugs(real_pinged) == ["backup", "new-job"]
    made = next(j for j in real_pinged.deps.cron_jobs.of_team(real_pinged.job.team_id) if j.slug == "new-job")
    assert Pinged(real_pinged.deps, made).heartbeat.count == 16


def race(deps: FakeDeps, verb: str, other: Callable[[], Any]) -> None:
    """Let another request run through before this verb's first call."""
    once = iter([True])

    def run(called: str, phase: str) -> None:
        if (called, phase) == (verb, BEFORE) and next(once, False):
            other()

    deps.store.on_call = run


@pytest.mark.parametrize(
    "verb", ["cron_jobs.with_slug", "requests.begin", "cron_jobs.write", "requests.finish", "heartbeats.get"]
)
def test_a_ping_that_another_one_overtakes_anywhere_makes_no_second_job(
    deps: FakeDeps, pinged: Pinged, verb: str
) -> None:
    path, answers = f"/hb/{pinged.key}/new-job", []

    def ping() -> None:
        answers.append(said(ANYBODY.get(path, {"create": "1"})))

    race(deps, verb, ping)
    ping()
    assert sorted(answers) == [OK, (201, "Created")]
    assert slugs(pinged) == ["backup", "new-job"]


@pytest.mark.parametrize(
    ("verb", "phase"),
    [(v, p) for v in ("requests.begin", "cron_jobs.write", "requests.finish") for p in (BEFORE, AFTER)],
)
def test_a_creation_that_was_killed_is_ended_by_the_next_ping(
    deps: FakeDeps, pinged: Pinged, verb: str, phase: str
) -> None:
    path, once = f"/hb/{pinged.key}/new-job", iter([True])

    def kill(called: str, at: str) -> None:
        if (called, at) == (verb, phase) and next(once, False):
            raise Killed

    deps.store.on_call = kill
    with pytest.raises(Killed):
        ANYBODY.get(path, {"create": "1"})
    assert said(ANYBODY.get(path, {"create": "1"})) in (OK, (201, "Created"))
    assert slugs(pinged) == ["backup", "new-job"]


def test_a_deleted_or_renamed_job_is_made_anew_as_another(deps: FakeDeps, pinged: Pinged) -> None:
    path, ids = f"/hb/{pinged.key}/new-job", set()
    for turn in range(6):
        assert said(ANYBODY.get(path, {"create": "1"})) == (201, "Created")
        (made,) = (job for job in deps.cron_jobs.of_team(pinged.job.team_id) if job.slug == "new-job")
        ids.add(made.id)
        if turn % 2:
            delete_job(deps, made.team_id, made.id)
        else:
            update_job(deps, made.team_id, made.id, Change({"slug": f"renamed-{turn}"}, {}, {}))
    assert len(ids) == 6
    assert slugs(pinged) == ["backup", "renamed-0", "renamed-2", "renamed-4"]


def test_a_job_that_was_renamed_before_its_creation_ended_is_left_alone(
    deps: FakeDeps, pinged: Pinged
) -> None:
    path = f"/hb/{pinged.key}/new-job"

    def kill(called: str, at: str) -> None:
        if (called, at) == ("requests.finish", BEFORE):
            raise Killed

    deps.store.on_call = kill
    with pytest.raises(Killed):
        ANYBODY.get(path, {"create": "1"})
    deps.store.on_call = lambda verb, phase: None
    (made,) = (job for job in deps.cron_jobs.of_team(pinged.job.team_id) if job.slug == "new-job")
    update_job(deps, made.team_id, made.id, Change({"slug": "renamed"}, {}, {}))
    assert said(ANYBODY.get(path, {"create": "1"})) == (201, "Created")
    assert slugs(pinged) == ["backup", "new-job", "renamed"]
    assert Pinged(deps, made).heartbeat.count == 0


def test_a_job_whose_token_changes_between_the_look_and_the_ping_is_found_again(
    deps: FakeDeps, pinged: Pinged
) -> None:
    from chalicelib.services.cron_jobs import rotate_token

    race(deps, "heartbeats.get", lambda: rotate_token(deps, pinged.job.team_id, pinged.job.id))
    assert said(ANYBODY.get(pinged.by_slug)) == OK


# Through the real handler, as the deployed gateway hands it over.


def event(path: str, resource: str, params: dict[str, str], body: str | None, **more: Any) -> dict[str, Any]:
    return {
        "resource": resource,
        "path": path,
        "httpMethod": "POST",
        "headers": {"Content-Type": "text/plain"},
        "multiValueHeaders": {"Content-Type": ["text/plain"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": params,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": "POST",
            "requestId": "request-1",
            "identity": {"sourceIp": "203.0.113.9"},
            **more,
        },
        "body": body,
        "isBase64Encoded": body is not None,
    }


def test_a_body_in_base64_reaches_a_ping_as_it_was_sent(pinged: Pinged) -> None:
    body = bytes(range(256))
    code = pinged.job.ping_token
    given = event(f"/hb/{code}", "/hb/{code}", {"code": code}, base64.b64encode(body).decode())
    answer = app(given, Context("lambda-1"))
    assert (answer["statusCode"], answer["body"]) == (200, "OK")
    assert not answer.get("isBase64Encoded")
    assert pinged.last_body == body


# What a ping costs.


KEYS_OF_A_BODY = 150
"""And its other attributes."""
UNITS = pytest.mark.parametrize("size", [0, 1, 900, 10_000, 100_000, 1_000_000])


@UNITS
@pytest.mark.parametrize("form", ["by_token", "by_slug"])
def test_a_ping_costs_three_units_and_one_more_for_each_kb_of_its_body(
    real_pinged: Pinged, edges: RealEdges, form: str, size: int
) -> None:
    path: str = getattr(real_pinged, form)
    body = os.urandom(size)
    agent = {"User-Agent": "a" * 200}
    ANYBODY.send("POST", path, query={"rid": RUN_ID}, headers=agent)
    edges.meter.reset()
    assert said(ANYBODY.send("POST", path, body, query={"rid": RUN_ID}, headers=agent)) == OK
    packed = len(zlib.compress(body[:100_000])) if body else 0
    assert edges.meter.write_units <= 3 + math.ceil((packed + KEYS_OF_A_BODY) / 1024 if body else 0)
    assert edges.meter.read_units <= (1 if form == "by_token" else 3)


def test_a_busy_jobs_pings_cost_three_units_on_average_too(real_pinged: Pinged, edges: RealEdges) -> None:
    edges.meter.reset()
    for _ in range(48):
        ANYBODY.get(real_pinged.by_token, headers={"User-Agent": "curl/8.5.0"})
        edges.wait(1)
    assert edges.meter.write_units <= 48 * 3 + 4
