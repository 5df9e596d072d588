"""Content checks: what callers see, and what crashes and races leave."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.extras import MAX_CONTENT_CHECKS, ContentCheck, Extras
from chalicelib.domain.monitor import Monitor
from chalicelib.errors import Contended, LimitExceeded, NotFound
from chalicelib.services.content_checks import (
    ContentCheckChange,
    ContentCheckDraft,
    add_content_check,
    delete_content_check,
    list_content_checks,
    update_content_check,
)
from chalicelib.services.idempotency import fresh_origin
from chalicelib.services.monitors import (
    Change,
    Draft,
    create_monitor,
    delete_monitor,
    get_extras,
    get_monitor,
    update_monitor,
)
from chalicelib.services.retrying import TRIES
from tests.fakes import AFTER, BEFORE, FakeDeps, FakeStore, Killed
from tests.services.probing.invariants import Invariants

TEAM, KIND = "team-1", "http"
DRAFT = Draft(KIND, "Page", {"url": "https://example.com/"}, 60, 10.0, is_enabled=True, is_public=False)
CHECK = ContentCheckDraft("contains", "Welcome")
SHARD = "enam.normal.00001"


@pytest.fixture
def deps() -> FakeDeps:
    return FakeDeps()


@pytest.fixture
def monitor(deps: FakeDeps) -> Monitor:
    return create_monitor(deps, TEAM, "mon", DRAFT)


def add(deps: FakeDeps, monitor: Monitor, draft: ContentCheckDraft = CHECK) -> ContentCheck:
    deps.at += timedelta(seconds=1)
    return add_content_check(deps, TEAM, KIND, monitor.id, draft)


def listed(deps: FakeDeps, monitor: Monitor) -> list[ContentCheck]:
    return list_content_checks(deps, TEAM, KIND, monitor.id)


def update(deps: FakeDeps, monitor: Monitor, check: ContentCheck, **fields: object) -> ContentCheck:
    change = ContentCheckChange(**fields)  # type: ignore[arg-type]
    return update_content_check(deps, TEAM, KIND, monitor.id, check.id, change)


def config_version(deps: FakeDeps) -> int:
    state = deps.states.get(SHARD, consistent=True)
    assert state is not None
    return state.config_version


def test_a_monitor_has_none_at_first(deps: FakeDeps, monitor: Monitor) -> None:
    assert listed(deps, monitor) == []


def test_an_added_one_is_listed(deps: FakeDeps, monitor: Monitor) -> None:
    deps.at += timedelta(microseconds=1999)
    added = add(deps, monitor, ContentCheckDraft("regex", "a+", case_sensitive=True, is_enabled=False))
    assert listed(deps, monitor) == [added]
    assert added.id.startswith("cc_")
    assert len(added.id) == 35
    at = deps.at - timedelta(microseconds=999)
    assert added == ContentCheck(added.id, "regex", "a+", True, False, created_at=at, updated_at=at)


def test_they_are_listed_newest_first(deps: FakeDeps, monitor: Monitor) -> None:
    added = [add(deps, monitor) for _ in range(3)]
    assert listed(deps, monitor) == added[::-1]


def test_the_probe_is_given_all_of_them(deps: FakeDeps, monitor: Monitor) -> None:
    add(deps, monitor)
    add(deps, monitor, ContentCheckDraft("not_contains", "Error", is_enabled=False))
    now = get_monitor(deps, TEAM, KIND, monitor.id)
    spec = deps.members.extras(SHARD, {1: now.extras_rev}, consistent=True)[1]
    assert spec == {
        "contentChecks": [
            {"type": "contains", "value": "Welcome", "caseSensitive": False, "isEnabled": True},
            {"type": "not_contains", "value": "Error", "caseSensitive": False, "isEnabled": False},
        ]
    }


def test_a_change_touches_what_it_names(deps: FakeDeps, monitor: Monitor) -> None:
    added, other = add(deps, monitor), add(deps, monitor)
    deps.at += timedelta(seconds=60)
    updated = update(deps, monitor, added, value="Hello", is_enabled=False)
    assert updated == replace(added, value="Hello", is_enabled=False, updated_at=deps.at)
    assert listed(deps, monitor) == [other, updated]


def test_a_change_that_changes_nothing_writes_nothing(deps: FakeDeps, monitor: Monitor) -> None:
    added = add(deps, monitor)
    deps.at += timedelta(seconds=60)
    before = config_version(deps)
    assert update(deps, monitor, added) == added
    assert update(deps, monitor, added, type="contains", value="Welcome", case_sensitive=False) == added
    assert config_version(deps) == before


def test_a_deleted_one_is_gone_and_the_last_one_takes_the_items_along(
    deps: FakeDeps, monitor: Monitor
) -> None:
    one, two = add(deps, monitor), add(deps, monitor)
    delete_content_check(deps, TEAM, KIND, monitor.id, one.id)
    assert listed(deps, monitor) == [two]
    delete_content_check(deps, TEAM, KIND, monitor.id, two.id)
    assert listed(deps, monitor) == []
    assert deps.store.items["monitor_extras"] == deps.store.items["extras", SHARD] == {}


def test_each_change_cancels_the_pack_and_leaves_the_monitors_own_fields_and_schedule(
    deps: FakeDeps, monitor: Monitor
) -> None:
    versions = [config_version(deps)]
    added = add(deps, monitor)
    versions.append(config_version(deps))
    update(deps, monitor, added, value="Hello")
    versions.append(config_version(deps))
    delete_content_check(deps, TEAM, KIND, monitor.id, added.id)
    versions.append(config_version(deps))
    assert versions == list(range(versions[0], versions[0] + 4))
    now = get_monitor(deps, TEAM, KIND, monitor.id)
    assert now == replace(monitor, rev=4, token=now.token)


def test_headers_and_body_stay_beside_them(deps: FakeDeps) -> None:
    extras = Extras((("X-Key", "1"),), "ping")
    monitor = create_monitor(deps, TEAM, "mon", DRAFT, extras=extras)
    added = add(deps, monitor)
    updated = update_monitor(deps, TEAM, KIND, monitor.id, Change(body="pong"))
    assert get_extras(deps, updated) == Extras((("X-Key", "1"),), "pong", (added,))
    delete_content_check(deps, TEAM, KIND, monitor.id, added.id)
    assert get_extras(deps, updated) == Extras((("X-Key", "1"),), "pong")


def test_there_are_ten_at_most(deps: FakeDeps, monitor: Monitor) -> None:
    added = [add(deps, monitor) for _ in range(MAX_CONTENT_CHECKS)]
    with pytest.raises(LimitExceeded):
        add(deps, monitor)
    delete_content_check(deps, TEAM, KIND, monitor.id, added[3].id)
    add(deps, monitor)
    assert len(listed(deps, monitor)) == MAX_CONTENT_CHECKS


def test_unknown_ones_and_those_of_other_monitors_are_not_found(deps: FakeDeps, monitor: Monitor) -> None:
    other = create_monitor(deps, TEAM, "mon", DRAFT)
    added = add(deps, other)
    for check_id in (added.id, "cc_unknown", added.id.upper(), ""):
        with pytest.raises(NotFound):
            update_content_check(deps, TEAM, KIND, monitor.id, check_id, ContentCheckChange(value="x"))
        with pytest.raises(NotFound):
            delete_content_check(deps, TEAM, KIND, monitor.id, check_id)
    assert listed(deps, other) == [added]


@pytest.mark.parametrize(("team_id", "kind"), [("team-2", KIND), (TEAM, "tcp")])
def test_those_of_another_team_or_kind_are_not_found(
    deps: FakeDeps, monitor: Monitor, team_id: str, kind: str
) -> None:
    added = add(deps, monitor)
    attempts: list[Callable[[], object]] = [
        lambda: list_content_checks(deps, team_id, kind, monitor.id),
        lambda: add_content_check(deps, team_id, kind, monitor.id, CHECK),
        lambda: update_content_check(
            deps, team_id, kind, monitor.id, added.id, ContentCheckChange(value="x")
        ),
        lambda: delete_content_check(deps, team_id, kind, monitor.id, added.id),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            attempt()
    assert listed(deps, monitor) == [added]


def test_tries_of_one_origin_add_one(deps: FakeDeps, monitor: Monitor) -> None:
    origin = fresh_origin(deps)
    first = add_content_check(deps, TEAM, KIND, monitor.id, CHECK, origin)
    deps.at += timedelta(seconds=5)
    assert add_content_check(deps, TEAM, KIND, monitor.id, CHECK, origin) == first
    while len(listed(deps, monitor)) < MAX_CONTENT_CHECKS:
        add(deps, monitor)
    assert add_content_check(deps, TEAM, KIND, monitor.id, CHECK, origin) == first
    changed = update(deps, monitor, first, value="Hello")
    assert add_content_check(deps, TEAM, KIND, monitor.id, CHECK, origin) == changed


# Crashes and races


class Scene:
    """A monitor with a header, a body and one content check, watched."""

    def __init__(self, checks: int = 1) -> None:
        self.store = FakeStore()
        self.invariants = Invariants(self.store)
        self.deps = FakeDeps(self.store)
        self.origin = fresh_origin(self.deps)
        extras = Extras((("X-Key", "1"),), "ping")
        self.monitor = create_monitor(self.deps, TEAM, "mon", DRAFT, extras=extras)
        self.checks = [add(self.deps, self.monitor) for _ in range(checks)]
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

    def values(self) -> list[str]:
        self.store.on_call = lambda verb, phase: None
        return sorted(check.value for check in listed(self.deps, self.monitor))

    def check(self) -> None:
        self.store.on_call = lambda verb, phase: None
        self.store.items["pack"] = {}
        self.invariants.at_rest()
        broken = [each for each in self.invariants.broken if "pack of" not in each[1]]
        assert not broken, broken


def die() -> None:
    raise Killed


def collide() -> None:
    raise Contended("injected")


def _add(scene: Scene) -> object:
    draft = ContentCheckDraft("contains", "New")
    return add_content_check(scene.deps, TEAM, KIND, scene.monitor.id, draft, scene.origin)


def _update(scene: Scene) -> object:
    return update(scene.deps, scene.monitor, scene.checks[0], value="Other")


def _delete(scene: Scene) -> object:
    delete_content_check(scene.deps, TEAM, KIND, scene.monitor.id, scene.checks[0].id)
    return None


VERBS: dict[str, tuple[Callable[[Scene], object], list[str]]] = {
    "add": (_add, ["New", "Welcome"]),
    "update": (_update, ["Other"]),
    "delete": (_delete, []),
}
POINTS = [(k, phase) for k in (1, 2, 3) for phase in (BEFORE, AFTER)]


@pytest.mark.parametrize("at", POINTS, ids=str)
@pytest.mark.parametrize("name", VERBS)
def test_killed_anywhere_a_change_is_whole_or_not_there_and_can_be_asked_for_again(
    name: str, at: tuple[int, str]
) -> None:
    (verb, expected), scene = VERBS[name], Scene()
    scene.disturb(at, die)
    with pytest.raises(Killed):
        verb(scene)
    assert scene.calls == ["monitors.get", "monitors.extras", "monitors.write"][: at[0]]
    assert scene.values() == (expected if at == (3, AFTER) else ["Welcome"])
    scene.check()
    with suppress(NotFound):
        verb(scene)
    assert scene.values() == expected
    scene.check()


@pytest.mark.parametrize("phase", [BEFORE, AFTER])
@pytest.mark.parametrize("name", VERBS)
def test_a_write_that_collides_or_loses_its_answer_happens_once(name: str, phase: str) -> None:
    (verb, expected), scene = VERBS[name], Scene()
    before = config_version(scene.deps)
    scene.disturb((3, phase), collide)
    verb(scene)
    assert scene.values() == expected
    assert config_version(scene.deps) == before + 1
    scene.check()


@pytest.mark.parametrize("name", VERBS)
def test_a_write_that_always_collides_gives_up_and_leaves_nothing(name: str) -> None:
    scene = Scene()

    def on_call(verb: str, phase: str) -> None:
        if (verb, phase) == ("monitors.write", BEFORE):
            collide()

    scene.store.on_call = on_call
    with pytest.raises(Contended):
        VERBS[name][0](scene)
    assert len(scene.deps.waits) == TRIES - 1
    assert scene.values() == ["Welcome"]
    scene.check()


OTHERS: dict[str, Callable[[Scene], object]] = {
    **{name: verb for name, (verb, _) in VERBS.items()},
    "edit": lambda scene: update_monitor(
        scene.deps, TEAM, KIND, scene.monitor.id, Change(name="New", body="x")
    ),
    "move": lambda scene: update_monitor(
        scene.deps, TEAM, KIND, scene.monitor.id, Change(timeout_seconds=30.0, headers=())
    ),
    "delete the monitor": lambda scene: delete_monitor(scene.deps, TEAM, KIND, scene.monitor.id),
}


@pytest.mark.parametrize("at", POINTS, ids=str)
@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", VERBS)
def test_a_change_that_meets_another_keeps_both(name: str, other: str, at: tuple[int, str]) -> None:
    verb, scene = VERBS[name][0], Scene()

    def intrude() -> None:
        with suppress(NotFound):
            OTHERS[other](scene)

    scene.disturb(at, intrude)
    with suppress(NotFound):
        verb(scene)
    scene.check()
    if other == "delete the monitor":
        assert scene.store.items["monitor_extras"] == {}
        assert not any(scene.store.items[kind] for kind in list(scene.store.items) if kind[0] == "extras")
        return
    found = get_extras(scene.deps, get_monitor(scene.deps, TEAM, KIND, scene.monitor.id))
    assert found.body == ("x" if other == "edit" else "ping")
    assert found.header_names == (() if other == "move" else ("X-Key",))
    both = {name, other}
    old = [] if "delete" in both else ["Other" if "update" in both else "Welcome"]
    assert scene.values() == ["New"] * ("add" in both) + old


@pytest.mark.parametrize("at", POINTS, ids=str)
def test_the_last_place_is_given_once(at: tuple[int, str]) -> None:
    """Whoever comes first has it; the other one is told."""
    scene, refused = Scene(checks=MAX_CONTENT_CHECKS - 1), []

    def attempt(verb: Callable[[Scene], object]) -> None:
        try:
            verb(scene)
        except LimitExceeded:
            refused.append(verb)

    scene.disturb(at, lambda: attempt(lambda scene: add(scene.deps, scene.monitor)))
    attempt(_add)
    assert len(refused) == 1
    assert len(scene.values()) == MAX_CONTENT_CHECKS
    assert ("New" in scene.values()) is (at == (3, AFTER))
    scene.check()
