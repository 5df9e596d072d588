"""GET /v1/monitors/{id}/results (contract, sections 1 and 3.3)."""

import re
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.job import ProbeJob
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.services import probing
from chalicelib.services.deps import Deps
from tests.fakes import FakeDeps
from tests.routes.client import Api, People, RealEdges

SHARD = "enam.normal.00001"
KEYS = {"id", "monitorId", "status", "statusCode", "responseTimeMs", "region", "checkedAt"}
UP = Outcome(Status.UP, Reason.NONE, 200, 21, 250)
DEGRADED = Outcome(Status.DEGRADED, Reason.SLOW, 200, 6_001, 0)
WRONG = Outcome(Status.DOWN, Reason.WRONG_STATUS, 503, 40, 0)
TIMEOUT = Outcome(Status.DOWN, Reason.TIMEOUT, 0, 10_003, 0)


def run_minutes(deps: FakeDeps | RealEdges, outcomes: list[Outcome], monitor_id: str) -> None:
    """The probe, once a minute, with these answers in order."""
    checks = deps.checks if isinstance(deps, FakeDeps) else deps.fake_checks
    for outcome in outcomes:
        deps.at += timedelta(seconds=60)
        checks.outcomes[monitor_id] = outcome
        edges: Deps = deps
        probing.run(edges, ProbeJob(SHARD, int(deps.at.timestamp()) // 60 * 60))


def results_of(owner: Api, monitor: Any, query: Any = None) -> Any:
    return owner.get(f"/v1/monitors/{monitor['id']}/results", query)


def test_a_new_monitor_has_an_empty_page(owner: Api) -> None:
    answer = results_of(owner, owner.create())
    assert answer.status == 200
    assert answer.json == {"data": [], "pagination": {"total": 0, "limit": 20, "offset": 0}}


def test_results_are_newest_first_and_have_the_contracts_keys(deps: FakeDeps, owner: Api) -> None:
    monitor = owner.create()
    deps.at += timedelta(seconds=9)
    run_minutes(deps, [UP, DEGRADED, WRONG, TIMEOUT], monitor["id"])
    data = results_of(owner, monitor).data
    assert [(r["status"], r["statusCode"], r["responseTimeMs"]) for r in data] == [
        ("down", 0, 10_003),
        ("down", 503, 40),
        ("degraded", 200, 6_001),
        ("up", 200, 21),
    ]
    assert [r["checkedAt"] for r in data] == [f"2026-03-01T12:0{m}:09Z" for m in (4, 3, 2, 1)]
    for result in data:
        assert set(result) - {"error"} == KEYS
        assert re.fullmatch("chk_[0-9a-f]{32}", result["id"])
        assert (result["monitorId"], result["region"]) == (monitor["id"], "enam")
    assert len({result["id"] for result in data}) == 4


def test_error_stands_only_on_results_without_any_response(deps: FakeDeps, owner: Api) -> None:
    monitor = owner.create()
    run_minutes(deps, [UP, DEGRADED, WRONG, TIMEOUT], monitor["id"])
    data = results_of(owner, monitor).data
    assert ["error" in result for result in data] == [True, False, False, False]
    assert isinstance(data[0]["error"], str)
    assert data[0]["error"]


@pytest.mark.parametrize("reason", [r for r in Reason if 0 < r < Reason.INTERNAL])
def test_every_fault_has_status_code_0_the_elapsed_time_and_a_text(
    deps: FakeDeps, owner: Api, reason: Reason
) -> None:
    monitor = owner.create()
    run_minutes(deps, [Outcome(Status.DOWN, reason, 0, 1234)], monitor["id"])
    (result,) = results_of(owner, monitor).data
    assert (result["status"], result["statusCode"], result["responseTimeMs"]) == ("down", 0, 1234)
    assert len(result["error"]) > 8


def test_ids_are_the_same_in_every_read_and_on_every_page(deps: FakeDeps, owner: Api) -> None:
    monitor = owner.create()
    run_minutes(deps, [UP] * 10, monitor["id"])
    whole = results_of(owner, monitor, {"limit": 100}).data
    run_minutes(deps, [UP] * 5, monitor["id"])
    assert results_of(owner, monitor, {"limit": 100}).data[5:] == whole
    assert results_of(owner, monitor, {"limit": 10, "offset": 5}).data == whole


def test_two_monitors_of_one_slot_have_different_result_ids(deps: FakeDeps, owner: Api) -> None:
    one, other = owner.create(), owner.create()
    run_minutes(deps, [UP], one["id"])
    assert results_of(owner, one).data[0]["id"] != results_of(owner, other).data[0]["id"]


@pytest.mark.parametrize(
    ("query", "limit", "offset"),
    [
        ({}, 20, 0),
        ({"limit": "1"}, 1, 0),
        ({"limit": "100"}, 100, 0),
        ({"offset": "0"}, 20, 0),
        ({"offset": "1"}, 20, 1),
        ({"limit": "7", "offset": "20"}, 7, 20),
        ({"offset": "25"}, 20, 25),
        ({"offset": "26"}, 20, 26),
        ({"offset": "9999999999"}, 20, 9999999999),
        ({"offset": str(2**53)}, 20, 2**53),
        ({"page": "2", "cursor": "x", "Limit": "abc"}, 20, 0),
    ],
    ids=str,
)
def test_a_page_is_that_slice_and_pagination_says_which(
    deps: FakeDeps, owner: Api, query: dict[str, str], limit: int, offset: int
) -> None:
    monitor = owner.create()
    run_minutes(deps, [UP] * 25, monitor["id"])
    everything = results_of(owner, monitor, {"limit": 100}).data
    assert len(everything) == 25
    answer = results_of(owner, monitor, query)
    assert answer.json == {
        "data": everything[offset : offset + limit],
        "pagination": {"total": 25, "limit": limit, "offset": offset},
    }


@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize(
    "value",
    [
        *("-1", "1.5", "abc", "", " ", "+1", "1e1", "0x1", "1_0", "٣", "１", "1,2", "null", "NaN"),
        "1\n",
    ],
)
def test_a_value_that_is_no_whole_number_is_400_on_its_parameter(owner: Api, name: str, value: str) -> None:
    assert results_of(owner, owner.create(), {name: value}).fields == [name]


@pytest.mark.parametrize("limit", ["0", "101", "1000"])
def test_a_limit_outside_1_to_100_is_400_and_never_clamped(owner: Api, limit: str) -> None:
    assert results_of(owner, owner.create(), {"limit": limit}).fields == ["limit"]


@pytest.mark.parametrize("offset", [str(2**53 + 1), "9" * 30, "9" * 101])
def test_an_offset_beyond_2_to_the_53_is_no_json_number_and_400(owner: Api, offset: str) -> None:
    assert results_of(owner, owner.create(), {"offset": offset}).fields == ["offset"]


@pytest.mark.parametrize("query", ["limit=5&limit=5", "limit=5&limit=6"])
def test_a_repeated_parameter_is_400(owner: Api, query: str) -> None:
    assert results_of(owner, owner.create(), query).fields == ["limit"]


def test_all_bad_parameters_are_named_at_once(owner: Api) -> None:
    assert results_of(owner, owner.create(), "limit=0&offset=-1").fields == ["limit", "offset"]


def test_history_survives_a_new_interval_a_disable_and_a_move(edges: RealEdges, real: People) -> None:
    """On the real stores, with the real probe: nothing is lost and nothing doubled."""
    owner = real.owner
    monitor = owner.create()
    path = f"/v1/monitors/{monitor['id']}"
    run_minutes(edges, [UP] * 5, monitor["id"])
    before = results_of(owner, monitor).data
    assert len(before) == 5
    owner.put(path, {"intervalSeconds": 300})
    run_minutes(edges, [UP] * 6, monitor["id"])
    owner.put(path, {"enabled": False})
    run_minutes(edges, [UP] * 3, monitor["id"])
    after_disable = results_of(owner, monitor).data
    assert after_disable[-5:] == before
    assert len(after_disable) == 7
    owner.put(path, {"enabled": True, "intervalSeconds": 60, "timeoutSeconds": 60})
    assert results_of(owner, monitor).data == after_disable
    run_minutes(edges, [UP] * 3, monitor["id"])
    assert results_of(owner, monitor).data == after_disable
    slot = int(edges.at.timestamp()) // 60 * 60
    probing.run(edges, ProbeJob("enam.slow.00001", slot))
    moved = results_of(owner, monitor)
    assert moved.data[1:] == after_disable
    assert moved.json["pagination"]["total"] == 8


def test_a_result_that_is_delivered_twice_is_one_result(edges: RealEdges, real: People) -> None:
    monitor = real.owner.create()
    run_minutes(edges, [UP], monitor["id"])
    first = results_of(real.owner, monitor).json
    edges.at -= timedelta(seconds=60)
    run_minutes(edges, [TIMEOUT], monitor["id"])
    assert results_of(real.owner, monitor).json == first
