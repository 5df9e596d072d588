"""What requests may cost, counted in units on the embedded engine (design, section 8)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.counts import Counts, add_ticks
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Outcome, Phases, Reason, Status
from chalicelib.domain.schedule import SETTLED_SECONDS, is_due
from chalicelib.domain.state import Entry
from chalicelib.domain.tick import MAIN, STRAGGLERS, Tick, build_tick
from tests.routes.client import Api, People, RealEdges

URL = "https://example.com/" + "a" * 80
DOWN = Outcome(Status.DOWN, Reason.TIMEOUT, 0, 10_000, 500, Phases(10, 20, 30, 0))


def up(number: int) -> Outcome:
    return Outcome(Status.UP, Reason.NONE, 200, 100 + number % 900, number % 4 * 250)


def stored(edges: RealEdges, person: Api, created: dict[str, str]) -> Monitor:
    monitor = edges.monitors.get(person.team_id, created["id"], consistent=True)
    assert monitor is not None
    return monitor


def live(edges: RealEdges, monitors: Sequence[Monitor], minutes: int) -> list[Tick]:
    """A shard's past as the probe leaves it: every due result, 2 % of them down and late.

    Monitors that other people have in the shard, up to 200, are due in every slot.
    """
    shard = monitors[0].placement.shard
    mine = {monitor.placement.position: monitor for monitor in monitors}
    others = [position for position in range(1, 201) if position not in mine]
    begin = int(edges.at.timestamp()) // 60 * 60 + 60
    end = begin + minutes * 60
    ticks: list[Tick] = []
    for slot in range(begin, end, 60):
        at = datetime.fromtimestamp(slot + 5, UTC)
        number = slot // 60
        due = [p for p, m in mine.items() if _is_due(m, slot)] + others
        if len(due) == len(others) and slot < end - 2 * 3600:
            continue  # nobody reads these
        outcomes = {p: DOWN if (p + number) % 50 == 0 else up(p + number) for p in due}
        late = {p: o for p, o in outcomes.items() if o is DOWN}
        prompt = {p: o for p, o in outcomes.items() if o is not DOWN}
        ticks.append(edges.ticks.put(shard, build_tick(slot, MAIN, at, prompt)))
        if late:
            ticks.append(edges.ticks.put(shard, build_tick(slot, STRAGGLERS, at, late)))
    edges.at = datetime.fromtimestamp(end - 60 + 45, UTC)
    return ticks


def sweep(edges: RealEdges, monitors: Sequence[Monitor], ticks: Sequence[Tick], *, minutes_ago: int) -> None:
    """The one hourly write, that long before the newest slot: counts, and STATE with all its floors."""
    shard = monitors[0].placement.shard
    mine = {monitor.placement.position: monitor for monitor in monitors}
    swept = ticks[-1].slot + 60 - minutes_ago * 60
    counts = add_ticks(Counts(0), ticks, swept - SETTLED_SECONDS)
    edges.ticks.save_counts(shard, 0, counts)
    state = edges.states.get(shard, consistent=True)
    assert state is not None
    begin = ticks[0].slot
    entries = {
        position: Entry(Status.UP, begin, _last_due(mine.get(position), begin, swept), 5, 0, 80)
        for position in range(1, 201)
    }
    assert edges.states.commit(shard, state, entries, swept, ())


def _is_due(monitor: Monitor, slot: int) -> bool:
    return is_due(
        slot, anchor=monitor.placement.anchor, interval_seconds=monitor.interval_seconds, slot_seconds=60
    )


def _last_due(monitor: Monitor | None, begin: int, swept: int) -> int:
    return next((s for s in range(swept, begin, -60) if monitor is None or _is_due(monitor, s)), begin)


def team_of_100(
    edges: RealEdges, person: Api, intervals: Sequence[int], spread_minutes: int
) -> list[Monitor]:
    """Created over a while, so that their schedules differ."""
    made = []
    for number in range(100):
        fields = {"name": f"Monitor number {number}", "url": URL}
        made.append(person.create(intervalSeconds=intervals[number % len(intervals)], **fields))
        edges.at += timedelta(seconds=spread_minutes * 60 / 100)
    return [stored(edges, person, created) for created in made]


def test_a_list_of_100_minutely_monitors_costs_at_most_10_read_units(edges: RealEdges, real: People) -> None:
    monitors = team_of_100(edges, real.owner, [60], spread_minutes=2)
    assert len({monitor.placement.shard for monitor in monitors}) == 1
    ticks = live(edges, monitors, 70)
    for minutes in (1, 30, 60):
        sweep(edges, monitors, ticks, minutes_ago=minutes)
        for path in ("/v1/monitors", "/v1/status"):
            edges.meter.reset()
            answer = real.owner.get(path)
            listed = answer.json.get("data") or answer.json["monitors"]
            assert len(listed) == 100
            assert edges.meter.read_units <= 10, (path, minutes)
            assert edges.meter.write_units == 1


@pytest.mark.parametrize(
    "intervals",
    [[3600], [600], [60] * 9 + [3600], [60, 90, 120, 300, 359, 600, 900, 1800, 3600]],
    ids=str,
)
def test_a_list_of_any_mix_of_intervals_costs_at_most_16_read_units(
    edges: RealEdges, real: People, intervals: list[int]
) -> None:
    monitors = team_of_100(edges, real.owner, intervals, spread_minutes=50)
    ticks = live(edges, monitors, 70)
    for minutes in (1, 30, 60):
        sweep(edges, monitors, ticks, minutes_ago=minutes)
        edges.meter.reset()
        assert len(real.owner.get("/v1/monitors").data) == 100
        assert edges.meter.read_units <= 16, minutes


@pytest.mark.parametrize("interval", [60, 90, 300, 3600])
@pytest.mark.parametrize("minutes", [0, 1, 5, 130])
def test_one_monitor_costs_at_most_four_calls_with_the_keys(
    edges: RealEdges, real: People, interval: int, minutes: int
) -> None:
    created = real.owner.create(intervalSeconds=interval)
    if minutes:
        monitors = [stored(edges, real.owner, created)]
        sweep(edges, monitors, live(edges, monitors, minutes), minutes_ago=min(minutes, 50))
    edges.meter.reset()
    assert real.owner.get(f"/v1/monitors/{created['id']}").status == 200
    assert len(edges.meter.calls) <= 4
    assert [call for call, _ in edges.meter.calls].count("UpdateItem") == 1


@pytest.mark.parametrize(("interval", "budget"), [(60, 8), (90, 12), (300, 12), (600, 12), (3600, 12)])
def test_the_last_20_results_with_their_total_stay_in_their_budget(
    edges: RealEdges, real: People, interval: int, budget: int
) -> None:
    monitors = [stored(edges, real.owner, real.owner.create(intervalSeconds=interval))]
    hours = 2 if interval < 600 else 5 if interval == 600 else 22
    ticks = live(edges, monitors, hours * 60)
    for minutes in (1, 20, 40, 60):
        sweep(edges, monitors, ticks, minutes_ago=minutes)
        edges.meter.reset()
        answer = real.owner.get(f"/v1/monitors/{monitors[0].id}/results")
        assert len(answer.data) == 20
        assert answer.json["pagination"]["total"] == hours * 3600 // interval
        assert edges.meter.read_units <= budget, minutes


def test_a_status_badge_costs_one_read_unit_and_never_touches_the_teams_table(
    edges: RealEdges, real: People
) -> None:
    created = real.owner.create(public=True)
    monitors = [stored(edges, real.owner, created)]
    sweep(edges, monitors, live(edges, monitors, 10), minutes_ago=1)
    edges.meter.reset()
    answer = Api().get(f"/api/badge/{created['id']}/status")
    assert b"Up" in answer.raw
    assert edges.meter.read_units <= 1
    assert edges.meter.write_units == 0
    assert edges.meter.calls == [("GetItem", (edges.settings.checks_table,))] * 2


def test_every_authenticated_request_writes_its_key_once_and_reads_nothing_for_it(
    edges: RealEdges, real: People
) -> None:
    created = real.owner.create()
    path = f"/v1/monitors/{created['id']}"
    requests = [
        ("GET", "/v1/monitors", b""),
        ("GET", path, b""),
        ("GET", path + "/results", b""),
        ("GET", "/v1/status", b""),
        ("PUT", path, b"{}"),
        ("PUT", path, b"nonsense"),
        ("POST", "/v1/monitors", b"nonsense"),
        ("GET", "/v1/monitors/mon_0", b""),
    ]
    for method, target, raw in requests:
        edges.meter.reset()
        real.owner.send(method, target, raw)
        assert edges.meter.write_units == 1, (method, target)
        assert edges.meter.calls[0] == ("UpdateItem", (edges.settings.teams_table,))
    edges.meter.reset()
    real.teammate.delete(path)
    assert len(edges.meter.calls) == 1


def test_unknown_paths_and_missing_keys_cost_nothing(edges: RealEdges, real: People) -> None:
    edges.meter.reset()
    real.owner.get("/v1/nothing")
    real.owner.send("PATCH", "/v1/monitors")
    Api().get("/v1/monitors")
    Api("Bearer nonsense").get("/v1/monitors")
    assert edges.meter.calls == []
