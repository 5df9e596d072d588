"""Alerts, their limit, and what becomes of them when their monitor goes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.alert import Alert
from chalicelib.domain.monitor import Leftover
from chalicelib.domain.monitor_write import MonitorWrite, Written

from .conftest import Edges
from .makers import NOW, SHARD, monitor, shard

TEAM, LIMIT = "team-1", 3
CONFIG = {"url": "https://hooks.example.com/ü?k=1", "secret": "s3cret ✓"}


def alert(n: int = 1, monitor_id: str | None = None, team_id: str = TEAM) -> Alert:
    return Alert(
        id=f"alt_{n}",
        team_id=team_id,
        name="On call ✓",
        strategy="webhook",
        config=CONFIG,
        created_at=NOW + n * timedelta(milliseconds=1),
        updated_at=NOW,
        monitor_id=monitor_id,
        token="aa",
    )


def changed(before: Alert, **fields: object) -> Alert:
    return replace(before, rev=before.rev + 1, token="bb", **fields)  # type: ignore[arg-type]


def create(edges: Edges, made: Alert, limit: int = LIMIT) -> Written:
    return edges.alerts.write(None, made, limit)


@pytest.fixture
def with_monitors(edges: Edges) -> Edges:
    """`mon_1` and `mon_2`."""
    edges.shards.create(shard(), 0)
    for n in (1, 2):
        assert edges.monitors.write(MonitorWrite(None, monitor(f"mon_{n}", n, SHARD)), LIMIT) is Written.YES
    return edges


def delete_monitor(edges: Edges, monitor_id: str) -> Leftover:
    """As a process does that is killed after its transaction."""
    stored = edges.monitors.get(TEAM, monitor_id, consistent=True)
    assert edges.monitors.write(MonitorWrite(stored, None), LIMIT) is Written.YES
    (leftover,) = [left for left in edges.monitors.leftovers(TEAM) if left.monitor_id == monitor_id]
    return leftover


def listed(edges: Edges) -> list[Alert]:
    found = edges.alerts.of_team(TEAM, consistent=True)
    assert edges.alerts.of_team(TEAM, consistent=False) == found
    return found


def notes(edges: Edges) -> set[str]:
    return {leftover.monitor_id for leftover in edges.monitors.leftovers(TEAM)}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"monitor_id": "mon_1"},
        {"notifies_on_recovery": False},
        {"cooldown_minutes": 0},
        {"flapping_after": 1000},
        {"config": {}},
        {"name": "\U0001f40d" * 100},
    ],
    ids=str,
)
def test_what_is_written_is_read_again(with_monitors: Edges, fields: dict[str, object]) -> None:
    made = replace(alert(), **fields)  # type: ignore[arg-type]
    assert create(with_monitors, made) is Written.YES
    assert with_monitors.alerts.get(TEAM, made.id) == made
    assert listed(with_monitors) == [made]
    later = changed(alert(), **fields)
    assert with_monitors.alerts.write(made, later, LIMIT) is Written.YES
    assert with_monitors.alerts.get(TEAM, made.id) == later


def test_a_teams_alerts_are_listed_newest_first(edges: Edges) -> None:
    for n in (2, 3, 1):
        assert create(edges, alert(n)) is Written.YES
    assert create(edges, alert(4, team_id="team-2")) is Written.YES
    assert listed(edges) == [alert(3), alert(2), alert(1)]
    assert edges.alerts.get(TEAM, "alt_4") is None


def test_neighbours_in_the_table_are_no_alerts(with_monitors: Edges) -> None:
    """Monitors, limits and notes of deletions lie around them."""
    assert listed(with_monitors) == []
    delete_monitor(with_monitors, "mon_2")
    assert create(with_monitors, alert()) is Written.YES
    assert listed(with_monitors) == [alert()]


def test_a_second_create_of_one_id_is_lost_also_when_there_is_no_room(edges: Edges) -> None:
    assert create(edges, alert()) is Written.YES
    for limit in (LIMIT, 1):
        assert create(edges, replace(alert(), name="Other"), limit) is Written.LOST
    assert listed(edges) == [alert()]


def test_a_change_or_a_delete_of_another_revision_is_lost(edges: Edges) -> None:
    first = alert()
    assert create(edges, first) is Written.YES
    second = changed(first, name="Second")
    write = edges.alerts.write
    assert write(first, second, LIMIT) is Written.YES
    assert write(first, changed(first, name="Third"), LIMIT) is Written.LOST
    assert write(first, None, LIMIT) is Written.LOST
    assert (listed(edges), notes(edges)) == ([second], set())
    assert write(second, None, LIMIT) is Written.YES
    assert (listed(edges), notes(edges)) == ([], {first.id})
    assert write(second, changed(second, name="Back"), LIMIT) is Written.LOST
    assert write(second, None, LIMIT) is Written.LOST


def test_the_limit_is_each_teams_own_and_a_delete_frees_a_place(with_monitors: Edges) -> None:
    edges = with_monitors
    made = [alert(n) for n in range(LIMIT)]
    assert [create(edges, one) for one in made] == [Written.YES] * LIMIT
    for bound_to in (None, "mon_1"):
        assert create(edges, alert(8, bound_to)) is Written.LIMIT
    assert create(edges, alert(9, team_id="team-2")) is Written.YES
    assert edges.alerts.write(made[0], changed(made[0], name="Changed"), LIMIT) is Written.YES
    assert edges.alerts.write(made[1], None, LIMIT) is Written.YES
    assert edges.alerts.write(made[1], None, LIMIT) is Written.LOST
    assert [create(edges, alert(n)) for n in (6, 7)] == [Written.YES, Written.LIMIT]


def test_nothing_is_bound_to_a_monitor_that_is_not_there(with_monitors: Edges) -> None:
    edges = with_monitors
    delete_monitor(edges, "mon_2")
    for n, gone in enumerate(("mon_2", "mon_3"), 1):
        for limit in (LIMIT, 0):
            assert create(edges, alert(n, gone), limit) is Written.LOST
    assert create(edges, alert(3, "mon_1", team_id="team-2")) is Written.LOST
    free = alert(4)
    assert create(edges, free) is Written.YES
    assert edges.alerts.write(free, changed(free, monitor_id="mon_2"), LIMIT) is Written.LOST
    bound = changed(free, monitor_id="mon_1")
    assert edges.alerts.write(free, bound, LIMIT) is Written.YES
    assert listed(edges) == [bound]


def test_what_is_bound_to_a_monitor_that_is_gone_is_not_listed_and_then_deleted(
    with_monitors: Edges,
) -> None:
    edges = with_monitors
    kept = [alert(3), alert(2, "mon_2")]
    for made in (*kept, alert(1, "mon_1"), alert(4, "mon_1")):
        assert create(edges, made, 4) is Written.YES
    leftover = delete_monitor(edges, "mon_1")
    assert listed(edges) == kept
    for _ in range(2):
        edges.alerts.forget_monitor(TEAM, "mon_1")
        assert [edges.alerts.get(TEAM, f"alt_{n}") for n in (1, 4)] == [None, None]
        assert notes(edges) == {"mon_1", "alt_1", "alt_4"}
    edges.monitors.forget(leftover)
    assert listed(edges) == kept
    assert [create(edges, alert(n), 4) for n in (5, 6, 7)] == [Written.YES, Written.YES, Written.LIMIT]


def test_the_note_of_a_deleted_alert_is_removed_by_itself(edges: Edges) -> None:
    for n in (1, 2):
        assert create(edges, alert(n)) is Written.YES
    for n in (1, 2):
        assert edges.alerts.write(alert(n), None, LIMIT) is Written.YES
    first, second = sorted(edges.monitors.leftovers(TEAM), key=lambda leftover: leftover.monitor_id)
    edges.monitors.forget(first)
    assert (first.monitor_id, first.shards, notes(edges)) == ("alt_1", (), {second.monitor_id})


def test_another_teams_alerts_stay(with_monitors: Edges) -> None:
    assert create(with_monitors, alert(1, "mon_1")) is Written.YES
    with_monitors.alerts.forget_monitor("team-2", "mon_1")
    assert listed(with_monitors) == [alert(1, "mon_1")]
