"""The grammar of cron expressions (contract, section 4.7), checked before `cronsim` sees any.

What `cronsim` takes beyond it (seconds, `L`, `W`, `#`) is refused here, with a reason for people. Which day
fields must both match and which jobs have a fixed time depends on how a field is written: on whether it
begins with a star. So a term stays as it was written wherever `cronsim` reads it alike.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

MAX_LENGTH: Final = 255
MACROS: Final = {
    "@annually": "0 0 1 1 *",
    "@daily": "0 0 * * *",
    "@hourly": "0 * * * *",
    "@midnight": "0 0 * * *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@yearly": "0 0 1 1 *",
}

_WHITESPACE: Final = re.compile(r"[ \t\n\r\f\v]+")
_HOSTILE: Final = re.compile(r"[^ -~\t\n\r\f\v]")
_QUARTZ: Final = re.compile(r".*[#?].*|\d*(L|W|LW)|L-\d+|[A-Z]{3}L", re.IGNORECASE)
_LONGEST_MONTHS: Final = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


class BadExpression(ValueError):
    """Says to people what is wrong with the schedule that they wrote."""


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    """Of `low`, `low` + 1 and so on."""


class _Term(NamedTuple):
    text: str
    values: range


_MINUTE: Final = _Field("minute", 0, 59)
_HOUR: Final = _Field("hour", 0, 23)
_DAY: Final = _Field("day of month", 1, 31)
_MONTH: Final = _Field(
    "month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
)
_WEEKDAY: Final = _Field("weekday", 0, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))
_FIELDS: Final = (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)


def normalize(text: str) -> str:
    """The text as it was submitted, but for the whitespace. Raises BadExpression."""
    to_cronsim(text)
    return " ".join(_words(text))


def to_cronsim(text: str) -> str:
    """Five fields that mean to `cronsim` what the text means by the grammar. Raises BadExpression."""
    minute, hour, day, month, weekday = (
        _terms(field, word) for field, word in zip(_FIELDS, _expanded(_words(text)), strict=True)
    )
    _check_date_exists(day, month, weekday)
    return " ".join(_joined(terms) for terms in (minute, hour, day, month, weekday))


def check_text(text: str, max_length: int) -> None:
    """Raises BadExpression for text that is too long, or that is not printable ASCII and whitespace."""
    if len(text) > max_length:
        raise BadExpression(f"the expression is longer than {max_length} characters")
    if found := _HOSTILE.search(text):
        raise BadExpression(f"the character {found[0]!a} has no place in an expression")


def _words(text: str) -> list[str]:
    check_text(text, MAX_LENGTH)
    return [word for word in _WHITESPACE.split(text) if word]


def _expanded(words: Sequence[str]) -> Sequence[str]:
    if words and words[0].startswith("@"):
        return _macro(words).split()
    if len(words) == 6:
        raise BadExpression("6 fields: seconds are not supported, the first of five fields is the minute")
    if len(words) != 5:
        raise BadExpression(
            f"{len(words)} fields, where there should be five: minute, hour, day of month, month, weekday"
        )
    return words


def _macro(words: Sequence[str]) -> str:
    name = words[0].lower()
    if name == "@reboot":
        raise BadExpression("@reboot is not supported: it names no time")
    if name not in MACROS:
        raise BadExpression(f"{_shown(words[0])} is none of {', '.join(sorted(MACROS))}")
    if len(words) > 1:
        raise BadExpression(f"{name} stands for a whole expression: nothing may follow it")
    return MACROS[name]


def _terms(field: _Field, text: str) -> list[_Term]:
    return [_term(field, term) for term in text.split(",")]


def _term(field: _Field, text: str) -> _Term:
    span, slash, step = text.partition("/")
    start, dash, end = span.partition("-")
    if span == "*":
        first, last = field.low, field.high
    else:
        first = _value(field, start)
        last = _value(field, end) if dash else field.high if slash else first
    if first > last:
        raise BadExpression(f"{field.name}: the range {_shown(span)} is reversed")
    values = range(first, last + 1, _step(field, step) if slash else 1)
    # A range of one value with a step: for `cronsim`, that value and every step after it.
    return _Term(str(first) if dash and first == last else text, values)


def _value(field: _Field, text: str) -> int:
    if text.upper() in field.names:
        return field.low + field.names.index(text.upper())
    value = _number(field, text)
    if not field.low <= value <= field.high:
        raise BadExpression(f"{field.name}: {_shown(text)} is not within {field.low} to {field.high}")
    return value


def _step(field: _Field, text: str) -> int:
    step = _number(field, text)
    if step == 0:
        raise BadExpression(f"{field.name}: a step of 0 leads nowhere")
    return step


def _number(field: _Field, text: str) -> int:
    if not text:
        raise BadExpression(f"{field.name}: a value is missing")
    if _QUARTZ.fullmatch(text):
        raise BadExpression(f"{field.name}: {_shown(text)}: L, W, # and ? are not supported")
    if not text.isdigit():
        known = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
        raise BadExpression(f"{field.name}: {_shown(text)} is not a number{known}")
    return int(text)


def _check_date_exists(day: list[_Term], month: list[_Term], weekday: list[_Term]) -> None:
    """Raises BadExpression for 30 February, unless the weekday alone is enough."""
    if not weekday[0].text.startswith("*"):
        return
    first_day = min(term.values[0] for term in day)
    longest = max(_LONGEST_MONTHS.get(number, 31) for term in month for number in term.values)
    if first_day > longest:
        raise BadExpression(f"day of month: none of the months has a day {first_day}")


def _joined(terms: list[_Term]) -> str:
    return ",".join(term.text for term in terms)


def _shown(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:20]}..."
