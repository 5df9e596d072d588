"""Changes of alerts that collide, lose answers, die, or meet others at any storage call."""

import contextlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.channels import CHANNELS
from chalicelib.domain.alert import MAX_ALERTS_PER_TEAM, Alert, Health
from chalicelib.domain.course import trial
from chalicelib.domain.origin import Origin
from chalicelib.errors import Contended, InvalidInput, NotFound, QuotaReached
from chalicelib.services import monitors
from chalicelib.services.alerts import (
    Draft,
    alerts_of_team,
    create_alert,
    delete_alert,
    enable_alert,
    get_alert,
    health_of,
    misconfigured,
    misplaced,
    update_alert,
)
from chalicelib.services.monitors import create_monitor, delete_monitor
from chalicelib.services.retrying import TRIES
from tests.fakes import AFTER, BEFORE, FakeDeps, FakeStore, Killed

TEAM, STRANGERS = "team-1", "team-2"
SITE = monitors.Draft(
    "http", "Front", {"url": "https://example.com/"}, 60, 10.0, is_enabled=True, is_public=False
)
CONFIG = {"url": "https://hooks.example.com/", "secret": "s3cret"}


class World:
    """Two monitors; an alert that is bound to the first, and another one about all. Each has told."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.deps = FakeDeps(self.store)
        self.first, self.second = (create_monitor(self.deps, TEAM, "mon", SITE).id for _ in range(2))
        self.alert = create_alert(self.deps, TEAM, self.draft(monitor_id=self.first))
        self.of_all = create_alert(self.deps, TEAM, self.draft())
        for alert in (self.alert, self.of_all):
            course, event = trial(alert, f"evt_{alert.id}", self.deps.at)
            assert self.deps.courses.save(None, course, [event])
            self.deps.courses.save_health(alert.id, Health(1))
        self.deps.at += timedelta(minutes=30)
        self.calls: list[str] = []

    def draft(self, **fields: Any) -> Draft:
        return replace(Draft("On call", "webhook", CONFIG), **fields)

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
    def shown(self) -> dict[str, Alert]:
        return {alert.id: alert for alert, _ in alerts_of_team(self.deps, TEAM)}

    @property
    def told_by(self) -> set[str]:
        """Alerts of which there is anything in the table of alerts."""
        items = self.store.items
        events = {event.alert_id for event in items["event"].values()}
        return events | {alert_id for alert_id, _ in items["course"]} | set(items["health"])

    def check(self) -> None:
        """What is shown is bound to nothing or to what is there; what is not shown cannot be had; the one
        for all is as it was; what is counted is what is stored."""
        self.store.on_call = lambda verb, phase: None
        for alert in self.shown.values():
            assert alert.monitor_id is None or alert.monitor_id in self.store.items["monitor"]
            assert get_alert(self.deps, TEAM, alert.id) == alert
        for id in set(self.store.items["alert"]) - set(self.shown):
            with pytest.raises(NotFound):
                get_alert(self.deps, TEAM, id)
        bound = self.store.items["alert"].get(self.alert.id)
        assert bound is None or bound.monitor_id in (self.first, self.second)
        assert self.shown[self.of_all.id] == self.of_all
        assert self.of_all.id in self.told_by
        stored = [alert for alert in self.store.items["alert"].values() if alert.team_id == TEAM]
        assert self.store.items["limit"][TEAM, "alert"] == len(stored)

    def check_cleared(self) -> None:
        assert not self.store.items["leftover"]
        assert self.told_by <= set(self.store.items["alert"]) == set(self.shown)


Verb = Callable[[World, FakeDeps], object]


def change(config: Mapping[str, Any] | None = None, **fields: object) -> Verb:
    return lambda world, deps: update_alert(deps, TEAM, world.alert.id, fields, config or {})


def create(world: World, deps: FakeDeps) -> Alert:
    """Always of one origin, as a request with an Idempotency-Key is."""
    draft = world.draft(name="New", monitor_id=world.first)
    return create_alert(deps, TEAM, draft, Origin(world.of_all.created_at, b"s" * 32))


def rebind(world: World, deps: FakeDeps) -> object:
    return update_alert(deps, TEAM, world.alert.id, {"monitor_id": world.second}, {})


def delete(world: World, deps: FakeDeps) -> object:
    delete_alert(deps, TEAM, world.alert.id)
    return None


VERBS: dict[str, Verb] = {
    "create": create,
    "rename": change(name="New"),
    "redirect": change({"url": "https://other.example.com/"}),
    "rebind": rebind,
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
    except NotFound:
        assert name == "delete"
    world.check()
    world.check_cleared()
    seen = [
        {id: (a.name, a.monitor_id, a.config, a.rev) for id, a in its.shown.items()}
        for its in (world, expected)
    ]
    assert seen[0] == seen[1]


@pytest.mark.parametrize("phase", [BEFORE, AFTER])
@pytest.mark.parametrize("name", VERBS)
def test_a_collision_or_a_lost_answer_is_tried_again(name: str, phase: str) -> None:
    world = World()
    left = [1]

    def on_call(verb: str, at: str) -> None:
        if (verb, at) == ("alerts.write", phase) and left:
            left.pop()
            raise Contended(verb)

    world.store.on_call = on_call
    VERBS[name](world, world.deps)
    assert not left
    world.check()
    world.check_cleared()
    assert len(world.shown) == 2 + {"create": 1, "delete": -1}.get(name, 0)
    assert name in ("create", "delete") or world.shown[world.alert.id].rev == 2


@pytest.mark.parametrize("phase", [BEFORE, AFTER])
def test_alerts_that_go_with_their_monitor_are_tried_again_too(phase: str) -> None:
    world = World()
    left = [1]

    def on_call(verb: str, at: str) -> None:
        if (verb, at) == ("alerts.remove", phase) and left:
            left.pop()
            raise Contended(verb)

    world.store.on_call = on_call
    without_monitor(world, world.deps)
    assert not left
    world.check()
    world.check_cleared()


@pytest.mark.parametrize("name", VERBS)
def test_throttled_for_ever_it_gives_up_after_some_seconds(name: str) -> None:
    world = World()

    def throttle(verb: str, phase: str) -> None:
        if (verb, phase) == ("alerts.write", BEFORE):
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
        if world.alert.id in world.shown:
            VERBS[other](world, world.another)

    world.disturb(point, meddle)
    try:
        VERBS[name](world, world.deps)
    except NotFound:
        assert other == "delete"
    world.check()
    world.check_cleared()
    left = world.shown.get(world.alert.id)
    assert (left is None) is ("delete" in (name, other))
    if left is not None:
        assert left.name == ("New" if "rename" in (name, other) else "On call")
        assert (left.config != CONFIG) is ("redirect" in (name, other))


@pytest.mark.parametrize(("name", "point"), EVERY_POINT)
def test_the_monitor_may_go_at_any_moment_and_the_alert_goes_with_it(
    name: str, point: tuple[int, str]
) -> None:
    world = World()
    world.disturb(point, lambda: without_monitor(world, world.another))
    with contextlib.suppress(NotFound):
        VERBS[name](world, world.deps)
    world.check()
    world.check_cleared()
    assert {alert.monitor_id for alert in world.shown.values()} <= {None, world.second}


@pytest.mark.parametrize("point", points(without_monitor))
def test_a_delete_of_the_monitor_that_is_killed_shows_no_alert_of_it_again(point: tuple[int, str]) -> None:
    world = World()
    world.disturb(point, die)
    with pytest.raises(Killed):
        without_monitor(world, world.deps)
    world.check()
    is_there = world.first in world.store.items["monitor"]
    assert (world.alert.id in world.shown) is is_there
    if not is_there:
        with pytest.raises(NotFound):
            change(monitor_id=None)(world, world.deps)
    with contextlib.suppress(NotFound):
        delete_monitor(world.deps, TEAM, "http", world.first)
    world.check()
    world.check_cleared()
    assert list(world.store.items["alert"]) == [world.of_all.id]


@pytest.mark.parametrize("verb", [without_monitor, delete], ids=["its monitor", "it"])
def test_a_killed_delete_is_made_good_by_the_teams_next_one_and_by_no_strangers(verb: Verb) -> None:
    world = World()
    transaction = next(n for n, call in enumerate(calls_of(verb), 1) if call.endswith(".write"))
    world.disturb((transaction, AFTER), die)
    with pytest.raises(Killed):
        verb(world, world.deps)
    assert world.alert.id in world.told_by
    with pytest.raises(NotFound):
        delete_monitor(world.deps, STRANGERS, "http", world.second)
    with pytest.raises(NotFound):
        delete_alert(world.deps, STRANGERS, world.of_all.id)
    assert world.alert.id in world.told_by
    delete_monitor(world.deps, TEAM, "http", world.second)
    world.check_cleared()
    assert list(world.store.items["alert"]) == [world.of_all.id]


def test_another_try_of_one_origin_is_the_first_ones_alert_as_it_is_by_now() -> None:
    world = World()
    first = create(world, world.deps)
    renamed = update_alert(world.deps, TEAM, first.id, {"name": "Renamed"}, {})
    assert create(world, world.deps) == renamed


def fill(world: World) -> None:
    while len(world.shown) < MAX_ALERTS_PER_TEAM:
        create_alert(world.deps, TEAM, world.draft())


def test_an_eleventh_is_refused_and_another_try_of_the_tenth_is_not() -> None:
    world = World()
    tenth = create(world, world.deps)
    fill(world)
    with pytest.raises(QuotaReached):
        create_alert(world.deps, TEAM, world.draft())
    assert create(world, world.deps) == tenth
    create_alert(world.deps, STRANGERS, world.draft())
    world.check()


def test_what_a_killed_delete_of_a_monitor_still_holds_is_freed_for_the_next_alert() -> None:
    world = World()
    fill(world)
    transaction = calls_of(without_monitor).index("monitors.write") + 1
    world.disturb((transaction, AFTER), die)
    with pytest.raises(Killed):
        without_monitor(world, world.deps)
    assert len(world.shown) == MAX_ALERTS_PER_TEAM - 1
    create_alert(world.deps, TEAM, world.draft())
    with pytest.raises(QuotaReached):
        create_alert(world.deps, TEAM, world.draft())
    world.check_cleared()


@pytest.mark.parametrize(
    ("fields", "config"),
    [({"name": "On call"}, {}), ({"monitor_id": None}, CONFIG), ({}, {"secret": "s3cret"}), ({}, {})],
    ids=str,
)
def test_a_change_that_changes_nothing_moves_nothing(
    fields: Mapping[str, object], config: Mapping[str, str]
) -> None:
    world = World()
    assert update_alert(world.deps, TEAM, world.of_all.id, fields, config) == world.of_all
    assert world.shown[world.of_all.id].rev == 1


def test_a_configuration_must_be_good_as_a_whole_whatever_happened_in_between() -> None:
    world = World()
    by_hand = {"secret": "whsec_?"}
    assert [d.field for d in misplaced(world.alert, by_hand)] == ["secret"]
    change({"signatureScheme": "sha256"})(world, world.deps)
    assert misplaced(get_alert(world.deps, TEAM, world.alert.id), by_hand) == []
    point = (calls_of(change(name="New")).index("alerts.write") + 1, BEFORE)
    world.disturb(point, lambda: change({"signatureScheme": "standard"})(world, world.another))
    with pytest.raises(InvalidInput):
        change(by_hand)(world, world.deps)
    assert world.shown[world.alert.id].config == {**CONFIG, "signatureScheme": "standard"}


@pytest.mark.parametrize("strategy", CHANNELS)
def test_a_channel_misses_what_it_needs_and_takes_no_numbers(strategy: str) -> None:
    missing = {detail.field for detail in misconfigured(strategy, {})}
    assert missing
    assert {d.field for d in misconfigured(strategy, dict.fromkeys(missing, 1))} == missing


@pytest.mark.parametrize("strategy", [None, "sms", "", 1, ["email"], {}])
def test_of_an_unknown_channel_no_field_is_wrong(strategy: Any) -> None:
    assert misconfigured(strategy, {"url": 1}) == ()


def test_a_disabled_alert_is_enabled_again_also_when_the_answer_is_lost() -> None:
    world = World()
    world.deps.courses.save_health(world.alert.id, Health(5, world.deps.at, "HTTP status 404"))
    left = [1]

    def on_call(verb: str, at: str) -> None:
        if (verb, at) == ("courses.save_health", AFTER) and left:
            left.pop()
            raise Contended(verb)

    world.store.on_call = on_call
    enable_alert(world.deps, world.alert)
    assert health_of(world.deps, world.alert) == Health()
    shown = {alert.id: health for alert, health in alerts_of_team(world.deps, TEAM)}
    assert shown == {world.alert.id: Health(), world.of_all.id: Health(1)}


def test_a_configuration_is_in_no_repr() -> None:
    world = World()
    for shown in (world.alert, world.draft()):
        assert CONFIG["secret"] not in repr(shown)
        assert CONFIG["url"] not in repr(shown)
