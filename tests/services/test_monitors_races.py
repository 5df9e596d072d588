"""Configuration writes that collide, lose their answers, die, or meet each other at any storage call."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.domain.extras import Extras
from chalicelib.domain.monitor import Monitor
from chalicelib.errors import Contended, NotFound
from chalicelib.services.content_checks import ContentCheckDraft, add_content_check
from chalicelib.services.monitors import (
    Change,
    Draft,
    create_monitor,
    delete_monitor,
    get_extras,
    get_monitor,
    list_monitors,
    update_monitor,
)
from chalicelib.services.retrying import TRIES
from tests.fakes import AFTER, BEFORE, FakeDeps, FakeStore, Killed
from tests.services.probing.invariants import Invariants

TEAM = "team-1"
DRAFT = Draft("http", "Page", {"url": "https://example.com/"}, 60, 10.0, is_enabled=True, is_public=False)
EXTRAS = Extras((("Authorization", "secret"),), "payload")
Verb = Callable[[FakeDeps, str], object]


class Api:
    """A store with one monitor, watched; `disturb` puts something around the n-th storage call."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.invariants = Invariants(self.store)
        self.deps = FakeDeps(self.store)
        self.monitor = create_monitor(self.deps, TEAM, "mon", DRAFT, extras=EXTRAS)
        self.invariants.now = lambda: self.deps.at.timestamp()
        self.deps.queue.sent.clear()
        self.calls: list[str] = []

    def disturb(self, at: tuple[int, str], what: Callable[[], object]) -> None:
        self.calls.clear()

        def on_call(verb: str, phase: str) -> None:
            if phase == BEFORE:
                self.calls.append(verb)
            if (len(self.calls), phase) == at:
                self.store.on_call = lambda verb, phase: None
                what()

        self.store.on_call = on_call

    def calm(self) -> None:
        self.store.on_call = lambda verb, phase: None

    def stored(self) -> Monitor | None:
        try:
            return get_monitor(self.deps, TEAM, "http", self.monitor.id)
        except NotFound:
            return None

    def check(self) -> None:
        """Members, registry, limits and locators agree with the monitors, and nothing was broken before."""
        self.calm()
        self.store.items["pack"] = {}
        self.invariants.at_rest()
        broken = [each for each in self.invariants.broken if "pack of" not in each[1]]
        assert not broken, broken


def die() -> None:
    raise Killed


def collide() -> None:
    raise Contended("injected")


def create(deps: FakeDeps, monitor_id: str) -> object:
    return create_monitor(deps, TEAM, "mon", DRAFT)


def delete(deps: FakeDeps, monitor_id: str) -> object:
    delete_monitor(deps, TEAM, "http", monitor_id)
    return None


def add(deps: FakeDeps, monitor_id: str) -> object:
    return add_content_check(deps, TEAM, "http", monitor_id, ContentCheckDraft("contains", "Welcome"))


def change(**fields: object) -> Verb:
    def update(deps: FakeDeps, monitor_id: str) -> object:
        return update_monitor(deps, TEAM, "http", monitor_id, Change(**fields))  # type: ignore[arg-type]

    return update


VERBS: dict[str, Verb] = {
    "create": create,
    "delete": delete,
    "edit": change(name="New", spec={"url": "https://example.com/a/longer/one"}),
    "interval": change(interval_seconds=300),
    "disable": change(is_enabled=False),
    "move": change(timeout_seconds=30.0),
    "move to the fast": change(interval_seconds=10),
    "headers": change(headers=(("X-New", "1"),)),
    "bare": change(headers=(), body=""),
    "move with another body": change(timeout_seconds=30.0, body="other"),
    "content check": add,
}


def points(verb: Verb) -> list[tuple[int, str]]:
    api = Api()
    api.disturb((0, ""), die)
    verb(api.deps, api.monitor.id)
    return [(k, phase) for k in range(1, len(api.calls) + 1) for phase in (BEFORE, AFTER)]


@pytest.mark.parametrize("name", VERBS)
def test_killed_anywhere_a_change_is_whole_or_not_there_and_can_be_asked_for_again(name: str) -> None:
    verb = VERBS[name]
    for at in points(verb):
        api = Api()
        api.disturb(at, die)
        with pytest.raises(Killed):
            verb(api.deps, api.monitor.id)
        api.check()
        if name != "delete" or api.stored():
            verb(api.deps, api.monitor.id)
        api.check()


@pytest.mark.parametrize("phase", [BEFORE, AFTER])
@pytest.mark.parametrize("name", VERBS)
def test_a_write_that_collides_or_loses_its_answer_happens_once(name: str, phase: str) -> None:
    verb, api = VERBS[name], Api()
    api.disturb((0, ""), die)
    verb(api.deps, api.monitor.id)
    k = api.calls.index("monitors.write") + 1
    expected = api.stored()
    api = Api()
    api.disturb((k, phase), collide)
    verb(api.deps, api.monitor.id)
    found = api.stored()
    assert (found and found.rev) == (expected and expected.rev)
    assert len(list_monitors(api.deps, TEAM, "http")) == {"create": 2, "delete": 0}.get(name, 1)
    assert len(api.deps.queue.sent) == (name == "create")
    api.check()


@pytest.mark.parametrize("name", VERBS)
def test_a_write_that_always_collides_gives_up_and_leaves_nothing(name: str) -> None:
    api = Api()

    def on_call(verb: str, phase: str) -> None:
        api.calls.append(verb)
        if (verb, phase) == ("monitors.write", BEFORE):
            collide()

    api.store.on_call = on_call
    with pytest.raises(Contended):
        VERBS[name](api.deps, api.monitor.id)
    assert api.calls.count("monitors.write") == TRIES
    assert len(api.deps.waits) == TRIES - 1
    api.calm()
    assert api.stored() == api.monitor
    assert api.deps.queue.sent == []
    api.check()


@pytest.mark.parametrize("other", VERBS)
@pytest.mark.parametrize("name", VERBS)
def test_two_changes_that_meet_anywhere_both_hold_or_one_finds_nothing(name: str, other: str) -> None:
    verb = VERBS[name]
    for at in points(verb):
        api = Api()

        def intrude(api: Api = api) -> None:
            try_it(VERBS[other], api)

        api.disturb(at, intrude)
        try_it(verb, api)
        api.check()
        if "delete" in (name, other):
            assert api.stored() is None, at
            continue
        found = api.stored()
        assert found is not None
        for each in (name, other):
            assert is_done(each, found, {name, other}), at
            assert has_extras(each, api, found, {name, other}), at


def try_it(verb: Verb, api: Api) -> None:
    try:
        verb(api.deps, api.monitor.id)
    except NotFound:
        return


def is_done(name: str, monitor: Monitor, both: set[str]) -> bool:
    """Two different intervals overwrite each other; everything else stays."""
    return {
        "create": True,
        "edit": monitor.name == "New",
        "interval": monitor.interval_seconds == 300 or "move to the fast" in both,
        "disable": not monitor.is_enabled,
        "move": monitor.timeout_seconds == 30.0,
        "move with another body": monitor.timeout_seconds == 30.0,
        "move to the fast": monitor.interval_seconds == 10 or "interval" in both,
    }.get(name, True)


def has_extras(name: str, api: Api, monitor: Monitor, both: set[str]) -> bool:
    """Two different headers or bodies overwrite each other; content checks stay beside them."""
    extras = get_extras(api.deps, monitor)
    return {
        "headers": extras.header_names == ("X-New",) or "bare" in both,
        "bare": not extras.headers or "headers" in both,
        "move with another body": extras.body == "other" or "bare" in both,
        "content check": len(extras.content_checks) == (2 if both == {"content check"} else 1),
    }.get(name, "Authorization" in extras.header_names or not both.isdisjoint({"headers", "bare"}))


def test_an_update_after_a_lost_answer_returns_what_it_wrote() -> None:
    api = Api()
    api.disturb((2, AFTER), collide)
    updated = update_monitor(api.deps, TEAM, "http", api.monitor.id, Change(name="New"))
    assert updated.rev == 2
    assert updated == api.stored()


def test_a_create_after_a_lost_answer_enqueues_its_one_first_run() -> None:
    api = Api()
    api.disturb((3, AFTER), collide)
    created = create_monitor(api.deps, TEAM, "mon", DRAFT)
    assert [job.first_position for job, _ in api.deps.queue.sent] == [created.placement.position]
    assert created.placement.position == 2


def test_the_anchor_is_computed_anew_in_every_try() -> None:
    api = Api()

    def stall() -> None:
        api.deps.at += timedelta(seconds=100)
        collide()

    api.disturb((2, BEFORE), stall)
    updated = update_monitor(api.deps, TEAM, "http", api.monitor.id, Change(interval_seconds=300))
    assert updated.placement.anchor >= api.deps.at.timestamp()
    api.check()
