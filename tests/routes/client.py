"""Calls the API the way the deployed gateway does, and three standing people to call it.

`Api` sends WSGI requests through the local gateway: real proxy events, the real authorizer, no sockets.
"""

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from app import app
from chalicelib import wiring
from chalicelib.domain.api_key import SCOPES
from chalicelib.jobs.authorize import authorize
from chalicelib.services.deps import Deps
from chalicelib.services.keys import mint_key
from chalicelib.services.teams import create_team
from chalicelib.settings import Settings
from chalicelib.wiring import Edges
from localrun.gateway import Context, Gateway
from tests.declared import check_answer
from tests.fakes import FakeAdhoc, FakeCertificates, FakeChecks, FakeDeliveries, FakeQueue

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
READ_SCOPES = [scope for scope in SCOPES if scope.endswith(":read")]
GATEWAY = Gateway(app.routes, app, authorize, None)
MINIMAL = {"name": "Front page", "url": "https://example.com/"}


@dataclass(frozen=True)
class Answer:
    """What came back. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def is_ours(self) -> bool:
        """Whether a function of ours has shaped it, and not the gateway alone."""
        return "x-content-type-options" in self.headers

    @property
    def seen(self) -> tuple[int, Mapping[str, str], bytes]:
        """All that one answer tells, but how often its caller has called."""
        headers = {name: value for name, value in self.headers.items() if name != "x-ratelimit-remaining"}
        return self.status, headers, self.raw

    @property
    def code(self) -> str:
        """The error's code, once its shape is what the contract says."""
        document = self.json
        assert set(document) == {"error"}
        error = document["error"]
        expected = {"code", "message"}
        if error["code"] == "VALIDATION_ERROR":
            expected.add("details")
            assert error["details"]
            assert all(set(detail) == {"field", "message"} for detail in error["details"])
        assert set(error) == expected
        assert isinstance(error["message"], str)
        assert error["message"]
        assert self.headers["content-type"] == "application/json"
        return str(error["code"])

    @property
    def fields(self) -> list[str]:
        """The fields that a VALIDATION_ERROR names, sorted."""
        assert (self.status, self.code) == (400, "VALIDATION_ERROR")
        return sorted(detail["field"] for detail in self.json["error"]["details"])


@dataclass(frozen=True)
class Api:
    """The API in one caller's hands. `authorization` is the whole header."""

    authorization: str | None = None
    team_id: str = ""

    def get(self, path: str, query: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        return self.send("GET", path, query=query, headers=headers)

    def post(self, path: str, body: Any) -> Answer:
        return self.send("POST", path, json.dumps(body).encode())

    def put(self, path: str, body: Any) -> Answer:
        return self.send("PUT", path, json.dumps(body).encode())

    def delete(self, path: str) -> Answer:
        return self.send("DELETE", path)

    def create(self, **fields: Any) -> dict[str, Any]:
        """An HTTP monitor, made."""
        return self.make("/v1/monitors", {**MINIMAL, **fields})

    def make(self, path: str, body: Any) -> dict[str, Any]:
        """Something in the envelope of one, made."""
        answer = self.post(path, body)
        assert answer.status == 201, answer.raw
        assert set(answer.json) == {"data"}
        made: dict[str, Any] = answer.data
        return made

    def send(
        self,
        method: str,
        path: str,
        raw: bytes = b"",
        *,
        query: Any = None,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = "application/json",
    ) -> Answer:
        text = query if isinstance(query, str) else urlencode(query or {}, doseq=True)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "REQUEST_URI": f"{path}?{text}" if text else path,
            "QUERY_STRING": text,
            "CONTENT_LENGTH": str(len(raw)),
            "REMOTE_ADDR": "203.0.113.9",
            "wsgi.input": io.BytesIO(raw),
        }
        if raw and content_type is not None:
            environ["CONTENT_TYPE"] = content_type
        if self.authorization is not None:
            environ["HTTP_AUTHORIZATION"] = self.authorization
        for name, value in (headers or {}).items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        seen: list[tuple[str, list[tuple[str, str]]]] = []
        body = b"".join(GATEWAY(environ, lambda status, found: seen.append((status, found))))
        ((status, found),) = seen
        answer = Answer(int(status.split()[0]), {name.lower(): value for name, value in found}, body)
        if answer.is_ours:
            resource, _ = GATEWAY.match(path.rstrip("/") or "/")
            check_answer(method, resource, answer.status, answer.headers, answer.raw)
        return answer


def lambda_event(method: str, resource: str, context: Mapping[str, Any], body: str | None = "{}") -> Any:
    """A proxy event as the gateway would hand it to the function, with this much request context."""
    return {
        "resource": resource,
        "path": resource,
        "httpMethod": method,
        "headers": {"content-type": "application/json"},
        "multiValueHeaders": {"content-type": ["application/json"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": dict.fromkeys(re.findall(r"\{(\w+)\}", resource), "mon_" + "0" * 32) or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "requestId": "request-1",
            "identity": {"sourceIp": "203.0.113.9"},
            **context,
        },
        "body": body,
        "isBase64Encoded": False,
    }


def vouched(team_id: str, scopes: Sequence[str]) -> dict[str, Any]:
    """The request context of a caller whom the authorizer knows; strings only, as the gateway has them."""
    bucket = {
        "limit": "100",
        "remaining": "99",
        "reset": str(int(START.timestamp()) + 60),
        "limited": "false",
    }
    caller = {"auth": "ok", "key": "key_1", "team": team_id, "scopes": " ".join(scopes)}
    return {"authorizer": {**caller, **bucket}}


def invoke(event: Any) -> Answer:
    """Straight into the Lambda handler."""
    response = app(event, Context("lambda-1"))
    headers = {name.lower(): str(value) for name, value in response["headers"].items()}
    answer = Answer(response["statusCode"], headers, str(response["body"]).encode())
    check_answer(event["httpMethod"], event["resource"], answer.status, answer.headers, answer.raw)
    return answer


@dataclass
class Meter:
    """Calls to DynamoDB as (operation, tables), and the units they consumed."""

    calls: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    read_units: float = 0.0
    write_units: float = 0.0

    def watch(self, client: "DynamoDBClient") -> None:
        ask: Callable[..., Any] = self._ask
        client.meta.events.register("provide-client-params.dynamodb", ask)
        client.meta.events.register("after-call.dynamodb", self._book)

    def reset(self) -> None:
        self.calls, self.read_units, self.write_units = [], 0.0, 0.0

    def _ask(self, params: dict[str, Any], model: Any, **_: Any) -> dict[str, Any]:
        tables = params.get("RequestItems") or {params.get("TableName", ""): None}
        self.calls.append((model.name, tuple(tables)))
        return {**params, "ReturnConsumedCapacity": "TOTAL"}

    def _book(self, http_response: Any, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        given = parsed.get("ConsumedCapacity") or []
        rows = given if isinstance(given, list) else [given]
        units = sum(row["CapacityUnits"] for row in rows)
        if model.name in ("GetItem", "Query", "BatchGetItem"):
            self.read_units += units
        else:
            self.write_units += units


class RealEdges(Edges):
    """The real stores on the embedded engine, with a settable clock, a recording queue, scripted checks."""

    def __init__(self, settings: Settings, client: "DynamoDBClient") -> None:
        super().__init__(settings)
        self.at = START
        self.meter = Meter()
        self.meter.watch(client)
        self.fake_queue = FakeQueue()
        self.fake_checks = FakeChecks()
        self.dynamodb = client
        self.queue = self.fake_queue
        self.deliveries = FakeDeliveries()
        self.checks = self.fake_checks
        self.adhoc = FakeAdhoc()
        self.deliveries = FakeDeliveries()
        self.fake_certificates = FakeCertificates()
        self.certificates = self.fake_certificates

    def now(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass(frozen=True)
class People:
    """The owner may do everything, the teammate only read; the stranger owns another team."""

    owner: Api
    teammate: Api
    stranger: Api


def settle(deps: Deps) -> People:
    """Two teams and the three people's keys."""
    ours = create_team(deps, "Ours", "owner@example.com")
    theirs = create_team(deps, "Theirs", "stranger@example.com")
    return People(
        owner=caller(deps, ours.id, SCOPES),
        teammate=caller(deps, ours.id, READ_SCOPES),
        stranger=caller(deps, theirs.id, SCOPES),
    )


def caller(deps: Deps, team_id: str, scopes: Sequence[str]) -> Api:
    minted = mint_key(deps, team_id, "a key", scopes)
    return Api(f"Bearer {minted.plaintext}", team_id)


@contextmanager
def installed(deps: Deps) -> Iterator[People]:
    """The application over these edges, with its people."""
    with wiring.override(deps):
        yield settle(deps)
