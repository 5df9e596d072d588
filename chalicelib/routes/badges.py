"""Badges with Uptime Kuma's paths, parameters and looks; for public monitors only."""

from typing import Any, cast

from chalice.app import Blueprint

from chalicelib.render.badge import STYLES, State, na_badge, status_badge
from chalicelib.routes.http import PUBLIC, Call, route
from chalicelib.routes.query import Text
from chalicelib.routes.replies import Reply, cacheable
from chalicelib.services.badges import badge_state

bp = Blueprint(__name__)

_SVG = "image/svg+xml; charset=utf-8"
_STATES = ("up", "down", "degraded", "pending", "maintenance")
_LOOKS = [
    Text("label", "The left half's text instead of `Status`; empty for none."),
    Text("style", "Only `flat` so far, which every other name stands for too."),
    *(Text(f"{state}Label", f"The text shown for `{state}`.") for state in _STATES),
    *(Text(f"{state}Color", f"The colour of `{state}`, as in CSS.") for state in _STATES),
]


@route(
    bp,
    ["GET", "HEAD"],
    "/api/badge/{id}/status",
    PUBLIC,
    query=_LOOKS,
    content_type="image/svg+xml",
)
def get_status_badge(call: Call, id: str) -> Any:
    """A monitor's status as an SVG image, for public monitors. Uptime Kuma's paths and parameters.

    An unknown and a private monitor get the same grey badge, byte for byte.
    """
    params = {name: values[-1] for name, values in call.query.items()}
    style = params.get("style") or "flat"
    if style not in STYLES:
        style = "flat"
    state = badge_state(call.deps, id)
    if state is None:
        return _svg(call, na_badge(style=style))
    return _svg(call, status_badge(cast(State, state), {**params, "style": style}))


def _svg(call: Call, svg: str) -> Reply:
    """Cached for as long as a status lives at least: a minute. Locked down for those who open it alone."""
    headers = {
        "Cache-Control": "public, max-age=60",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    return cacheable(svg, _SVG, call.headers.get("if-none-match"), headers)
