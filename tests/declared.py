"""Holds answers against what their routes declare: the status, the code, the headers, every field."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from app import app
from packager.openapi import codes_of, document, live_operations

RATE_HEADERS = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}


def closed(schema: Any) -> Any:
    """The schema with no room for a field that it does not name."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "properties" in schema:
        schema = {"additionalProperties": False, **schema}
    return {name: closed(value) for name, value in schema.items()}


DOCUMENT = document(app)
CODES = {(path, method): codes_of(operation) for path, method, operation, _ in live_operations(app)}
ANSWERS = {(path, method): operation.answers for path, method, operation, _ in live_operations(app)}
SCHEMAS = {"components": {"schemas": closed(deepcopy(DOCUMENT["components"]["schemas"]))}}


def check_answer(method: str, resource: str, status: int, headers: Mapping[str, str], raw: bytes) -> None:
    """Of a request that reached the function. `resource` is the route's path; header names are in lower case.

    Raises AssertionError or jsonschema's ValidationError.
    """
    operation = DOCUMENT["paths"].get(resource, {}).get(method.lower())
    if operation is None:
        assert status in (404, 405), (method, resource, status)
        assert not RATE_HEADERS & set(headers)
        return check_schema({"$ref": "#/components/schemas/ErrorAnswer"}, raw, method)
    assert str(status) in operation["responses"], f"{method} {resource} does not declare {status}"
    response = operation["responses"][str(status)]
    wanted = {name.lower() for name in response.get("headers", {})} - {"idempotency-replayed"}
    assert wanted <= set(headers), (method, resource, status, wanted - set(headers))
    if status == 304 or not response.get("content"):
        assert raw == b""
        return None
    ((content_type, content),) = response["content"].items()
    assert headers["content-type"].partition(";")[0] == content_type
    if content_type == "text/plain" and method != "HEAD":
        assert raw.decode() in content["schema"]["enum"], (method, resource, status, raw)
    if content_type != "application/json":
        return None
    check_schema(content["schema"], raw, method)
    if status >= 400 and method != "HEAD" and status not in ANSWERS.get((resource, method), {}):
        assert (status, json.loads(raw)["error"]["code"]) in CODES[resource, method]
    return None


def check_schema(schema: Mapping[str, Any], raw: bytes, method: str) -> None:
    if method == "HEAD":
        assert raw == b""
        return
    validator = Draft202012Validator({**schema, **SCHEMAS}, format_checker=FormatChecker())
    validator.validate(json.loads(raw))
