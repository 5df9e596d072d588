"""Status badges as SVG text, drawn to the measures that Uptime Kuma's users know."""

import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Literal

from chalicelib.render.colour import UNREADABLE, is_bright, normal_colour, parse_colour
from chalicelib.render.text_width import verdana_width

State = Literal["up", "down", "degraded", "pending", "maintenance"]

_LABEL_COLOUR = "#555"
_MAX_CHARACTERS = 64
_PADDING = 5
_SPACES = re.compile("[\t\n\r\x85\u2028\u2029]")
# Everything that XML 1.0 forbids (lone surrogates too), and the control characters it merely discourages.
_UNPRINTABLE = re.compile("[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Default text and colour. `degraded` is ours: Kuma has no such state, but that colour for warnings.
_STATES: Mapping[State, tuple[str, str]] = {
    "up": ("Up", "#66c20a"),
    "down": ("Down", "#c2290a"),
    "degraded": ("Degraded", "#eed202"),
    "pending": ("Pending", "#f8a306"),
    "maintenance": ("Maintenance", "#1747f5"),
}


def status_badge(state: State, params: Mapping[str, str]) -> str:
    """The badge of a monitor. `params` is the query, unknown names included; its style is in STYLES."""
    text, colour = _STATES[state]
    return render_badge(
        params.get("label", "Status"),
        params.get(f"{state}Label", text),
        parse_colour(params.get(f"{state}Color"), colour),
        style=params.get("style", "flat"),
    )


def na_badge(style: str = "flat") -> str:
    """What a stranger gets for a monitor that does not exist or is not public: the two look the same."""
    return render_badge("", "N/A", "#999", style=style)


def render_badge(
    label: str, message: str, colour: str, *, label_colour: str = _LABEL_COLOUR, style: str = "flat"
) -> str:
    """Label and message side by side, or the message alone. Any text is safe here, in colours too."""
    return STYLES[style](
        _clean(label),
        _clean(message),
        normal_colour(colour) or UNREADABLE,
        normal_colour(label_colour) or _LABEL_COLOUR,
    )


def _clean(text: str) -> str:
    printable = _UNPRINTABLE.sub("", _SPACES.sub(" ", text))
    return printable.strip()[:_MAX_CHARACTERS].rstrip()


def _flat(label: str, message: str, colour: str, label_colour: str) -> str:
    left = _segment_width(label) if label else 0
    right = _segment_width(message)
    width = left + right
    name = escape(f"{label}: {message}" if label else message)
    # Both texts lean one pixel towards the border between the segments.
    texts = _flat_text(label, 1, label_colour) + _flat_text(message, left - 1 if label else 0, colour)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{name}">'
        f"<title>{name}</title>"
        '<linearGradient id="shine" x2="0" y2="100%">'
        '<stop offset="0" stop-color="#bbb" stop-opacity=".1"/><stop offset="1" stop-opacity=".1"/>'
        "</linearGradient>"
        f'<clipPath id="corners"><rect width="{width}" height="20" rx="3"/></clipPath>'
        '<g clip-path="url(#corners)">'
        f'<rect width="{left}" height="20" fill="{label_colour}"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/>'
        f'<rect width="{width}" height="20" fill="url(#shine)"/>'
        "</g>"
        '<g text-anchor="middle" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="110"'
        f' text-rendering="geometricPrecision">{texts}</g>'
        "</svg>"
    )


def _flat_text(text: str, start: int, background: str) -> str:
    """The text twice, its shadow first, in tenths of a pixel, which survive a browser's zoom better."""
    if not text:
        return ""
    fill, shadow = ("#333", "#ccc") if is_bright(background) else ("#fff", "#010101")
    length = 10 * _text_width(text)
    place = f'x="{10 * (start + _PADDING) + length // 2}" textLength="{length}" transform="scale(.1)"'
    content = escape(text)
    return (
        f'<text {place} y="150" fill="{shadow}" fill-opacity=".3" aria-hidden="true">{content}</text>'
        f'<text {place} y="140" fill="{fill}">{content}</text>'
    )


def _segment_width(text: str) -> int:
    return _text_width(text) + 2 * _PADDING


def _text_width(text: str) -> int:
    """Odd, or 0 without text, so that the middle of a text falls on the middle of a pixel."""
    return int(verdana_width(text)) | 1 if text else 0


# Styles by their name in a badge's URL. Each takes cleaned texts and `#rgb` or `#rrggbb` colours.
STYLES: Mapping[str, Callable[[str, str, str, str], str]] = {"flat": _flat}
