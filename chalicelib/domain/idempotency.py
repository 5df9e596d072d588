"""The Idempotency-Key header: its value, and what is kept of a request that carries one."""

import hashlib
import math
import re
from dataclasses import dataclass

from chalicelib.domain.origin import Origin

RETAINED_SECONDS = 86400
MAX_KEY_LENGTH = 255

_PRINTABLE = re.compile(r"[ -~]*")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_ESCAPED = re.compile(r'\\(["\\])')


def parse_key(text: str) -> str:
    """The key of a header's value, bare or as the quoted string of the IETF draft. Raises ValueError."""
    key = text.strip(" \t")
    if not _PRINTABLE.fullmatch(key):
        raise ValueError("must be printable ASCII")
    if key.startswith('"'):
        quoted = _QUOTED.fullmatch(key)
        if quoted is None:
            raise ValueError("must be a well-formed quoted string when it begins with a quote")
        key = _ESCAPED.sub(r"\1", quoted.group(1))
    if not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise ValueError(f"must have 1 to {MAX_KEY_LENGTH} characters")
    return key


def fingerprint(*parts: str) -> bytes:
    """Equal only for equal parts: each goes in with its length."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode(errors="surrogatepass")
        digest.update(len(data).to_bytes(8) + data)
    return digest.digest()


def request_id(team_id: str, route: str, key: str) -> str:
    """Under which a request is kept: a key means nothing outside its team and route."""
    return fingerprint(team_id, route, key).hex()


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer of a request, without its secrets."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A request as its first try began it; `answer` is None until one try has come to its end.

    `is_repeat` is not kept: it says that this try was not the one that began it.
    """

    id: str
    fingerprint: bytes
    origin: Origin
    answer: StoredAnswer | None = None
    is_repeat: bool = False

    @property
    def expires_at(self) -> int:
        """In epoch seconds. From then on the same key begins another request."""
        return math.ceil(self.origin.at.timestamp()) + RETAINED_SECONDS
