"""Creating, reading, changing and deleting monitors: what callers see."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.job import ProbeJob
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.shard import MAX_MEMBERS
from chalicelib.errors import LimitExceeded, NotFound
from chalicelib.services.monitors import (
    Change,
    Draft,
    create_monitor,
    delete_monitor,
    get_monitor,
    list_monitors,
    update_monitor,
)
from tests.fakes import AFTER, FakeDeps

TEAM = "team-1"
DRAFT = Draft(
    "http", "Front page", {"url": "https://example.com/"}, 60, 10.0, is_enabled=True, is_public=False
)
NORMAL, SLOW, FAST = (f"enam.{speed}.00001" for speed in ("normal", "slow", "fast"))


@pytest.fixture
def deps() -> FakeDeps:
    return FakeDeps()


def seconds(deps: FakeDeps) -> int:
    return int(deps.at.timestamp())


def create(deps: FakeDeps, draft: Draft = DRAFT) -> Monitor:
    return create_monitor(deps, TEAM, "mon", draft)


def update(deps: FakeDeps, monitor: Monitor, change: Change) -> Monitor:
    return update_monitor(deps, TEAM, "http", monitor.id, change)


def later(deps: FakeDeps, seconds: float) -> None:
    deps.at += timedelta(seconds=seconds)


def test_a_created_monitor_is_found_and_listed(deps: FakeDeps) -> None:
    created = create(deps)
    assert get_monitor(deps, TEAM, "http", created.id) == created
    assert list_monitors(deps, TEAM, "http") == [created]
    assert created.id.startswith("mon_")
    assert (created.created_at, created.updated_at, created.enabled_at) == (deps.at,) * 3


@pytest.mark.parametrize(("team_id", "kind"), [("team-2", "http"), (TEAM, "tcp")])
def test_another_teams_monitor_or_one_of_another_kind_does_not_exist(
    deps: FakeDeps, team_id: str, kind: str
) -> None:
    monitor = create(deps)
    with pytest.raises(NotFound):
        get_monitor(deps, team_id, kind, monitor.id)
    with pytest.raises(NotFound):
        update_monitor(deps, team_id, kind, monitor.id, Change(name="Mine"))
    with pytest.raises(NotFound):
        delete_monitor(deps, team_id, kind, monitor.id)
    assert get_monitor(deps, TEAM, "http", monitor.id) == monitor


def test_a_create_enqueues_one_first_run_in_the_slot_of_its_own_time(deps: FakeDeps) -> None:
    later(deps, 47.5)
    place = create(deps).placement
    slot = seconds(deps) // 60 * 60
    assert deps.queue.sent == [(ProbeJob(NORMAL, slot, first_position=place.position), 1)]
    assert place.first_slot == slot
    assert slot < place.anchor


def test_the_anchor_is_the_first_slot_at_least_fifteen_seconds_away(deps: FakeDeps) -> None:
    start = seconds(deps)
    for after, expected in ((0, 60), (45, 60), (1, 120)):
        later(deps, after)
        assert create(deps).placement.anchor == start + expected


def test_a_monitor_created_disabled_has_no_first_run_and_no_due_slot(deps: FakeDeps) -> None:
    place = create(deps, replace(DRAFT, is_enabled=False)).placement
    assert deps.queue.sent == []
    assert place.first_slot is None
    assert place.to_slot == place.from_slot


@pytest.mark.parametrize(
    ("interval", "timeout", "shard"),
    [(60, 15.0, NORMAL), (60, 15.5, SLOW), (59, 10.0, FAST), (10, 10.0, FAST)],
)
def test_interval_and_timeout_choose_the_shard(
    deps: FakeDeps, interval: int, timeout: float, shard: str
) -> None:
    draft = replace(DRAFT, interval_seconds=interval, timeout_seconds=timeout)
    assert create(deps, draft).placement.shard == shard


def test_a_team_has_as_many_monitors_as_its_limit_allows(deps: FakeDeps) -> None:
    deps.settings = replace(deps.settings, monitors_per_team=2)
    first, _ = create(deps), create(deps)
    with pytest.raises(LimitExceeded):
        create(deps)
    assert len(deps.queue.sent) == 2
    delete_monitor(deps, TEAM, "http", first.id)
    create(deps)


def test_a_monitor_that_finds_its_shard_filled_goes_to_another(deps: FakeDeps) -> None:
    create(deps)

    def fill(verb: str, phase: str) -> None:
        if (verb, phase) == ("shards.take_position", AFTER):
            deps.store.on_call = lambda verb, phase: None
            shard = deps.store.get("shard", NORMAL)
            deps.store.write(("shard", NORMAL, replace(shard, members=MAX_MEMBERS)))

    deps.store.on_call = fill
    created = create(deps)
    assert created.placement.shard == "enam.normal.00002"
    assert deps.queue.sent[-1][0].shard == "enam.normal.00002"


def test_an_update_changes_what_it_names_and_nothing_else(deps: FakeDeps) -> None:
    created = create(deps)
    later(deps, 100)
    updated = update(deps, created, Change(name="New", spec={"expectedStatus": 204}, is_public=True))
    assert updated == replace(
        created,
        name="New",
        spec={"url": "https://example.com/", "expectedStatus": 204},
        is_public=True,
        updated_at=deps.at,
        rev=2,
        token=updated.token,
    )
    assert get_monitor(deps, TEAM, "http", created.id) == updated


def test_an_update_that_changes_nothing_writes_nothing(deps: FakeDeps) -> None:
    created = create(deps)
    later(deps, 100)
    verbs: list[str] = []
    deps.store.on_call = lambda verb, phase: verbs.append(verb)
    assert update(deps, created, Change(name="Front page", interval_seconds=60, is_enabled=True)) == created
    assert "monitors.write" not in verbs


def test_an_edit_keeps_the_schedule(deps: FakeDeps) -> None:
    created = create(deps)
    later(deps, 1000)
    assert (
        update(deps, created, Change(spec={"url": "https://example.org/"})).placements == created.placements
    )
    assert update(deps, created, Change(timeout_seconds=12.0)).placements == created.placements


def test_a_new_interval_starts_a_new_schedule_at_the_same_position(deps: FakeDeps) -> None:
    created = create(deps)
    later(deps, 1000)
    old, new = update(deps, created, Change(interval_seconds=300)).placements
    anchor = -(-(seconds(deps) + 15) // 60) * 60
    assert (new.from_slot, new.to_slot, new.interval_seconds) == (anchor, None, 300)
    assert (old.to_slot, old.interval_seconds) == (anchor, 60)
    assert (new.shard, new.position) == (old.shard, old.position)
    assert len(deps.queue.sent) == 1


def test_disable_ends_the_stretch_and_enable_begins_another(deps: FakeDeps) -> None:
    created = create(deps)
    later(deps, 1000)
    disabled = update(deps, created, Change(is_enabled=False))
    assert disabled.enabled_at is None
    assert disabled.placement.to_slot is not None
    assert deps.members.all(NORMAL)[1].is_enabled is False
    later(deps, 1000)
    enabled = update(deps, created, Change(is_enabled=True))
    assert enabled.enabled_at == deps.at
    assert len(enabled.placements) == 2
    assert enabled.placement.to_slot is None
    assert enabled.placement.anchor >= seconds(deps) + 15
    slot = seconds(deps) // 60 * 60
    assert enabled.placement.first_slot == slot
    assert deps.queue.sent[1:] == [(ProbeJob(NORMAL, slot, first_position=1), 1)]


def test_an_enable_a_moment_after_a_disable_has_no_first_run(deps: FakeDeps) -> None:
    """The slot may hold a regular result from before the disable, and a slot has one result."""
    created = create(deps)
    later(deps, 1000)
    disabled = update(deps, created, Change(is_enabled=False))
    later(deps, 10)
    enabled = update(deps, disabled, Change(is_enabled=True))
    assert enabled.placement.first_slot is None
    assert len(deps.queue.sent) == 1


def test_a_monitor_created_disabled_has_its_first_run_when_it_is_enabled(deps: FakeDeps) -> None:
    created = create(deps, replace(DRAFT, is_enabled=False))
    assert deps.queue.sent == []
    later(deps, 300)
    update(deps, created, Change(is_enabled=True))
    assert [job.slot for job, _ in deps.queue.sent] == [seconds(deps) // 60 * 60]


def test_a_disabled_monitors_interval_counts_from_its_enable(deps: FakeDeps) -> None:
    created = create(deps, replace(DRAFT, is_enabled=False))
    update(deps, created, Change(interval_seconds=300))
    later(deps, 1000)
    enabled = update(deps, created, Change(is_enabled=True))
    assert enabled.placement.interval_seconds == 300
    assert deps.members.all(NORMAL)[1].interval_seconds == 300
    assert deps.members.all(NORMAL)[1].anchor == enabled.placement.anchor


def test_a_timeout_over_fifteen_seconds_moves_a_monitor_and_back(deps: FakeDeps) -> None:
    created = create(deps)
    later(deps, 100)
    there = update(deps, created, Change(timeout_seconds=20.0))
    assert [p.shard for p in there.placements] == [NORMAL, SLOW]
    assert (list(deps.members.all(NORMAL)), list(deps.members.all(SLOW))) == ([], [1])
    later(deps, 100)
    back = update(deps, created, Change(timeout_seconds=10.0))
    assert [(p.shard, p.position) for p in back.placements] == [(NORMAL, 1), (SLOW, 1), (NORMAL, 2)]
    assert [p.to_slot for p in back.placements] == [p.from_slot for p in back.placements[1:]] + [None]


def test_a_disabled_monitor_moves_without_a_due_slot(deps: FakeDeps) -> None:
    created = create(deps)
    later(deps, 100)
    moved = update(deps, created, Change(timeout_seconds=20.0, is_enabled=False))
    assert moved.placement.shard == SLOW
    assert moved.placement.to_slot == moved.placement.from_slot
    assert not deps.members.all(SLOW)[1].is_enabled


def test_the_anchor_of_a_move_lies_ahead_of_its_write_however_slow_the_reads_before_were(
    deps: FakeDeps,
) -> None:
    created = create(deps)
    reads = ("monitors.get", "shards.all", "shards.create", "shards.take_position", "states.get")

    def take_time(verb: str, phase: str) -> None:
        if phase == AFTER and verb in reads:
            later(deps, 9)

    deps.store.on_call = take_time
    moved = update(deps, created, Change(interval_seconds=10))
    assert moved.placement.anchor >= seconds(deps) + 15


def test_a_deleted_monitor_is_gone_with_its_locator_and_incidents(deps: FakeDeps) -> None:
    created = create(deps)
    deps.store.write(("incident", (created.id, 1), object()), ("incident", ("mon_other", 1), object()))
    delete_monitor(deps, TEAM, "http", created.id)
    with pytest.raises(NotFound):
        get_monitor(deps, TEAM, "http", created.id)
    assert deps.monitors.locator(created.id) is None
    assert list(deps.store.items["incident"]) == [("mon_other", 1)]


def test_a_monitor_can_be_deleted_once(deps: FakeDeps) -> None:
    created = create(deps)
    delete_monitor(deps, TEAM, "http", created.id)
    with pytest.raises(NotFound):
        delete_monitor(deps, TEAM, "http", created.id)
