"""For the command line of schemathesis (`SCHEMATHESIS_HOOKS`): the keys it calls with, two checks that it
does not have, and what JSON Schema has no words for. Rules go by field and by shape of path, so that a
new operation needs none of its own."""

import json
import os
import uuid
from collections import defaultdict
from collections.abc import Iterator
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from hypothesis import strategies as st
from jsonschema import ValidationError
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

from chalicelib.domain.api_key import MAX_KEYS_PER_TEAM
from chalicelib.domain.content import compile_error
from chalicelib.domain.extras import MAX_CONTENT_CHECKS
from chalicelib.domain.idempotency import parse_key
from chalicelib.domain.request_headers import METHODS_WITHOUT_BODY, header_problems
from chalicelib.domain.target import MAX_URL_LENGTH
from chalicelib.routes.body import MAX_NUMBER
from tests.declared import check_answer
from tests.routes.client import GATEWAY

ORIGIN = os.environ["UPTIME_ORIGIN"]
FIRST_KEY = os.environ["UPTIME_KEY"]
"""May do everything. The run itself is never called with it."""
SCOPES_OF_KEYS: list[list[str]] = json.loads(os.environ["UPTIME_SCOPES_OF_KEYS"])
"""Of each key that the run calls with."""

KEYS = "/v1/api-keys"
KEYS_HELD = 5
ROOM = min(MAX_KEYS_PER_TEAM, MAX_CONTENT_CHECKS)
"""So many of anything at a time: some things a team has only ten of."""
ID_LENGTH = 32

made: dict[str, list[str]] = defaultdict(list)
"""Ids of what the run has made and not deleted, by the path; the oldest first."""
held: dict[tuple[str, ...], dict[str, str]] = {}
"""Keys to call with, as they were made, by their scopes; the one that was used last is the last."""
idempotency_keys: set[str] = set()
"""All that have been sent."""


def request(method: str, path: str, body: Any = None) -> Any:
    """Beside the run: its checks do not see it."""
    headers = {"Authorization": f"Bearer {FIRST_KEY}"}
    return requests.request(method, f"{ORIGIN}{path}", json=body, headers=headers, timeout=10)


made[KEYS] = [key["id"] for key in request("GET", KEYS).json()]
first_key_ids = set(made[KEYS])


@schemathesis.auth(refresh_interval=None)
class KeyOfACall:
    """None without keys: schemathesis then makes some up."""

    def __init__(self) -> None:
        self.turns: dict[str, Iterator[list[str]]] = {}

    def get(self, case: Any, context: Any) -> str | None:
        turns = self.turns.setdefault(case.operation.label, in_turns(scopes_of(case)))
        scopes = next(turns, None)
        return None if scopes is None else key_with(tuple(scopes))

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


def scopes_of(case: Any) -> set[str]:
    """What the operation asks for; empty when it is public."""
    return {
        scope for requirement in case.operation.definition.raw["security"] for scope in requirement["apiKey"]
    }


def in_turns(wanted: set[str]) -> Iterator[list[str]]:
    """Scopes of the keys to call an operation with: every second time of one that may, else of all others."""
    fitting = [scopes for scopes in SCOPES_OF_KEYS if wanted <= set(scopes)]
    others = [scopes for scopes in SCOPES_OF_KEYS if scopes not in fitting]
    return cycle([scopes for other in others or fitting for scopes in (*fitting[:1], other)])


def key_with(scopes: tuple[str, ...]) -> str:
    """Not all can be there at once: that which has not been used for longest makes room."""
    if scopes in held:
        held[scopes] = held.pop(scopes)
    else:
        if len(held) == KEYS_HELD:
            delete(KEYS, held.pop(next(iter(held)))["id"])
        make_room(KEYS)
        held[scopes] = request("POST", KEYS, {"name": "To call with", "scopes": scopes}).json()
        made[KEYS].append(held[scopes]["id"])
    return held[scopes]["key"]


@schemathesis.check
def scope_is_enforced(ctx: Any, response: Any, case: Any) -> None:
    sent = response.request.headers.get("Authorization", "")
    own = {scope for scopes, key in held.items() if sent == f"Bearer {key['key']}" for scope in scopes}
    assert scopes_of(case) <= own or response.status_code >= 400, f"done without {scopes_of(case)}"


@schemathesis.check
def answer_is_as_declared(ctx: Any, response: Any, case: Any) -> None:
    """No field but the declared ones, the code of the status, every promised header."""
    headers = {name.lower(): values[0] for name, values in response.headers.items()}
    if "x-content-type-options" not in headers:  # the gateway alone has answered
        return
    resource, _ = GATEWAY.match(urlsplit(response.request.url).path)
    try:
        check_answer(response.request.method, resource, response.status_code, headers, response.content)
    except ValidationError as error:
        raise AssertionError(error.message) from None


def urls() -> st.SearchStrategy[str]:
    """None of them leads to another machine."""
    unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
    parts = unreserved + "!$&'()*+,;=:@"
    label = st.from_regex(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", fullmatch=True)
    name = st.lists(label, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "invalid"]))
    own = st.sampled_from(["localhost", "127.0.0.1", "127.255.255.254", "[::1]", "shop.invalid."])
    path = st.lists(st.text(parts, max_size=8).map("/{}".format), max_size=4).map("".join)
    return st.builds(
        "{}://{}{}{}{}{}".format,
        st.sampled_from(["http", "https", "HTTP", "hTTps"]),
        name | own,
        st.just("") | st.integers(1, 65535).map(":{}".format),
        path,
        st.just("") | st.text(parts + "/?", max_size=12).map("?{}".format),
        st.just("") | st.text(unreserved, max_size=5).map("#{}".format),
    )


def long_urls() -> st.SearchStrategy[str]:
    lengths = st.integers(MAX_URL_LENGTH - 1, MAX_URL_LENGTH + 1)
    return lengths.map(lambda length: "http://shop.invalid/".ljust(length, "a"))


# What a host is; of itself, schemathesis would try names that are too long to be any.
schemathesis.openapi.format("uri", urls() | long_urls())


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    if not case.meta.is_negative_at(ParameterLocation.PATH):
        use_what_is_there(case)
    if case.method == "DELETE":
        spare_keys_in_use(case.path_parameters)
    if case.method == "POST":
        make_room(case.formatted_path)
    if case.meta.generation.mode.is_positive:
        if case.headers:
            refresh_idempotency_key(case.headers)
        make_acceptable(case.body, is_change=case.method == "PUT")


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    new = id_of_new(response) if response.status_code == 201 else None
    if new is not None:
        forget(new)  # it may be told again
        made[case.formatted_path].append(new)
    if case.method == "DELETE" and response.status_code < 300:
        forget(case.formatted_path.rpartition("/")[2])


def id_of_new(response: Any) -> Any:
    """None when there is nothing that could be asked for again."""
    try:
        answer = response.json()
        return answer.get("data", answer).get("id")
    except (ValueError, AttributeError):
        return None


def spare_keys_in_use(path_parameters: dict[str, Any]) -> None:
    """Else only 401s would follow."""
    for name, value in path_parameters.items():
        if value in keys_in_use():
            path_parameters[name] = next(others_than_in_use(KEYS), f"key_{0:0{ID_LENGTH}x}")


def keys_in_use() -> set[str]:
    return first_key_ids | {key["id"] for key in held.values()}


def others_than_in_use(path: str) -> Iterator[str]:
    return (resource_id for resource_id in made[path] if resource_id not in keys_in_use())


def use_what_is_there(case: Any) -> None:
    """Instead of ids that were made up, for which all is 404. A scenario may have deleted one on purpose."""
    is_scenario = case.meta.phase.name == TestPhase.STATEFUL
    path = ""
    for part in case.operation.path.strip("/").split("/"):
        name = part[1:-1]
        if part == f"{{{name}}}":
            ids = list(others_than_in_use(path))
            if case.method == "DELETE" and case.operation.path.endswith(part):
                ids = ids[:-1]  # the newest stays, for operations that are still to come
            given = case.path_parameters[name]
            if ids and (len(given) < ID_LENGTH if is_scenario else given not in ids):
                case.path_parameters[name] = ids[-1]
        path = f"{path}/{part.format(**case.path_parameters)}"


def make_room(path: str) -> None:
    """Else only refusals would follow."""
    if len(made[path]) >= ROOM:
        delete(path, next(others_than_in_use(path)))


def delete(path: str, resource_id: str) -> None:
    request("DELETE", f"{path}/{resource_id}")
    forget(resource_id)


def forget(resource_id: str) -> None:
    """Its own parts too."""
    for path, ids in list(made.items()):
        if resource_id in path:
            del made[path]
        elif resource_id in ids:
            ids.remove(resource_id)


def refresh_idempotency_key(headers: Any) -> None:
    """A second use is a conflict, or tells again of what may have been deleted."""
    try:
        key = parse_key(headers["Idempotency-Key"])
    except (KeyError, ValueError):
        return
    if key in idempotency_keys:
        headers["Idempotency-Key"] = uuid.uuid4().hex
    idempotency_keys.add(key)


def make_acceptable(part: Any, *, is_change: bool) -> None:
    """Bends what is right by its schema to what the descriptions ask for, part by part."""
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for place, item in list(items):
        if isinstance(item, int | float) and not abs(item) <= MAX_NUMBER:
            part[place] = 1  # refused even where it would be ignored
        make_acceptable(item, is_change=is_change)
    if isinstance(part, dict):
        if isinstance(part.get("expiresAt"), str):
            part["expiresAt"] = in_future(part["expiresAt"])
        make_sendable(part, is_change=is_change)
        make_compile(part, is_change=is_change)


def in_future(text: str) -> str:
    """The same day of another cycle of 400 years, after which the calendar repeats itself."""
    return f"{int(text[:4]) % 400 + 2400}{text[4:]}" if text[:4].isdecimal() else text


def make_sendable(wanted: dict[str, Any], *, is_change: bool) -> None:
    """What is stored decides about a change: GET and HEAD send no body, and one of both may be there.
    Of headers, a schema cannot say that their names ignore case, nor how long all are together."""
    if is_change and wanted.get("body"):
        wanted.setdefault("method", "POST")
    if is_change and wanted.get("method") in METHODS_WITHOUT_BODY:
        wanted["body"] = ""
    headers = wanted.get("headers")
    if isinstance(headers, dict) and header_problems({name: str(headers[name]) for name in headers}):
        wanted["headers"] = {}


def make_compile(rule: dict[str, Any], *, is_change: bool) -> None:
    """No format of JSON Schema is RE2's syntax; of a change, the other half may be stored."""
    value = rule.get("value", "(")
    if not isinstance(value, str) or compile_error(value) is None:
        return
    if rule.get("type") == "regex":
        rule["value"] = "sold( out)?"
    elif is_change and "value" in rule:
        rule.setdefault("type", "contains")
