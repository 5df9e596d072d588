"""Which shard a new monitor goes to."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.monitor import Monitor
from chalicelib.domain.schedule import SpeedClass
from chalicelib.domain.shard import MAX_BYTES, MAX_MEMBERS, MAX_POSITIONS, Shard
from chalicelib.errors import Contended
from chalicelib.services.placing import place
from tests.fakes import AFTER, BEFORE, FakeDeps

NORMAL = SpeedClass.NORMAL
FIRST, SECOND, THIRD = (f"enam.normal.{n:05d}" for n in (1, 2, 3))


@pytest.fixture
def deps() -> FakeDeps:
    return FakeDeps()


def monitor(deps: FakeDeps, team_id: str = "team-1", url: str = "https://example.com/") -> Monitor:
    return Monitor(
        id="mon_1",
        team_id=team_id,
        kind="http",
        name="Page",
        spec={"url": url},
        interval_seconds=60,
        timeout_seconds=10.0,
        is_enabled=True,
        is_public=False,
        enabled_at=deps.at,
        created_at=deps.at,
        updated_at=deps.at,
    )


def stored(deps: FakeDeps, name: str, team_id: str = "team-1", **fields: Any) -> None:
    shard = Shard(name, "enam", SpeedClass(name.split(".")[1]), team_id)
    deps.shards.create(shard, swept=0)
    deps.store.write(("shard", name, replace(shard, **fields)))


def test_the_first_monitor_of_a_deployment_makes_the_first_shard(deps: FakeDeps) -> None:
    assert place(deps, monitor(deps), NORMAL) == (FIRST, 1)
    state = deps.states.get(FIRST, consistent=True)
    assert state is not None
    assert state.swept == int(deps.at.timestamp())


def test_the_next_monitor_gets_the_next_position_of_the_same_shard(deps: FakeDeps) -> None:
    assert [place(deps, monitor(deps), NORMAL) for _ in range(3)] == [(FIRST, 1), (FIRST, 2), (FIRST, 3)]


def test_each_speed_class_has_shards_of_its_own(deps: FakeDeps) -> None:
    placed = [place(deps, monitor(deps), speed)[0] for speed in SpeedClass]
    assert placed == ["enam.normal.00001", "enam.slow.00001", "enam.fast.00001"]


def test_another_regions_shard_is_not_ours(deps: FakeDeps) -> None:
    deps.shards.create(Shard("weur.normal.00001", "weur", NORMAL, "team-1"), swept=0)
    assert place(deps, monitor(deps), NORMAL) == (FIRST, 1)


def test_a_shard_that_the_team_began_comes_before_an_older_one(deps: FakeDeps) -> None:
    stored(deps, FIRST, "team-2")
    stored(deps, SECOND, "team-1")
    assert place(deps, monitor(deps), NORMAL)[0] == SECOND


def test_any_shard_with_room_comes_before_a_new_one(deps: FakeDeps) -> None:
    stored(deps, FIRST, "team-2")
    assert place(deps, monitor(deps), NORMAL)[0] == FIRST


@pytest.mark.parametrize(
    "full", [{"members": MAX_MEMBERS}, {"bytes": MAX_BYTES - 10}, {"last_position": MAX_POSITIONS}]
)
def test_a_full_shard_takes_no_more(deps: FakeDeps, full: dict[str, Any]) -> None:
    stored(deps, FIRST, **full)
    assert place(deps, monitor(deps), NORMAL) == (SECOND, 1)


def test_a_long_url_goes_where_it_fits(deps: FakeDeps) -> None:
    stored(deps, FIRST, bytes=MAX_BYTES - 1000)
    assert place(deps, monitor(deps, url="https://e.com/" + "a" * 2000), NORMAL)[0] == SECOND
    assert place(deps, monitor(deps), NORMAL)[0] == FIRST


def test_a_shard_that_turned_out_to_be_full_is_avoided(deps: FakeDeps) -> None:
    stored(deps, FIRST)
    assert place(deps, monitor(deps), NORMAL, [FIRST]) == (SECOND, 1)


def test_a_shard_that_gave_its_last_position_meanwhile_is_passed_over(deps: FakeDeps) -> None:
    stored(deps, FIRST, last_position=MAX_POSITIONS - 1)

    def take_the_last(verb: str, phase: str) -> None:
        if (verb, phase) == ("shards.all", AFTER):
            deps.store.on_call = lambda verb, phase: None
            deps.shards.take_position(FIRST)

    deps.store.on_call = take_the_last
    assert place(deps, monitor(deps), NORMAL) == (SECOND, 1)


def test_two_who_make_the_same_shard_share_it(deps: FakeDeps) -> None:
    other: list[tuple[str, int]] = []

    def place_another(verb: str, phase: str) -> None:
        if (verb, phase) == ("shards.create", BEFORE):
            deps.store.on_call = lambda verb, phase: None
            other.append(place(deps, monitor(deps, "team-2"), NORMAL))

    deps.store.on_call = place_another
    assert place(deps, monitor(deps), NORMAL) == (FIRST, 2)
    assert other == [(FIRST, 1)]


@pytest.mark.parametrize(("phase", "expected"), [(BEFORE, SECOND), (AFTER, FIRST)])
def test_a_collision_over_a_new_shard_is_not_the_callers_business(
    deps: FakeDeps, phase: str, expected: str
) -> None:
    """Before: nobody made it, the next number is free. After: it is there and only the answer is lost."""

    def collide(verb: str, now: str) -> None:
        if (verb, now) == ("shards.create", phase):
            deps.store.on_call = lambda verb, phase: None
            raise Contended("injected")

    deps.store.on_call = collide
    assert place(deps, monitor(deps), NORMAL) == (expected, 1)
