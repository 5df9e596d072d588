"""Changes of push monitors and heartbeats that collide, lose their answers, die, or meet others anywhere."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.beat import MOST_RECENT
from chalicelib.domain.heartbeat import place_of
from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.origin import Origin
from chalicelib.domain.outcome import Status
from chalicelib.domain.push_monitor import PushHeartbeat, PushMonitor
from chalicelib.domain.silence import PushStatus, Rules
from chalicelib.errors import Conflict, Contended, LimitExceeded, NotFound
from chalicelib.services.cron_jobs import Draft as JobDraft
from chalicelib.services.cron_jobs import create_job
from chalicelib.services.deadlines import find_deadlines
from chalicelib.services.push_history import SILENCE, list_beats
from chalicelib.services.push_monitors import (
    Change,
    Draft,
    create_push_monitor,
    delete_push_monitor,
    list_push_monitors,
    read_push_monitor,
    show_push_monitor,
    update_push_monitor,
)
from chalicelib.services.pushing import Said, take_push
from chalicelib.services.retrying import TRIES
from tests.contract.jobs import RULES as JOB_RULES
from tests.fakes import AFTER, BEFORE, FakeDeps, FakeStore, Killed

TEAM = "team-1"
DRAFT = Draft("Backup", Rules(retries=1))
OTHER_TOKEN = "from-an-old_Kuma"
Verb = Callable[[FakeDeps, str], object]


def stored(deps: FakeDeps, monitor_id: str) -> PushMonitor:
    monitor = deps.push_monitors.get(TEAM, monitor_id, consistent=True)
    assert monitor is not None
    return monitor


def heartbeat_of(deps: FakeDeps, monitor: PushMonitor) -> PushHeartbeat:
    found = deps.heartbeats.get(monitor.place, consistent=True)
    assert found is not None
    return found


def push(deps: FakeDeps, monitor_id: str, said: Said = Said(msg="done")) -> object:  # noqa: B008
    take_push(deps, stored(deps, monitor_id).push_token, said)
    return None


def seq_of(row: OutboxRow) -> int:
    return row.seq


class World:
    """A monitor that pushed once and has been silent and down since, which nobody has noticed yet."""

    def __init__(self, *, is_enabled: bool = True) -> None:
        self.store = FakeStore()
        self.deps = FakeDeps(self.store)
        self.monitor = create_push_monitor(self.deps, TEAM, DRAFT).monitor
        push(self.deps, self.monitor.id)
        if not is_enabled:
            self.deps.at += timedelta(hours=2)
            update_push_monitor(self.deps, TEAM, self.monitor.id, switch(False))
        self.deps.at += timedelta(hours=2)
        self.calls: list[str] = []

    def disturb(self, at: tuple[int, str], what: Callable[[], object]) -> None:
        def on_call(verb: str, phase: str) -> None:
            if phase == BEFORE:
                self.calls.append(verb)
            if (len(self.calls), phase) == at:
                self.store.on_call = lambda verb, phase: None
                what()

        self.store.on_call = on_call

    def check(self) -> None:
        """Heartbeats, locators and the limit agree with the monitors; every turn was told once; beats are
        told once and in order."""
        self.store.on_call = lambda verb, phase: None
        items = self.store.items
        monitors: list[PushMonitor] = list(items["push_monitor"].values())
        assert set(items["heartbeat"]) == {monitor.place for monitor in monitors}
        for monitor in monitors:
            heartbeat: PushHeartbeat = items["heartbeat"][monitor.place]
            assert (heartbeat.id, heartbeat.rules, heartbeat.team_id) == (monitor.id, monitor.rules, TEAM)
            assert (heartbeat.pulse.due_at is None) is not monitor.is_enabled
            assert (monitor.enabled_at is None) is not monitor.is_enabled
            assert items["locator"][monitor.id].place == monitor.place
            assert monitor.place.name in monitor.partitions
            told = sorted((r for r in items["outbox"].values() if r.monitor_id == monitor.id), key=seq_of)
            assert {row.shard for row in told} <= set(monitor.partitions)
            words = [Status.UP, *(row.after for row in told)]
            assert [row.before for row in told] == words[:-1]
            assert [row.seq for row in told] == list(range(1, len(words)))
            alarm = heartbeat.pulse.alarm
            assert (words[-1], len(told)) == (alarm.status, alarm.seq)
            beats = [listed.beat for listed in list_beats(self.deps, heartbeat, limit=100, offset=0).beats]
            assert [beat.at for beat in beats] == sorted((beat.at for beat in beats), reverse=True)
            silent = [beat.at for beat in beats if not beat.is_fine]
            assert len(set(silent)) == len(silent)
        assert set(items["locator"]) == {monitor.id for monitor in monitors}
        assert (items["limit"].get((TEAM, "push")) or 0) == len(monitors)


def switch(is_enabled: bool) -> Change:
    return Change({}, {"is_enabled": is_enabled})


def change(monitor: dict[str, object] | None = None, **rules: object) -> Verb:
    def update(deps: FakeDeps, monitor_id: str) -> object:
        return update_push_monitor(deps, TEAM, monitor_id, Change(monitor or {}, rules))

    return update


def create(deps: FakeDeps, monitor_id: str) -> object:
    """Always of one origin, as a request with an Idempotency-Key is."""
    return create_push_monitor(deps, TEAM, DRAFT, Origin(deps.at, b"s" * 32), b"t" * 32)


def bring(deps: FakeDeps, monitor_id: str) -> object:
    return create_push_monitor(
        deps, TEAM, replace(DRAFT, push_token=OTHER_TOKEN), Origin(deps.at, b"s" * 32), b"t" * 32
    )


def delete(deps: FakeDeps, monitor_id: str) -> object:
    delete_push_monitor(deps, TEAM, monitor_id)
    return None


VERBS: dict[str, Verb] = {
    "create": create,
    "bring a token": bring,
    "rename": change({"name": "New"}),
    "publish": change({"is_public": True}),
    "rules": change(interval_seconds=300),
    "token": change({"push_token": OTHER_TOKEN}),
    "disable": lambda deps, monitor_id: update_push_monitor(deps, TEAM, monitor_id, switch(False)),
    "enable": lambda deps, monitor_id: update_push_monitor(deps, TEAM, monitor_id, switch(True)),
    "delete": delete,
    "push": push,
    "the minute's run": lambda deps, monitor_id: find_deadlines(deps),
}
MAKING = ("create", "bring a token")


def world_of(name: str) -> World:
    return World(is_enabled=name != "enable")


def points(name: str) -> list[tuple[int, str]]:
    world = world_of(name)
    world.disturb((0, ""), lambda: None)
    VERBS[name](world.deps, world.monitor.id)
    return [(number + 1, phase) for number in range(len(world.calls)) for phase in (BEFORE, AFTER)]


def die() -> None:
    raise Killed


EVERY_POINT = [(name, point) for name in VERBS for point in points(name)]


@pytest.mark.parametrize(("name", "point"), EVERY_POINT)
def test_killed_anywhere_and_repeated_it_is_done_once(name: str, point: tuple[int, str]) -> None:
    """A push is a beat each time that it is taken: twice at most."""
    world, expected = world_of(name), world_of(name)
    VERBS[name](expected.deps, expected.monitor.id)
    world.disturb(point, die)
    with pytest.raises(Killed):
        VERBS[name](world.deps, world.monitor.id)
    world.check()
    try:
        VERBS[name](world.deps, world.monitor.id)
    except NotFound:
        assert name == "delete"
    world.check()
    kinds = ("push_monitor", "incident", "outbox", "leftover", ("block", world.monitor.id))
    for kind in (*kinds, ("tally", world.monitor.id)):
        assert len(world.store.items[kind]) == len(expected.store.items[kind]), kind


@pytest.mark.parametrize("phase", [BEFORE, AFTER])
@pytest.mark.parametrize("name", VERBS)
def test_a_collision_or_a_lost_answer_is_tried_again(name: str, phase: str) -> None:
    world = world_of(name)
    monitors = len(world.store.items["push_monitor"]) + (name in MAKING) - (name == "delete")
    left = {"push_monitors.write": 1, "heartbeats.save": 1}

    def on_call(verb: str, at: str) -> None:
        if at == phase and left.get(verb):
            left[verb] -= 1
            raise Contended(verb)

    world.store.on_call = on_call
    VERBS[name](world.deps, world.monitor.id)
    assert 0 in left.values()
    world.check()
    assert len(world.store.items["push_monitor"]) == monitors
    if name == "push":
        (heartbeat,) = world.store.items["heartbeat"].values()
        assert [PushStatus(beat.kind).name for beat in heartbeat.recent] == ["UP", "PENDING", "DOWN", "UP"]


@pytest.mark.parametrize("name", [name for name in VERBS if name != "the minute's run"])
def test_throttled_for_ever_it_gives_up_after_some_seconds(name: str) -> None:
    world = world_of(name)

    def throttle(verb: str, phase: str) -> None:
        if verb in ("push_monitors.write", "heartbeats.save") and phase == BEFORE:
            raise Contended(verb)

    world.store.on_call = throttle
    with pytest.raises(Contended):
        VERBS[name](world.deps, world.monitor.id)
    assert len(world.deps.waits) == TRIES - 1
    assert sum(world.deps.waits) < 20
    world.check()


@pytest.mark.parametrize("other", [name for name in VERBS if name not in (*MAKING, "delete")])
@pytest.mark.parametrize(
    ("name", "point"), [(name, point) for name, point in EVERY_POINT if name not in MAKING]
)
def test_whatever_happens_in_between_nothing_is_lost(name: str, point: tuple[int, str], other: str) -> None:
    world = world_of(name)

    def meddle() -> None:
        if world.store.items["push_monitor"]:
            with contextlib.suppress(NotFound):  # a push to a disabled monitor
                VERBS[other](FakeDeps(world.store, at=world.deps.at), world.monitor.id)

    world.disturb(point, meddle)
    try:
        VERBS[name](world.deps, world.monitor.id)
    except NotFound:
        assert name == "push"
        assert other in ("disable", "token")
    world.check()


def test_a_push_after_an_unnoticed_silence_tells_both_turns_when_they_were() -> None:
    world = World()
    begun = world.deps.at - timedelta(hours=2)
    push(world.deps, world.monitor.id)
    rows = sorted(world.store.items["outbox"].values(), key=seq_of)
    assert [(row.after, row.at - int(begun.timestamp())) for row in rows] == [
        (Status.DOWN, 121),
        (Status.UP, 7200),
    ]
    world.check()


def test_a_long_outage_of_the_scheduler_dates_everything_when_it_was_due() -> None:
    world = World()
    assert find_deadlines(world.deps) == 1
    assert find_deadlines(world.deps) == 0
    _, heartbeat = read_push_monitor(world.deps, TEAM, world.monitor.id)
    newest, older, first = list_beats(world.deps, heartbeat, limit=10, offset=0).beats
    begun = world.deps.at - timedelta(hours=2)
    assert [(x.beat.at - begun).seconds for x in (newest, older, first)] == [121, 61, 0]
    assert [x.words for x in (newest, older, first)] == [SILENCE, SILENCE, "done"]
    world.check()


def test_silence_alone_costs_no_write_after_its_changes() -> None:
    world = World()
    find_deadlines(world.deps)
    world.disturb((0, ""), lambda: None)
    world.deps.at += timedelta(minutes=40)
    find_deadlines(world.deps)
    assert set(world.calls) == {"heartbeats.of_partition"}


def test_a_hundred_pushes_are_listed_in_order_across_blocks() -> None:
    world = World()
    for number in range(100):
        world.deps.at += timedelta(seconds=10)
        push(world.deps, world.monitor.id, Said(msg=str(number), ping=str(number + 1)))
        if number % 30 == 0:
            find_deadlines(world.deps)
    heartbeat = heartbeat_of(world.deps, world.monitor)
    assert len(heartbeat.recent) <= MOST_RECENT
    page = list_beats(world.deps, heartbeat, limit=99, offset=1)
    assert page.total == heartbeat.count == 103
    assert [listed.words for listed in page.beats] == [str(n) for n in range(98, -1, -1)]
    assert [listed.beat.milliseconds for listed in page.beats[:2]] == [99, 98]
    oldest = list_beats(world.deps, heartbeat, limit=10, offset=100).beats
    assert [listed.words for listed in oldest] == [SILENCE, SILENCE, None]


def test_words_that_are_lost_lose_no_push(caplog: pytest.LogCaptureFixture) -> None:
    world = World()

    def on_call(verb: str, phase: str) -> None:
        if verb == "beats.keep_body":
            raise RuntimeError

    world.store.on_call = on_call
    push(world.deps, world.monitor.id)
    world.store.on_call = lambda verb, phase: None
    shown = show_push_monitor(world.deps, TEAM, world.monitor.id)
    assert (shown.pulse.status, shown.words) == (PushStatus.UP, None)
    assert "are lost" in caplog.text


def test_a_token_that_somebody_has_is_a_conflict_and_nothing_is_left() -> None:
    world = World()
    taken = create_push_monitor(world.deps, "team-2", replace(DRAFT, push_token=OTHER_TOKEN)).monitor
    for verb in ("bring a token", "token"):
        with pytest.raises(Conflict):
            VERBS[verb](world.deps, world.monitor.id)
    assert stored(world.deps, world.monitor.id) == world.monitor
    assert heartbeat_of(world.deps, taken).id == taken.id
    job = create_job(world.deps, TEAM, JobDraft("Job", JOB_RULES))
    with pytest.raises(Conflict):
        change({"push_token": job.ping_token})(world.deps, world.monitor.id)
    with pytest.raises(NotFound):
        take_push(world.deps, job.ping_token, Said())


def test_a_token_taken_between_the_look_and_the_write_is_a_conflict_too() -> None:
    for name in ("bring a token", "token"):
        world = World()

        def on_call(verb: str, phase: str, world: World = world) -> None:
            if (verb, phase) == ("push_monitors.write", BEFORE):
                world.store.on_call = lambda verb, phase: None
                create_push_monitor(world.deps, "team-2", replace(DRAFT, push_token=OTHER_TOKEN))

        world.store.on_call = on_call
        with pytest.raises(Conflict):
            VERBS[name](world.deps, world.monitor.id)


def test_a_move_takes_everything_along_and_a_delete_everything_away() -> None:
    world = World()
    find_deadlines(world.deps)
    before = heartbeat_of(world.deps, world.monitor)
    for token in (OTHER_TOKEN, "another-token", "a-third-token"):
        change({"push_token": token})(world.deps, world.monitor.id)
    moved = stored(world.deps, world.monitor.id)
    assert heartbeat_of(world.deps, moved).recent == before.recent
    with pytest.raises(NotFound):
        take_push(world.deps, world.monitor.push_token, Said())
    take_push(world.deps, "a-third-token", Said())
    world.check()
    delete(world.deps, world.monitor.id)
    left = [kind for kind, found in world.store.items.items() if found and kind != "limit"]
    assert left == []


def test_a_full_team_is_told_so() -> None:
    world = World()
    world.deps.settings = replace(world.deps.settings, push_monitors_per_team=1)
    with pytest.raises(LimitExceeded):
        create_push_monitor(world.deps, TEAM, DRAFT)
    world.check()


def test_the_list_looks_again_at_monitors_that_moved_while_it_was_read() -> None:
    world = World()

    def on_call(verb: str, phase: str) -> None:
        if (verb, phase) == ("push_monitors.of_team", AFTER):
            world.store.on_call = lambda verb, phase: None
            VERBS["token"](world.deps, world.monitor.id)

    world.store.on_call = on_call
    (shown,) = list_push_monitors(world.deps, TEAM)
    assert (shown.monitor.push_token, shown.pulse.status) == (OTHER_TOKEN, PushStatus.DOWN)


def test_a_place_is_that_of_the_token() -> None:
    world = World()
    assert world.monitor.place == place_of(world.monitor.push_token)
