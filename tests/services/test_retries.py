"""Retries in what is read of a monitor: pages and their totals, figures, and the newest values."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Outcome, Status
from chalicelib.services.history import Result
from chalicelib.services.readings import read_monitors
from chalicelib.services.results import list_results
from chalicelib.services.stats import monitor_figures, team_figures
from tests.fakes import FakeDeps
from tests.services.life import SPEC, TEAM, Life, answer

UP, DOWN = answer(1), answer(22)
LONG = [360, 600, 3600, 86400]


class Flapping(Life):
    """Every check has an answer of its own; five in a row are of one mind."""

    def outcome(self, monitor_id: str) -> Outcome:
        status = (UP, UP, DOWN)[self.checks // 5 % 3]
        return replace(status, response_ms=self.checks % 60_000)


def born(life: Life, interval: int, retry: int | None = 60, **fields: object) -> str:
    spec = {**SPEC, "confirmations": 3, "recoveryConfirmations": 2, "retryIntervalSeconds": retry}
    return life.born(interval_seconds=interval, spec=spec, **fields)


def lived(interval: int, minutes: int, retry: int = 60) -> tuple[Life, str, list[Result]]:
    """The results by brute force, some of which lie outside the rhythm."""
    life = Flapping()
    monitor_id = born(life, interval, retry)
    life.first_runs()
    life.minutes(minutes, missed=range(40, 80, 7), late=range(5, minutes, 3))
    results = life.results(monitor_id)
    place = life.monitor(monitor_id).placement
    assert any((result.slot - place.anchor) % interval >= 60 for result in results)
    return life, monitor_id, results


@pytest.mark.parametrize("has_counts", [True, False])
@pytest.mark.parametrize("retry", [60, 240])
@pytest.mark.parametrize("interval", [120, 300, *LONG])
def test_pages_and_totals_have_every_retry(interval: int, retry: int, has_counts: bool) -> None:
    life, monitor_id, results = lived(interval, 1500 if interval > 3600 else 400, min(retry, interval - 60))
    if not has_counts:
        life.forget_counts()
    monitor = life.monitor(monitor_id)
    for limit, offset in ((1, 0), (3, 2), (100, 0), (20, max(0, len(results) - 5)), (5, len(results))):
        page = list_results(life.deps, monitor, limit=limit, offset=offset)
        assert page.total == len(results)
        assert list(page.results) == results[offset : offset + limit]


@pytest.mark.parametrize("interval", LONG)
def test_figures_count_every_retry(interval: int) -> None:
    life, monitor_id, results = lived(interval, 1500)
    born(life, 3600)
    monitor = life.monitor(monitor_id)
    told = Counter(r.outcome.status for r in results if r.checked_at > life.deps.at - timedelta(days=30))
    for figures in (monitor_figures(life.deps, monitor), team_figures(life.deps, [monitor])):
        assert (figures.month.up, figures.month.down) == (told[Status.UP], told[Status.DOWN])


@pytest.mark.parametrize("retry", [60, 120, 540])
@pytest.mark.parametrize("interval", [120, *LONG[:3]])
def test_the_newest_values_are_a_retrys_in_every_minute(interval: int, retry: int) -> None:
    life = Flapping()
    monitor_id = born(life, interval, retry)
    life.first_runs()
    for minute in range(150):
        life.minutes(1, late=[0] if minute % 4 == 0 else [])
        monitor, newest = life.monitor(monitor_id), life.results(monitor_id)[0]
        reading = read_monitors(life.deps, [monitor], consistent=True)[monitor_id]
        assert (reading.checked_at, reading.response_ms) == (newest.checked_at, newest.outcome.response_ms)
        assert (reading.newest_status, reading.reason) == (newest.outcome.status, newest.outcome.reason)


def test_the_newest_values_of_a_list_are_no_older_than_the_begin_of_their_slot() -> None:
    life = Flapping()
    ids = [born(life, interval) for interval in (120, 600, 600, 3600, 3600)]
    life.first_runs()
    for _ in range(150):
        life.minutes(1)
        readings = read_monitors(life.deps, life.deps.monitors.of_team(TEAM, "http"), consistent=False)
        for monitor_id in ids:
            newest, mine = life.results(monitor_id)[0], readings[monitor_id]
            assert mine.response_ms == newest.outcome.response_ms
            assert mine.checked_at is not None
            assert timedelta(0) <= newest.checked_at - mine.checked_at < timedelta(minutes=1)


@pytest.mark.parametrize("what", [{"is_enabled": False}, {"interval_seconds": 900}])
def test_a_retry_stays_the_newest_value_through_the_changes_that_follow(what: dict[str, object]) -> None:
    life = Life()
    monitor_id = born(life, 600)
    life.first_runs()
    while not any(r.outcome.status is Status.DOWN for r in life.results(monitor_id)[:1]):
        life.minutes(1)
    life.minutes(1)
    newest = life.results(monitor_id)[0]
    life.change(monitor_id, **what)
    life.change(monitor_id, spec={"retryIntervalSeconds": None})
    reading = read_monitors(life.deps, [life.monitor(monitor_id)], consistent=True)[monitor_id]
    assert (reading.checked_at, reading.status_code) == (newest.checked_at, newest.outcome.status_code)


def calls(deps: FakeDeps) -> list[str]:
    found: list[str] = []
    deps.store.on_call = lambda verb, phase: found.append(verb) if phase == "before" else None
    return found


def first_page(life: Life, monitor: Monitor) -> tuple[Sequence[str], Sequence[Result]]:
    life.forget_counts()
    made = calls(life.deps)
    page = list_results(life.deps, monitor, limit=20, offset=0)
    return made, page.results


def test_a_sparse_monitor_with_retries_is_read_by_its_slots_and_one_look_for_the_others() -> None:
    life, monitor_id, results = lived(3600, 1000)
    made, page = first_page(life, life.monitor(monitor_id))
    assert list(page) == results[:20]
    assert made.count("ticks.retried") == 1
    assert "ticks.since" not in made


@pytest.mark.parametrize("retry", [None, 3600])
def test_without_retries_nobody_looks_for_any(retry: int | None) -> None:
    life = Flapping()
    monitor_id = born(life, 3600, retry)
    life.minutes(300)
    assert not life.monitor(monitor_id).placement.has_retries
    made, page = first_page(life, life.monitor(monitor_id))
    assert list(page) == life.results(monitor_id)
    assert "ticks.retried" not in made
