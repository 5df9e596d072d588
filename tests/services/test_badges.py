"""What a public badge may say, and what it costs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.heartbeat import Caller, place_of
from chalicelib.domain.lateness import Kind, Rules
from chalicelib.domain.outcome import Status
from chalicelib.domain.recurrence import Schedule
from chalicelib.services.badges import badge_state
from chalicelib.services.cron_jobs import Change, Draft, create_job, delete_job, rotate_token, update_job
from chalicelib.services.pinging_jobs import Ping, ping_job
from tests.fakes import FakeDeps
from tests.services.life import Life

JOB = Draft("Backup", Rules(Schedule("cron", "0 * * * *"), grace_seconds=300), is_public=True)


def calls_of(life: Life) -> list[str]:
    calls: list[str] = []
    life.deps.store.on_call = lambda verb, phase: calls.append(verb) if phase == "before" else None
    return calls


@pytest.mark.parametrize("interval", [60, 300])
def test_a_public_monitors_badge_follows_state_and_costs_two_reads(interval: int) -> None:
    life = Life()
    monitor_id = life.born(is_public=True, interval_seconds=interval)
    assert badge_state(life.deps, monitor_id) == "pending"
    words = {Status.UP: "up", Status.DEGRADED: "degraded", Status.DOWN: "down"}
    seen = set()
    for _ in range(40):
        life.minutes(1)
        results = life.results(monitor_id)
        if results:
            word = badge_state(life.deps, monitor_id)
            assert word == words[results[0].outcome.status]
            seen.add(word)
    assert "up" in seen
    calls = calls_of(life)
    badge_state(life.deps, monitor_id)
    assert calls == ["monitors.locator", "states.get"]


def test_a_private_monitor_tells_nothing_and_its_state_is_not_even_read() -> None:
    life = Life()
    monitor_id = life.born(is_public=False)
    life.minutes(2)
    calls = calls_of(life)
    assert badge_state(life.deps, monitor_id) is None
    assert calls == ["monitors.locator"]


def test_a_disabled_monitor_is_pending_without_a_look_at_state() -> None:
    life = Life()
    monitor_id = life.born(is_public=True)
    life.minutes(2)
    life.change(monitor_id, is_enabled=False)
    calls = calls_of(life)
    assert badge_state(life.deps, monitor_id) == "pending"
    assert calls == ["monitors.locator"]


def test_after_a_move_the_badge_reads_the_shard_where_the_monitor_lives_now() -> None:
    life = Life()
    monitor_id = life.born(is_public=True)
    life.minutes(2)
    before = badge_state(life.deps, monitor_id)
    life.change(monitor_id, timeout_seconds=60)
    assert badge_state(life.deps, monitor_id) == before
    life.minutes(30)
    assert badge_state(life.deps, monitor_id) == life.results(monitor_id)[0].outcome.status.name.lower()


@pytest.mark.parametrize("odd", ["", "mon_", "mon_" + "0" * 31, "mon_" + "0" * 32 + "\n", "x" * 5000, "\x00"])
def test_a_malformed_id_asks_no_store(odd: str) -> None:
    life = Life()
    calls = calls_of(life)
    assert badge_state(life.deps, odd) is None
    assert calls == []


def test_a_public_cron_jobs_badge_is_right_to_the_second_and_costs_two_reads() -> None:
    deps = FakeDeps()
    job = create_job(deps, "team-1", JOB)
    start = deps.at
    assert badge_state(deps, job.id) == "pending"
    ping_job(deps, place_of(job.ping_token), Ping(Kind.SUCCESS, Caller("192.0.2.1", "curl")))
    for minutes, seconds, word in ((0, 0, "up"), (65, 0, "up"), (65, 1, "degraded"), (120, 0, "down")):
        deps.at = start + timedelta(minutes=minutes, seconds=seconds)
        calls: list[str] = []
        deps.store.on_call = lambda verb, phase, calls=calls: (  # type: ignore[misc]
            calls.append(verb) if phase == "before" else None
        )
        assert badge_state(deps, job.id) == word
        assert calls == ["monitors.locator", "heartbeats.get"]


def test_a_cron_jobs_badge_follows_its_new_token_and_shows_nothing_of_a_disabled_or_private_one() -> None:
    deps = FakeDeps()
    job = create_job(deps, "team-1", JOB)
    ping_job(deps, place_of(job.ping_token), Ping(Kind.SUCCESS, Caller("192.0.2.1", "curl")))
    rotate_token(deps, "team-1", job.id)
    assert badge_state(deps, job.id) == "up"
    update_job(deps, "team-1", job.id, Change({}, {"is_enabled": False}, {}))
    assert badge_state(deps, job.id) == "pending"
    update_job(deps, "team-1", job.id, Change({"is_public": False}, {}, {}))
    assert badge_state(deps, job.id) is None
    private = create_job(deps, "team-1", replace(JOB, is_public=False))
    assert badge_state(deps, private.id) is None
    public = create_job(deps, "team-1", JOB)
    delete_job(deps, "team-1", public.id)
    assert badge_state(deps, public.id) is None
