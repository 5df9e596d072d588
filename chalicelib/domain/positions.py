"""Sets of positions as bitmaps: how ticks, states and counts say whom their columns are about."""

from collections.abc import Iterable, Iterator


def to_bitmap(positions: Iterable[int]) -> int:
    bits = 0
    for position in positions:
        bits |= 1 << position
    return bits


def to_bytes(bits: int) -> bytes:
    """Little-endian, no trailing zero bytes; at most 126 bytes, since positions end at 1,000."""
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def from_bytes(data: bytes) -> int:
    return int.from_bytes(data, "little")


def rank(bits: int, position: int) -> int | None:
    """The column index of a position, or None when it is not in the set."""
    if not bits >> position & 1:
        return None
    return (bits & (1 << position) - 1).bit_count()


def members(bits: int) -> Iterator[int]:
    """The positions in ascending order."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
