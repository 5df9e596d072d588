"""The OpenAPI document, made of what the live routes declare. Written at build time, served as a file.

`python -m packager.openapi` writes `chalicelib/static/openapi.json`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic.alias_generators import to_camel
from pydantic.json_schema import models_json_schema

from chalicelib.domain.idempotency import MAX_KEY_LENGTH
from chalicelib.errors import AppError, Detail, InvalidInput
from chalicelib.routes.operation import JSON, Operation, load_model
from chalicelib.routes.query import Parameter, Whole
from chalicelib.routes.reference import STATIC
from chalicelib.routes.replies import error_body

if TYPE_CHECKING:
    from chalice.app import Chalice

    Schemas = Mapping[Any, dict[str, Any]]

Live = tuple[str, str, Operation, Callable[..., Any]]
"""A route's path, method, declaration and view."""

VERSION: Final = "1"
TEXT: Final = "text/plain"
_KEY_PATTERN: Final = r'^([!#-~]([ -~]*[!-~])?|"([ !#-\[\]-~]|\\["\\])+")$'
"""Bare, or the quoted string of the IETF draft."""
_ERROR: Final = "fields:ErrorAnswer"

_ABOUT: Final = Path(__file__).with_name("about.md")

_TAGS: Final = {
    "monitors": "HTTP monitors, their results and figures.",
    "dns-monitors": "What names resolve to.",
    "tcp-monitors": "Whether a port accepts connections.",
    "cron-jobs": "Jobs that report in by themselves, and are missed when they do not.",
    "push-monitors": "What pushes to us, as to Uptime Kuma, and is down when it falls silent.",
    "ping-key": "With it and a slug, cron jobs report in without knowing their tokens.",
    "ping": "One check right now.",
    "alerts": "Who is told what, by which channel, and what they have been told.",
    "maintenance": "Times of planned work, in which nobody is alerted.",
    "status": "All HTTP monitors at a glance.",
    "api-keys": "Who may call this API.",
    "heartbeats": "Where cron jobs and push monitors report in; no key needed but the one in the URL.",
    "badges": "Images for web pages; no key needed.",
    "reference": "This description; no key needed.",
}

_HEADERS: Final = {
    "X-RateLimit-Limit": ("Requests that the window allows.", "integer"),
    "X-RateLimit-Remaining": ("Requests left in the window.", "integer"),
    "X-RateLimit-Reset": ("When the window ends, in Unix seconds.", "integer"),
    "Retry-After": ("Seconds to wait, at least 1.", "integer"),
    "Idempotency-Replayed": ("`true` when this is the first answer again.", "string"),
    "WWW-Authenticate": ("`Bearer`.", "string"),
    "X-Request-Id": ("Under which our log has the failure.", "string"),
    "ETag": ("Of this answer; compared weakly.", "string"),
    "Cache-Control": ("How long the answer may be kept, by anyone.", "string"),
    "Ping-Body-Limit": ("Of a body so many bytes are kept.", "integer"),
    "Access-Control-Allow-Origin": ("`*`.", "string"),
}
_CACHE_HEADERS: Final = ("ETag", "Cache-Control")
_PING_HEADERS: Final = ("Ping-Body-Limit", "Access-Control-Allow-Origin")
_RATE_HEADERS: Final = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_HEADERS_OF: Final = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 500: ("X-Request-Id",)}

_MEANINGS: Final = {
    400: "The request is not valid",
    401: "The key is missing or not valid",
    403: "The key lacks the scope",
    404: "There is no such resource",
    409: "In conflict with what is there",
    413: "The body is too large",
    429: "Too many requests",
    500: "A failure of ours",
}


def live_operations(app: "Chalice") -> Iterator[Live]:
    """Every route that the application serves."""
    for path, methods in sorted(app.routes.items()):
        for method, entry in sorted(methods.items()):
            view: Any = entry.view_function
            yield path, method, view.operation, view


def document(app: "Chalice") -> dict[str, Any]:
    """The whole document, deterministic."""
    operations = list(live_operations(app))
    schemas, definitions = _schemas([operation for _, _, operation, _ in operations])
    paths: dict[str, dict[str, Any]] = {}
    for path, method, operation, view in operations:
        described = _described(method, operation, view, schemas)
        if operation.is_creating and not operation.is_job_ping:  # of those pings, no body can be asked for
            described["responses"][str(operation.status)]["links"] = _links(operation, operations)
        paths.setdefault(path, {})[method.lower()] = described
    used = {tag for item in paths.values() for described in item.values() for tag in described["tags"]}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Uptime API", "version": VERSION, "description": _ABOUT.read_text()},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items() if name in used],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "headers": {
                name: {"description": text, "schema": {"type": kind}}
                for name, (text, kind) in _HEADERS.items()
            },
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`uptime_` and 64 hexadecimal digits.",
                }
            },
        },
    }


def _schemas(operations: Sequence[Operation]) -> "tuple[Schemas, dict[str, Any]]":
    """A reference for every model that is declared, and the definitions they refer to."""
    requests = {load_model(o.body) for o in operations if o.body}
    named = {name for o in operations for name in (o.answer, *o.answers.values()) if name}
    answers = {load_model(name) for name in (*named, _ERROR)}
    inputs = [(model, "validation") for model in sorted(requests | answers, key=lambda m: m.__name__)]
    found, whole = models_json_schema(inputs, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    definitions: dict[str, Any] = whole["$defs"]
    for definition in definitions.values():
        _drop_titles(definition)
    return {model: schema for (model, _), schema in found.items()}, definitions


def _drop_titles(schema: Any) -> None:
    """Pydantic repeats every name as a title."""
    if isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        for value in schema.values():
            _drop_titles(value)
    elif isinstance(schema, list):
        for value in schema:
            _drop_titles(value)


def _described(
    method: str, operation: Operation, view: Callable[..., Any], schemas: "Schemas"
) -> dict[str, Any]:
    summary, _, rest = (view.__doc__ or "").strip().partition("\n")
    described: dict[str, Any] = {
        "operationId": _operation_id(method, operation, view),
        "tags": [operation.tag or _tag(operation.path)],
        "summary": summary.rstrip("."),
        "description": _description(operation, rest),
        "security": [] if operation.is_public else [{"apiKey": [operation.scope]}],
        "parameters": list(_parameters(operation)),
        "responses": _responses(method, operation, schemas),
    }
    if operation.body:
        content = {JSON: {"schema": schemas[load_model(operation.body)]}}
        described["requestBody"] = {"required": True, "content": content}
    elif operation.texts and method == "POST":
        described["requestBody"] = {
            "required": False,
            "description": "Any bytes of any type; the first 100,000 are kept.",
            "content": {TEXT: {"schema": {"type": "string"}}},
        }
    return described


def _operation_id(method: str, operation: Operation, view: Callable[..., Any]) -> str:
    return (operation.name or to_camel(view.__name__)) + ("Headers" if method == "HEAD" else "")


def _links(operation: Operation, others: Sequence[Live]) -> dict[str, Any]:
    """What can be done next with that which was made: every operation that takes its id."""
    assert operation.answer is not None
    given = {name: f"$request.path.{name}" for name in operation.variables}
    made = "/data/id" if "data" in load_model(operation.answer).model_fields else "/id"
    links = {}
    for path, method, other, view in others:
        new = other.variables[len(given) :]
        if path.startswith(f"{operation.path}/{{") and len(new) == 1:
            name = _operation_id(method, other, view)
            parameters = {**given, new[0]: f"$response.body#{made}"}
            links[name] = {"operationId": name, "parameters": parameters}
    return links


def _tag(path: str) -> str:
    parts = path.strip("/").split("/")
    if parts[0] == "api":
        return "badges"
    return parts[1] if parts[0] == "v1" and "." not in parts[1] else "reference"


def _description(operation: Operation, rest: str) -> str:
    text = " ".join(rest.split())
    scope = "" if operation.is_public else f"Scope: `{operation.scope}`."
    return "\n\n".join(part for part in (text, scope) if part)


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name in operation.variables:
        schema: dict[str, Any] = {"type": "string"}
        if name in operation.ids:
            schema["pattern"] = f"^{operation.ids[name].prefix}_[a-zA-Z0-9]+$"
        elif name in operation.patterns:
            schema["pattern"] = operation.patterns[name]
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    for parameter in operation.query:
        yield {
            "name": parameter.name,
            "in": "query",
            "required": False,
            "description": parameter.description,
            "schema": _query_schema(parameter),
        }
    if operation.is_public and not operation.texts and not operation.answers:
        yield {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "description": "The `ETag` of an answer that is still at hand.",
            "schema": {"type": "string"},
        }
    if operation.is_creating:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Makes the request safe to repeat: see *Creating once*.",
            "schema": {"type": "string", "pattern": _KEY_PATTERN, "maxLength": MAX_KEY_LENGTH},
        }


def _query_schema(parameter: Parameter) -> dict[str, Any]:
    if not isinstance(parameter, Whole):
        return {"type": "string", **parameter.schema}
    schema = {"type": "integer", "default": parameter.default, "minimum": parameter.least}
    return schema if parameter.most is None else {**schema, "maximum": parameter.most}


def _responses(method: str, operation: Operation, schemas: "Schemas") -> dict[str, Any]:
    if operation.texts:
        responses = {str(status): _text(status, texts) for status, texts in sorted(operation.texts.items())}
        return {**responses, "500": _failure(operation, 500, ["INTERNAL_ERROR"], schemas)}
    if operation.answers:
        responses = {
            str(status): _told(status, schemas[load_model(name)])
            for status, name in sorted(operation.answers.items())
        }
        return {**responses, "500": _failure(operation, 500, ["INTERNAL_ERROR"], schemas)}
    responses = {str(operation.status): _success(method, operation, schemas)}
    if operation.is_public:
        responses["304"] = {
            "description": "Not changed since the `If-None-Match` of the request.",
            "headers": _header_references(_CACHE_HEADERS),
        }
    by_status: dict[int, list[str]] = {500: ["INTERNAL_ERROR"]}
    for refusal in operation.refusals:
        by_status.setdefault(refusal.status, []).append(refusal.code)
    for status, codes in sorted(by_status.items()):
        responses[str(status)] = _failure(operation, status, codes, schemas)
    return responses


def _success(method: str, operation: Operation, schemas: "Schemas") -> dict[str, Any]:
    names = list(_CACHE_HEADERS if operation.is_public else _RATE_HEADERS)
    if operation.is_creating:
        names.append("Idempotency-Replayed")
    response: dict[str, Any] = {
        "description": {201: "Created", 204: "Done; no body"}.get(operation.status, "Done"),
        "headers": _header_references(names),
    }
    if operation.answer:
        response["content"] = {operation.content_type: {"schema": schemas[load_model(operation.answer)]}}
    elif operation.content_type != JSON and method != "HEAD":
        response["content"] = {operation.content_type: {"schema": {"type": "string"}}}
    return response


def _text(status: int, texts: Sequence[str]) -> dict[str, Any]:
    names = ["Cache-Control", *(_PING_HEADERS if status < 300 else ()), *_HEADERS_OF.get(status, ())]
    return {
        "description": f"In plain text: {' or '.join(f'`{text}`' for text in texts)}",
        "headers": _header_references(names),
        "content": {TEXT: {"schema": {"type": "string", "enum": list(texts)}}},
    }


def _told(status: int, schema: Any) -> dict[str, Any]:
    return {
        "description": _MEANINGS.get(status, "Done"),
        "headers": _header_references(_HEADERS_OF.get(status, ())),
        "content": {JSON: {"schema": schema}},
    }


def _failure(operation: Operation, status: int, codes: list[str], schemas: "Schemas") -> dict[str, Any]:
    names = [*(() if operation.is_public else _RATE_HEADERS), *_HEADERS_OF.get(status, ())]
    return {
        "description": f"{_MEANINGS[status]}: {', '.join(f'`{code}`' for code in dict.fromkeys(codes))}",
        "headers": _header_references(names),
        "content": {
            JSON: {
                "schema": schemas[load_model(_ERROR)],
                "examples": {code: {"value": _example(code, status)} for code in dict.fromkeys(codes)},
            }
        },
    }


def _example(code: str, status: int) -> dict[str, Any]:
    details = [Detail("intervalSeconds", "Input should be greater than or equal to 60")]
    return error_body(code, f"{_MEANINGS[status]}.", details if code == InvalidInput.code else ())


def _header_references(names: Sequence[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def codes_of(operation: Operation) -> set[tuple[int, str]]:
    """Every (status, code) that the route may answer with."""
    refusals: Sequence[type[AppError]] = operation.refusals
    return {(refusal.status, refusal.code) for refusal in refusals} | {(500, "INTERNAL_ERROR")}


def main() -> None:
    from app import app

    STATIC.mkdir(exist_ok=True)
    (STATIC / "openapi.json").write_text(json.dumps(document(app), ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
