"""What a check's configuration must be, so that a bad one is told by the names of its fields."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

Rules = Mapping[str, Callable[[Any], bool]]


class BadSpec(ValueError):
    """A configuration that no check can be made from. `fields` are all that are missing or wrong."""

    def __init__(self, fields: Iterable[str]) -> None:
        self.fields = tuple(fields)
        super().__init__(", ".join(self.fields))  # never the values: some are secrets


def require(spec: Mapping[str, Any], rules: Rules) -> None:
    """Raises BadSpec. Whether a host or URL is one that may be asked is for the door: that is a result."""
    bad = [name for name, is_good in rules.items() if not is_good(spec.get(name))]
    if bad:
        raise BadSpec(bad)


def text(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and least <= len(value) <= most


def whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most  # bool is an int too


def one_of(choices: Collection[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in choices


def optional(is_good: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Absent and None are the same."""
    return lambda value: value is None or is_good(value)
