"""GET /v1/monitors/stats and GET /v1/monitors/{id}/stats (contract, sections 3.3 and 4.2)."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.outcome import Outcome, Reason, Status
from tests.fakes import FakeDeps
from tests.routes.client import START, Api, People, RealEdges
from tests.routes.test_results import DEGRADED, TIMEOUT, UP, WRONG, run_minutes

ALL = "/v1/monitors/stats"
WINDOWS = ["last24Hours", "last7Days", "last30Days"]
FULL = dict.fromkeys(WINDOWS, 100)
NO_TIMES = dict.fromkeys(["avg", "min", "max", "p50", "p95", "p99"], 0)
NO_CHECKS = {"total": 0, "up": 0, "degraded": 0, "down": 0}


def stats_of(api: Api, monitor: Any) -> Any:
    answer = api.get(f"/v1/monitors/{monitor['id']}/stats")
    assert answer.status == 200
    assert set(answer.json) == {"data"}
    return answer.data


def stats_of_all(api: Api) -> Any:
    answer = api.get(ALL)
    assert answer.status == 200
    assert set(answer.json) == {"data"}
    return answer.data


def test_a_new_monitor_has_fillers_and_no_nulls(owner: Api) -> None:
    monitor = owner.create()
    assert stats_of(owner, monitor) == {
        "monitorId": monitor["id"],
        "uptime": FULL,
        "responseTime": NO_TIMES,
        "checks": NO_CHECKS,
    }


def test_a_team_without_monitors_has_full_uptime(owner: Api) -> None:
    assert stats_of_all(owner) == {
        "monitors": NO_CHECKS,
        "uptime": FULL,
        "checks": dict.fromkeys(WINDOWS, 0),
    }


def test_stats_of_a_monitor_have_the_contracts_keys_types_and_figures(deps: FakeDeps, owner: Api) -> None:
    monitor = owner.create()
    run_minutes(deps, [UP, UP, UP, DEGRADED, WRONG, TIMEOUT], monitor["id"])
    data = stats_of(owner, monitor)
    assert data == {
        "monitorId": monitor["id"],
        "uptime": dict.fromkeys(WINDOWS, 66.67),
        "responseTime": {"avg": 1221, "min": 21, "max": 6001, "p50": 21, "p95": 6001, "p99": 6001},
        "checks": {"total": 6, "up": 3, "degraded": 1, "down": 2},
    }
    for part in ("responseTime", "checks"):
        assert all(type(value) is int for value in data[part].values())


def test_stats_of_all_pool_the_results_of_all_monitors(deps: FakeDeps, owner: Api) -> None:
    """A disabled monitor's results count, its status does not; one never checked counts in the total."""
    up, down, disabled = (owner.create(name=name) for name in ("up", "down", "disabled"))
    deps.checks.outcomes[down["id"]] = TIMEOUT
    run_minutes(deps, [UP, UP], up["id"])
    owner.put(f"/v1/monitors/{disabled['id']}", {"enabled": False})
    owner.create(name="pending")
    data = stats_of_all(owner)
    assert data == {
        "monitors": {"total": 4, "up": 1, "degraded": 0, "down": 1},
        "uptime": dict.fromkeys(WINDOWS, 66.67),
        "checks": dict.fromkeys(WINDOWS, 6),
    }
    for part in ("monitors", "checks"):
        assert all(type(value) is int for value in data[part].values())


@pytest.mark.parametrize(("days", "left"), [(1, 1), (7, 2), (30, 3)])
def test_a_result_leaves_a_window_to_the_second(deps: FakeDeps, owner: Api, days: int, left: int) -> None:
    monitor = owner.create()
    deps.at = START + timedelta(seconds=29)
    run_minutes(deps, [WRONG], monitor["id"])
    checked_at = deps.at
    for age, gone in ((-1, 0), (0, 1), (1, 1)):
        deps.at = checked_at + timedelta(days=days, seconds=age)
        shown, pooled = stats_of(owner, monitor), stats_of_all(owner)
        expected = [100 if number < left - 1 + gone else 0 for number in range(3)]
        assert list(shown["uptime"].values()) == expected
        assert pooled["uptime"] == shown["uptime"]
        assert list(pooled["checks"].values()) == [0 if uptime else 1 for uptime in expected]
        assert shown["checks"]["total"] == pooled["checks"]["last30Days"]
        assert shown["responseTime"]["max"] == (0 if days == 30 and gone else 40)


def test_percentiles_are_true_to_2_percent_and_the_rest_is_exact(deps: FakeDeps, owner: Api) -> None:
    monitor = owner.create()
    times = [17 + 31 * number * number % 1999 for number in range(180)]
    run_minutes(deps, [Outcome(Status.UP, Reason.NONE, 200, ms) for ms in times], monitor["id"])
    found = stats_of(owner, monitor)["responseTime"]
    times.sort()
    assert (found["avg"], found["min"], found["max"]) == (round(sum(times) / 180), times[0], times[-1])
    for name, rank in (("p50", 90), ("p95", 171), ("p99", 179)):
        assert abs(found[name] - times[rank - 1]) <= 0.02 * times[rank - 1]


@pytest.mark.parametrize("result", [TIMEOUT, Outcome(Status.DOWN, Reason.REFUSED, 0, 3)], ids=str)
def test_without_any_response_the_times_are_zero(deps: FakeDeps, owner: Api, result: Outcome) -> None:
    monitor = owner.create()
    run_minutes(deps, [result] * 3, monitor["id"])
    data = stats_of(owner, monitor)
    assert data["responseTime"] == NO_TIMES
    assert data["checks"] == {"total": 3, "up": 0, "degraded": 0, "down": 3}
    assert data["uptime"] == dict.fromkeys(WINDOWS, 0)


@pytest.mark.parametrize(
    "id", ["mon_" + "0" * 32, "mon_1", "stats", "x", "MON_" + "0" * 32, "mon_" + "0" * 3000, "%00", "a%2Fb"]
)
def test_stats_of_what_is_not_there_are_404(owner: Api, id: str) -> None:
    answer = owner.get(f"/v1/monitors/{id}/stats")
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_a_stranger_sees_nothing_of_ours_and_a_deleted_monitor_is_gone(
    deps: FakeDeps, people: People
) -> None:
    monitor = people.owner.create()
    run_minutes(deps, [WRONG], monitor["id"])
    path = f"/v1/monitors/{monitor['id']}/stats"
    assert people.stranger.get(path).code == "NOT_FOUND"
    assert stats_of_all(people.stranger)["monitors"] == NO_CHECKS
    assert stats_of_all(people.stranger)["checks"] == dict.fromkeys(WINDOWS, 0)
    assert stats_of_all(people.teammate)["checks"] == dict.fromkeys(WINDOWS, 1)
    people.owner.delete(f"/v1/monitors/{monitor['id']}")
    assert people.owner.get(path).code == "NOT_FOUND"
    assert stats_of_all(people.owner)["checks"] == dict.fromkeys(WINDOWS, 0)


def test_on_the_real_stores_a_month_of_a_moved_monitor_adds_up(edges: RealEdges, real: People) -> None:
    """And every read of ticks is eventually consistent and of the checks table."""
    owner = real.owner
    monitor = owner.create()
    run_minutes(edges, [UP, DEGRADED, WRONG], monitor["id"])
    owner.put(f"/v1/monitors/{monitor['id']}", {"intervalSeconds": 600})
    run_minutes(edges, [UP] * 11, monitor["id"])
    owner.put(f"/v1/monitors/{monitor['id']}", {"timeoutSeconds": 60})
    expected = {"total": 5, "up": 3, "degraded": 1, "down": 1}
    assert stats_of(owner, monitor)["checks"] == expected
    assert stats_of_all(owner)["checks"] == dict.fromkeys(WINDOWS, 5)
    edges.at += timedelta(days=6)
    edges.meter.reset()
    data = stats_of(owner, monitor)
    assert (data["checks"], data["uptime"]) == (expected, {**dict.fromkeys(WINDOWS, 80), "last24Hours": 100})
    assert {operation for operation, _ in edges.meter.calls} <= {
        "UpdateItem",
        "GetItem",
        "Query",
        "BatchGetItem",
    }


def test_uptime_leaves_out_what_maintenance_covers_and_nothing_else_does(
    deps: FakeDeps, people: People
) -> None:
    owner = people.owner
    one, other = owner.create(), owner.create()
    run_minutes(deps, [TIMEOUT, UP, WRONG, UP], one["id"])
    began_at = [result["checkedAt"] for result in owner.get(f"/v1/monitors/{one['id']}/results").data][::-1]
    before = stats_of(owner, one)
    assert set(before["uptime"].values()) == {50}
    span = {"name": "x", "startsAt": began_at[0], "endsAt": began_at[2]}
    owner.make("/v1/maintenance", {**span, "monitorId": other["id"]})
    people.stranger.make("/v1/maintenance", span)
    assert stats_of(owner, one) == before
    made = owner.make("/v1/maintenance", {**span, "monitorId": one["id"], "suppressAlerts": False})
    rest = dict.fromkeys(WINDOWS, 50)
    assert stats_of(owner, one) == {**before, "uptime": rest}
    assert stats_of_all(owner)["uptime"] == dict.fromkeys(WINDOWS, 75)
    owner.put(f"/v1/maintenance/{made['id']}", {"endsAt": began_at[3]})
    assert stats_of(owner, one) == {**before, "uptime": dict.fromkeys(WINDOWS, 100)}
    assert stats_of_all(owner)["checks"] == dict.fromkeys(WINDOWS, 8)
    assert owner.delete(f"/v1/maintenance/{made['id']}").status == 204
    assert stats_of(owner, one) == before


def test_on_the_real_stores_windows_cost_what_none_cost(edges: RealEdges, real: People) -> None:
    monitor = real.owner.create()
    run_minutes(edges, [WRONG, UP], monitor["id"])
    for path in (ALL, f"/v1/monitors/{monitor['id']}/stats"):
        edges.meter.reset()
        assert real.owner.get(path).data["uptime"]["last24Hours"] == 50
        without, calls = edges.meter.read_units, list(edges.meter.calls)
        window = {"name": "x", "startsAt": "2026-03-01T12:00:00Z", "endsAt": "2026-03-01T12:01:59Z"}
        made = real.owner.make("/v1/maintenance", window)
        edges.meter.reset()
        assert real.owner.get(path).data["uptime"]["last24Hours"] == 100
        assert (edges.meter.read_units, edges.meter.calls) == (without, calls)
        assert real.owner.delete(f"/v1/maintenance/{made['id']}").status == 204
