"""Which header fields of a user's own a check may send. What frames a message is ours alone.

A name or value with a line break, or a second length, would make two requests of one.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

MAX_HEADERS: Final = 50
MAX_NAME_LENGTH: Final = 256
MAX_VALUE_LENGTH: Final = 8192
MAX_TOTAL_BYTES: Final = 16 * 1024

METHODS_WITHOUT_BODY: Final = frozenset(("GET", "HEAD"))

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
DENIED_NAMES: Final = frozenset(
    (
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
DENIED_PREFIX: Final = "proxy-"


def header_problems(headers: Mapping[str, str]) -> dict[str, str]:
    """What is wrong, by name; under "" what is wrong with all of them together. Empty when nothing is."""
    problems = {name: problem for name, value in headers.items() if (problem := header_problem(name, value))}
    seen: set[str] = set()
    for name in headers:
        if name.lower() in seen:
            problems.setdefault(name, "is given twice, in another spelling")
        seen.add(name.lower())
    if len(headers) > MAX_HEADERS:
        problems[""] = f"at most {MAX_HEADERS} headers"
    elif sum(_size(name) + _size(value) for name, value in headers.items()) > MAX_TOTAL_BYTES:
        problems[""] = f"at most {MAX_TOTAL_BYTES} bytes in all"
    return problems


def header_problem(name: str, value: str) -> str | None:
    """Why this one may not be sent. Values are sent as UTF-8."""
    if len(name) > MAX_NAME_LENGTH:
        return f"the name is longer than {MAX_NAME_LENGTH} characters"
    if not _TOKEN.fullmatch(name):
        return "not a header name"
    if name.lower() in DENIED_NAMES or name.lower().startswith(DENIED_PREFIX):
        return "this header cannot be set"
    if len(value) > MAX_VALUE_LENGTH:
        return f"the value is longer than {MAX_VALUE_LENGTH} characters"
    if not (value.isascii() and value.isprintable()) and any(map(_is_odd, value)):
        return "the value contains a line break or another control character"
    return None


def _is_odd(character: str) -> bool:
    # Cc control, Cs lone surrogate, Zl and Zp line and paragraph separators
    return character != "\t" and unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))
