"""The one door of all routes: admit, run the view, answer in the contract's shapes.

`route` holds the only call of `Blueprint.route` in the project. It takes the scope, or `PUBLIC`, as a
required argument and wraps the view, so that no route can be forgotten: what the authorizer did not
vouch for is answered 401 here.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import unquote

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.rate import Bucket
from chalicelib.errors import AppError, Detail, TooMany, TooManyPings
from chalicelib.jobs.authorize import authorize
from chalicelib.routes.admission import Admission, admit
from chalicelib.routes.body import check_size
from chalicelib.routes.call import Call, Replayed
from chalicelib.routes.operation import JSON, PUBLIC, Id, Operation, Secret
from chalicelib.routes.query import Parameter
from chalicelib.routes.replies import crashed, failure, not_ok, refused, told, with_bucket
from chalicelib.services.limits import BucketExceeded, count_job_ping, count_ping
from chalicelib.wiring import deps

log = logging.getLogger(__name__)

_request: ContextVar[Request] = ContextVar("request")
"""The request of this thread, set by `reshape`. Chalice's `current_request` is one for the whole process:
in the local run, which serves many at once, it may be somebody else's."""

View = TypeVar("View", bound=Callable[..., Any])


def route(
    bp: Blueprint,
    methods: Sequence[str],
    path: str,
    scope: str,
    *,
    status: int = 200,
    body: str | None = None,
    query: Sequence[Parameter] = (),
    answer: str | None = None,
    content_type: str = JSON,
    ids: Mapping[str, Id] | None = None,
    patterns: Mapping[str, str] | None = None,
    errors: Sequence[type[AppError]] = (),
    secret: Secret | None = None,
    is_ping: bool = False,
    is_job_ping: bool = False,
    texts: Mapping[int, Sequence[str]] | None = None,
    answers: Mapping[int, str] | None = None,
    name: str = "",
    tag: str = "",
    is_writing: bool = False,
) -> Callable[[View], View]:
    """Declare a route; the arguments are those of `Operation`."""
    operation = Operation(
        methods=tuple(methods),
        path=path,
        scope=scope,
        status=status,
        body=body,
        query=query,
        answer=answer,
        content_type=content_type,
        ids=ids or {},
        patterns=patterns or {},
        errors=tuple(errors),
        secret=secret,
        is_ping=is_ping,
        is_job_ping=is_job_ping,
        texts=texts or {},
        answers=answers or {},
        name=name,
        tag=tag,
        is_writing=is_writing,
    )

    def declare(view: View) -> View:
        @wraps(view)
        def handle(**params: str) -> Response:
            return _handle(operation, view, {name: unquote(value) for name, value in params.items()})

        handle.operation = operation  # type: ignore[attr-defined]
        bp.route(
            path,
            methods=list(methods),
            authorizer=None if operation.is_public else authorize,
            content_types=[],
        )(handle)
        return view

    return declare


def _handle(operation: Operation, view: Callable[..., Any], params: Mapping[str, str]) -> Response:
    request = _request.get()
    request_id = str(request.context.get("requestId", ""))
    bucket: Bucket | None = None
    source_ip = str((request.context.get("identity") or {}).get("sourceIp") or "")
    try:
        if operation.is_job_ping and operation.ids["id"].fits(params["id"]):
            now = deps().now()
            budget = count_job_ping(deps(), source_ip, params["id"], now)
            if budget.is_exceeded:
                bucket = budget
                raise TooMany(budget.retry_after_seconds(now))
        admission = Admission()
        if not operation.is_public:
            admission = admit(deps(), request.context, operation.scope)
        bucket = admission.bucket
        if admission.refusal is not None:
            raise admission.refusal
        raw_body = _raw_body(request)
        if not operation.is_public and not operation.is_job_ping:
            check_size(raw_body)
        if operation.is_ping:
            now = deps().now()
            bucket = count_ping(deps(), admission.key_id, now)
            if bucket.is_exceeded:
                raise TooManyPings(bucket.retry_after_seconds(now))
        for name, id in operation.ids.items():
            id.check(params[name])
        call = Call(
            deps(),
            operation,
            admission,
            params,
            _query(request),
            request.headers,
            raw_body,
            request_id,
            request.method,
            source_ip,
            str(request.context.get("domainName") or ""),
            _base_path(request),
        )
        response = _viewed(call, view)
    except AppError as refusal:
        response = _refusal(operation, refusal)
        if isinstance(refusal, BucketExceeded):
            bucket = refusal.bucket
    except Exception:
        log.exception("request %s failed", request_id)
        response = crashed(request_id)
    return with_bucket(response, bucket)


def _refusal(operation: Operation, refusal: AppError) -> Response:
    if operation.texts:
        return told(refusal)
    return not_ok(refusal) if operation.answers else refused(refusal)


def _viewed(call: Call, view: Callable[..., Any]) -> Response:
    try:
        return call.answer(view(call, **call.params))
    except Replayed as first:
        return call.restored(first.answer)


def _base_path(request: Request) -> str:
    path, resource = str(request.context.get("path", "")), str(request.context.get("resourcePath", ""))
    head, variable, _ = resource.partition("{")
    if variable:
        return path.partition(head)[0] if head in path else ""
    return path.removesuffix(resource) if path.endswith(resource) else ""


def _raw_body(request: Request) -> bytes:
    raw_body: bytes | str = request.raw_body
    return raw_body.encode() if isinstance(raw_body, str) else raw_body


def _query(request: Request) -> dict[str, list[str]]:
    given = request.query_params
    return {} if given is None else {name: given.getlist(name) for name in given}


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
    return failure(
        status,
        _FRAMEWORK_CODES[status],
        message.get(status, "The request was refused."),
        details,
        {"Allow": str(allow)} if status == 405 and allow else None,
    )


__all__ = ["PUBLIC", "Call", "Id", "Secret", "reshape", "route"]
