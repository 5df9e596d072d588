from dataclasses import replace

import pytest

from chalicelib.domain.schedule import SpeedClass
from chalicelib.domain.shard import (
    MAX_BYTES,
    MAX_MEMBERS,
    MAX_POSITIONS,
    Shard,
    region_of,
    shard_id,
    speed_class_of,
)

EMPTY = Shard("enam.normal.00001", "enam", SpeedClass.NORMAL, "team_1")


@pytest.mark.parametrize("speed", SpeedClass)
@pytest.mark.parametrize("region", ["enam", "weur"])
def test_a_shards_id_says_where_and_how_fast(speed: SpeedClass, region: str) -> None:
    name = shard_id(region, speed, 12)
    assert (region_of(name), speed_class_of(name)) == (region, speed)


def test_shards_sort_by_number() -> None:
    names = [shard_id("enam", SpeedClass.NORMAL, number) for number in (1, 2, 10, 99_999)]
    assert names == sorted(names)
    assert names[0] == EMPTY.id


@pytest.mark.parametrize(
    ("shard", "member_bytes", "has_room"),
    [
        (EMPTY, 300, True),
        (replace(EMPTY, members=MAX_MEMBERS - 1), 300, True),
        (replace(EMPTY, members=MAX_MEMBERS), 300, False),
        (replace(EMPTY, bytes=MAX_BYTES - 300), 300, True),
        (replace(EMPTY, bytes=MAX_BYTES - 300), 301, False),
        (replace(EMPTY, last_position=MAX_POSITIONS - 1), 300, True),
        (replace(EMPTY, last_position=MAX_POSITIONS), 300, False),
    ],
)
def test_a_shard_has_room_up_to_each_of_its_limits(shard: Shard, member_bytes: int, has_room: bool) -> None:
    assert shard.has_room(member_bytes) is has_room


@pytest.mark.parametrize(
    ("speed", "seconds"), [(SpeedClass.NORMAL, 60), (SpeedClass.SLOW, 60), (SpeedClass.FAST, 10)]
)
def test_a_shard_has_the_slots_of_its_class(speed: SpeedClass, seconds: int) -> None:
    assert replace(EMPTY, speed_class=speed).slot_seconds == seconds
