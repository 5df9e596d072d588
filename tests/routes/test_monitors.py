"""HTTP monitors from create to delete (contract, section 3.3)."""

import re
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.services.results import list_results
from tests.fakes import FakeDeps
from tests.routes.client import MINIMAL, Api, People, RealEdges

ID = re.compile(r"mon_[0-9a-f]{32}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def path_of(monitor: Any) -> str:
    return f"/v1/monitors/{monitor['id']}"


def test_ids_and_timestamps_have_the_contracts_form(deps: FakeDeps, owner: Api) -> None:
    deps.at += timedelta(microseconds=123_456)
    monitor = owner.create()
    assert ID.fullmatch(monitor["id"])
    for field in ("createdAt", "updatedAt", "enabledAt"):
        assert monitor[field] == "2026-03-01T12:00:00Z"
        assert TIMESTAMP.fullmatch(monitor[field])


def test_an_empty_update_is_200_and_changes_nothing(deps: FakeDeps, owner: Api) -> None:
    created = owner.create()
    deps.at += timedelta(minutes=5)
    answer = owner.put(path_of(created), {})
    assert (answer.status, answer.data) == (200, created)


def test_an_update_to_the_same_values_does_not_move_updated_at(deps: FakeDeps, owner: Api) -> None:
    created = owner.create()
    deps.at += timedelta(minutes=5)
    same = {**MINIMAL, "intervalSeconds": 60, "enabled": True, "public": False, "method": "HEAD"}
    assert owner.put(path_of(created), same).data == created


def test_a_partial_update_leaves_every_other_field(deps: FakeDeps, owner: Api) -> None:
    created = owner.create(method="GET", expectedStatus=204, intervalSeconds=300, public=True)
    deps.at += timedelta(minutes=5)
    updated = owner.put(path_of(created), {"timeoutSeconds": 5}).data
    assert updated == {**created, "timeoutSeconds": 5, "updatedAt": "2026-03-01T12:05:00Z"}
    assert owner.get(path_of(created)).data == updated


def test_disabling_clears_enabled_at_and_enabling_sets_it_anew(deps: FakeDeps, owner: Api) -> None:
    created = owner.create()
    deps.at += timedelta(minutes=5)
    disabled = owner.put(path_of(created), {"enabled": False}).data
    assert disabled == {**created, "enabledAt": None, "updatedAt": "2026-03-01T12:05:00Z"}
    deps.at += timedelta(minutes=5)
    enabled = owner.put(path_of(created), {"enabled": True}).data
    assert (enabled["enabledAt"], enabled["updatedAt"]) == ("2026-03-01T12:10:00Z",) * 2
    assert enabled["createdAt"] == created["createdAt"]


def test_enabling_what_is_enabled_keeps_enabled_at(deps: FakeDeps, owner: Api) -> None:
    created = owner.create()
    deps.at += timedelta(minutes=5)
    updated = owner.put(path_of(created), {"enabled": True, "name": "Other"}).data
    assert updated["enabledAt"] == created["enabledAt"]


def test_a_monitor_may_begin_its_life_disabled(deps: FakeDeps, owner: Api) -> None:
    created = owner.create(enabled=False)
    assert (created["enabledAt"], created["status"]) == (None, "pending")
    assert deps.queue.sent == []


def test_creating_enqueues_one_first_run_and_no_other_change_does(deps: FakeDeps, owner: Api) -> None:
    created = owner.create()
    ((job, delay),) = deps.queue.sent
    assert (job.first_position, job.slot, delay) == (1, int(deps.at.timestamp()), 1)
    for change in ({"enabled": False}, {"enabled": True}, {"intervalSeconds": 300}, {"timeoutSeconds": 30}):
        owner.put(path_of(created), change)
    assert len(deps.queue.sent) == 1


def test_the_list_is_newest_first(deps: FakeDeps, owner: Api) -> None:
    made = []
    for number in range(5):
        deps.at += timedelta(seconds=number % 2, milliseconds=1)
        made.append(owner.create(name=str(number)))
    assert owner.get("/v1/monitors").data == made[::-1]


def test_an_empty_list_is_an_empty_array(owner: Api) -> None:
    assert owner.get("/v1/monitors").raw == b'{"data":[]}'


def test_deleting_is_204_with_an_empty_body_and_then_404(owner: Api) -> None:
    created, other = owner.create(), owner.create()
    answer = owner.delete(path_of(created))
    assert (answer.status, answer.raw) == (204, b"")
    assert "content-length" not in answer.headers
    for again in (
        owner.get(path_of(created)),
        owner.put(path_of(created), {"name": "x"}),
        owner.delete(path_of(created)),
        owner.get(path_of(created) + "/results"),
    ):
        assert (again.status, again.code) == (404, "NOT_FOUND")
    assert owner.get("/v1/monitors").data == [other]


ODD_IDS = [
    "mon_" + "0" * 32,
    "mon_",
    "mon",
    "0" * 32,
    "MON_" + "0" * 32,
    "dns_" + "0" * 32,
    "mon_" + "0" * 31,
    "mon_" + "0" * 33,
    "mon_" + "g" * 32,
    "null",
    "%20",
    "%00",
    "%0A",
    "%F0%9F%8E%89",
    "%ED%A0%80",
    "%25",
    "..",
    "MON%23x",
    "mon_" + "0" * 2000,
    "mon_" + "%C3%A9" * 600,
    "'; DROP TABLE monitors; --".replace(" ", "%20"),
]


@pytest.mark.parametrize("odd", ODD_IDS, ids=range(len(ODD_IDS)))
def test_ids_that_are_unknown_or_malformed_are_404_and_tell_nothing_apart(real: People, odd: str) -> None:
    foreign = real.stranger.create()
    expected = real.owner.get(path_of(foreign))
    assert (expected.status, expected.code) == (404, "NOT_FOUND")
    for method, suffix in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/results")):
        answer = real.owner.send(
            method, f"/v1/monitors/{odd}{suffix}", b'{"name":"x"}' if method == "PUT" else b""
        )
        assert answer.seen == expected.seen


def test_ids_are_case_sensitive(owner: Api) -> None:
    created = owner.create()
    assert owner.get(f"/v1/monitors/{created['id'].upper()}").status == 404
    assert owner.get(f"/v1/monitors/mon_{created['id'][4:].upper()}").status == 404


def test_a_foreign_monitor_can_be_neither_read_nor_changed_nor_deleted(people: People) -> None:
    created = people.owner.create()
    assert people.stranger.get(path_of(created)).status == 404
    assert people.stranger.put(path_of(created), {"name": "mine"}).status == 404
    assert people.stranger.put(path_of(created), {}).status == 404
    assert people.stranger.delete(path_of(created)).status == 404
    assert people.stranger.get(path_of(created) + "/results").status == 404
    assert people.owner.get(path_of(created)).data == created


def test_the_hundredth_monitor_is_the_last_and_deleting_frees_a_slot(real: People) -> None:
    made = [real.owner.create(name=str(number)) for number in range(100)]
    refused = real.owner.post("/v1/monitors", MINIMAL)
    assert (refused.status, refused.code) == (400, "LIMIT_EXCEEDED")
    assert len(real.owner.get("/v1/monitors").data) == 100
    assert real.stranger.post("/v1/monitors", MINIMAL).status == 201
    assert real.owner.delete(path_of(made[0])).status == 204
    assert real.owner.post("/v1/monitors", MINIMAL).status == 201
    assert real.owner.post("/v1/monitors", MINIMAL).code == "LIMIT_EXCEEDED"


def test_deleting_leaves_no_locator_and_no_member(edges: RealEdges, real: People) -> None:
    created = real.owner.create(public=True)
    monitor = edges.monitors.get(real.owner.team_id, created["id"], consistent=True)
    assert monitor is not None
    real.owner.delete(path_of(created))
    assert edges.monitors.locator(created["id"]) is None
    assert edges.members.all(monitor.placement.shard) == {}
    assert list_results(edges, monitor, limit=1, offset=0).total == 0


def test_a_monitor_on_the_real_stores_reads_back_as_it_was_written(edges: RealEdges, real: People) -> None:
    fields = {
        "name": "Vorderseite 🎉 \u0000 \" \\ '",
        "url": "https://münchen.example/straße?q=ü",
        "method": "DELETE",
        "expectedStatus": 599,
        "intervalSeconds": 3600,
        "degradedAfterMs": 30000,
        "timeoutSeconds": 60,
        "locationHint": "me",
        "sslMonitoringEnabled": True,
        "sslExpiryWarningDays": 365,
        "public": True,
    }
    created = real.owner.create(**fields)
    assert {name: created[name] for name in fields} == fields
    assert real.owner.get(path_of(created)).data == created
    edges.at += timedelta(seconds=90)
    changed = real.owner.put(path_of(created), {"timeoutSeconds": 10, "name": "b"}).data
    assert changed == {**created, "timeoutSeconds": 10, "name": "b", "updatedAt": "2026-03-01T12:01:30Z"}
    assert real.owner.get("/v1/monitors").data == [changed]
