"""A deletion that is killed half way is made good: nothing of a monitor that is gone stays behind."""

import pytest

from chalicelib.domain.monitor import Monitor
from chalicelib.errors import NotFound
from chalicelib.services.monitors import Draft, create_monitor, delete_monitor
from tests.fakes import FakeDeps, Killed

TEAM = "team-1"
DRAFT = Draft("http", "Front", {"url": "https://example.com/"}, 60, 10.0, is_enabled=True, is_public=False)
VERBS = ("monitors.write", "monitors.leftovers", "monitors.forget")


@pytest.fixture
def deps() -> FakeDeps:
    return FakeDeps()


def with_an_incident(deps: FakeDeps) -> Monitor:
    monitor = create_monitor(deps, TEAM, "mon", DRAFT)
    deps.store.write(("incident", (monitor.id, 1), "open"), ("outbox", (monitor.id, 1), "row"))
    return monitor


def left(deps: FakeDeps) -> list[str]:
    return [kind for kind in ("monitor", "incident", "outbox", "leftover") if deps.store.items[kind]]


def killed(deps: FakeDeps, monitor: Monitor, verb: str, phase: str) -> None:
    def kill(called: str, at: str) -> None:
        if (called, at) == (verb, phase):
            raise Killed

    deps.store.on_call = kill
    with pytest.raises(Killed):
        delete_monitor(deps, TEAM, "http", monitor.id)
    deps.store.on_call = lambda verb, phase: None


def test_a_delete_leaves_nothing(deps: FakeDeps) -> None:
    monitor = with_an_incident(deps)
    delete_monitor(deps, TEAM, "http", monitor.id)
    assert left(deps) == []
    with pytest.raises(NotFound):
        delete_monitor(deps, TEAM, "http", monitor.id)


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_killed_delete_is_finished_by_its_repetition(deps: FakeDeps, verb: str, phase: str) -> None:
    monitor = with_an_incident(deps)
    killed(deps, monitor, verb, phase)
    if (verb, phase) == ("monitors.forget", "after"):
        assert left(deps) == []
        return
    delete_monitor(deps, TEAM, "http", monitor.id)
    assert left(deps) == []


def test_a_killed_delete_is_finished_by_the_teams_next_one(deps: FakeDeps) -> None:
    monitor, other = with_an_incident(deps), with_an_incident(deps)
    killed(deps, monitor, "monitors.write", "after")
    assert left(deps) == ["monitor", "incident", "outbox", "leftover"]
    delete_monitor(deps, TEAM, "http", other.id)
    assert left(deps) == []


def test_a_stranger_finishes_nobodys_delete(deps: FakeDeps) -> None:
    monitor = with_an_incident(deps)
    killed(deps, monitor, "monitors.write", "after")
    with pytest.raises(NotFound):
        delete_monitor(deps, "team-2", "http", monitor.id)
    assert left(deps) == ["incident", "outbox", "leftover"]
