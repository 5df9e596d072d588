"""What callers put into headers, and what must never come out: the Authorization header in no answer and no
log, no text of theirs in any header of an answer, no Idempotency-Key that is none."""

import json
import logging
import re
from collections.abc import Iterable

import pytest

from tests.fakes import FakeDeps
from tests.routes.client import MINIMAL, Answer, Api, People
from tests.routes.furnish import ZEROS, every_route

DIGITS = "c0ffee" * 10 + "cafe"
"""What is looked for. A key of these digits is well-formed and unknown."""
UNKNOWN = f"Bearer uptime_{DIGITS}"
AUTHORIZATIONS = [
    UNKNOWN,
    f"{UNKNOWN} ",
    f"{UNKNOWN}0",
    f"{UNKNOWN}, {UNKNOWN}",
    f"{UNKNOWN}\x00",
    f"{UNKNOWN}\xff",
    f"{UNKNOWN}\n",
    f"{UNKNOWN}\r\nX-Two: {DIGITS}",
    f"bearer {DIGITS}",
    f"Bearer uptime_{DIGITS.upper()}",
    f"uptime_{DIGITS}",
    f"Basic {DIGITS}",
    f"Digest username={DIGITS}, realm=x",
    f"AWS4-HMAC-SHA256 Credential={DIGITS}/20260301/us-east-1/execute-api/aws4_request",
    DIGITS * 200,
]
ROUTES = [(method, re.sub(r"{\w+}", f"mon_{ZEROS}", operation.path)) for method, operation in every_route()]
OTHERS = [
    ("GET", "/"),
    ("GET", "/v1/nothing"),
    ("DELETE", "/v1/monitors/a/b/c"),
    ("PATCH", "/v1/monitors"),
    ("TRACE", "/v1/status"),
    ("OPTIONS", "/v1/monitors"),
    ("POST", "/docs"),
]
EVERYWHERE = pytest.mark.parametrize(
    ("method", "path"), ROUTES + OTHERS, ids=[f"{method} {path}" for method, path in ROUTES + OTHERS]
)
BODIES = (b"", b"{", json.dumps(MINIMAL).encode(), b" " * (256 * 1024 + 1), b"\xff")


def tell(answers: Iterable[Answer], secret: str, log: pytest.LogCaptureFixture) -> list[str]:
    """Where the secret has come out."""
    found = [
        f"{answer.status} {answer.headers} {answer.raw.decode()}"
        for answer in answers
        if secret.encode() in answer.raw.lower() or secret in str(answer.headers).lower()
    ]
    records = [f"{r.getMessage()} {r.exc_text or ''} {r.__dict__}" for r in log.records]
    return found + [text for text in (*records, log.text) if secret in text.lower()]


@EVERYWHERE
def test_no_authorization_header_comes_out_again(
    people: People, caplog: pytest.LogCaptureFixture, method: str, path: str
) -> None:
    caplog.set_level(logging.DEBUG)
    callers = [Api(authorization) for authorization in AUTHORIZATIONS]
    assert tell([caller.send(method, path) for caller in callers], DIGITS, caplog) == []
    assert tell([Api(UNKNOWN).send(method, path, raw) for raw in BODIES], DIGITS, caplog) == []
    for api in (people.owner, people.teammate):
        key = str(api.authorization).removeprefix("Bearer uptime_")
        assert tell([api.send(method, path, raw) for raw in BODIES], key, caplog) == []


@pytest.mark.parametrize("broken", ["", "monitors.", "key_uses."])
@EVERYWHERE
def test_nor_when_something_breaks(
    deps: FakeDeps,
    people: People,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    broken: str,
) -> None:
    def fail(verb: str, phase: str) -> None:
        if verb.startswith(broken):
            raise RuntimeError(verb)

    deps.store.on_call = fail
    caplog.set_level(logging.DEBUG)
    key = str(people.owner.authorization).removeprefix("Bearer uptime_")
    for api, secret in ((Api(UNKNOWN), DIGITS), (people.owner, key)):
        assert tell([api.send(method, path, raw) for raw in BODIES], secret, caplog) == []
    assert people.owner.get("/v1/monitors").status == 500


MARK = "intruder"
BREAKS = (
    "\r\nX-Intruder: 1",
    "\nX-Intruder: 1",
    "\rX-Intruder: 1",
    "\x00",
    "\x85X-Intruder: 1",
    "\u2028",
    "é",
)
NAMES = (
    "Accept",
    "Content-Disposition",
    "Cookie",
    "ETag",
    "Forwarded",
    "Host",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "Location",
    "Origin",
    "Range",
    "Referer",
    "User-Agent",
    "X-Amzn-Trace-Id",
    "X-Correlation-Id",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-HTTP-Method-Override",
    "X-Original-URL",
    "X-Request-Id",
    "X-Rewrite-URL",
)
OURS = {
    "access-control-allow-origin",
    "allow",
    "cache-control",
    "content-length",
    "content-security-policy",
    "content-type",
    "cross-origin-resource-policy",
    "etag",
    "idempotency-replayed",
    "referrer-policy",
    "retry-after",
    "www-authenticate",
    "x-content-type-options",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
}


@pytest.mark.parametrize("text", ["", *BREAKS], ids=repr)
@EVERYWHERE
def test_nothing_of_a_request_gets_into_a_header_of_its_answer(
    owner: Api, method: str, path: str, text: str
) -> None:
    hostile = f"{MARK}{text}"
    escaped = "".join(f"%{byte:02X}" for byte in hostile.encode())
    headers = dict.fromkeys(NAMES, hostile)
    good = {**MINIMAL, "name": hostile, "scopes": ["monitors:read"], "id": hostile, "Location": hostile}
    answers = [
        owner.send(method, path, json.dumps(good).encode()),
        owner.send(method, path, b"{", query=f"limit={escaped}&{escaped}=1&label={escaped}", headers=headers),
        owner.send(method, path, content_type=hostile, raw=b"{}"),
        owner.send(method, path.replace("mon_", escaped)),
        owner.send(method, f"{path}{escaped}"),
        Api(hostile).send(method, path, headers=headers),
    ]
    for answer in answers:
        assert set(answer.headers) <= OURS
        assert MARK not in str(answer.headers).lower()
        assert not [
            value for value in answer.headers.values() if not value.isascii() or not value.isprintable()
        ]
        assert answer.status < 500


@pytest.mark.parametrize(
    "key",
    [
        "k" * 10_000,
        '"' + "k" * 10_000,
        "\\" * 10_000,
        '"' + '\\"' * 5_000,
        "\xff\xfe",
        "k\x00",
        "k\x7f",
        "k\tk",
    ],
    ids=range(8),
)
def test_an_idempotency_key_that_is_none_is_named_and_uses_nothing_up(owner: Api, key: str) -> None:
    headers = {"Idempotency-Key": key}
    answer = owner.send("POST", "/v1/monitors", json.dumps(MINIMAL).encode(), headers=headers)
    assert answer.fields == ["Idempotency-Key"]
    assert owner.get("/v1/monitors").data == []


def test_a_key_without_the_right_gets_no_replay(people: People) -> None:
    headers = {"Idempotency-Key": "shared"}
    raw = json.dumps(MINIMAL).encode()
    assert people.owner.send("POST", "/v1/monitors", raw, headers=headers).status == 201
    assert people.teammate.send("POST", "/v1/monitors", raw, headers=headers).code == "FORBIDDEN"
    assert Api(UNKNOWN).send("POST", "/v1/monitors", raw, headers=headers).code == "UNAUTHORIZED"


def test_a_key_that_is_anothers_name_finds_nothing_of_it(people: People) -> None:
    """What is kept of a request is found under a digest of team, route and key: no text crosses over."""
    raw = json.dumps(MINIMAL).encode()
    route, team = "POST /v1/monitors", people.owner.team_id
    first = people.owner.send("POST", "/v1/monitors", raw, headers={"Idempotency-Key": "k"})
    for key in (f"{team}k", f"{team}{route}k", f"{team}|{route}|k", f"{team}#k"):
        answer = people.stranger.send("POST", "/v1/monitors", raw, headers={"Idempotency-Key": key})
        assert answer.status == 201
        assert answer.data["id"] != first.data["id"]
