"""The document is what the live routes declare, and stands on its own."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from app import app
from chalicelib.domain.api_key import SCOPES
from chalicelib.routes.operation import Operation, load_model
from chalicelib.routes.reference import STATIC
from packager.openapi import document, live_operations

DOCUMENT = document(app)
OPERATIONS = [
    pytest.param(path, method, operation, id=f"{method} {path}")
    for path, method, operation, _ in live_operations(app)
]


def described(path: str, method: str) -> Any:
    return DOCUMENT["paths"][path][method.lower()]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


WORDS = {
    *("type", "description", "enum", "const", "examples", "default", "format", "pattern", "required"),
    *("properties", "additionalProperties", "propertyNames", "maxProperties", "items", "anyOf", "oneOf"),
    *("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "discriminator", "$ref"),
    *("not", "dependentSchemas", "writeOnly"),
}


def words_of(schema: Any) -> Iterator[str]:
    """The keywords of a schema and of all schemas in it."""
    if isinstance(schema, dict):
        for word, value in schema.items():
            yield word
            if word in ("properties", "dependentSchemas"):
                for field in value.values():
                    yield from words_of(field)
            elif word not in ("examples", "default", "discriminator"):
                yield from words_of(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from words_of(item)


def test_the_live_routes_and_the_document_are_the_same_set() -> None:
    live = {(path, method.lower()) for path, methods in app.routes.items() for method in methods}
    told = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert live == told


def test_the_file_that_is_served_is_the_document_of_these_routes() -> None:
    """`make test` has written it."""
    assert json.loads((STATIC / "openapi.json").read_text()) == DOCUMENT


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    found = set(references(DOCUMENT))
    for reference in found:
        assert resolved(reference)
    schemas = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert schemas <= found


def test_it_is_valid_openapi_in_the_eyes_of_an_independent_validator() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_schema_is_a_valid_json_schema_of_known_words() -> None:
    """A misspelt bound is no error to JSON Schema, only no bound."""
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
        assert set(words_of(schema)) <= WORDS


def test_every_bound_of_a_whole_number_is_told() -> None:
    """Whatever the models enforce: pydantic forgets bounds that stand before a validator."""
    for name in ("HttpMonitorCreate", "HttpMonitorUpdate"):
        field = DOCUMENT["components"]["schemas"][name]["properties"]["intervalSeconds"]
        assert (field["type"], field["minimum"], field["maximum"]) == ("integer", 60, 3600)


def test_operation_ids_are_unique_words() -> None:
    ids = [o["operationId"] for item in DOCUMENT["paths"].values() for o in item.values()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-z][A-Za-z]+", id) for id in ids)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_says_what_it_does_and_which_scope_it_takes(
    path: str, method: str, operation: Operation
) -> None:
    told = described(path, method)
    assert len(told["summary"]) > 10
    (tag,) = told["tags"]
    assert tag in {entry["name"] for entry in DOCUMENT["tags"]}
    assert told["security"] == ([] if operation.is_public else [{"apiKey": [operation.scope]}])
    if not operation.is_public:
        assert operation.scope in SCOPES
        assert f"`{operation.scope}`" in told["description"]


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_model_that_is_named_can_be_loaded(path: str, method: str, operation: Operation) -> None:
    for name in (operation.body, operation.answer):
        if name is not None:
            assert load_model(name).__doc__ is not None or load_model(name).model_fields


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_way_to_fail_is_told(path: str, method: str, operation: Operation) -> None:
    told = {int(status) for status in described(path, method)["responses"]}
    assert {operation.status, 500} <= told
    if not operation.is_public:
        assert {401, 403, 429} <= told
        assert (413 in told) is not operation.is_job_ping
    if operation.body:
        assert 400 in told
    if operation.ids:
        assert 404 in told


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_path_parameters_are_those_of_the_path(path: str, method: str, operation: Operation) -> None:
    names = [p["name"] for p in described(path, method)["parameters"] if p["in"] == "path"]
    assert names == re.findall(r"\{(\w+)\}", path)
    for parameter in described(path, method)["parameters"]:
        assert parameter["required"] is (parameter["in"] == "path")


def test_creating_posts_take_an_idempotency_key_and_nothing_else_does() -> None:
    taking = {
        (path, method)
        for path, item in DOCUMENT["paths"].items()
        for method, told in item.items()
        if any(p["name"] == "Idempotency-Key" for p in told["parameters"])
    }
    creating = {
        (path, method)
        for path, item in DOCUMENT["paths"].items()
        for method, told in item.items()
        if method == "post" and "201" in told["responses"] and told["security"]
    }
    assert taking == creating
    assert len(taking) >= 2


def test_required_fields_are_required_and_absent_ones_have_their_true_default() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    create, update = schemas["HttpMonitorCreate"], schemas["HttpMonitorUpdate"]
    assert create["required"] == ["name", "url"]
    assert create["properties"]["intervalSeconds"]["default"] == 60
    assert "required" not in update
    assert not any("default" in field for field in update["properties"].values())
    assert set(create["properties"]) == set(update["properties"])
    assert set(schemas["HttpMonitor"]["required"]) == set(schemas["HttpMonitor"]["properties"])
    assert set(schemas["HttpResult"]["properties"]) - set(schemas["HttpResult"]["required"]) == {"error"}


def test_bounds_are_told_in_the_words_of_json_schema() -> None:
    """Pydantic passes on its own words where a bound stands behind a function."""
    schemas = json.dumps(DOCUMENT["components"]["schemas"])
    assert not re.search(r'"(ge|gt|le|lt|min_length|max_length)":', schemas)
    interval = DOCUMENT["components"]["schemas"]["HttpMonitorCreate"]["properties"]["intervalSeconds"]
    assert (interval["minimum"], interval["maximum"]) == (60, 3600)


def test_a_creation_leads_to_every_operation_on_what_was_made() -> None:
    links = described("/v1/monitors", "POST")["responses"]["201"]["links"]
    assert {"getHttpMonitor", "updateHttpMonitor", "deleteHttpMonitor", "listHttpResults"} <= set(links)
    assert links["getHttpMonitor"]["parameters"] == {"id": "$response.body#/data/id"}
    links = described("/v1/api-keys", "POST")["responses"]["201"]["links"]
    assert links["deleteApiKey"] == {
        "operationId": "deleteApiKey",
        "parameters": {"id": "$response.body#/id"},
    }


def test_a_ping_by_the_api_promises_no_body() -> None:
    assert "links" not in described("/v1/cron-jobs/{id}/ping", "POST")["responses"]["201"]


TOKEN, KEY = "ae6aa547-4f82-48d3-bfad-14af6fdd6e4c", "9f3k2m7q1x8v4b6n0c5z2a"


@pytest.mark.parametrize("prefix", ["/hb", "/ping"])
@pytest.mark.parametrize(
    ("url", "is_described"),
    [
        *(
            (url, True)
            for url in (TOKEN, f"{TOKEN}/start", f"{TOKEN}/255", f"{KEY}/a_-9", f"{KEY}/{'a' * 100}")
        ),
        *(
            (f"{KEY}/backup/{signal}", True)
            for signal in ("start", "fail", "log", "0", "099", "199", "255", "0255")
        ),
        *((url, False) for url in (TOKEN.upper(), TOKEN[1:], KEY, f"{KEY[1:]}/backup", f"{KEY}/{'a' * 101}")),
        *(
            (f"{KEY}/{rest}", False)
            for rest in ("Backup", "a.b", "backup/256", "backup/", "backup/end", "A/0")
        ),
    ],
)
def test_ping_urls_are_described_as_they_are_read(prefix: str, url: str, is_described: bool) -> None:
    values = url.split("/")
    names = ["code", "part", "suffix"][: len(values)]
    path = "/".join([prefix, *(f"{{{name}}}" for name in names)])
    patterns = {p["name"]: p["schema"].get("pattern") for p in described(path, "GET")["parameters"]}
    fits = [re.search(patterns[name], value) for name, value in zip(names, values, strict=True)]
    assert all(fits) is is_described


@pytest.mark.parametrize(
    ("run_id", "is_described"), [(TOKEN, True), (TOKEN.upper(), True), (TOKEN[1:], False)]
)
def test_run_ids_are_described_as_uuids(run_id: str, is_described: bool) -> None:
    (rid,) = [p for p in described("/hb/{code}", "GET")["parameters"] if p["name"] == "rid"]
    assert bool(re.search(rid["schema"]["pattern"], run_id)) is is_described


def test_a_document_of_the_same_routes_is_the_same_text() -> None:
    assert json.dumps(document(app)) == json.dumps(DOCUMENT)
