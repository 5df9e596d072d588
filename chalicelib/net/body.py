"""What arrives of a response's body, decoded here: libcurl's own decoding knows no limit.

A compressed body may hold a thousand times its weight, and one compressed twice a million times.
"""

import zlib
from typing import Any, Final

_GZIP: Final = 16 + zlib.MAX_WBITS
# A body in chunks of one byte would cost a call for each; streamed pages come in some thousands of pieces.
_MAX_PIECES: Final = 16 * 1024
_NO_CODINGS: Final = frozenset(("", "identity", "none"))


class BadCoding(Exception):
    """A content coding that is not taken (unknown, or a second one), or a body that is not in its coding."""


class Body:
    """Keeps up to `limit` bytes, and takes no more than that off the wire, in a limited number of pieces."""

    def __init__(self, limit: int) -> None:
        self.is_complete = False  # nothing that may still come would be kept
        self._limit = limit
        self._taken = 0
        self._pieces = 0
        self._kept = bytearray()
        self._codings: list[str] = []
        self._inflater: Any = None

    def __bytes__(self) -> bytes:
        return bytes(self._kept)

    @property
    def is_garbled(self) -> bool:
        """Whether what came, and it was all that came, makes nothing. What breaks off later is forgiven."""
        return self._inflater is not None and not self._inflater.eof and not self._kept

    def note_codings(self, value: bytes) -> None:
        """What a Content-Encoding field says."""
        named = (item.strip().lower() for item in value.decode("latin-1").split(","))
        self._codings.extend(item for item in named if item not in _NO_CODINGS)

    def forget_codings(self) -> None:
        """They were an interim response's."""
        self._codings.clear()

    def add(self, chunk: bytes) -> None:
        """Raises BadCoding, but not over a body without a byte."""
        if not chunk or self.is_complete:
            return
        chunk = chunk[: self._limit - self._taken]
        self._taken += len(chunk)
        self._pieces += 1
        self._kept += self._inflate(chunk) if self._codings else chunk
        if max(self._taken, len(self._kept)) >= self._limit or self._pieces >= _MAX_PIECES:
            self.is_complete = True

    def _inflate(self, chunk: bytes) -> bytes:
        if self._inflater is None:
            self._inflater = zlib.decompressobj(self._window_bits(chunk[0]))
        try:
            decoded: bytes = self._inflater.decompress(chunk, self._limit - len(self._kept))
        except zlib.error as error:
            raise BadCoding("not what its content coding says") from error
        # What follows the end is ignored, as browsers do: else every 20 bytes could be a new beginning.
        self.is_complete = self._inflater.eof
        return decoded

    def _window_bits(self, first_byte: int) -> int:
        if len(self._codings) > 1:
            raise BadCoding("more than one content coding")
        if self._codings[0] in ("gzip", "x-gzip"):
            return _GZIP
        if self._codings[0] == "deflate":
            # By the standard it is zlib's format; servers that send the bare one are common enough.
            return zlib.MAX_WBITS if first_byte & 0x0F == 8 else -zlib.MAX_WBITS
        raise BadCoding("an unknown content coding")
