"""What a channel's configuration must be, so that a bad one is told by the names of its fields."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.domain.target import BadTarget, parse_url
from chalicelib.errors import Detail

Problem = Callable[[Any], str | None]
"""Why a value cannot be taken, or None."""

MAX_ADDRESS: Final = 254
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)*{_LABEL}")


@dataclass(frozen=True, slots=True)
class Field:
    """A secret one is never shown again, nor logged."""

    problem: Problem
    is_required: bool = False
    is_secret: bool = False


Fields = Mapping[str, Field]


class BadConfig(ValueError):
    """A configuration that no message can be made from. `details` name every field that is wrong."""

    def __init__(self, details: Collection[Detail]) -> None:
        self.details = tuple(details)
        super().__init__(", ".join(detail.field for detail in self.details))  # never the values


def read(fields: Fields, config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are given, all of them good; raises BadConfig. What is not a field is left out."""
    problems = {
        name: field.problem(config[name]) if name in config else "is required"
        for name, field in fields.items()
        if name in config or field.is_required
    }
    details = [Detail(name, problem) for name, problem in problems.items() if problem]
    if details:
        raise BadConfig(details)
    return {name: config[name] for name in fields if name in config}


def text(least: int, most: int) -> Problem:
    """Lengths are counted in code points. A lone surrogate is no character, and cannot be stored."""

    def problem(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        if not least <= len(value) <= most:
            return f"must have {least} to {most} characters"
        if any("\ud800" <= character <= "\udfff" for character in value):
            return "must be valid Unicode"
        return None

    return problem


def matching(pattern: str, meaning: str) -> Problem:
    """For what is sent as it stands: the pattern leaves no room for line breaks."""
    compiled = re.compile(pattern)

    def problem(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        return None if compiled.fullmatch(value) else f"must be {meaning}"

    return problem


def one_of(*choices: str) -> Problem:
    allowed = " or ".join(choices)
    return lambda value: None if isinstance(value, str) and value in choices else f"must be {allowed}"


def url(value: Any) -> str | None:
    """Whether it leads to an address that may be called is for the door, on every attempt."""
    if not isinstance(value, str):
        return "must be a string"
    try:
        parse_url(value)
    except BadTarget as error:
        return f"must be an http(s) URL: {error}"
    return None


def address(value: Any) -> str | None:
    """One plain address: no name, no list, no quotes, nothing beyond ASCII."""
    if not isinstance(value, str):
        return "must be a string"
    is_good = len(value) <= MAX_ADDRESS and _ADDRESS.fullmatch(value)
    return None if is_good else "must be one email address"
