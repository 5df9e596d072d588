"""HTTP for all routes: who may call, how errors look, how answers are written.

`route` holds the only call of `Blueprint.route` in the project. It takes the scope, or `PUBLIC`, as a
required argument and wraps the view, so that no route can be forgotten: what the authorizer did not
vouch for is answered 401 here.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, TypeVar
from urllib.parse import unquote

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.api_key import SCOPES
from chalicelib.errors import AppError, Detail, Forbidden, Unauthenticated
from chalicelib.jobs.authorize import authorize
from chalicelib.routes.body import check_size, parse_object
from chalicelib.services.deps import Deps
from chalicelib.wiring import deps

log = logging.getLogger(__name__)

PUBLIC: Final = "public"

_SECURITY_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_NO_STORE = {"Cache-Control": "no-store"}

_request: ContextVar[Request] = ContextVar("request")
"""The request of this thread, set by `reshape`. Chalice's `current_request` is one for the whole process:
in the local run, which serves many at once, it may be somebody else's."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a view sees it. `team_id` is empty on public routes."""

    deps: Deps
    team_id: str
    scopes: frozenset[str]
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    raw_body: bytes
    request_id: str

    def body(self) -> dict[str, Any]:
        """The JSON object of the body. Raises InvalidInput."""
        return parse_object(self.raw_body, self.headers.get("content-type"))

    def first(self, name: str) -> str | None:
        values = self.query.get(name)
        return values[0] if values else None


View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Reply:
    """What a view answers when it is not JSON with the route's own status."""

    body: str
    content_type: str
    status: int = 200
    headers: Mapping[str, str] | None = None


def route(
    bp: Blueprint, methods: Sequence[str], path: str, scope: str, *, status: int = 200
) -> Callable[[View], View]:
    """Declare a route. `status` is its success status; 204 has no body."""
    if scope != PUBLIC and scope not in SCOPES:
        raise ValueError(f"{path}: unknown scope {scope!r}")

    def declare(view: View) -> View:
        @wraps(view)
        def answer(**params: str) -> Response:
            request = _request.get()
            request_id = str(request.context.get("requestId", ""))
            try:
                call = _admit(request, request_id, scope)
                result = view(call, **{name: unquote(value) for name, value in params.items()})
                return _success(result, status)
            except AppError as refusal:
                return refused(refusal)
            except Exception:
                log.exception("request %s failed", request_id)
                return crashed(request_id)

        bp.route(
            path,
            methods=list(methods),
            authorizer=None if scope == PUBLIC else authorize,
            content_types=[],
        )(answer)
        return view

    return declare


def _admit(request: Request, request_id: str, scope: str) -> Call:
    """The contract's order: 401, then 403, then 413. Default deny: only `auth=ok` passes."""
    team_id, scopes = "", frozenset[str]()
    if scope != PUBLIC:
        context = request.context.get("authorizer") or {}
        team_id = str(context.get("team") or "")
        if context.get("auth") != "ok" or not team_id:
            raise Unauthenticated("The API key is missing or not valid.")
        scopes = frozenset(str(context.get("scopes") or "").split())
        if scope not in scopes:
            raise Forbidden(f"The API key lacks the scope {scope}.")
    raw_body = request.raw_body
    if isinstance(raw_body, str):
        raw_body = raw_body.encode()
    if scope != PUBLIC:
        check_size(raw_body)
    return Call(
        deps=deps(),
        team_id=team_id,
        scopes=scopes,
        query=_query(request),
        headers=request.headers,
        raw_body=raw_body,
        request_id=request_id,
    )


def _query(request: Request) -> dict[str, list[str]]:
    given = request.query_params
    return {} if given is None else {name: given.getlist(name) for name in given}


def _success(result: Any, status: int) -> Response:
    if isinstance(result, Reply):
        headers: dict[str, str | list[str]] = {
            "Content-Type": result.content_type,
            **_SECURITY_HEADERS,
            **(result.headers or {}),
        }
        return Response(result.body, status_code=result.status, headers=headers)
    if status == 204:
        return Response("", status_code=204, headers={**_SECURITY_HEADERS, **_NO_STORE})
    return _json(result, status)


def _json(body: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")),
        status_code=status,
        headers={
            "Content-Type": "application/json",
            **_SECURITY_HEADERS,
            **_NO_STORE,
            **(headers or {}),
        },
    )


def error_body(code: str, message: str, details: Sequence[Detail] = ()) -> dict[str, Any]:
    """The one shape of every error under `/v1`."""
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = [{"field": d.field, "message": d.message} for d in details]
    return {"error": error}


def refused(refusal: AppError) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else None
    return _json(error_body(refusal.code, refusal.message, refusal.details), refusal.status, headers)


def crashed(request_id: str) -> Response:
    """Nothing of the failure but the id under which it is in the log."""
    message = f"Something went wrong on our side. Request id: {request_id}"
    return _json(error_body("INTERNAL_ERROR", message), 500, {"X-Request-Id": request_id})


_FRAMEWORK_CODES = {
    400: "VALIDATION_ERROR",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
}


def reshape(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Middleware: keeps the request for the views, and puts what Chalice itself answers into our shape.

    The gateway sends unknown paths to the resource `/{proxy+}`, which Chalice does not know either: its
    405 there is our 404.
    """
    token = _request.set(event)
    try:
        response = get_response(event)
    finally:
        _request.reset(token)
    body = response.body
    if not (isinstance(body, dict) and set(body) == {"Code", "Message"}):
        return response
    resource = str(event.context.get("resourcePath", ""))
    status = 404 if resource.startswith("/{proxy") else response.status_code
    if status not in _FRAMEWORK_CODES:
        request_id = str(event.context.get("requestId", ""))
        log.error("request %s: the framework answered %s: %s", request_id, status, body["Message"])
        return crashed(request_id)
    message = {404: "There is no such path.", 405: "This path does not have this method."}
    details = [Detail("body", "not readable")] if status == 400 else ()
    allow = response.headers.get("Allow")
    return _json(
        error_body(_FRAMEWORK_CODES[status], message.get(status, "The request was refused."), details),
        status,
        {"Allow": str(allow)} if status == 405 and allow else None,
    )
