"""What is a body and what is not (contract, section 1)."""

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chalicelib.errors import Detail, InvalidInput
from chalicelib.routes.body import MAX_DEPTH, parse_object
from tests.routes.client import MINIMAL, Api, People, invoke, lambda_event, vouched

BIG = 256 * 1024
TEXT = json.dumps(MINIMAL)


def with_field(text: str) -> bytes:
    """A valid body with one more, unknown field."""
    return (TEXT[:-1] + f', "x": {text}}}').encode()


def post(owner: Api, raw: bytes, content_type: str | None = "application/json") -> Any:
    return owner.send("POST", "/v1/monitors", raw, content_type=content_type)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b"{]",
        b'{"name"}',
        b'{"name":}',
        b'{"name":"a",}',
        b"{'name':'a'}",
        b'{"name":"a"} {}',
        b'{"name":"a"}x',
        b'{"name":"a\nb"}',
        b'{"name":"\\x41"}',
        b'{"name":"\\u12"}',
        b'{"n":01}',
        b'{"n":.5}',
        b'{"n":+1}',
        b'{"n":0x10}',
        b"/* c */ {}",
        b"\xef\xbb\xbf{}",
        b"nul",
    ],
)
def test_malformed_json_is_400_on_the_body(owner: Api, raw: bytes) -> None:
    assert post(owner, raw).fields == ["body"]


@pytest.mark.parametrize("is_encoded", [True, False])
def test_a_body_may_arrive_in_base64(people: People, is_encoded: bool) -> None:
    """As the deployed gateway delivers every one: it is told that all types are binary."""
    event = lambda_event("POST", "/v1/monitors", vouched(people.owner.team_id, ["monitors:write"]))
    raw = json.dumps({**MINIMAL, "name": "Größe"}, ensure_ascii=False)
    body = base64.b64encode(raw.encode()).decode() if is_encoded else raw
    answer = invoke({**event, "body": body, "isBase64Encoded": is_encoded})
    assert (answer.status, answer.data["name"]) == (201, "Größe")


@pytest.mark.parametrize("raw", [b"[]", b'"text"', b"1", b"1.5", b"true", b"null", b"[{}]"])
def test_a_document_that_is_not_an_object_is_400_on_the_body(owner: Api, raw: bytes) -> None:
    assert post(owner, raw).fields == ["body"]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonx",
        "application/json-patch+json",
        "application/json, text/plain",
        "json",
        "x/application/json",
    ],
)
def test_another_content_type_is_400_on_the_body(owner: Api, content_type: str) -> None:
    assert post(owner, TEXT.encode(), content_type).fields == ["body"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json ; charset=utf-8",
        " application/json ",
        None,
    ],
)
def test_json_in_any_casing_with_a_charset_or_without_a_content_type_passes(
    owner: Api, content_type: str | None
) -> None:
    assert post(owner, TEXT.encode(), content_type).status == 201


def test_a_get_with_an_odd_content_type_passes(owner: Api) -> None:
    answer = owner.send("GET", "/v1/monitors", b"whatever", content_type="text/plain")
    assert answer.status == 200


@pytest.mark.parametrize("content_type", ["image/png", "application/octet-stream", "text/plain"])
@pytest.mark.parametrize("accept", ["image/png", "text/html", "application/octet-stream", "*/*"])
def test_no_pair_of_accept_and_content_type_gets_the_frameworks_own_answer(
    owner: Api, accept: str, content_type: str
) -> None:
    headers = {"Accept": accept}
    sent = owner.send("POST", "/v1/monitors", b"{}", headers=headers, content_type=content_type)
    assert sent.fields == ["body"]
    assert owner.get("/v1/monitors", headers=headers).status == 200


@pytest.mark.parametrize(
    "raw",
    [
        b'{"name":"a","name":"b"}',
        b'{"name":"a","name":"a"}',
        b'{"x":{"y":1,"y":1}}',
        b'{"x":[{"y":1,"\\u0079":1}]}',
    ],
)
def test_a_duplicate_key_is_400_on_the_body(owner: Api, raw: bytes) -> None:
    assert post(owner, raw).fields == ["body"]


def test_the_same_key_in_two_objects_is_no_duplicate(owner: Api) -> None:
    assert post(owner, with_field('[{"y":1},{"y":1}]')).status == 201


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_json_does_not_have_are_400_on_the_body(owner: Api, text: str) -> None:
    assert post(owner, with_field(text)).fields == ["body"]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"name":"\xff"}',
        b'{"name":"\xc3"}',
        b'{"name":"\xc0\x80"}',
        b'{"name":"\xed\xa0\x80"}',
        b'{"name":"\xf8\x88\x80\x80\x80"}',
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
    ],
)
def test_anything_but_utf8_is_400_on_the_body(owner: Api, raw: bytes) -> None:
    assert post(owner, raw).fields == ["body"]


@pytest.mark.parametrize(
    "text", [r'"\ud800"', r'"\udfff"', r'"a\ud83d"', r'"\ude00\ud83d"', r'{"\ud800": 1}', r'["\udc00"]']
)
def test_half_of_a_surrogate_pair_is_400_on_the_body(owner: Api, text: str) -> None:
    assert post(owner, with_field(text)).fields == ["body"]


def test_a_whole_surrogate_pair_is_one_character(owner: Api) -> None:
    raw = rb'{"name":"\ud83d\ude00","url":"https://example.com/"}'
    assert post(owner, raw).data["name"] == "😀"


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    """A value with which the whole body is `depth` levels deep."""
    return opening * (depth - 1) + closing * (depth - 1)


def test_twenty_levels_pass_and_twenty_one_do_not(owner: Api) -> None:
    assert MAX_DEPTH == 20
    assert post(owner, with_field(nested(20))).status == 201
    assert post(owner, with_field(nested(21))).fields == ["body"]


def test_objects_count_as_levels_too(owner: Api) -> None:
    def objects(depth: int) -> str:
        return '{"a":' * (depth - 1) + "1" + "}" * (depth - 1)

    assert post(owner, with_field(objects(20))).status == 201
    assert post(owner, with_field(objects(21))).fields == ["body"]


def test_brackets_inside_strings_are_text(owner: Api) -> None:
    assert post(owner, with_field('"' + "[{" * 50 + r"\"[[" + '"')).status == 201


def test_many_brackets_beside_each_other_are_not_deep(owner: Api) -> None:
    assert post(owner, with_field("[" + "[]," * 1000 + "[]]")).status == 201


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 50_000,
        b"]" * 100_000,
        b"]" * 100_000 + b"[" * 100_000,
        b'{"name":"' + b"a" * (BIG - 9),
        b'{"name":"' + b"\\" * (BIG - 9),
        b'{"name":"' + b'\\"' * (BIG // 2 - 9),
        b'{"' * (BIG // 2),
        b'"' * BIG,
        b'""' * (BIG // 2),
        b'{"n":' + b"9" * (BIG - 6) + b"}",
        b'{"n":1e' + b"9" * (BIG - 8) + b"}",
        b'{"n":-' + b"0" * (BIG - 7) + b"}",
        b"-" * BIG,
    ],
    ids=range(15),
)
def test_hostile_bodies_are_refused_in_linear_time(owner: Api, raw: bytes) -> None:
    """A quadratic scan of 256 KB would take minutes: the bound is far from both."""
    begin = time.process_time()
    assert post(owner, raw).fields == ["body"]
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("text", ["9007199254740992", "-9007199254740992", "9007199254740992.0", "9.0e15"])
def test_numbers_up_to_2_to_the_53_pass(owner: Api, text: str) -> None:
    assert post(owner, with_field(text)).status == 201


@pytest.mark.parametrize(
    "text",
    ["9007199254740993", "-9007199254740993", "1e16", "-1e16", "1e400", "-1e400", "123456789012345678901234"],
)
def test_numbers_beyond_2_to_the_53_are_400_on_the_body(owner: Api, text: str) -> None:
    assert post(owner, with_field(text)).fields == ["body"]


@pytest.mark.parametrize("text", ["60", "60.0", "6e1", "6.0E+1", "600e-1", "60.000000000000000000000"])
def test_sixty_in_any_spelling_is_an_integer(owner: Api, text: str) -> None:
    raw = (TEXT[:-1] + f', "intervalSeconds": {text}}}').encode()
    answer = post(owner, raw)
    assert answer.status == 201
    assert answer.data["intervalSeconds"] == 60
    assert isinstance(answer.data["intervalSeconds"], int)


@pytest.mark.parametrize("text", ["60.5", '"60"', "true", "null", "[60]", "{}", "60.0000001"])
def test_what_is_not_an_integer_fails_on_its_own_field(owner: Api, text: str) -> None:
    raw = (TEXT[:-1] + f', "intervalSeconds": {text}}}').encode()
    assert post(owner, raw).fields == ["intervalSeconds"]


def test_an_update_reads_its_body_by_the_same_rules(owner: Api) -> None:
    path = f"/v1/monitors/{owner.create()['id']}"
    for raw in (b"", b"[]", b'{"name":"a","name":"b"}', b"\xff", b'{"x":NaN}', b"[" * 100_000):
        assert owner.send("PUT", path, raw).fields == ["body"]
    assert owner.send("PUT", path, b"{}", content_type="text/plain").fields == ["body"]


FIELD_NAMES = st.sampled_from(
    [
        "name",
        "url",
        "method",
        "expectedStatus",
        "intervalSeconds",
        "degradedAfterMs",
        "timeoutSeconds",
        "locationHint",
        "sslMonitoringEnabled",
        "sslExpiryWarningDays",
        "enabled",
        "public",
        "headers",
        "body",
        "id",
        "status",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text().map("https://".__add__),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIXTURE_IS_SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=150, deadline=None, suppress_health_check=FIXTURE_IS_SHARED)
@given(st.dictionaries(FIELD_NAMES | st.text(), VALUES), st.booleans())
@example({"url": "http://[::1"}, False)
@example({"url": "https://\u2100.example/", "name": "x"}, True)
@example({"url": "https://xn--a.example/"}, True)
def test_no_json_object_is_ever_a_500(owner: Api, body: dict[str, Any], is_update: bool) -> None:
    raw = json.dumps(body).encode()
    if is_update:
        target = owner.get("/v1/monitors").data or [owner.create()]
        answer = owner.send("PUT", f"/v1/monitors/{target[0]['id']}", raw)
    else:
        answer = owner.send("POST", "/v1/monitors", raw)
    assert answer.status in (200, 201) or answer.code in ("VALIDATION_ERROR", "LIMIT_EXCEEDED")


CONFUSING = st.text(alphabet='{}[]",:\\u0d8e+-.19 truefalsn', max_size=60).map(str.encode)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | CONFUSING)
def test_any_bytes_are_an_object_or_refused(raw: bytes) -> None:
    bad: tuple[Detail, ...] = ()
    try:
        assert parse_object(raw, None) == json.loads(raw)
    except InvalidInput as refusal:
        bad = refusal.details
    assert {detail.field for detail in bad} <= {"body"}
