"""Request bodies: one strict JSON object (contract, section 1, bodies).

Refused with `body` as the bad field, because parsers disagree about them: duplicate keys, NaN and
Infinity, encodings other than UTF-8, lone surrogates, nesting over 20, numbers beyond 2^53.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from chalicelib.errors import Detail, InvalidInput, PayloadTooLarge

MAX_BODY_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_NUMBER = 2**53

_JSON_TYPE = re.compile(r"application/json\s*(;.*)?", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[{\]}]', re.DOTALL)
"""Strings and brackets. A string that never ends is one token to the end, so the scan stays linear."""


class _Refused(ValueError):
    pass


def check_size(raw: bytes) -> None:
    if len(raw) > MAX_BODY_BYTES:
        raise PayloadTooLarge("The body is larger than 256 KiB.")


def parse_object(raw: bytes, content_type: str | None) -> dict[str, Any]:
    """The body's JSON object. Raises InvalidInput on `body`."""
    if content_type is not None and not _JSON_TYPE.fullmatch(content_type.strip()):
        raise _on_body("The Content-Type must be application/json.")
    try:
        text = raw.decode("utf-8")
        _check_depth(text)
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_bounded_int,
            parse_float=_bounded_float,
        )
        _check_text(value)
    except _Refused as refusal:
        raise _on_body(str(refusal)) from None
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise _on_body("The body is not valid JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise _on_body("The body must be a JSON object.")
    return value


def _on_body(message: str) -> InvalidInput:
    return InvalidInput([Detail("body", message)])


def _check_depth(text: str) -> None:
    """Before parsing: the parser itself would run out of stack on a deep document."""
    depth = 0
    for token in _TOKENS.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _Refused(f"The body is nested deeper than {MAX_DEPTH} levels.")
        elif token[0] in "]}":
            depth -= 1


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused("The body has the same key twice in one object.")
    return found


def _no_constant(name: str) -> Any:
    raise _Refused(f"{name} is not a JSON number.")


def _bounded_int(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_NUMBER:
        raise _Refused("A number in the body is beyond 2^53.")
    return int(text)


def _bounded_float(text: str) -> float:
    number = float(text)
    if not abs(number) <= MAX_NUMBER:
        raise _Refused("A number in the body is beyond 2^53.")
    return number


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise _Refused("The body has half of a surrogate pair.")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)
