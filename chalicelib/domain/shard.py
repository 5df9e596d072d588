"""Shards: the group of monitors that one run checks and one tick item describes."""

from dataclasses import dataclass

from chalicelib.domain.schedule import SpeedClass

MAX_MEMBERS = 200
MAX_BYTES = 100_000
MAX_POSITIONS = 1000
"""A tick's bitmap covers every position ever given, so a shard that reached this takes no new monitor."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A registry entry. `last_position` only grows: a position is never given twice."""

    id: str
    region: str
    speed_class: SpeedClass
    team_id: str
    members: int = 0
    bytes: int = 0
    last_position: int = 0

    @property
    def slot_seconds(self) -> int:
        return self.speed_class.slot_seconds

    def has_room(self, member_bytes: int) -> bool:
        return (
            self.members < MAX_MEMBERS
            and self.bytes + member_bytes <= MAX_BYTES
            and self.last_position < MAX_POSITIONS
        )


def shard_id(region: str, speed: SpeedClass, number: int) -> str:
    return f"{region}.{speed.value}.{number:05d}"


def speed_class_of(shard: str) -> SpeedClass:
    """The class is part of the id, so that a message needs to carry nothing else."""
    return SpeedClass(shard.split(".")[1])


def region_of(shard: str) -> str:
    return shard.split(".")[0]
