"""Values of results that are text, such as a DNS answer: stored beside the ticks, which refer to them."""

import hashlib
from datetime import timedelta
from typing import NamedTuple

ID_LENGTH = 8
"""Of one position's texts. Shorter, somebody could find another answer with the id of the usual one."""
LIFE = timedelta(days=130)
LEAST_LIFE = timedelta(days=100)
"""With less than this left a text is written again. Ticks live 92 days, and none may outlive its texts; the
rest is for the day that a container trusts its memory of what is saved, and for clocks that differ."""


class TextRef(NamedTuple):
    """Where a text is: of which place (shard and position), and which of its texts."""

    shard: str
    position: int
    id: bytes


def text_id(text: str) -> bytes:
    return hashlib.blake2b(text_bytes(text), digest_size=ID_LENGTH).digest()


def text_bytes(text: str) -> bytes:
    """What is not Unicode (a lone surrogate) becomes a question mark, and never an error."""
    return text.encode(errors="replace")
