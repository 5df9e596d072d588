"""Instants as they are stored: whole milliseconds of the epoch."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def to_milliseconds(at: datetime) -> int:
    """Rounded down."""
    return (at - _EPOCH) // _MILLISECOND


def from_milliseconds(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _MILLISECOND


def whole_milliseconds(at: datetime) -> datetime:
    """As it will be read again."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
