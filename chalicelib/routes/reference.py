"""The API's own description: the OpenAPI document and the page made of it. Both are written at build time
(`packager/openapi.py`, `packager/reference.py`) and served as files."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from chalice.app import Blueprint

from chalicelib.errors import NotFound
from chalicelib.routes.http import PUBLIC, Call, route
from chalicelib.routes.replies import Reply

bp = Blueprint(__name__)

STATIC = Path(__file__).resolve().parent.parent / "static"


@route(bp, ["GET"], "/v1/openapi.json", PUBLIC, answer="openapi:Document")
def get_openapi_document(call: Call) -> Any:
    """This document."""
    return _file(call, "openapi.json", "application/json", {"Access-Control-Allow-Origin": "*"})


@route(bp, ["GET"], "/docs", PUBLIC, content_type="text/html", errors=[NotFound])
def get_reference_page(call: Call) -> Any:
    """This document as a page for people."""
    headers = {"Content-Security-Policy": "frame-ancestors 'none'"}
    return _file(call, "docs.html", "text/html; charset=utf-8", headers)


def _file(call: Call, name: str, content_type: str, headers: dict[str, str]) -> Reply:
    text, tag = _read(name)
    headers = {**headers, "Cache-Control": "public, max-age=300", "ETag": tag}
    if tag in (call.headers.get("if-none-match") or ""):
        return Reply("", content_type, 304, headers)
    return Reply(text, content_type, 200, headers)


@lru_cache
def _read(name: str) -> tuple[str, str]:
    """A file that was built in, with its entity tag."""
    path = STATIC / name
    if not path.exists():  # a local run without npm has no renderer
        raise NotFound("This was not built in. See /v1/openapi.json.")
    text = path.read_text()
    return text, f'W/"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"'
