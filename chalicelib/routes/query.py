"""Query parameters: whole numbers in a range, refused outside it and never clamped; and free text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.errors import Detail, InvalidInput

_WHOLE = re.compile(r"-?[0-9]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number with its bounds, both included."""

    name: str
    default: int
    least: int
    most: int | None = None
    description: str = ""

    @property
    def text(self) -> str:
        return f"at least {self.least}" if self.most is None else f"from {self.least} to {self.most}"


@dataclass(frozen=True, slots=True)
class Text:
    """Any text; the view makes of it what it can. `schema` is what the API document says of it."""

    name: str
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)


Parameter = Whole | Text


def whole_numbers(query: Mapping[str, Sequence[str]], *bounds: Whole) -> list[int]:
    """The values in the order of `bounds`. Raises InvalidInput naming every bad parameter at once."""
    values: list[int] = []
    bad: list[Detail] = []
    for bound in bounds:
        texts = query.get(bound.name, ())
        value = _value(texts, bound)
        if value is None:
            bad.append(Detail(bound.name, f"must be one whole number, {bound.text}"))
        else:
            values.append(value)
    if bad:
        raise InvalidInput(bad)
    return values


def _value(texts: Sequence[str], bound: Whole) -> int | None:
    if not texts:
        return bound.default
    if len(texts) > 1 or not _WHOLE.fullmatch(texts[0]):
        return None
    value = int(texts[0])
    if value < bound.least or (bound.most is not None and value > bound.most):
        return None
    return value


def limit_of(*, default: int, most: int) -> list[Whole]:
    return [Whole("limit", default=default, least=1, most=most, description="How many to show.")]


def page_of(*, default: int, most: int) -> list[Whole]:
    offset = Whole("offset", default=0, least=0, most=2**53, description="How many of the newest to skip.")
    return [*limit_of(default=default, most=most), offset]
