"""Strict reading of the URLs and hosts that users and redirects give us. Pure: nothing is looked up here.

What other readers guess at (legacy IPv4 forms, userinfo, stray blanks, text after a bracket) is refused,
because two readers that guess differently are how a forbidden host gets past a check.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote

MAX_URL_LENGTH: Final = 2048
# Sign-in pages redirect to longer URLs than anyone would type; the caps on headers bound this anyway.
MAX_LOCATION_LENGTH: Final = 8192
MAX_HOST_LENGTH: Final = 255

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_URL: Final = re.compile(r"(https?)://([^/?#]*)([^#]*)", re.IGNORECASE)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AUTHORITY: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::([0-9]{1,5}))?")
_ADDRESS_V6: Final = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
# Underscores are in use, and `r3---sn-x.example` shows that hyphens may stand anywhere inside.
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PLAIN_PATH: Final = re.compile(r"/[A-Za-z0-9_~/%=&?.,:;@!$'()*+\[\]|-]*")
_PATH_SAFE: Final = "!$%&'()*+,-./:;=?@[]_|~"


class BadTarget(ValueError):
    """The text is not a URL or host that the door will open; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, taken apart. `host` is an ASCII name or a canonical address without brackets."""

    scheme: str
    host: str
    port: int
    path_and_query: str
    is_literal: bool

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path_and_query}"


@dataclass(frozen=True, slots=True)
class Host:
    """An ASCII name without a final dot, or a canonical address without brackets."""

    name: str
    is_literal: bool


def parse_host(text: str) -> Host:
    """A host by itself: a name, an IPv4 address or an IPv6 address without brackets."""
    if not 0 < len(text) <= MAX_HOST_LENGTH:
        raise BadTarget(f"must have 1 to {MAX_HOST_LENGTH} characters")
    _refuse_odd_characters(text)
    if _ADDRESS_V6.fullmatch(text):
        return Host(_parse_v6(text), True)
    return _parse_host(text)


def parse_url(text: str) -> Target:
    if len(text) > MAX_URL_LENGTH:
        raise BadTarget(f"longer than {MAX_URL_LENGTH} characters")
    return _parse(text)


def join(base: Target, location: str) -> Target:
    """Where a `Location` leads, seen from `base`. Blanks are forgiven, since browsers forgive them."""
    if len(location) > MAX_LOCATION_LENGTH:
        raise BadTarget(f"longer than {MAX_LOCATION_LENGTH} characters")
    location = location.replace(" ", "%20")
    if _SCHEME.match(location):
        return _parse(location)
    if location.startswith("//"):
        return _parse(f"{base.scheme}:{location}")
    _refuse_odd_characters(location)
    reference = location.partition("#")[0]
    base_path = base.path_and_query.partition("?")[0]
    if not reference:
        return base
    if reference.startswith("?"):
        reference = base_path + reference
    elif not reference.startswith("/"):
        reference = base_path[: base_path.rindex("/") + 1] + reference
    return replace(base, path_and_query=_wire_path(reference))


def _parse(text: str) -> Target:
    _refuse_odd_characters(text)
    match = _URL.match(text)
    if match is None:
        raise BadTarget("not an http:// or https:// URL")
    scheme, authority, rest = match[1].lower(), match[2], match[3]
    host, port = _parse_authority(authority)
    return Target(scheme, host.name, port or _DEFAULT_PORTS[scheme], _wire_path(rest), host.is_literal)


def _refuse_odd_characters(text: str) -> None:
    if text.isascii() and text.isprintable() and " " not in text and "\\" not in text:
        return
    for character in text:
        # Cc control, Cs lone surrogate, Z* every kind of blank and line break
        if character == "\\" or unicodedata.category(character) in ("Cc", "Cs", "Zs", "Zl", "Zp"):
            raise BadTarget("contains a blank, a control character or a backslash")


def _parse_authority(authority: str) -> tuple[Host, int | None]:
    if not authority:
        raise BadTarget("has no host")
    if "@" in authority:
        raise BadTarget("credentials in a URL are not accepted")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise BadTarget("host or port is malformed")
    port = None if match[3] is None else int(match[3])
    if port is not None and not 1 <= port <= 65535:
        raise BadTarget("port must be 1 to 65535")
    if match[1] is None:
        return _parse_host(match[2]), port
    return Host(_parse_v6(match[1]), True), port


def _parse_v6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError:
        raise BadTarget("not an IPv6 address") from None


def _parse_host(text: str) -> Host:
    """The ASCII form of a name, or a canonical dotted quad."""
    labels = _ascii_labels(text)
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        return Host(_parse_quad(text), True)
    host = ".".join(labels)
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadTarget("not a host name")
    return Host(host, False)


def _ascii_labels(text: str) -> list[str]:
    if not text.isascii():
        import idna  # a table of 100 KB that few hosts need

        try:
            mapped = idna.uts46_remap(text, std3_rules=True, transitional=False)
            labels = [
                label if label.isascii() else idna.alabel(label).decode() for label in mapped.split(".")
            ]
        except (idna.IDNAError, UnicodeError):
            raise BadTarget("not an international host name") from None
    else:
        labels = text.lower().split(".")
    # A name's final dot changes nothing here: no search list is ever tried.
    return labels[:-1] if len(labels) > 1 and not labels[-1] else labels


def _parse_quad(text: str) -> str:
    """`text` if it is four plain decimal bytes. 0177.1, 127.1, 2130706433, 0x7f.1 are not."""
    try:
        address = str(IPv4Address(text)) if text.isascii() else ""
    except ValueError:
        address = ""
    if not address or address != text:
        raise BadTarget("a numeric host must be an IPv4 address such as 192.0.2.1")
    return address


def _wire_path(text: str) -> str:
    """Path and query as sent: dot segments resolved, and escaped what may not be sent as it is."""
    path, mark, query = text.partition("?")
    if not path.startswith("/"):
        path = f"/{path}"
    if "/." in path:
        path = _without_dot_segments(path)
    wire = path + mark + query
    return wire if _PLAIN_PATH.fullmatch(wire) else quote(wire, safe=_PATH_SAFE)


def _without_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
