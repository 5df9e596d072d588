"""What an event is: the three words that every alert, channel and record shares (contract, section 4.8)."""

from enum import StrEnum


class EventType(StrEnum):
    DOWN = "down"
    DEGRADED = "degraded"
    UP = "up"
