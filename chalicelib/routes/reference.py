"""The API's own description: the OpenAPI document and the page made of it. Both are written at build time
(`packager/openapi.py`, `packager/reference.py`) and served as files."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from chalice.app import Blueprint

from chalicelib.errors import NotFound
from chalicelib.routes.http import PUBLIC, Call, route
from chalicelib.routes.replies import Reply, cacheable

bp = Blueprint(__name__)

_HERE = '"url": "/"'
"""The server's address in the document as it was built."""
STATIC = Path(__file__).resolve().parent.parent / "static"


@route(bp, ["GET"], "/v1/openapi.json", PUBLIC, answer="openapi:Document")
def get_openapi_document(call: Call) -> Any:
    """This document."""
    document = _read("openapi.json")
    if call.base_path:  # a stage of the gateway, which no custom domain hides
        document = document.replace(_HERE, f'"url": "{call.base_path}"', 1)
    return _offered(call, document, "application/json", {"Access-Control-Allow-Origin": "*"})


@route(bp, ["GET"], "/docs", PUBLIC, content_type="text/html", errors=[NotFound])
def get_reference_page(call: Call) -> Any:
    """This document as a page for people."""
    headers = {"Content-Security-Policy": "frame-ancestors 'none'"}
    return _offered(call, _read("docs.html"), "text/html; charset=utf-8", headers)


def _offered(call: Call, text: str, content_type: str, headers: dict[str, str]) -> Reply:
    headers = {**headers, "Cache-Control": "public, max-age=300"}
    return cacheable(text, content_type, call.headers.get("if-none-match"), headers)


@lru_cache
def _read(name: str) -> str:
    """A file that was built in."""
    path = STATIC / name
    if not path.exists():  # a local run without npm has no renderer
        raise NotFound("This was not built in. See /v1/openapi.json.")
    return path.read_text()
