"""Uptime without what maintenance covers, against a brute-force reading of everything that was stored."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain.maintenance import Phase, Window, covers
from chalicelib.domain.monitor import Placement
from chalicelib.domain.outcome import Status
from chalicelib.domain.stats import Tally
from chalicelib.services.history import Result
from chalicelib.services.maintenance import (
    Draft,
    create_window,
    delete_window,
    end_window,
    windows_of_team,
)
from chalicelib.services.stats import Figures, monitor_figures, team_figures
from tests.fakes import BEFORE
from tests.services.life import TEAM, Life
from tests.services.test_stats import BEGIN, DAY, MINUTE, RETRYING_STEPS, SHARD, a_monitor, live, watched

Rows = list[tuple[str, Result]]
DRAWN = st.lists(
    st.tuples(
        st.integers(-60, 11 * 60),
        st.sampled_from([1, 47, 60, 600, 3600, 40_000, 40 * DAY]),
        st.integers(-3, 3),
        st.booleans(),
    ),
    max_size=5,
)
"""The minute of a life in which a window begins, its seconds, whose it is (negative: everybody's), and
whether its phase in the middle of the life ends it."""


def check(figures: Figures, rows: Rows, windows: list[Window], life: Life) -> None:
    for tally, days in zip((figures.day, figures.week, figures.month), (1, 7, 30), strict=True):
        edge = life.deps.at - timedelta(days=days)
        inside = [(id, result) for id, result in rows if result.checked_at > edge]
        counted = [result.outcome.status for _, result in inside]
        up, degraded, down = (counted.count(s) for s in (Status.UP, Status.DEGRADED, Status.DOWN))
        left = [
            result.outcome.status
            for id, result in inside
            if not any(covers(w, id) and w.phase(result.checked_at) is Phase.ACTIVE for w in windows)
        ]
        assert (tally.up, tally.degraded, tally.down) == (up, degraded, down)
        assert tally.left_out == len(inside) - len(left)
        bad = left.count(Status.DOWN)
        assert tally.uptime == (round((len(left) - bad) / len(left) * 100, 2) if left else 100)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(RETRYING_STEPS, min_size=1, max_size=8),
    st.integers(0, 20),
    DRAWN,
    st.lists(st.tuples(st.sampled_from([0, 1, 7, 30]), st.integers(0, 11 * 3_600_000)), max_size=2),
)
def test_the_uptime_of_any_lives_leaves_out_what_any_windows_cover(
    steps: list[tuple[object, ...]],
    turn: int,
    drawn: list[tuple[int, int, int, bool]],
    moments: list[tuple[int, int]],
) -> None:
    life = Life()
    born_at = life.deps.at
    ids = live(life, steps, turn)
    died_at = life.deps.at
    for minute, seconds, whose, is_ended in drawn:
        begin = (born_at + timedelta(minutes=minute)).replace(microsecond=0)
        monitor_id = None if whose < 0 else ids[whose % len(ids)]
        draft = Draft("x", begin, begin + timedelta(seconds=seconds), monitor_id)
        window = create_window(life.deps, TEAM, draft)
        life.deps.at = born_at + (died_at - born_at) / 2
        if is_ended and window.phase(life.deps.at) is Phase.ACTIVE:
            end_window(life.deps, TEAM, window.id)
        life.deps.at = died_at
    windows = windows_of_team(life.deps, TEAM, consistent=True)
    assert len(windows) == len(drawn)
    rows = {id: [(id, result) for result in life.results(id)] for id in ids}
    for days, milliseconds in [(0, 0), *moments]:
        life.deps.at = max(died_at, born_at + timedelta(days=days, milliseconds=milliseconds))
        for id in ids:
            check(monitor_figures(life.deps, life.monitor(id)), rows[id], windows, life)
        everything = [row for its in rows.values() for row in its]
        check(team_figures(life.deps, [life.monitor(id) for id in ids]), everything, windows, life)


def test_a_deleted_window_leaves_nothing_out_and_a_late_one_leaves_out_what_was() -> None:
    life = Life()
    id = life.born()
    begin = life.deps.at
    life.minutes(30)
    before = monitor_figures(life.deps, life.monitor(id))
    assert (before.day.total, before.day.uptime < 100) == (30, True)
    window = create_window(life.deps, TEAM, Draft("x", begin, life.deps.at + timedelta(minutes=1)))
    for figures in (
        monitor_figures(life.deps, life.monitor(id)),
        team_figures(life.deps, [life.monitor(id)]),
    ):
        assert figures.day == replace(before.day, left_out=30, left_out_down=before.day.down)
        assert figures.day.uptime == 100
    delete_window(life.deps, TEAM, window.id)
    assert monitor_figures(life.deps, life.monitor(id)).day == before.day


@pytest.mark.parametrize("bound", [True, False])
def test_windows_are_read_once_and_cost_no_reading_of_ticks(bound: bool) -> None:
    deps, ticks = watched(2, positions=range(1, 4))
    monitors = [a_monitor(Placement(SHARD, position, BEGIN, MINUTE)) for position in range(1, 4)]
    calls: list[str] = []

    def on_call(verb: str, phase: str) -> None:
        if phase == BEFORE:
            calls.append(verb)

    team_id = monitors[0].team_id
    seen = []
    for is_there in (False, True):
        if is_there:
            begin, monitor_id = deps.at - timedelta(days=1), monitors[0].id if bound else None
            window = Window("mnt_1", team_id, "x", begin, deps.at, begin, begin, monitor_id)
            deps.store.write(("window", window.id, window))
        calls.clear()
        ticks.handed.clear()
        deps.store.on_call = on_call
        figures = team_figures(deps, monitors)
        deps.store.on_call = lambda verb, phase: None
        assert figures.month.left_out == is_there * (1440 if bound else 3 * 1440)
        seen.append((list(calls), dict(ticks.handed)))
    assert seen[0] == seen[1]
    assert seen[0][0].count("maintenance.of_team") == 1


def test_of_no_monitors_nothing_is_read() -> None:
    life = Life()
    calls: list[str] = []
    life.deps.store.on_call = lambda verb, phase: calls.append(verb)
    assert team_figures(life.deps, []).month == Tally()
    assert "maintenance.of_team" not in calls
