"""Texts of strangers (names, errors, addresses) made fit to be shown, and cut to what a reader takes.

Whatever comes in, what goes out is one line of valid Unicode that cannot turn the text around it.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

ELLIPSIS: Final = "…"
# They reverse the order in which what follows is shown. Joiners, which emoji need, stay.
_TURNERS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_REPLACEMENT: Final = "\ufffd"


def one_line(text: str) -> str:
    """Without line breaks, control characters, lone surrogates and marks of direction."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_shown, _TURNERS.sub("", text)))
    return " ".join(text.split())


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs":
        return _REPLACEMENT
    return " " if category in ("Cc", "Zl", "Zp") else character


def cut(
    text: str, most: int, size: Callable[[str], int] = len, escape: Callable[[str], str] = lambda text: text
) -> str:
    """The text escaped, in at most `most` as `size` counts; no escape is cut in two.

    `escape` must do to a text what it does to its characters one by one.
    """
    whole = escape(text)
    if size(whole) <= most:
        return whole
    left = most - size(ELLIPSIS)
    kept = []
    for character in text:
        piece = escape(character)
        left -= size(piece)
        if left < 0:
            break
        kept.append(piece)
    return "".join(kept) + ELLIPSIS


def in_utf16(text: str) -> int:
    """As JavaScript counts, and the vendors that are written in it."""
    return len(text) + sum(character > "\uffff" for character in text)


def in_utf8(text: str) -> int:
    return len(text.encode(errors="replace"))
