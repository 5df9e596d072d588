"""For the command line of schemathesis (`SCHEMATHESIS_HOOKS`): the keys it calls with, two checks that it
does not have, and what JSON Schema has no words for. Rules go by field and by shape of path, so that a
new operation needs none of its own."""

import json
import os
import re
import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, cycle
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import requests
import schemathesis
from hypothesis import strategies as st
from jsonschema import ValidationError
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

from chalicelib.channels import CHANNELS
from chalicelib.channels.fields import address
from chalicelib.domain.alert import MAX_ALERTS_PER_TEAM
from chalicelib.domain.api_key import MAX_KEYS_PER_TEAM
from chalicelib.domain.content import compile_error
from chalicelib.domain.cron_expression import BadExpression
from chalicelib.domain.extras import MAX_CONTENT_CHECKS
from chalicelib.domain.idempotency import parse_key
from chalicelib.domain.recurrence import Schedule, check_schedule, check_timezone
from chalicelib.domain.request_headers import METHODS_WITHOUT_BODY, header_problems
from chalicelib.domain.target import MAX_URL_LENGTH
from chalicelib.routes.body import MAX_NUMBER
from chalicelib.routes.heartbeats import PREFIXES, SIGNAL
from chalicelib.services.alerts import fields_of
from tests.declared import DOCUMENT, check_answer
from tests.routes.client import GATEWAY

ORIGIN = os.environ["UPTIME_ORIGIN"]
FIRST_KEY = os.environ["UPTIME_KEY"]
"""May do everything. The run itself is never called with it."""
SCOPES_OF_KEYS: list[list[str]] = json.loads(os.environ["UPTIME_SCOPES_OF_KEYS"])
"""Of each key that the run calls with."""

KEYS = "/v1/api-keys"
KEYS_HELD = 5
ROOM = min(MAX_ALERTS_PER_TEAM, MAX_KEYS_PER_TEAM, MAX_CONTENT_CHECKS)
"""So many of anything at a time: some things a team has only ten of."""
ID_LENGTH = 32
CAME_ALONG = ("body",)
"""Operations that ask for what came with a thing end with these words."""
URLS = ("pingUrl", "slugUrl", "pushUrl")
"""Fields that say where something reports in."""
SCHEDULES: Final[dict[str, tuple[Literal["cron", "calendar"], str]]] = {
    "cronExpression": ("cron", "*/20 8-18 * * MON-FRI"),
    "onCalendar": ("calendar", "Mon..Fri 03:00"),
}
"""Their kinds, and one to take instead of one that does not occur."""

made: dict[str, list[str]] = defaultdict(list)
"""Ids of what the run has made and not deleted, by the path; the oldest first."""
held: dict[tuple[str, ...], dict[str, str]] = {}
"""Keys to call with, as they were made, by their scopes; the one that was used last is the last."""
urls_of: dict[str, list[str]] = {}
"""Paths at which something reports in, by its id; that which was seen last is the last."""
idempotency_keys: set[str] = set()
"""All that have been sent."""


def request(method: str, path: str, body: Any = None) -> Any:
    """Beside the run: its checks do not see it."""
    headers = {"Authorization": f"Bearer {FIRST_KEY}"}
    return requests.request(method, f"{ORIGIN}{path}", json=body, headers=headers, timeout=10)


def learn_urls(answer: Any) -> None:
    """From whatever was answered, as they change. One that belongs to no single thing is part of many."""
    items = told_of(answer)
    if any("id" not in item for item in items):
        items = told_of_all()
    for item in items:
        urls_of.pop(item["id"], None)
        paths = [urlsplit(item[name]).path for name in URLS if item.get(name)]
        urls_of[item["id"]] = [alias for path in paths for alias in with_aliases(path)]


def told_of(answer: Any) -> list[dict[str, Any]]:
    """What has a URL, the newest last."""
    told = answer.get("data") if isinstance(answer, dict) else None
    items = reversed(told) if isinstance(told, list) else [told or {}]
    return [item for item in items if any(item.get(name) for name in URLS)]


def told_of_all() -> list[dict[str, Any]]:
    """From the lists of all that there is."""
    lists = [
        request("GET", path).json()
        for path, methods in DOCUMENT["paths"].items()
        if "{" not in path and methods.get("get", {}).get("security")
    ]
    return [item for answer in lists for item in told_of(answer) if "id" in item]


def with_aliases(path: str) -> list[str]:
    begins = [prefix for prefix in PREFIXES if path.startswith(f"{prefix}/")]
    return [f"{prefix}{path.removeprefix(begin)}" for begin in begins for prefix in PREFIXES] or [path]


made[KEYS] = [key["id"] for key in request("GET", KEYS).json()]
first_key_ids = set(made[KEYS])
learn_urls({"data": told_of_all()[::-1]})


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
        if case.operation.path.endswith("}/end"):
            begin_what_is_to_end(case)

        report_where_it_is_heard(case)
        ask_for_what_came_along(case)
    if case.method == "DELETE":
        spare_keys_in_use(case.path_parameters)
    if case.method == "POST":
        make_room(case.formatted_path)
    if case.meta.generation.mode.is_positive:
        if case.headers:
            refresh_idempotency_key(case.headers)
        make_acceptable(case.body, is_change=case.method == "PUT")
        if case.method == "PUT" and case.operation.path.endswith("/alerts/{id}"):
            keep_to_its_strategy(case)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    answer = answer_of(response)
    learn_urls(answer)
    new = id_of_new(answer) if response.status_code == 201 else None
    if new is not None:
        forget(new)  # it may be told again
        made[case.formatted_path].append(new)
    if case.method == "DELETE" and response.status_code < 300:
        forget(case.formatted_path.rpartition("/")[2])


def answer_of(response: Any) -> Any:
    """None for what is not JSON."""
    try:
        return response.json()
    except ValueError:
        return None


def id_of_new(answer: Any) -> Any:
    """None when there is nothing that could be asked for again."""
    try:
        return answer.get("data", answer).get("id")
    except AttributeError:
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


def begin_what_is_to_end(case: Any) -> None:
    """Nothing ends twice."""
    path = case.operation.path.partition("/{")[0]
    make_room(path)
    day = "2000-01-01T00:00:00Z"
    body = {"name": "To be ended", "startsAt": in_past(day), "endsAt": in_future(day)}
    (name,) = case.path_parameters
    case.path_parameters[name] = request("POST", path, body).json()["data"]["id"]
    made[path].append(case.path_parameters[name])


def report_where_it_is_heard(case: Any) -> None:
    """At a URL that was told, instead of a code that was made up. What was drawn stays behind it where it may
    be said: behind a token and behind a key stand different words, which a schema cannot tell apart."""
    if case.operation.definition.raw["security"]:
        return
    begin = case.operation.path.partition("{")[0]
    names = re.findall(r"{(\w+)}", case.operation.path)
    for url in sorted(chain(*reversed(urls_of.values())), key=lambda url: url.count("/")):
        codes = url.removeprefix(begin).split("/") if url.startswith(begin) else names + names
        behind = [case.path_parameters[name] for name in names[len(codes) :]]
        if len(codes) <= len(names) and all(re.search(SIGNAL, word) for word in behind):
            case.path_parameters.update(zip(names, [*codes, *behind], strict=True))
            return


def ask_for_what_came_along(case: Any) -> None:
    """Of the newest thing, which is made to bring it along. That there is a ping does not mean that it had a
    body."""
    *things, variable, name = case.operation.path.split("/")
    if name not in CAME_ALONG or case.meta.phase.name == TestPhase.STATEFUL:
        return
    path = "/".join(things).format(**case.path_parameters)
    for url in urls_of.get(path.split("/")[-2], [])[:1]:
        requests.post(f"{ORIGIN}{url}", data=b"All is well", timeout=10)
        case.path_parameters[variable[1:-1]] = request("GET", path).json()["data"][0]["id"]


def keep_to_its_strategy(case: Any) -> None:
    """What another channel takes, and another strategy, is refused."""
    strategy = request("GET", case.formatted_path).json().get("strategy")
    if not isinstance(case.body, dict) or strategy is None:
        return
    others = {name for other in CHANNELS for name in fields_of(other)} - set(fields_of(strategy))
    for name in others & set(case.body):
        del case.body[name]
    if "strategy" in case.body:
        case.body["strategy"] = strategy


def make_room(path: str) -> None:
    """Else only refusals would follow."""
    if len(made[path]) >= ROOM:
        delete(path, next(others_than_in_use(path)))


def delete(path: str, resource_id: str) -> None:
    request("DELETE", f"{path}/{resource_id}")
    forget(resource_id)


def forget(resource_id: str) -> None:
    """Its own parts too."""
    urls_of.pop(resource_id, None)
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
        if isinstance(part.get("startsAt"), str):
            part["startsAt"] = in_past(part["startsAt"])
        if isinstance(part.get("endsAt"), str):
            part["endsAt"] = in_future(part["endsAt"])

        make_deliverable(part)
        make_occur(part)
        make_sendable(part, is_change=is_change)
        make_compile(part, is_change=is_change)


def in_future(text: str) -> str:
    """The same day of another cycle of 400 years, after which the calendar repeats itself."""
    return f"{int(text[:4]) % 400 + 2400}{text[4:]}" if text[:4].isdecimal() else text


def in_past(text: str) -> str:
    """Likewise."""
    return f"{int(text[:4]) % 400 + 1600}{text[4:]}" if text[:4].isdecimal() else text


def make_deliverable(wanted: dict[str, Any]) -> None:
    """A schema's addresses may have quotes, and its servers a path."""
    if isinstance(wanted.get("email"), str) and address(wanted["email"]) is not None:
        wanted["email"] = "ops@shop.invalid"
    if isinstance(wanted.get("serverUrl"), str):
        wanted["serverUrl"] = "https://shop.invalid"


def make_occur(wanted: dict[str, Any]) -> None:
    """Of grammars, of dates that no year has and of the names of places a schema knows nothing."""
    for name, (kind, other) in SCHEDULES.items():
        if isinstance(wanted.get(name), str):
            try:
                check_schedule(Schedule(kind, wanted[name]), datetime.now(UTC))
            except BadExpression:
                wanted[name] = other
    if isinstance(wanted.get("timezone"), str):
        try:
            check_timezone(wanted["timezone"])
        except BadExpression:
            wanted["timezone"] = "Europe/Riga"


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
