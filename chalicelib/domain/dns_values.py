"""DNS records as values: their normal forms, what is expected of them, what is reported (contract, 4.5)."""

import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv6Address
from typing import Final

MAX_REPORTED_LENGTH: Final = 4096
"""Of a value as it is kept: a name server may send 64 KB, and who runs it is not known."""

_SEGMENTS: Final = re.compile(r'"[^"]*"(?:\s+"[^"]*")+')
_PREFERENCE: Final = re.compile(r"([0-9]{1,5})\s+(\S+)")


def normal_record(record_type: str, text: str) -> str:
    """The form in which two records are equal when they mean the same. Of itself it is itself."""
    return _NORMAL[record_type](text.strip())


def report(record_type: str, records: Iterable[str]) -> str:
    """What a check found, as one text."""
    return ", ".join(sorted(_normal_set(record_type, records)))[:MAX_REPORTED_LENGTH]


def is_expected(record_type: str, expected: str | None, records: Iterable[str]) -> bool:
    """Whether these are the records, and no others. Without an expected value any are."""
    items = _items(expected or "")
    if not items:
        return True
    found = _normal_set(record_type, records)
    if record_type == "TXT" and found == {normal_record("TXT", expected or "")}:
        return True
    wanted = _normal_set(record_type, items)
    return _are_same_hosts(wanted, found) if record_type == "MX" else wanted == found


def _items(expected: str) -> list[str]:
    return [item for part in expected.split(",") if (item := part.strip())]


def _normal_set(record_type: str, records: Iterable[str]) -> set[str]:
    return {normal_record(record_type, record) for record in records}


def _are_same_hosts(wanted: set[str], found: set[str]) -> bool:
    """Everything wanted is there, and everything there is wanted; a preference counts where one is given."""
    anyhow = {item for item in wanted if " " not in item}
    exactly = wanted - anyhow
    return (
        exactly <= found
        and anyhow <= {_host(record) for record in found}
        and all(record in exactly or _host(record) in anyhow for record in found)
    )


def _host(mail_host: str) -> str:
    return mail_host.rpartition(" ")[2]


def _as_is(text: str) -> str:
    return text


def _address_v6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError:
        return text  # nobody's record, so it will not be found


def _name(text: str) -> str:
    return text.lower().rstrip(".") or "."  # the root is nothing but its dot


def _mail_host(text: str) -> str:
    match = _PREFERENCE.fullmatch(text)
    return f"{int(match[1])} {_name(match[2])}" if match else _name(text)


def _joined_text(text: str) -> str:
    """Without the quotes of zone files, where one text may be several quoted segments."""
    if _SEGMENTS.fullmatch(text):
        return "".join(text.split('"')[1::2]).strip()
    opening, closing = len(text) - len(text.lstrip('"')), len(text) - len(text.rstrip('"'))
    quotes = min(opening, closing, len(text) // 2)
    return text[quotes : len(text) - quotes].strip()


_NORMAL: Final[Mapping[str, Callable[[str], str]]] = {
    "A": _as_is,
    "AAAA": _address_v6,
    "CNAME": _name,
    "MX": _mail_host,
    "NS": _name,
    "TXT": _joined_text,
}
RECORD_TYPES: Final = tuple(_NORMAL)
