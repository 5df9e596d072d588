"""Maintenance windows, and what becomes of them when their monitor goes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.maintenance import Window
from chalicelib.domain.monitor import Leftover
from chalicelib.domain.monitor_write import MonitorWrite, Written

from .conftest import Edges
from .makers import NOW, SHARD, monitor, shard

TEAM, LIMIT = "team-1", 100
HOUR = timedelta(hours=1)


def window(n: int = 1, monitor_id: str | None = None, team_id: str = TEAM) -> Window:
    return Window(
        id=f"mnt_{n}",
        team_id=team_id,
        name="Upgrade ✓",
        starts_at=NOW,
        ends_at=NOW + HOUR,
        created_at=NOW + n * timedelta(milliseconds=1),
        updated_at=NOW,
        monitor_id=monitor_id,
        token="aa",
    )


def changed(before: Window, **fields: object) -> Window:
    return replace(before, rev=before.rev + 1, token="bb", **fields)  # type: ignore[arg-type]


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


def listed(edges: Edges) -> list[Window]:
    found = edges.maintenance.of_team(TEAM, consistent=True)
    assert edges.maintenance.of_team(TEAM, consistent=False) == found
    return found


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"monitor_id": "mon_1"},
        {"ended_early_at": NOW + HOUR / 2},
        {"is_silencing": False},
        {"is_on_pages": False},
        {"starts_at": datetime.min.replace(tzinfo=UTC)},
        {"ends_at": datetime.max.replace(microsecond=0, tzinfo=UTC)},
        {"name": "\U0001f40d" * 255},
    ],
    ids=str,
)
def test_what_is_written_is_read_again(with_monitors: Edges, fields: dict[str, object]) -> None:
    made = replace(window(), **fields)  # type: ignore[arg-type]
    assert with_monitors.maintenance.write(None, made)
    assert with_monitors.maintenance.get(TEAM, made.id) == made
    assert listed(with_monitors) == [made]
    later = changed(window(), **fields)
    assert with_monitors.maintenance.write(made, later)
    assert with_monitors.maintenance.get(TEAM, made.id) == later


def test_a_teams_windows_are_listed_newest_first(edges: Edges) -> None:
    for n in (2, 3, 1):
        assert edges.maintenance.write(None, window(n))
    assert edges.maintenance.write(None, window(4, team_id="team-2"))
    assert listed(edges) == [window(3), window(2), window(1)]
    assert edges.maintenance.get(TEAM, "mnt_4") is None


def test_neighbours_in_the_table_are_no_windows(with_monitors: Edges) -> None:
    """Monitors, a limit and a note of a deletion lie around them."""
    assert listed(with_monitors) == []
    delete_monitor(with_monitors, "mon_2")
    assert with_monitors.maintenance.write(None, window())
    assert listed(with_monitors) == [window()]


def test_a_second_create_of_one_id_is_lost(edges: Edges) -> None:
    assert edges.maintenance.write(None, window())
    assert not edges.maintenance.write(None, replace(window(), name="Other"))
    assert listed(edges) == [window()]


def test_a_change_or_a_delete_of_another_revision_is_lost(edges: Edges) -> None:
    first = window()
    assert edges.maintenance.write(None, first)
    second = changed(first, name="Second")
    assert edges.maintenance.write(first, second)
    assert not edges.maintenance.write(first, changed(first, name="Third"))
    assert not edges.maintenance.write(first, None)
    assert listed(edges) == [second]
    assert edges.maintenance.write(second, None)
    assert listed(edges) == []
    assert not edges.maintenance.write(second, changed(second, name="Back"))
    assert not edges.maintenance.write(second, None)


def test_nothing_is_bound_to_a_monitor_that_is_not_there(with_monitors: Edges) -> None:
    delete_monitor(with_monitors, "mon_2")
    for n, gone in enumerate(("mon_2", "mon_3"), 1):
        assert not with_monitors.maintenance.write(None, window(n, gone))
    assert not with_monitors.maintenance.write(None, window(3, "mon_1", team_id="team-2"))
    free = window(4)
    assert with_monitors.maintenance.write(None, free)
    assert not with_monitors.maintenance.write(free, changed(free, monitor_id="mon_2"))
    bound = changed(free, monitor_id="mon_1")
    assert with_monitors.maintenance.write(free, bound)
    assert listed(with_monitors) == [bound]


def test_what_is_bound_to_a_monitor_that_is_gone_is_not_listed_and_then_removed(
    with_monitors: Edges,
) -> None:
    edges = with_monitors
    kept = [window(3), window(2, "mon_2")]
    for made in (*kept, window(1, "mon_1"), window(4, "mon_1")):
        assert edges.maintenance.write(None, made)
    leftover = delete_monitor(edges, "mon_1")
    assert listed(edges) == kept
    edges.maintenance.forget_monitor(TEAM, "mon_1")
    assert [edges.maintenance.get(TEAM, f"mnt_{n}") for n in (1, 4)] == [None, None]
    edges.maintenance.forget_monitor(TEAM, "mon_1")
    edges.monitors.forget(leftover)
    assert listed(edges) == kept


def test_another_teams_windows_stay(with_monitors: Edges) -> None:
    assert with_monitors.maintenance.write(None, window(1, "mon_1"))
    with_monitors.maintenance.forget_monitor("team-2", "mon_1")
    assert listed(with_monitors) == [window(1, "mon_1")]
