"""Request headers and body of a monitor: set, changed, cleared, moved and deleted with it."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.extras import NO_EXTRAS, Extras
from chalicelib.domain.monitor import Monitor
from chalicelib.services.content_checks import ContentCheckDraft, add_content_check
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
from tests.fakes import AFTER, BEFORE, FakeDeps

TEAM = "team-1"
DRAFT = Draft("http", "Page", {"url": "https://example.com/"}, 60, 10.0, is_enabled=True, is_public=False)
HEADERS = (("Authorization", "Bearer s3cret"), ("X-Env", "prod"))
EXTRAS = Extras(HEADERS, "p4yload")
NORMAL, SLOW = (f"enam.{speed}.00001" for speed in ("normal", "slow"))


@pytest.fixture
def deps() -> FakeDeps:
    return FakeDeps()


def create(deps: FakeDeps, extras: Extras | None = EXTRAS) -> Monitor:
    return create_monitor(deps, TEAM, "mon", DRAFT, extras=extras)


def update(deps: FakeDeps, monitor: Monitor, **fields: object) -> Monitor:
    deps.at += timedelta(seconds=100)
    return update_monitor(deps, TEAM, "http", monitor.id, Change(**fields))  # type: ignore[arg-type]


def calls(deps: FakeDeps) -> list[str]:
    made: list[str] = []

    def note(verb: str, phase: str) -> None:
        if phase == BEFORE:
            made.append(verb)

    deps.store.on_call = note
    return made


def test_a_monitor_is_created_with_its_extras(deps: FakeDeps) -> None:
    created = create(deps)
    assert (created.header_names, created.has_body) == (("Authorization", "X-Env"), True)
    assert get_extras(deps, created) == EXTRAS
    assert get_monitor(deps, TEAM, "http", created.id) == created
    found = deps.members.extras(NORMAL, {1: created.extras_rev}, consistent=True)
    assert found == {1: {"headers": dict(HEADERS), "body": "p4yload"}}


@pytest.mark.parametrize("extras", [None, NO_EXTRAS, Extras(body="")])
def test_a_monitor_without_extras_stores_none(deps: FakeDeps, extras: Extras | None) -> None:
    created = create(deps, extras)
    assert (created.header_names, created.has_body, created.has_extras) == ((), False, False)
    made = calls(deps)
    assert get_extras(deps, created) == NO_EXTRAS
    assert made == []


def test_a_repeated_create_returns_the_monitor_with_the_extras_it_has(deps: FakeDeps) -> None:
    origin = fresh_origin(deps)
    first = create_monitor(deps, TEAM, "mon", DRAFT, origin, EXTRAS)
    updated = update(deps, first, body="other")
    assert create_monitor(deps, TEAM, "mon", DRAFT, origin, EXTRAS) == updated
    assert get_extras(deps, updated) == Extras(HEADERS, "other")


def test_headers_and_body_change_apart(deps: FakeDeps) -> None:
    created = create(deps)
    updated = update(deps, created, headers=(("X-New", "1"),))
    assert get_extras(deps, updated) == Extras((("X-New", "1"),), "p4yload")
    updated = update(deps, created, body="other")
    assert get_extras(deps, updated) == Extras((("X-New", "1"),), "other")
    assert updated.header_names == ("X-New",)
    assert updated.updated_at == deps.at
    assert updated.placements == created.placements


def test_empty_headers_and_an_empty_body_clear(deps: FakeDeps) -> None:
    created = create(deps)
    updated = update(deps, created, headers=())
    assert (updated.header_names, updated.has_body) == ((), True)
    updated = update(deps, created, body="")
    assert (updated.has_body, updated.has_extras) == (False, False)
    assert get_extras(deps, updated) == NO_EXTRAS
    assert deps.store.items["extras", NORMAL] == {}
    assert deps.store.items["monitor_extras"] == {}


def test_a_first_body_is_added_by_an_update(deps: FakeDeps) -> None:
    created = create(deps, None)
    updated = update(deps, created, body="ping")
    assert get_extras(deps, updated) == Extras(body="ping")
    assert deps.members.all(NORMAL)[1].has_extras


@pytest.mark.parametrize(
    "fields", [{"headers": HEADERS}, {"body": "p4yload"}, {"headers": HEADERS, "body": "p4yload"}]
)
def test_the_same_extras_again_are_no_change(deps: FakeDeps, fields: dict[str, object]) -> None:
    created = create(deps)
    made = calls(deps)
    assert update(deps, created, **fields) == created
    assert "monitors.write" not in made


def test_nothing_cleared_where_nothing_was_is_no_change(deps: FakeDeps) -> None:
    created = create(deps, None)
    assert update(deps, created, headers=(), body="") == created


def test_other_edits_neither_read_nor_write_extras(deps: FakeDeps) -> None:
    created = create(deps)
    made = calls(deps)
    updated = update(deps, created, name="New", interval_seconds=300, is_enabled=False)
    assert made == ["monitors.get", "monitors.write"]
    assert updated.extras_rev == created.extras_rev
    assert get_extras(deps, updated) == EXTRAS


def test_a_change_of_headers_makes_running_probes_start_over(deps: FakeDeps) -> None:
    created = create(deps)
    before = deps.states.get(NORMAL, consistent=True)
    update(deps, created, headers=())
    after = deps.states.get(NORMAL, consistent=True)
    assert before is not None
    assert after is not None
    assert after.config_version == before.config_version + 1


def test_a_move_takes_extras_along(deps: FakeDeps) -> None:
    created = create(deps)
    moved = update(deps, created, timeout_seconds=20.0)
    assert moved.placement.shard == SLOW
    assert get_extras(deps, moved) == EXTRAS
    assert deps.store.items["extras", NORMAL] == {}
    assert deps.store.items["extras", SLOW] == {1: (1, EXTRAS.as_spec())}
    back = update(deps, created, timeout_seconds=10.0, body="")
    assert deps.store.items["extras", SLOW] == {}
    assert deps.store.items["extras", NORMAL] == {2: (back.extras_rev, {"headers": dict(HEADERS)})}


def test_a_move_without_extras_reads_none(deps: FakeDeps) -> None:
    created = create(deps, None)
    made = calls(deps)
    update(deps, created, timeout_seconds=20.0)
    assert "monitors.extras" not in made


def test_a_delete_takes_both_copies(deps: FakeDeps) -> None:
    created = create(deps)
    delete_monitor(deps, TEAM, "http", created.id)
    assert deps.store.items["extras", NORMAL] == {}
    assert deps.store.items["monitor_extras"] == {}


def test_extras_changed_between_their_read_and_the_write_are_read_again(deps: FakeDeps) -> None:
    created = create(deps)

    def intrude(verb: str, phase: str) -> None:
        if (verb, phase) == ("monitors.extras", AFTER):
            deps.store.on_call = lambda verb, phase: None
            update_monitor(deps, TEAM, "http", created.id, Change(headers=(("X-New", "1"),)))

    deps.store.on_call = intrude
    updated = update(deps, created, body="other")
    assert get_extras(deps, updated) == Extras((("X-New", "1"),), "other")
    assert updated.rev == 3


def test_secrets_stand_in_no_log_and_no_repr(deps: FakeDeps, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    change = Change(headers=HEADERS, body="p4yload")
    created = create(deps, None)
    updated = update_monitor(deps, TEAM, "http", created.id, change)
    add_content_check(deps, TEAM, "http", created.id, ContentCheckDraft("contains", "Welcome"))
    moved = update(deps, updated, timeout_seconds=20.0)
    shown = " ".join(map(repr, (change, replace(change, name="New"), created, updated, moved)))
    shown += repr(get_extras(deps, moved)) + str(change) + repr(deps.members.all(SLOW)) + caplog.text
    for secret in ("s3cret", "prod", "p4yload"):
        assert secret not in shown
    assert "Authorization" in shown
