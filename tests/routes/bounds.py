"""What every field of a type refuses, and tables of fields as test cases."""

from typing import Any

NO_STRING: list[Any] = [None, 1, True, [], {}]
NO_INTEGER: list[Any] = [None, "60", True, False, 60.5, [60], {}, ""]
NO_BOOLEAN: list[Any] = [None, 0, 1, "true", "", [], {}]


def pairs(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(field, value) for field, values in table.items() for value in values]


def id_of(value: Any) -> str:
    return repr(value)[:40]
