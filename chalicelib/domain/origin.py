"""Where the ids and secrets of a request come from, so that every try of one request makes the same."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.identifier import new_uuid, with_prefix
from chalicelib.domain.instant import whole_milliseconds


@dataclass(frozen=True, slots=True)
class Origin:
    """When a request began, to the millisecond, and its 32 random bytes."""

    at: datetime
    seed: bytes = field(repr=False)

    def new_id(self, prefix: str) -> str:
        """Of each prefix one id. Who knows it learns nothing of the seed."""
        digest = hashlib.blake2b(f"id {prefix}".encode(), digest_size=10, key=self.seed).digest()
        return with_prefix(prefix, new_uuid(self.at, int.from_bytes(digest)))

    def mark(self, length: int) -> bytes:
        """By which a ping is known again. Who knows it learns nothing of the seed."""
        return hashlib.blake2b(b"mark", digest_size=length, key=self.seed).digest()

    def secret(self, owner: str) -> bytes:
        """32 bytes that take both to know: the seed, which may be stored, and `owner`, a secret which is
        stored nowhere."""
        return hmac.digest(owner.encode(), b"secret " + self.seed, "sha256")


def origin_of(now: datetime, random_bits: int) -> Origin:
    """Of 256 random bits. Whole milliseconds are all that an id holds, and survive storage exactly."""
    return Origin(whole_milliseconds(now), random_bits.to_bytes(32))
