"""What a public badge may say, and what it costs."""

import pytest

from chalicelib.domain.outcome import Status
from chalicelib.services.badges import badge_state
from tests.services.life import Life


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
