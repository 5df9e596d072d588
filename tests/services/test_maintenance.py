"""Changes of maintenance windows that collide, lose answers, die, or meet others at any storage call."""

import contextlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.maintenance import Phase, Window, suppressing
from chalicelib.domain.origin import Origin
from chalicelib.errors import AlreadyEnded, Contended, InvalidDateRange, NotFound, NotStarted
from chalicelib.services import monitors
from chalicelib.services.maintenance import (
    Draft,
    create_window,
    delete_window,
    end_window,
    get_window,
    update_window,
    windows_of_team,
)
from chalicelib.services.monitors import create_monitor, delete_monitor
from chalicelib.services.retrying import TRIES
from tests.fakes import AFTER, BEFORE, FakeDeps, FakeStore, Killed

TEAM, STRANGERS = "team-1", "team-2"
HOUR = timedelta(hours=1)
SITE = monitors.Draft(
    "http", "Front", {"url": "https://example.com/"}, 60, 10.0, is_enabled=True, is_public=False
)


class World:
    """Two monitors; a window that is active, bound to the first; another one for all."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.deps = FakeDeps(self.store)
        self.first, self.second = (create_monitor(self.deps, TEAM, "mon", SITE).id for _ in range(2))
        self.window = create_window(self.deps, TEAM, self.draft(monitor_id=self.first))
        self.of_all = create_window(self.deps, TEAM, self.draft())
        self.deps.at += HOUR / 2
        self.calls: list[str] = []

    def draft(self, **fields: object) -> Draft:
        now = self.deps.at.replace(microsecond=0)
        return replace(Draft("Work", now, now + HOUR), **fields)  # type: ignore[arg-type]

    def disturb(self, at: tuple[int, str], what: Callable[[], object]) -> None:
        def on_call(verb: str, phase: str) -> None:
            if phase == BEFORE:
                self.calls.append(verb)
            if (len(self.calls), phase) == at:
                self.store.on_call = lambda verb, phase: None
                what()

        self.store.on_call = on_call

    @property
    def another(self) -> FakeDeps:
        """Another container, whose chance is its own."""
        return FakeDeps(self.store, at=self.deps.at, counter=itertools.count(10**6))

    @property
    def shown(self) -> dict[str, Window]:
        return {window.id: window for window in windows_of_team(self.deps, TEAM, consistent=True)}

    def check(self) -> None:
        """What is shown is bound to nothing or to what is there; what is not shown cannot be had; the
        window that was for one monitor is not for all, and the one for all is as it was."""
        self.store.on_call = lambda verb, phase: None
        for window in self.shown.values():
            assert window.monitor_id is None or window.monitor_id in self.store.items["monitor"]
            assert get_window(self.deps, TEAM, window.id) == window
        for id in set(self.store.items["window"]) - set(self.shown):
            with pytest.raises(NotFound):
                get_window(self.deps, TEAM, id)
        bound = self.store.items["window"].get(self.window.id)
        assert bound is None or bound.monitor_id in (self.first, self.second)
        assert self.shown[self.of_all.id] == self.of_all


Verb = Callable[[World, FakeDeps], object]


def change(**fields: object) -> Verb:
    return lambda world, deps: update_window(deps, TEAM, world.window.id, fields)


def create(world: World, deps: FakeDeps) -> Window:
    """Always of one origin, as a request with an Idempotency-Key is."""
    draft = world.draft(name="New", monitor_id=world.first)
    return create_window(deps, TEAM, draft, Origin(world.of_all.created_at, b"s" * 32))


def rebind(world: World, deps: FakeDeps) -> object:
    return update_window(deps, TEAM, world.window.id, {"monitor_id": world.second})


def end(world: World, deps: FakeDeps) -> object:
    return end_window(deps, TEAM, world.window.id)


def delete(world: World, deps: FakeDeps) -> object:
    delete_window(deps, TEAM, world.window.id)
    return None


VERBS: dict[str, Verb] = {
    "create": create,
    "rename": change(name="New"),
    "rebind": rebind,
    "end": end,
    "delete": delete,
}


def calls_of(verb: Verb) -> list[str]:
    world = World()
    world.disturb((0, ""), lambda: None)
    verb(world, world.deps)
    return world.calls


def points(verb: Verb) -> list[tuple[int, str]]:
    return [(number, phase) for number in range(1, len(calls_of(verb)) + 1) for phase in (BEFORE, AFTER)]


def without_monitor(world: World, deps: FakeDeps) -> object:
    delete_monitor(deps, TEAM, "http", world.first)
    return None


def die() -> None:
    raise Killed


EVERY_POINT = [(name, point) for name, verb in VERBS.items() for point in points(verb)]


@pytest.mark.parametrize(("name", "point"), EVERY_POINT)
def test_killed_anywhere_and_repeated_it_is_done_once(name: str, point: tuple[int, str]) -> None:
    world, expected = World(), World()
    VERBS[name](expected, expected.deps)
    world.disturb(point, die)
    with pytest.raises(Killed):
        VERBS[name](world, world.deps)
    world.check()
    try:
        VERBS[name](world, world.deps)
    except (NotFound, AlreadyEnded):
        assert name in ("delete", "end")
    world.check()
    seen = [
        {id: (window.name, window.monitor_id, window.over_at, window.rev) for id, window in its.shown.items()}
        for its in (world, expected)
    ]
    assert seen[0] == seen[1]


@pytest.mark.parametrize("phase", [BEFORE, AFTER])
@pytest.mark.parametrize("name", VERBS)
def test_a_collision_or_a_lost_answer_is_tried_again(name: str, phase: str) -> None:
    world = World()
    left = [1]

    def on_call(verb: str, at: str) -> None:
        if (verb, at) == ("maintenance.write", phase) and left:
            left.pop()
            raise Contended(verb)

    world.store.on_call = on_call
    VERBS[name](world, world.deps)
    assert not left
    world.check()
    assert len(world.shown) == 2 + {"create": 1, "delete": -1}.get(name, 0)
    assert name in ("create", "delete") or world.shown[world.window.id].rev == 2


@pytest.mark.parametrize("name", VERBS)
def test_throttled_for_ever_it_gives_up_after_some_seconds(name: str) -> None:
    world = World()

    def throttle(verb: str, phase: str) -> None:
        if (verb, phase) == ("maintenance.write", BEFORE):
            raise Contended(verb)

    world.store.on_call = throttle
    with pytest.raises(Contended):
        VERBS[name](world, world.deps)
    assert len(world.deps.waits) == TRIES - 1
    assert sum(world.deps.waits) < 20
    world.check()


@pytest.mark.parametrize("other", [name for name in VERBS if name != "create"])
@pytest.mark.parametrize(("name", "point"), EVERY_POINT)
def test_whatever_happens_in_between_nothing_is_lost(name: str, point: tuple[int, str], other: str) -> None:
    world = World()

    def meddle() -> None:
        if world.window.id in world.shown:
            VERBS[other](world, world.another)

    world.disturb(point, meddle)
    try:
        VERBS[name](world, world.deps)
    except (NotFound, AlreadyEnded):
        assert other in ("delete", "end")
    world.check()
    left = world.shown.get(world.window.id)
    assert (left is None) is ("delete" in (name, other))
    if left is not None:
        assert (left.ended_early_at is not None) is ("end" in (name, other))
        assert left.name == ("New" if "rename" in (name, other) else "Work")


@pytest.mark.parametrize(("name", "point"), EVERY_POINT)
def test_the_monitor_may_go_at_any_moment_and_the_window_goes_with_it(
    name: str, point: tuple[int, str]
) -> None:
    world = World()
    world.disturb(point, lambda: without_monitor(world, world.another))
    with contextlib.suppress(NotFound):
        VERBS[name](world, world.deps)
    world.check()
    assert {w.monitor_id for w in world.shown.values()} <= {None, world.second}
    assert set(world.shown) == set(world.store.items["window"])
    assert not world.store.items["leftover"]


@pytest.mark.parametrize("point", points(without_monitor))
def test_a_delete_of_the_monitor_that_is_killed_shows_no_window_of_it_again(point: tuple[int, str]) -> None:
    world = World()
    world.disturb(point, die)
    with pytest.raises(Killed):
        without_monitor(world, world.deps)
    world.check()
    is_there = world.first in world.store.items["monitor"]
    assert (world.window.id in world.shown) is is_there
    assert not is_there or suppressing(world.shown.values(), world.first, world.deps.at)
    for verb in (change(monitor_id=None), end, delete):
        if not is_there:
            with pytest.raises(NotFound):
                verb(world, world.deps)
    with contextlib.suppress(NotFound):
        delete_monitor(world.deps, TEAM, "http", world.first)
    world.check()
    assert list(world.store.items["window"]) == [world.of_all.id]


def test_a_killed_delete_is_made_good_by_the_teams_next_one_and_by_no_strangers() -> None:
    world = World()
    transaction = calls_of(without_monitor).index("monitors.write") + 1
    world.disturb((transaction, AFTER), die)
    with pytest.raises(Killed):
        without_monitor(world, world.deps)
    with pytest.raises(NotFound):
        delete_monitor(world.deps, STRANGERS, "http", world.first)
    assert world.window.id in world.store.items["window"]
    delete_monitor(world.deps, TEAM, "http", world.second)
    assert list(world.store.items["window"]) == [world.of_all.id]


def test_another_try_of_one_origin_is_the_first_ones_window_as_it_is_by_now() -> None:
    world = World()
    first = create(world, world.deps)
    renamed = update_window(world.deps, TEAM, first.id, {"name": "Renamed"})
    assert create(world, world.deps) == renamed


@pytest.mark.parametrize(
    "fields",
    [{"name": "Work"}, {"monitor_id": None, "is_silencing": True}, {}],
    ids=str,
)
def test_a_change_that_changes_nothing_moves_nothing(fields: Mapping[str, object]) -> None:
    world = World()
    assert update_window(world.deps, TEAM, world.of_all.id, fields) == world.of_all
    assert world.shown[world.of_all.id].rev == 1


def test_a_range_must_hold_after_merging() -> None:
    world = World()
    begin, over = world.of_all.starts_at, world.of_all.ends_at
    refused: list[Mapping[str, datetime]] = [
        {"starts_at": over},
        {"ends_at": begin},
        {"starts_at": over + HOUR, "ends_at": over},
    ]
    for fields in refused:
        with pytest.raises(InvalidDateRange):
            update_window(world.deps, TEAM, world.of_all.id, fields)
    world.check()
    fields = {"starts_at": over, "ends_at": over + timedelta(seconds=1)}
    assert update_window(world.deps, TEAM, world.of_all.id, fields).starts_at == over
    with pytest.raises(InvalidDateRange):
        create_window(world.deps, TEAM, world.draft(ends_at=world.deps.at))


def test_only_an_active_window_can_be_ended_and_only_once() -> None:
    world = World()
    deps, id = world.deps, world.window.id
    deps.at = world.window.ends_at
    with pytest.raises(AlreadyEnded):
        end_window(deps, TEAM, id)
    deps.at = world.window.starts_at - timedelta(milliseconds=1)
    with pytest.raises(NotStarted):
        end_window(deps, TEAM, id)
    deps.at = world.window.ends_at - timedelta(milliseconds=1)
    ended = end_window(deps, TEAM, id)
    assert ended.ended_early_at == world.window.ends_at - timedelta(seconds=1)
    assert (ended.phase(deps.at), ended.updated_at) == (Phase.PAST, deps.at)
    with pytest.raises(AlreadyEnded):
        end_window(deps, TEAM, id)
    update_window(deps, TEAM, id, {"starts_at": deps.at + HOUR, "ends_at": deps.at + 2 * HOUR})
    with pytest.raises(AlreadyEnded):
        end_window(deps, TEAM, id)


def test_a_window_ended_in_its_first_second_was_never_active() -> None:
    world = World()
    world.deps.at = world.window.starts_at + timedelta(milliseconds=999)
    ended = end_window(world.deps, TEAM, world.window.id)
    assert ended.over_at == ended.starts_at
    assert ended.phase(world.deps.at) is Phase.PAST


def test_what_suppresses_is_active_covers_the_monitor_and_says_so() -> None:
    world = World()
    quiet = create_window(world.deps, TEAM, world.draft(is_silencing=False))
    later = create_window(world.deps, TEAM, world.draft(starts_at=world.deps.at + HOUR / 4))
    windows = list(world.shown.values())
    assert {quiet.id, later.id} < {window.id for window in windows}

    def ids(monitor_id: str, at: datetime) -> set[str]:
        return {window.id for window in suppressing(windows, monitor_id, at)}

    assert ids(world.first, world.deps.at) == {world.window.id, world.of_all.id}
    assert ids("tcpm_1", world.deps.at) == {world.of_all.id}
    assert ids(world.second, world.deps.at + HOUR / 4) == {world.of_all.id, later.id}
    assert ids(world.first, world.window.ends_at) == {later.id}
    delete_window(world.deps, TEAM, world.of_all.id)
    assert suppressing(world.shown.values(), "tcpm_1", world.deps.at) == []
