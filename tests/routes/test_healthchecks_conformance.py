"""The ping protocol of Healthchecks, row by row as it is documented, and what its clients rely on."""

from dataclasses import replace

import pytest

from chalicelib.domain.lateness import Kind
from chalicelib.settings import Settings
from tests.fakes import FakeDeps
from tests.routes.client import People
from tests.routes.pinging import ANYBODY, RUN_ID, UNKNOWN_TOKEN, Pinged, make_job, said

OK, CREATED, NOT_FOUND = (200, "OK"), (201, "Created"), (404, "not found")
BAD_URL, BAD_RUN_ID = (400, "invalid url format"), (400, "invalid uuid format")
SIGNALS = {
    "": Kind.SUCCESS,
    "/start": Kind.START,
    "/fail": Kind.FAIL,
    "/log": Kind.LOG,
    "/0": Kind.SUCCESS,
    "/1": Kind.FAIL,
    "/255": Kind.FAIL,
    "/00": Kind.SUCCESS,
    "/007": Kind.FAIL,
}
EXIT_STATUS = {"/0": 0, "/1": 1, "/255": 255, "/00": 0, "/007": 7}
EVERY_SIGNAL = pytest.mark.parametrize("signal", SIGNALS)
BOTH_FORMS = pytest.mark.parametrize("form", ["by_token", "by_slug"])
BOTH_PREFIXES = pytest.mark.parametrize("prefix", ["/hb", "/ping"])


@pytest.fixture
def pinged(deps: FakeDeps, people: People) -> Pinged:
    return Pinged(deps, make_job(deps, people.owner.team_id))


def url(pinged: Pinged, form: str, prefix: str = "/hb") -> str:
    found: str = getattr(pinged, form)
    return prefix + found.removeprefix("/hb")


# Endpoints.


@EVERY_SIGNAL
@BOTH_FORMS
@BOTH_PREFIXES
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_form_with_every_suffix(
    pinged: Pinged, form: str, prefix: str, signal: str, slash: str, method: str
) -> None:
    answer = ANYBODY.send(method, url(pinged, form, prefix) + signal + slash)
    assert said(answer) == OK
    assert pinged.kinds == [SIGNALS[signal]]
    assert pinged.beats[0].code == EXIT_STATUS.get(signal)


def test_log_changes_no_state(pinged: Pinged) -> None:
    before = pinged.heartbeat.pulse
    assert said(ANYBODY.get(f"{pinged.by_token}/log")) == OK
    assert pinged.heartbeat.pulse == before
    assert pinged.heartbeat.count == 1


@EVERY_SIGNAL
@BOTH_FORMS
def test_a_run_id_goes_with_any_of_them(pinged: Pinged, form: str, signal: str) -> None:
    assert said(ANYBODY.get(url(pinged, form) + signal, {"rid": RUN_ID})) == OK
    assert pinged.last_caller.run_id == RUN_ID


def test_a_run_id_pairs_the_start_and_the_end_of_a_run(deps: FakeDeps, pinged: Pinged) -> None:
    ANYBODY.get(f"{pinged.by_token}/start", {"rid": RUN_ID.upper()})
    deps.wait(90)
    ANYBODY.get(pinged.by_token, {"rid": RUN_ID})
    assert [beat.milliseconds for beat in pinged.beats] == [None, 90_000]


@EVERY_SIGNAL
def test_create_makes_a_job_by_its_slug(deps: FakeDeps, pinged: Pinged, signal: str) -> None:
    answer = ANYBODY.get(f"/hb/{pinged.key}/new-job{signal}", {"create": "1"})
    assert said(answer) == CREATED
    made = next(job for job in deps.cron_jobs.of_team(pinged.job.team_id) if job.slug == "new-job")
    assert made.name == "new-job"
    assert (made.rules.schedule.kind, made.rules.schedule.period_seconds) == ("period", 86_400)
    assert made.rules.grace_seconds == 3600
    assert Pinged(deps, made).kinds == [SIGNALS[signal]]


# Answers.


@BOTH_FORMS
def test_a_known_job(pinged: Pinged, form: str) -> None:
    answer = ANYBODY.get(url(pinged, form))
    assert said(answer) == OK
    assert answer.headers["ping-body-limit"] == "100000"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("suffix", ["", "/", "/start", "/fail", "/log", "/0", "/256", "?rid=x"])
def test_what_is_unknown_is_not_found(pinged: Pinged, suffix: str) -> None:
    token = pinged.job.ping_token
    unknown = [
        f"/hb/{UNKNOWN_TOKEN}",
        f"/hb/{token.upper()}" if token.upper() != token else f"/hb/{UNKNOWN_TOKEN}",
        f"/hb/{token.replace('-', '')}",
        f"/hb/{pinged.key}x/backup",
        f"/hb/{pinged.key.upper()}x/backup",
        f"/hb/{pinged.key}/missing",
        f"/hb/{token}/nothing",
    ]
    for path in unknown:
        path, _, query = f"{path}{suffix}".partition("?")
        assert said(ANYBODY.get(path, query)) == NOT_FOUND
    assert pinged.beats == ()


def test_an_ambiguous_slug(deps: FakeDeps, pinged: Pinged) -> None:
    make_job(deps, pinged.job.team_id)
    for query in ({}, {"create": "1"}):
        assert said(ANYBODY.get(pinged.by_slug, query)) == (409, "ambiguous slug")
    assert pinged.beats == ()


def test_a_job_that_a_ping_has_created_is_known_to_the_next(pinged: Pinged) -> None:
    path = f"/hb/{pinged.key}/new-job"
    assert said(ANYBODY.get(path)) == NOT_FOUND
    assert said(ANYBODY.get(path, {"create": "1"})) == CREATED
    assert said(ANYBODY.get(path, {"create": "1"})) == OK
    assert said(ANYBODY.get(path)) == OK


@BOTH_FORMS
@pytest.mark.parametrize("status", ["256", "999", "1000", "00256", "9" * 5000])
def test_an_exit_status_over_255(pinged: Pinged, form: str, status: str) -> None:
    assert said(ANYBODY.get(f"{url(pinged, form)}/{status}")) == BAD_URL
    assert pinged.beats == ()


@pytest.mark.parametrize("slug", ["Backup", "BACKUP", "backuP"])
@pytest.mark.parametrize("query", [{}, {"create": "1"}])
def test_an_upper_case_slug(pinged: Pinged, slug: str, query: dict[str, str]) -> None:
    for key in (pinged.key, "unknown"):
        assert said(ANYBODY.get(f"/hb/{key}/{slug}", query)) == BAD_URL


@BOTH_FORMS
@pytest.mark.parametrize(
    "rid",
    ["", "x", RUN_ID.replace("-", ""), RUN_ID[:-1], RUN_ID + "0", f"{{{RUN_ID}}}", f"urn:uuid:{RUN_ID}"],
)
def test_a_run_id_that_is_no_hyphenated_uuid(pinged: Pinged, form: str, rid: str) -> None:
    assert said(ANYBODY.get(url(pinged, form), {"rid": rid})) == BAD_RUN_ID
    assert pinged.beats == ()


@BOTH_FORMS
def test_an_upper_case_run_id_is_accepted(pinged: Pinged, form: str) -> None:
    assert said(ANYBODY.get(url(pinged, form), {"rid": RUN_ID.upper()})) == OK
    assert pinged.last_caller.run_id == RUN_ID


@pytest.mark.parametrize("value", ["", "0", "2", "true", "yes", "01", "1 ", "11"])
def test_create_with_any_other_value_is_ignored(pinged: Pinged, value: str) -> None:
    assert said(ANYBODY.get(f"/hb/{pinged.key}/new-job", {"create": value})) == NOT_FOUND
    assert said(ANYBODY.get(pinged.by_slug, {"create": value})) == OK
    assert said(ANYBODY.get(pinged.by_token, {"create": value})) == OK


# What the list for ours adds.


@BOTH_FORMS
def test_head_is_a_ping_without_an_answers_body(pinged: Pinged, form: str) -> None:
    answer = ANYBODY.send("HEAD", url(pinged, form))
    assert (answer.status, answer.raw) == (200, b"")
    assert answer.headers["ping-body-limit"] == "100000"
    assert (pinged.kinds, pinged.last_caller.method) == ([Kind.SUCCESS], "HEAD")


@BOTH_FORMS
@BOTH_PREFIXES
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_405(pinged: Pinged, form: str, prefix: str, method: str) -> None:
    answer = ANYBODY.send(method, url(pinged, form, prefix))
    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    assert pinged.beats == ()


@pytest.mark.parametrize(
    ("suffix", "query", "refusal"),
    [
        ("/256", {}, BAD_URL),
        ("", {"rid": ""}, BAD_RUN_ID),
        ("", {"rid": "x"}, BAD_RUN_ID),
        ("/nothing", {}, NOT_FOUND),
    ],
)
def test_everything_is_validated_before_a_job_is_created(
    deps: FakeDeps, pinged: Pinged, suffix: str, query: dict[str, str], refusal: tuple[int, str]
) -> None:
    answer = ANYBODY.get(f"/hb/{pinged.key}/new-job{suffix}", {"create": "1", **query})
    assert said(answer) == refusal
    assert deps.cron_jobs.of_team(pinged.job.team_id) == [pinged.job]


@pytest.mark.parametrize("size", [1, 10_000, 100_000, 100_001, 2_500_001, 4_500_000])
def test_no_ping_is_lost_for_its_body_and_100_kb_of_it_are_kept(pinged: Pinged, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    assert said(ANYBODY.send("POST", pinged.by_token, body[:size])) == OK
    assert pinged.last_body == body[: min(size, 100_000)]


def test_a_disabled_job_is_answered_and_its_ping_is_ignored(deps: FakeDeps, people: People) -> None:
    pinged = Pinged(deps, make_job(deps, people.owner.team_id, "resting", is_enabled=False))
    before = pinged.heartbeat.pulse
    for form in ("by_token", "by_slug"):
        assert said(ANYBODY.get(url(pinged, form) + "/fail")) == OK
    assert pinged.kinds == [Kind.IGNORED, Kind.IGNORED]
    assert pinged.heartbeat.pulse == before


def test_no_room_for_another_job(people: People, deps: FakeDeps) -> None:
    pinged = Pinged(deps, make_job(deps, people.owner.team_id))
    deps.settings = replace(deps.settings, cron_jobs_per_team=1)
    for _ in range(2):
        answer = ANYBODY.get(f"/hb/{pinged.key}/new-job", {"create": "1"})
        assert said(answer) == (403, "cron job limit reached")
    deps.settings = replace(deps.settings, cron_jobs_per_team=2)
    assert said(ANYBODY.get(f"/hb/{pinged.key}/new-job", {"create": "1"})) == CREATED


def test_a_limiters_answer_is_one_that_clients_know(deps: FakeDeps, pinged: Pinged) -> None:
    """runitor comes back after a 429; healthchecks-io looks for these words."""
    deps.settings = replace(Settings(), heartbeats_per_minute=1)
    assert said(ANYBODY.get(pinged.by_token)) == OK
    answer = ANYBODY.get(pinged.by_token)
    assert said(answer) == (429, "rate limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
