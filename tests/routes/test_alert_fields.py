"""/v1/alerts: what each field may be, those of every channel too (contract, section 3.7)."""

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from chalicelib.channels import CHANNELS
from chalicelib.services.alerts import get_alert
from chalicelib.services.deps import Deps
from packager.openapi import document
from tests.fakes import FakeDeps
from tests.routes.alerting import EMAIL, HOOK, MINIMAL, PATH, body, listed, make, path_of
from tests.routes.bounds import NO_BOOLEAN, NO_INTEGER, NO_STRING, id_of, pairs
from tests.routes.client import Api

GOOD: dict[str, list[Any]] = {
    "name": ["x", "x" * 100, "é" * 100, "\U0001f40d" * 100, " "],
    "notifyOnRecovery": [True, False],
    "cooldownMinutes": [0, 1440, 60.0],
    "monitorId": [None],
    "flappingAfter": [None, 2, 1000],
}
BAD: dict[str, list[Any]] = {
    "name": ["", "x" * 101, *NO_STRING],
    "notifyOnRecovery": NO_BOOLEAN,
    "cooldownMinutes": [-1, 1441, *NO_INTEGER],
    "monitorId": [1, True, [], {}],
    "flappingAfter": [1, 0, -5, 1001, "10", True, 2.5],
}
URLS: list[Any] = [
    *NO_STRING,
    "",
    "hooks.example.com",
    "ftp://hooks.example.com/",
    "https://user:pass@hooks.example.com/",
    "https:///x",
    "https://hooks.example.com/".ljust(2049, "a"),
]
CHANNEL_GOOD: dict[tuple[str, str], list[Any]] = {
    ("email", "email"): ["a@b.example", "A.b+c@example.com"],
    ("email", "subjectPrefix"): ["", "x" * 50, "[Üp]"],
    ("webhook", "url"): ["http://127.0.0.1:8000/x", "https://hooks.example.com/".ljust(2048, "a")],
    ("webhook", "secret"): ["", "x", "é" * 512, "whsec_c2VjcmV0"],
    ("webhook", "signatureScheme"): ["standard", "sha256"],
    ("slack", "channel"): ["", "#ops"],
    ("pagerduty", "region"): ["us", "eu"],
    ("ntfy", "serverUrl"): ["https://ntfy.example.com"],
}
CHANNEL_BAD: dict[tuple[str, str], list[Any]] = {
    ("email", "email"): ["", "ops", "a@b, c@d", "Ops <ops@example.com>", "ops@exämple.com", *NO_STRING],
    ("email", "subjectPrefix"): ["x" * 51, *NO_STRING],
    ("webhook", "url"): URLS,
    ("webhook", "secret"): ["x" * 513, "whsec_?", *NO_STRING],
    ("webhook", "signatureScheme"): ["md5", "", *NO_STRING],
    ("slack", "webhookUrl"): URLS,
    ("slack", "channel"): ["x" * 256, *NO_STRING],
    ("discord", "webhookUrl"): URLS,
    ("telegram", "botToken"): ["", "token", *NO_STRING],
    ("telegram", "chatId"): ["", 5, *NO_STRING],
    ("teams", "webhookUrl"): URLS,
    ("pagerduty", "routingKey"): ["", "x" * 31, *NO_STRING],
    ("pagerduty", "region"): ["asia", *NO_STRING],
    ("ntfy", "topic"): ["", "a/b", *NO_STRING],
    ("ntfy", "serverUrl"): ["https://ntfy.example.com/topic", *URLS],
    ("ntfy", "accessToken"): ["", "a b", *NO_STRING],
}


def channel_pairs(table: dict[tuple[str, str], list[Any]]) -> list[tuple[str, str, Any]]:
    return [(*key, value) for key, values in table.items() for value in values]


def stored_config(deps: Deps, api: Api, alert: Any) -> Any:
    return get_alert(deps, api.team_id, alert["id"]).config


def test_every_channel_is_described_as_it_is(owner: Api) -> None:
    from app import app

    schemas = document(app)["components"]["schemas"]
    variants = schemas["AlertCreate"]["discriminator"]["mapping"]
    common = {"name", "strategy", "notifyOnRecovery", "cooldownMinutes", "monitorId", "flappingAfter"}
    assert set(variants) == set(CHANNELS) == set(schemas["AlertStrategy"]["enum"])
    every_field = set()
    for strategy, module in CHANNELS.items():
        fields = import_module(module).FIELDS
        every_field |= set(fields)
        variant = schemas[variants[strategy].rpartition("/")[2]]
        required = {name for name, field in fields.items() if field.is_required}
        assert set(variant["properties"]) == common | set(fields)
        assert set(variant["required"]) == {"name", "strategy"} | required
        secret = {name for name, schema in variant["properties"].items() if schema.get("writeOnly")}
        assert secret == {name for name, field in fields.items() if field.is_secret}
    assert set(schemas["AlertUpdate"]["properties"]) == common | every_field | {"enabled"}


@pytest.mark.parametrize(("field", "value"), pairs(GOOD), ids=id_of)
def test_a_value_at_its_bound_is_taken_and_shown_again(owner: Api, field: str, value: Any) -> None:
    made = make(owner, **{field: value})
    assert made[field] == value
    assert owner.get(path_of(made)).json == made
    other = make(owner)
    assert owner.put(path_of(other), {field: value}).json[field] == value
    assert owner.get(path_of(other)).json[field] == value


@pytest.mark.parametrize(("field", "value"), pairs(BAD), ids=id_of)
def test_a_value_past_its_bound_is_refused_by_name(owner: Api, field: str, value: Any) -> None:
    assert owner.post(PATH, {**EMAIL, field: value}).fields == [field]
    made = make(owner)
    assert owner.put(path_of(made), {field: value}).fields == [field]
    assert listed(owner) == [made]


@pytest.mark.parametrize(("strategy", "field", "value"), channel_pairs(CHANNEL_GOOD), ids=id_of)
def test_a_channels_value_at_its_bound_is_taken(
    deps: FakeDeps, owner: Api, strategy: str, field: str, value: Any
) -> None:
    made = make(owner, strategy, **{field: value})
    assert stored_config(deps, owner, made) == {**MINIMAL[strategy], field: value}
    other = make(owner, strategy)
    assert owner.put(path_of(other), {field: value}).status == 200
    assert stored_config(deps, owner, other) == {**MINIMAL[strategy], field: value}


@pytest.mark.parametrize(("strategy", "field", "value"), channel_pairs(CHANNEL_BAD), ids=id_of)
def test_a_channels_value_past_its_bound_is_refused_by_name(
    deps: FakeDeps, owner: Api, strategy: str, field: str, value: Any
) -> None:
    assert owner.post(PATH, body(strategy, **{field: value})).fields == [field]
    made = make(owner, strategy)
    assert owner.put(path_of(made), {field: value}).fields == [field]
    assert stored_config(deps, owner, made) == MINIMAL[strategy]
    assert listed(owner) == [made]


def test_every_bad_field_is_named_at_once(owner: Api) -> None:
    assert owner.post(PATH, {}).fields == ["name", "strategy"]
    common = {name: values[0] for name, values in BAD.items()}
    assert owner.post(PATH, {**common, "strategy": "sms"}).fields == sorted([*BAD, "strategy"])
    for strategy, fields in MINIMAL.items():
        assert owner.post(PATH, {**common, "strategy": strategy}).fields == sorted([*BAD, *fields])
        bad = {**common, **dict.fromkeys(fields, 1)}
        assert owner.post(PATH, {**bad, "strategy": strategy}).fields == sorted(bad)
        made = make(owner, strategy)
        assert owner.put(path_of(made), bad).fields == sorted(bad)
        foreign = {"strategy": "sms", "chatId": "5", "region": "eu", "secret": 1}
        expected = {"strategy", *bad, *(foreign if strategy not in ("telegram", "pagerduty") else ())}
        assert set(owner.put(path_of(made), {**foreign, **bad}).fields) >= expected - {"secret"}
        owner.delete(path_of(made))


@pytest.mark.parametrize("value", ["sms", "", "Email", "email ", 1, None, [], {}, ["email"]])
def test_a_strategy_is_one_of_ours(owner: Api, value: Any) -> None:
    assert owner.post(PATH, {**EMAIL, "strategy": value}).fields == ["strategy"]
    assert owner.put(path_of(make(owner)), {"strategy": value}).fields == ["strategy"]


@pytest.mark.parametrize("strategy", CHANNELS)
def test_a_strategy_stays_and_anothers_fields_are_refused(deps: FakeDeps, owner: Api, strategy: str) -> None:
    made = make(owner, strategy)
    assert owner.put(path_of(made), {"strategy": strategy}).json == made
    own = set(import_module(CHANNELS[strategy]).FIELDS)
    for other, fields in MINIMAL.items():
        foreign = sorted(set(fields) - own)
        for name in foreign:
            assert owner.put(path_of(made), {name: fields[name]}).fields == [name]
        if other != strategy:
            answer = owner.put(path_of(made), {"strategy": other, **fields})
            assert answer.fields == sorted(["strategy", *foreign])
    assert stored_config(deps, owner, made) == MINIMAL[strategy]


def test_unknown_keys_and_on_creation_anothers_fields_are_ignored(deps: FakeDeps, owner: Api) -> None:
    made = make(owner, id="alt_1", teamId="team_1", enabled=False, url=5, x={})
    assert made["enabled"] is True
    assert stored_config(deps, owner, made) == MINIMAL["email"]
    assert owner.put(path_of(made), {"createdAt": "x", "y": []}).json == made


def test_a_put_merges_the_channel_and_the_whole_must_be_good(deps: FakeDeps, owner: Api) -> None:
    made = make(owner, "webhook", secret="s3cret")
    deps.at += timedelta(minutes=1)
    changed = owner.put(path_of(made), {"signatureScheme": "sha256"}).json
    assert changed == {**made, "updatedAt": "2026-03-01T12:01:00Z"}
    assert owner.put(path_of(made), {"secret": "whsec_?"}).status == 200
    assert owner.put(path_of(made), {"signatureScheme": "standard"}).fields == ["secret"]
    assert owner.put(path_of(made), {"signatureScheme": "standard", "secret": ""}).status == 200
    assert stored_config(deps, owner, made) == {"url": HOOK, "signatureScheme": "standard", "secret": ""}


@pytest.mark.parametrize("raw", [b"", b"[", b"[]", b'{"name": "x", "name": "y"}'])
def test_a_body_that_is_no_object_is_refused_as_a_whole(owner: Api, raw: bytes) -> None:
    assert owner.send("POST", PATH, raw).fields == ["body"]
    assert owner.send("PUT", path_of(make(owner)), raw).fields == ["body"]


@pytest.mark.parametrize("value", [False, None, 1, "true"])
def test_an_alert_cannot_be_disabled_by_hand(owner: Api, value: Any) -> None:
    assert owner.put(path_of(make(owner)), {"enabled": value}).fields == ["enabled"]
