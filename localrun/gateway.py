"""API Gateway, played locally: a WSGI app that turns requests into proxy events for the Lambda handler.

The same events, the same authorizer call and the same refusals that the deployed gateway makes, so that
what runs here is what runs there. Unlike there, a repeated header arrives as one value, joined by commas.
"""

import base64
import json
import logging
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from http.client import responses
from typing import Any
from urllib.parse import parse_qsl

from chalicelib.domain.api_key import GATEWAY_PATTERN
from chalicelib.routes.replies import error_body
from localrun.gate import Gate
from localrun.units import work

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 10 * 1024 * 1024
"""The gateway's own limit; routes with a smaller one answer for themselves. Lambda's, of 6 MiB an event, is
not played."""

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]

_VARIABLE = re.compile(r"\{(\w+)\}")
_AUTHORITY = re.compile(r"https?://[^/?]*", re.IGNORECASE)
_READS = ("GET", "HEAD")


class Context:
    """What Lambda passes beside the event."""

    function_name = "local"

    def __init__(self, request_id: str) -> None:
        self.aws_request_id = request_id


class Gateway:
    """`routes` is Chalice's own table, path -> method -> entry; `authorize` the authorizer's handler.

    Whatever may write is inside `gate` from its first look at the clock to its last write.
    """

    def __init__(
        self,
        routes: Mapping[str, Mapping[str, Any]],
        handler: Handler,
        authorize: Handler,
        source_ip_header: str | None,
        gate: Gate | None = None,
    ) -> None:
        self._routes = routes
        self._handler = handler
        self._authorize = authorize
        self._gate = gate or Gate()
        self._source_ip = "HTTP_" + (source_ip_header or "").upper().replace("-", "_")
        self._patterns = [(_pattern(path), path) for path in sorted(routes, key=_variables)]

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request_id = str(uuid.uuid4())
        try:
            with self._gate.shared() if self._is_writing(environ) else nullcontext():
                status, headers, body = self._answer(environ, request_id)
        except Exception:
            log.exception("request %s failed outside its route", request_id)
            status, headers, body = _own(
                500,
                "INTERNAL_ERROR",
                f"Something went wrong on our side. Request id: {request_id}",
                {"X-Request-Id": request_id},
            )
        start_response(f"{status} {responses.get(status, 'Unknown')}", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _answer(self, environ: dict[str, Any], request_id: str) -> tuple[int, list[tuple[str, str]], bytes]:
        path = _path(environ["REQUEST_URI"])
        resource, params = self.match(path)
        method = environ["REQUEST_METHOD"]
        entry = self._routes.get(resource, {}).get(method)
        if int(environ.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
            return _TOO_LARGE
        with work(f"{method} {resource}" if entry else "unknown route"):
            authorizer: dict[str, str] | None = None
            if entry is not None and entry.authorizer is not None:
                header = environ.get("HTTP_AUTHORIZATION", "")
                if not GATEWAY_PATTERN.fullmatch(header):
                    return _own(401, "UNAUTHORIZED", "The API key is missing or not valid.", _BEARER)
                authorizer = self._ask_authorizer(header)
            event = self._event(environ, request_id, resource, path, params, authorizer)
            return _from_lambda(self._handler(event, Context(request_id)))

    def _is_writing(self, environ: Mapping[str, Any]) -> bool:
        method = environ["REQUEST_METHOD"]
        if method not in _READS:
            return True
        entry = self._routes.get(self.match(_path(environ["REQUEST_URI"]))[0], {}).get(method)
        return entry is not None and entry.view_function.operation.is_writing

    def match(self, path: str) -> tuple[str, dict[str, str]]:
        """The route's resource and its still encoded parameters; static paths win, as at the gateway."""
        for pattern, resource in self._patterns:
            found = pattern.fullmatch(path)
            if found:
                return resource, found.groupdict()
        return "/{proxy+}", {"proxy": path.lstrip("/")}

    def _ask_authorizer(self, header: str) -> dict[str, str]:
        event = {
            "type": "TOKEN",
            "authorizationToken": header,
            "methodArn": "arn:aws:execute-api:local:000000000000:local/api/GET/",
        }
        answer = self._authorize(event, Context(str(uuid.uuid4())))
        return {name: str(value) for name, value in answer["context"].items()}

    def _event(
        self,
        environ: dict[str, Any],
        request_id: str,
        resource: str,
        path: str,
        params: dict[str, str],
        authorizer: dict[str, str] | None,
    ) -> dict[str, Any]:
        headers = _headers(environ)
        pairs = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        multi: dict[str, list[str]] = {}
        for name, value in pairs:
            multi.setdefault(name, []).append(value)
        body, is_base64 = _body(environ)
        source_ip = environ.get(self._source_ip) or environ.get("REMOTE_ADDR", "")
        context: dict[str, Any] = {
            "resourcePath": resource,
            "httpMethod": environ["REQUEST_METHOD"],
            "path": path,
            "accountId": "000000000000",
            "apiId": "local",
            "stage": "api",
            "protocol": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
            "domainName": headers.get("host", ""),
            "requestId": request_id,
            "identity": {"sourceIp": source_ip, "userAgent": headers.get("user-agent")},
        }
        if authorizer is not None:
            context["authorizer"] = authorizer
        return {
            "resource": resource,
            "path": path,
            "httpMethod": environ["REQUEST_METHOD"],
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": dict(pairs) or None,
            "multiValueQueryStringParameters": multi or None,
            "pathParameters": params or None,
            "stageVariables": None,
            "requestContext": context,
            "body": body,
            "isBase64Encoded": is_base64,
        }


_BEARER = {"WWW-Authenticate": "Bearer"}


def _own(
    status: int, code: str, message: str, extra: Mapping[str, str] | None = None
) -> tuple[int, list[tuple[str, str]], bytes]:
    """What the gateway answers without asking any function."""
    body = json.dumps(error_body(code, message), separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(extra or {})}
    return status, list(headers.items()), body


_TOO_LARGE = _own(413, "PAYLOAD_TOO_LARGE", "The body is too large.")


def _from_lambda(response: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    body = response.get("body") or ""
    raw = base64.b64decode(body) if response.get("isBase64Encoded") else body.encode()
    headers = [(name, str(value)) for name, value in (response.get("headers") or {}).items()]
    for name, values in (response.get("multiValueHeaders") or {}).items():
        headers += [(name, str(value)) for value in values]
    if response["statusCode"] not in (204, 304):
        headers.append(("Content-Length", str(len(raw))))
    return response["statusCode"], headers, raw


def _path(uri: str) -> str:
    """Of the absolute form, as proxies are sent it, too."""
    given = _AUTHORITY.match(uri)
    path = uri[given.end() if given else 0 :].partition("?")[0] or "/"
    return path if path == "/" else path.rstrip("/")


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    found = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        found["content-type"] = environ["CONTENT_TYPE"]
    return found


def _body(environ: Mapping[str, Any]) -> tuple[str | None, bool]:
    """In base64, whatever it is: the deployed gateway is told that every type is binary."""
    raw: bytes = environ["wsgi.input"].read()
    return (base64.b64encode(raw).decode(), True) if raw else (None, False)


def _variables(path: str) -> list[bool]:
    """Sorts a static part before a variable one, the first part that differs deciding."""
    return ["{" in part for part in path.split("/")]


def _pattern(path: str) -> re.Pattern[str]:
    parts = _VARIABLE.split(path)
    text = "".join(re.escape(part) if i % 2 == 0 else f"(?P<{part}>[^/]+)" for i, part in enumerate(parts))
    return re.compile(text)
