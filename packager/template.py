"""Finish the template that `chalice package` wrote, and name what would make it wrong to deploy."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

from chalicelib.settings import PING_PREFIX
from packager.gateway import gateway_responses

Template = dict[str, Any]

ANY_METHOD: Final = "x-amazon-apigateway-any-method"
GATEWAY_RESPONSES: Final = "x-amazon-apigateway-gateway-responses"
BINARY_TYPES: Final = "x-amazon-apigateway-binary-media-types"
"""Bodies of these types reach the function in base64. All others would arrive as UTF-8, and what is none is
mangled; one without a type counts as JSON. Answers are text all the same, unless the function says otherwise:
Chalice knows nothing of this, and goes by its own list."""
CATCH_ALL: Final = "/{proxy+}"
PUBLIC_PATHS: Final = frozenset({"/v1/openapi.json"})
"""The paths under /v1 that ask for no key."""

_INTEGRATION: Final = "x-amazon-apigateway-integration"
_FUNCTION: Final = "AWS::Serverless::Function"
_API: Final = "APIHandler"
_METHODS: Final = frozenset({"get", "head", "post", "put", "patch", "delete", "options"})
_VARIABLE: Final = re.compile(r"\{(\w+)\+?\}")


def finish(template: Template, code_uri: str, variables: Mapping[str, str] | None = None) -> Template:
    """The template with its zip, with the methods that reach the function only to be refused there, with the
    gateway's own answers, and with bodies that arrive as they were sent. `variables` are the
    API's beside those of the configuration, which win."""
    finished = deepcopy(template)
    for function in functions(finished).values():
        function["Properties"]["CodeUri"] = code_uri
    body = definition(finished)
    integration = next(operation[_INTEGRATION] for _, _, operation in operations(finished))
    for path in [*body["paths"], CATCH_ALL]:
        body["paths"].setdefault(path, {})[ANY_METHOD] = _refusing_method(path, integration)
    body[GATEWAY_RESPONSES] = gateway_responses()
    body[BINARY_TYPES] = ["*/*"]
    if variables:
        properties = finished["Resources"][_API]["Properties"]
        known = properties.setdefault("Environment", {}).setdefault("Variables", {})
        properties["Environment"]["Variables"] = {**variables, **known}
    return finished


def _refusing_method(path: str, integration: dict[str, Any]) -> dict[str, Any]:
    """Without it API Gateway answers 403 by itself; Chalice answers 405, and 404 behind the catch-all."""
    names = _VARIABLE.findall(path)
    return {
        "parameters": [{"name": n, "in": "path", "required": True, "type": "string"} for n in names],
        "produces": ["application/json"],
        "responses": {},
        _INTEGRATION: deepcopy(integration),
    }


def functions(template: Template) -> dict[str, dict[str, Any]]:
    """The functions by logical id."""
    return {name: r for name, r in template["Resources"].items() if r.get("Type") == _FUNCTION}


def definition(template: Template) -> dict[str, Any]:
    """The Swagger document of the API."""
    body: dict[str, Any] = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    return body


def operations(template: Template) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of every method that the application declares."""
    for path, item in definition(template)["paths"].items():
        for method, operation in item.items():
            if method in _METHODS:
                yield path, method, operation


def problems(template: Template) -> list[str]:
    """What Chalice, the merge and the linter let pass; a line each."""
    return [
        *_stray_resources(template),
        *_wrong_authorizers(template),
        *_unlike_siblings(template),
        *_shared_roles(template),
        *_other_prefix(template),
    ]


def _stray_resources(template: Template) -> Iterator[str]:
    """A misspelt logical id in the merged file makes a resource of its own."""
    for name, resource in template["Resources"].items():
        if "Type" not in resource:
            yield f"{name}: a resource without a type"


def _wrong_authorizers(template: Template) -> Iterator[str]:
    for path, method, operation in operations(template):
        is_private = path.startswith("/v1/") and path not in PUBLIC_PATHS
        if is_private and operation.get("security") != [{"authorize": []}]:
            yield f"{method.upper()} {path}: no authorizer"
        if not is_private and operation.get("security"):
            yield f"{method.upper()} {path}: an authorizer on a public path"
    for path, item in definition(template)["paths"].items():
        if item.get(ANY_METHOD, {}).get("security"):
            yield f"{path}: an authorizer on the refusing method"


def _unlike_siblings(template: Template) -> Iterator[str]:
    """API Gateway wants one variable name per node of the tree of paths, and says so only when deploying."""
    names: dict[str, str] = {}
    for path in definition(template)["paths"]:
        parts = path.split("/")
        for depth, part in enumerate(parts):
            if part.startswith("{") and path != CATCH_ALL:
                parent = "/".join(parts[:depth])
                if names.setdefault(parent, part) != part:
                    yield f"{path}: {part} beside {names[parent]} under {parent}"


def _other_prefix(template: Template) -> Iterator[str]:
    """The routes were declared with one; their function must find itself under it."""
    environment = functions(template).get(_API, {}).get("Properties", {}).get("Environment", {})
    prefix = environment.get("Variables", {}).get(PING_PREFIX)
    if prefix is not None and f"{prefix}/{{code}}" not in definition(template)["paths"]:
        yield f"{PING_PREFIX}: no route begins with {prefix}; set it for `make package`, and nowhere else"


def _shared_roles(template: Template) -> Iterator[str]:
    owner: dict[str, str] = {}
    for name, function in functions(template).items():
        role = str(function["Properties"]["Role"])
        if owner.setdefault(role, name) != name:
            yield f"{name}: shares its role with {owner[role]}"
