"""Content checks: whether a response's body satisfies a monitor's rules (contract, section 4.4).

Patterns are the users' own, so RE2 alone matches them: it takes time in proportion to the text, whatever the
pattern. It is imported on use.
"""

import codecs
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

CONTAINS: Final = "contains"
NOT_CONTAINS: Final = "not_contains"
REGEX: Final = "regex"

MAX_PATTERN_LENGTH: Final = 4096

_MAX_MEMORY: Final = 1 << 20
# How much RE2 made of a pattern, in instructions. `.` is 7 of them, `.{0,500}` is 3500.
_MAX_INSTRUCTIONS: Final = 5000
# At worst RE2 tries all instructions with every byte. The patterns of one check share what they take of this:
# alone, one of 200 instructions sees the whole of a body of 1 MiB, and one of 1000 its first 210 KB.
_MAX_STEPS: Final = 212_000_000
_STEP_SECONDS: Final = 7e-9

_CHARSET: Final = re.compile(r";\s*charset\s*=\s*[\"']?([^\s;\"',]+)", re.IGNORECASE)
# As browsers read the names (WHATWG Encoding). Python's own names are no substitute: among them are codecs
# that take quadratic time, and that are no encodings of text.
_MULTIPLE_BYTES: Final = {
    "big5": "big5",
    "euc-jp": "euc-jp",
    "euc-kr": "cp949",
    "gb18030": "gb18030",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-2022-jp": "iso2022-jp",
    "shift-jis": "cp932",
    "shift_jis": "cp932",
    "utf-16": "utf-16",
    "utf-16be": "utf-16-be",
    "utf-16le": "utf-16-le",
}
_SINGLE_BYTES: Final = {
    **{f"iso-8859-{n}": f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **{f"windows-125{n}": f"cp125{n}" for n in range(9)},
    "iso-8859-1": "cp1252",
    "iso-8859-9": "cp1254",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "latin1": "cp1252",
    "windows-874": "cp874",
}
_ALL_BYTES: Final = bytes(range(256))
_UTF_8: Final = "utf-8-sig"  # which leaves out a byte order mark


@dataclass(frozen=True, slots=True)
class ContentRule:
    type: str
    value: str
    is_case_sensitive: bool = False


def satisfies(rules: Sequence[ContentRule], text: str, spent: Callable[[], float]) -> bool:
    """Whether all of them are met. In an empty text nothing is found, not even by a pattern.

    `spent` tells seconds of processor time, of which all patterns together are given about 1.5: what one
    does not need is left to the next.
    """
    began = spent()
    for rule in rules:
        steps = _MAX_STEPS - int((spent() - began) / _STEP_SECONDS)
        if not _is_met(rule, text, max(0, steps)):
            return False
    return True


def text_of(body: bytes, content_type: str) -> str:
    """The body as text, by the charset that was named; UTF-8 without one, and for one that is unknown."""
    match = _CHARSET.search(content_type)
    charset = match[1].lower() if match else ""
    if charset in _SINGLE_BYTES:
        # By a table without gaps: a million replacements one by one would take half a second.
        table = _ALL_BYTES.decode(_SINGLE_BYTES[charset], errors="replace")
        return codecs.charmap_decode(body, "replace", table)[0]
    return body.decode(_MULTIPLE_BYTES.get(charset, _UTF_8), errors="replace")


def compile_error(value: str) -> str | None:
    """Why a pattern cannot be used; None when it can."""
    import re2

    if len(value) > MAX_PATTERN_LENGTH:
        return f"longer than {MAX_PATTERN_LENGTH} characters"
    try:
        pattern = _compile(value, is_case_sensitive=False)
    except re2.error as error:
        return _message(error)
    except UnicodeEncodeError:
        return "not text"
    if pattern.programsize > _MAX_INSTRUCTIONS:
        return "too complex: repeat less, or match less"
    return None


def _is_met(rule: ContentRule, text: str, steps: int) -> bool:
    if rule.type == REGEX:
        return bool(text) and _matches(rule, text, steps)
    needle = rule.value
    if not rule.is_case_sensitive:
        needle, text = needle.casefold(), text.casefold()
    return (needle in text) is (rule.type == CONTAINS)


def _matches(rule: ContentRule, text: str, steps: int) -> bool:
    """Also false when a match does not come within `steps`, and for what RE2 no longer takes."""
    import re2

    try:
        pattern = _compile(rule.value, rule.is_case_sensitive)
    except re2.error:
        return False
    return pattern.search(text.encode(), 0, steps // pattern.programsize) is not None


def _compile(value: str, is_case_sensitive: bool) -> Any:
    import re2

    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    options.never_capture = True  # it is not asked where the match is
    options.case_sensitive = is_case_sensitive
    return re2.compile(value.encode(), options)


def _message(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason) or "not a pattern"
