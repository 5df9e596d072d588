"""A team with one of everything, whatever the application's routes can make by now.

The routes are the application's own, the bodies the examples of its description. What is new comes by itself.
"""

import json
import re

from app import app
from chalicelib.domain.beat import beat_id
from chalicelib.domain.heartbeat import Caller, place_of
from chalicelib.domain.job import ProbeJob
from chalicelib.domain.lateness import Kind
from chalicelib.routes.operation import Operation, load_model
from chalicelib.services import probing
from chalicelib.services.cron_jobs import get_job
from chalicelib.services.deps import Deps
from chalicelib.services.pinging_jobs import Ping, ping_job
from chalicelib.services.push_monitors import get_push_monitor
from chalicelib.services.pushing import Said, take_push
from packager.openapi import live_operations
from tests.fakes import FakeDeps
from tests.routes.client import Answer, Api, RealEdges

Ids = dict[str, list[str]]
"""By prefix."""

ID = re.compile(r"\b([a-z]+)_[0-9a-f]{32}\b")
ZEROS = "0" * 32


def every_route() -> list[tuple[str, Operation]]:
    return [(method, operation) for _, method, operation, _ in live_operations(app)]


def example(operation: Operation, ids: Ids) -> bytes:
    """The body of the route's description, about what is there; empty where it takes none."""
    return ID.sub(lambda found: ids[found[1]][0], _example(operation)).encode()


def _example(operation: Operation) -> str:
    if operation.body is None:
        return ""
    return json.dumps(load_model(operation.body).model_json_schema()["examples"][0])


def path_of(operation: Operation, ids: Ids, **given: str) -> str:
    """With ids of the right kinds, but for those given."""
    path = operation.path
    for name in operation.variables:
        prefix = operation.ids[name].prefix if name in operation.ids else None
        own = ids.get(prefix, [f"{prefix}_{ZEROS}"])[0] if prefix else "nothing"
        path = path.replace(f"{{{name}}}", given.get(name, own))
    return path


def note(ids: Ids, answer: Answer) -> None:
    for found in ID.finditer(answer.raw.decode()):
        known = ids.setdefault(found[1], [])
        if found[0] not in known:
            known.append(found[0])


def _refers(operation: Operation) -> bool:
    """Whether its example is about something else that is there."""
    return operation.body is not None and ID.search(_example(operation)) is not None


def _ping_with_body(deps: Deps, api: Api, ids: Ids) -> None:
    """By the ping URL: the API's own pings have none. No success, so that one may follow at once."""
    job_id = ids["cron"][0]
    place = place_of(get_job(deps, api.team_id, job_id).ping_token)
    pinged = ping_job(deps, place, Ping(Kind.LOG, Caller("203.0.113.9", "curl"), body=b"all done"))
    assert pinged is not None
    ids["ping"] = [beat_id("ping", job_id, pinged[1])]


def furnish(deps: FakeDeps | RealEdges, api: Api) -> Ids:
    """Make one of everything, check it, and read all that can be read."""
    ids: Ids = {}
    operations = [operation for _, operation in every_route() if not operation.is_public]
    operations.sort(key=lambda operation: (len(operation.variables), _refers(operation)))
    for operation in operations:
        if operation.is_job_ping:
            _ping_with_body(deps, api, ids)
        if operation.is_creating:
            answer = api.send("POST", path_of(operation, ids), example(operation, ids))
            assert answer.status == 201, answer.raw
            note(ids, answer)
    note(ids, api.send("POST", f"/v1/alerts/{ids['alt'][0]}/test"))
    edges: Deps = deps
    take_push(edges, get_push_monitor(edges, api.team_id, ids["push"][0]).push_token, Said(msg="all done"))
    for shard in edges.shards.all():
        probing.run(edges, ProbeJob(shard.id, int(edges.now().timestamp()) // 60 * 60))
    for operation in operations:
        if "GET" in operation.methods:
            answer = api.get(path_of(operation, ids))
            assert answer.status == 200, answer.raw
            note(ids, answer)
    return ids
