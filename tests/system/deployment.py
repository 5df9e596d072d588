"""The package as deployed: each function under Lambda's client, behind a door that enforces its role."""

import base64
import json
import re
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from chalicelib.domain.delivery import DeliveryJob, decode_delivery, encode_delivery
from chalicelib.domain.heartbeat import Heartbeat, place_of
from chalicelib.settings import Settings
from chalicelib.store.heartbeats import HeartbeatStore
from packager.template import ANY_METHOD, functions

from .aws_door import AwsDoor
from .booted import Function
from .rights import Rights

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/uptime-probe"
DELIVERY_QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/uptime-delivery"
MAIL_FROM = "Uptime <alerts@uptime.test>"
REACHES_OUT = ("Probe", "Adhoc", "Deliver")


def path_of(url: str) -> str:
    """Of a URL that an answer has, without the host it begins with."""
    return urlsplit(url).path


class Target:
    """A page on loopback, which a deployed function must not reach."""

    def __init__(self) -> None:
        self.hits = 0
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                target.hits += 1
                self.send_response(200)
                self.end_headers()

            def do_GET(self) -> None:
                self.do_HEAD()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass(frozen=True)
class Seams:
    """What lets the functions that reach out reach the tests' servers on loopback."""

    egress_allow: str
    dns_server: tuple[str, int]
    ca_file: Path

    def variables(self, handler: str) -> dict[str, str]:
        """Those of a function whose handler is `seamed.handler`. `UPTIME_CA_FILE` deployed ones have too."""
        return {
            "SEAMS": json.dumps({"egress_allow": self.egress_allow, "dns_server": self.dns_server}),
            "SEAMED_HANDLER": handler,
            "UPTIME_CA_FILE": str(self.ca_file),
            "PYTHONPATH": str(Path(__file__).resolve().parent / "seams"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }


@dataclass
class Deployment:
    """The package's functions, started on first use, each behind a door that enforces its role."""

    template: dict[str, Any]
    settings: Settings
    dynamodb: "DynamoDBClient"
    header: str
    """The `Authorization` header of a key with all scopes."""
    python: Path
    folder: Path
    logs: Path
    stack: ExitStack
    seams: Seams | None = None
    doors: dict[str, AwsDoor] = field(default_factory=dict)
    running: dict[str, Function] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, str]:
        """What a `Ref` to a resource or a parameter gives."""
        return {
            **{function: f"uptime-test-{function}-1A2B3C" for function in functions(self.template)},
            "TeamsTable": self.settings.teams_table,
            "ChecksTable": self.settings.checks_table,
            "AlertsTable": self.settings.alerts_table,
            "ProbeQueue": QUEUE_URL,
            "DeliveryQueue": DELIVERY_QUEUE_URL,
            "MailFrom": MAIL_FROM,
            "SmtpUrl": "",
        }

    def invoke(self, name: str, event: Any) -> Any:
        if name not in self.running:
            self._start(name)
        return self.running[name].invoke(event)

    def _invoke_by_name(self, name: str, event: Any) -> Any:
        (function,) = (logical for logical in functions(self.template) if self.names[logical] == name)
        return self.invoke(function, event)

    def _start(self, name: str) -> None:
        properties = self.template["Resources"][name]["Properties"]
        assert self.settings.dynamodb_endpoint is not None
        rights = Rights(self.template, name, self.names)
        door = AwsDoor(rights, self.settings.dynamodb_endpoint, self._invoke_by_name)
        self.stack.callback(door.close)
        variables = {
            **self.template["Globals"]["Function"]["Environment"]["Variables"],
            **properties.get("Environment", {}).get("Variables", {}),
        }
        env = {
            variable: value if isinstance(value, str) else self.names[value["Ref"]]
            for variable, value in variables.items()
        }
        env |= {
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(properties["MemorySize"]),
            "AWS_ENDPOINT_URL_DYNAMODB": door.endpoint,
            "AWS_ENDPOINT_URL_SQS": door.endpoint,
            "AWS_ENDPOINT_URL_LAMBDA": door.endpoint,
            "AWS_ENDPOINT_URL_SESV2": door.endpoint,
        }
        handler = properties["Handler"]
        if self.seams is not None and name in REACHES_OUT:
            env |= self.seams.variables(handler)
            handler = "seamed.handler"
        function = Function(self.python, self.folder, handler, env, self.logs / f"{name}.log")
        self.doors[name] = door
        self.running[name] = self.stack.enter_context(function)

    def api(
        self, method: str, path: str, body: Any = None, more_headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """As through the gateway: the resource of the template, the authorizer where it has one, and a body
        in base64, of whatever type it is."""
        path, _, query = path.partition("?")
        values = parse_qs(query, keep_blank_values=True)
        headers = {"authorization": self.header, **(more_headers or {})}
        if body is not None:
            headers["content-type"] = "application/json"
        resource, parameters, operation = self._match(method, path)
        context: dict[str, Any] = {
            "resourcePath": resource,
            "httpMethod": method,
            "requestId": "the-request",
            "identity": {"sourceIp": "198.51.100.7"},
        }
        if operation.get("security"):
            context["authorizer"] = self.authorize(self.header)["context"]
        response = self.invoke(
            "APIHandler",
            {
                "resource": resource,
                "path": path,
                "httpMethod": method,
                "headers": headers,
                "multiValueHeaders": {name: [value] for name, value in headers.items()},
                "queryStringParameters": {name: found[-1] for name, found in values.items()} or None,
                "multiValueQueryStringParameters": values or None,
                "pathParameters": parameters or None,
                "stageVariables": None,
                "requestContext": context,
                "body": None if body is None else base64.b64encode(json.dumps(body).encode()).decode(),
                "isBase64Encoded": body is not None,
            },
        )
        text = response["body"]
        is_json = response["headers"].get("Content-Type") == "application/json"
        return response["statusCode"], json.loads(text) if is_json else text, response["headers"]

    def _match(self, method: str, path: str) -> tuple[str, dict[str, str], dict[str, Any]]:
        paths = self.template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
        for resource in sorted(paths, key=lambda resource: "{" in resource):
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", resource.replace("{proxy+}", "(?P<proxy>.+)"))
            if found := re.fullmatch(pattern, path):
                item = paths[resource]
                return resource, found.groupdict(), item.get(method.lower(), item[ANY_METHOD])
        raise AssertionError(path)

    def authorize(self, header: str) -> Any:
        arn = "arn:aws:execute-api:us-east-1:123456789012:abcdefghij/api/GET/v1/monitors"
        return self.invoke("Authorize", {"type": "TOKEN", "authorizationToken": header, "methodArn": arn})

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """What a call answers that must succeed."""
        status, answer, _ = self.api(method, path, body)
        assert status in (200, 201, 202, 204), answer
        return answer

    def create_monitor(self, url: str, **more: Any) -> Any:
        return self.call("POST", "/v1/monitors", {"name": "Shop", "url": url, **more})["data"]

    def last_message(self, function: str) -> str:
        """The newest that the function sent to the probe."""
        return self._sent(function, QUEUE_URL)[-1]

    def announced(self, function: str) -> list[str]:
        """The shards that the function has asked the delivery to look at, oldest first."""
        bodies = self._sent(function, DELIVERY_QUEUE_URL) if function in self.doors else []
        return [decode_delivery(body).shard for body in bodies]

    def _sent(self, function: str, queue_url: str) -> list[str]:
        entries = self.doors[function].sent
        return [str(entry["MessageBody"]) for entry in entries if entry["QueueUrl"] == queue_url]

    def probe(self, message: str) -> Any:
        return self.hand_over("Probe", "uptime-probe", message)

    def deliver(self, shard: str) -> None:
        """What the shard has to tell and what is due of it; fails where the message would come back."""
        answer = self.hand_over("Deliver", "uptime-delivery", encode_delivery(DeliveryJob(shard)))
        assert answer == {"batchItemFailures": []}, (self.logs / "Deliver.log").read_text()

    def hand_over(self, function: str, queue: str, *messages: str) -> Any:
        """What the function answers when its queue hands it this batch."""
        records = [
            {
                "messageId": f"message-{number}",
                "receiptHandle": "handle",
                "body": message,
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
                "awsRegion": "us-east-1",
            }
            for number, message in enumerate(messages)
        ]
        return self.invoke(function, {"Records": records})

    def tick(self, at: datetime) -> Any:
        return self.schedule("Tick", at)

    def schedule(self, function: str, at: datetime) -> Any:
        """What a rule of EventBridge calls."""
        event = {
            "version": "0",
            "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "123456789012",
            "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": "us-east-1",
            "resources": [f"arn:aws:events:us-east-1:123456789012:rule/uptime-prod-{function}"],
            "detail": {},
        }
        return self.invoke(function, event)

    def heartbeat(self, ping_url: str) -> Heartbeat[Any, Any]:
        """That of the job with this ping URL, as it is stored."""
        place = place_of(ping_url.rpartition("/")[2])
        found = HeartbeatStore(self.settings, self.dynamodb).get(place, consistent=True)
        assert found is not None
        return found

    def miss(self, ping_url: str, ago: timedelta) -> None:
        """As if the job had been due so long ago, and nobody had looked since."""
        read = self.heartbeat(ping_url)
        pulse = replace(read.pulse, expected_at=datetime.now(UTC) - ago)
        due = replace(read, pulse=pulse, version=read.version + 1)
        assert HeartbeatStore(self.settings, self.dynamodb).save(due, None)

    def stored_ticks(self, shard: str) -> list[str]:
        items = self.dynamodb.query(
            TableName=self.settings.checks_table,
            KeyConditionExpression="pk = :shard AND begins_with(sk, :tick)",
            ExpressionAttributeValues={":shard": {"S": f"S#{shard}"}, ":tick": {"S": "T#"}},
            ConsistentRead=True,
        )["Items"]
        return [item["sk"]["S"] for item in items]
