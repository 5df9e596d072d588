"""How answers are written: JSON, the one shape of errors, and the headers that all of them carry."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chalice.app import Response

from chalicelib.domain.rate import Bucket
from chalicelib.errors import AppError, Detail, TooMany

SECURITY_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_NO_STORE: Final = {"Cache-Control": "no-store"}
_NEVER_CACHED: Final = {"Cache-Control": "max-age=0, no-cache, no-store, must-revalidate, private"}
_TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a view answers when it is not JSON with the route's own status."""

    body: str
    content_type: str
    status: int = 200
    headers: Mapping[str, str] | None = None


def cacheable(text: str, content_type: str, asked: str | None, headers: Mapping[str, str]) -> Reply:
    """With an entity tag; 304 when `asked`, the request's If-None-Match, already has it (RFC 9110, 13.1.2:
    the comparison is weak, `W/"x"` and `"x"` are one)."""
    tag = f'"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"'
    headers = {**headers, "ETag": f"W/{tag}"}
    asked = (asked or "").strip()
    if asked == "*" or tag in asked:
        return Reply("", content_type, 304, headers)
    return Reply(text, content_type, 200, headers)


def success(result: Any, status: int) -> Response:
    """A view's result with the route's success status; 204 has no body."""
    if isinstance(result, Reply):
        headers: dict[str, str | list[str]] = {
            "Content-Type": result.content_type,
            **SECURITY_HEADERS,
            **(result.headers or {}),
        }
        return Response(result.body, status_code=result.status, headers=headers)
    if status == 204:
        return Response("", status_code=204, headers={**SECURITY_HEADERS, **_NO_STORE})
    return written(as_json(result), status)


def as_json(body: Any) -> str:
    """Raises ValueError or TypeError on what JSON does not have, so that it never leaves as invalid text."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def written(text: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """JSON text as an answer."""
    return Response(
        text,
        status_code=status,
        headers={
            "Content-Type": "application/json",
            **SECURITY_HEADERS,
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


def failure(
    status: int,
    code: str,
    message: str,
    details: Sequence[Detail] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    return written(as_json(error_body(code, message, details)), status, headers)


def refused(refusal: AppError) -> Response:
    headers: dict[str, str] = {}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(refusal, TooMany):
        headers["Retry-After"] = str(refusal.retry_after_seconds)
    return failure(refusal.status, refusal.code, refusal.message, refusal.details, headers)


def said(text: str, status: int, headers: Mapping[str, str] | None = None) -> Reply:
    """A word in plain text, which nobody may keep."""
    return Reply(text, _TEXT, status, {**_NEVER_CACHED, **(headers or {})})


def told(refusal: AppError) -> Response:
    """A refusal in plain text: its message alone."""
    text, headers = refusal.message, {}
    if isinstance(refusal, TooMany):
        text, headers = "rate limited", {"Retry-After": str(refusal.retry_after_seconds)}
    return success(said(text, refusal.status, headers), refusal.status)


def not_ok(refusal: AppError) -> Response:
    """As Uptime Kuma says it."""
    headers = {"Retry-After": str(refusal.retry_after_seconds)} if isinstance(refusal, TooMany) else None
    return written(as_json({"ok": False, "msg": refusal.message}), refusal.status, headers)


def crashed(request_id: str) -> Response:
    """Nothing of the failure but the id under which it is in the log."""
    message = f"Something went wrong on our side. Request id: {request_id}"
    return failure(500, "INTERNAL_ERROR", message, headers={"X-Request-Id": request_id})


def with_bucket(response: Response, bucket: Bucket | None) -> Response:
    """The answer with the state of the bucket that its request was counted in."""
    if bucket is not None:
        response.headers["X-RateLimit-Limit"] = str(bucket.limit)
        response.headers["X-RateLimit-Remaining"] = str(bucket.remaining)
        response.headers["X-RateLimit-Reset"] = str(bucket.ends_at)
    return response
