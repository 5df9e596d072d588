"""/v1/maintenance: windows of planned work (contract, sections 3.9 and 4.9)."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.api_key import SCOPES
from tests.fakes import FakeDeps
from tests.routes.bounds import NO_BOOLEAN, NO_STRING, id_of, pairs
from tests.routes.client import START, Answer, Api, People, RealEdges, caller
from tests.routes.kinds import DNS, HTTP, KINDS, TCP, Kind

PATH = "/v1/maintenance"
NOW = "2026-03-01T12:00:00Z"
MINIMAL = {"name": "Upgrade", "startsAt": "2026-03-01T11:00:00Z", "endsAt": "2026-03-01T13:00:00Z"}
UPCOMING = {**MINIMAL, "startsAt": "2026-03-01T12:30:00Z"}
PAST = {**MINIMAL, "endsAt": NOW}
UNKNOWN = "mon_" + "0" * 32

GOOD: dict[str, list[Any]] = {
    "name": ["x", "x" * 255, "é" * 255, "\U0001f40d" * 255, " "],
    "startsAt": ["0001-01-01T00:00:00Z", "2026-03-01T12:59:59Z"],
    "endsAt": ["2026-03-01T11:00:01Z", "9999-12-31T23:59:59Z"],
    "suppressAlerts": [True, False],
    "showOnStatusPage": [True, False],
    "monitorId": [None],
}
NO_INSTANT: list[Any] = [
    *NO_STRING,
    "",
    "2026-03-01",
    "2026-03-01T12:00:00",
    "2026-02-30T12:00:00Z",
    "2026-03-01T24:00:01Z",
    "2026-03-01 12:00:00Z",
    "0001-01-01T00:00:00+23:59",
    1_772_366_400,
]
BAD: dict[str, list[Any]] = {
    "name": ["", "x" * 256, *NO_STRING],
    "startsAt": NO_INSTANT,
    "endsAt": NO_INSTANT,
    "suppressAlerts": NO_BOOLEAN,
    "showOnStatusPage": NO_BOOLEAN,
    "monitorId": [1, True, [], {}],
}


def make(api: Api, **fields: Any) -> dict[str, Any]:
    return api.make(PATH, {**MINIMAL, **fields})


def path_of(window: Any) -> str:
    return f"{PATH}/{window['id']}"


def end(api: Api, window: Any) -> Answer:
    return api.send("POST", f"{path_of(window)}/end")


def listed(api: Api) -> list[Any]:
    answer = api.get(PATH)
    assert answer.status == 200
    assert set(answer.json) == {"data"}
    found: list[Any] = answer.data
    return found


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.code


def test_the_defaults(owner: Api) -> None:
    made = make(owner)
    assert made.pop("id").startswith("mnt_")
    assert made == {
        **MINIMAL,
        "teamId": owner.team_id,
        "monitorId": None,
        "endedEarlyAt": None,
        "suppressAlerts": True,
        "showOnStatusPage": True,
        "createdAt": NOW,
        "updatedAt": NOW,
    }


@pytest.mark.parametrize(("field", "value"), pairs(GOOD), ids=id_of)
def test_a_value_at_its_bound_is_taken_and_shown_again(owner: Api, field: str, value: Any) -> None:
    made = make(owner, **{field: value})
    assert made[field] == value
    assert owner.get(path_of(made)).data == made
    other = make(owner)
    assert owner.put(path_of(other), {field: value}).data[field] == value
    assert owner.get(path_of(other)).data[field] == value


@pytest.mark.parametrize(("field", "value"), pairs(BAD), ids=id_of)
def test_a_value_past_its_bound_is_refused_by_name(owner: Api, field: str, value: Any) -> None:
    assert owner.post(PATH, {**MINIMAL, field: value}).fields == [field]
    made = make(owner)
    assert owner.put(path_of(made), {field: value}).fields == [field]
    assert listed(owner) == [made]


def test_every_bad_field_is_named_at_once(owner: Api) -> None:
    assert owner.post(PATH, {}).fields == ["endsAt", "name", "startsAt"]
    body = {name: values[0] for name, values in BAD.items()}
    assert owner.post(PATH, body).fields == sorted(BAD)
    assert owner.put(path_of(make(owner)), body).fields == sorted(BAD)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2026-03-01T10:30:00+02:30", "2026-03-01T08:00:00Z"),
        ("2026-03-01t10:30:00.999z", "2026-03-01T10:30:00Z"),
        ("2026-03-01T10:30:00-00:00", "2026-03-01T10:30:00Z"),
    ],
)
def test_any_rfc_3339_instant_is_normalised(owner: Api, given: str, shown: str) -> None:
    assert make(owner, startsAt=given)["startsAt"] == shown


def test_unknown_keys_are_ignored(owner: Api) -> None:
    made = make(owner, id="mnt_1", endedEarlyAt=NOW, teamId="team_1", x={})
    assert (made["endedEarlyAt"], made["teamId"]) == (None, owner.team_id)
    assert owner.put(path_of(made), {"endedEarlyAt": NOW, "createdAt": "x"}).data == made


@pytest.mark.parametrize("body", [PAST, UPCOMING, MINIMAL], ids=["past", "upcoming", "active"])
def test_a_window_may_be_past_upcoming_or_running(owner: Api, body: Any) -> None:
    assert owner.make(PATH, body)["startsAt"] == body["startsAt"]


@pytest.mark.parametrize(
    "over",
    ["2026-03-01T11:00:00Z", "2026-03-01T10:59:59Z", "2026-03-01T11:00:00.9Z", "2026-03-01T13:00:00+02:00"],
)
def test_a_window_must_end_after_it_starts(owner: Api, over: str) -> None:
    assert refused(owner.post(PATH, {**MINIMAL, "endsAt": over})) == (400, "INVALID_DATE_RANGE")
    made = make(owner)
    assert refused(owner.put(path_of(made), {"endsAt": over})) == (400, "INVALID_DATE_RANGE")
    assert refused(owner.put(path_of(made), {"startsAt": made["endsAt"]})) == (400, "INVALID_DATE_RANGE")
    assert listed(owner) == [made]
    both = {"startsAt": "2027-01-01T00:00:00Z", "endsAt": "2027-01-01T00:00:01Z"}
    assert owner.put(path_of(made), both).data == {**made, **both}


def test_windows_are_listed_newest_first(deps: FakeDeps, owner: Api) -> None:
    made = []
    for starts_at in (UPCOMING["startsAt"], "2020-01-01T00:00:00Z", MINIMAL["startsAt"]):
        made.append(make(owner, startsAt=starts_at))
        deps.at += timedelta(milliseconds=1)
    assert listed(owner) == made[::-1]


def test_a_put_changes_what_it_names_and_moves_the_time_only_then(deps: FakeDeps, owner: Api) -> None:
    made = make(owner)
    deps.at += timedelta(minutes=1)
    for same in (
        {},
        {"name": made["name"]},
        {**MINIMAL, "monitorId": None},
        {"startsAt": "2026-03-01T11:00:00.5Z"},
    ):
        assert owner.put(path_of(made), same).data == made
    changed = owner.put(path_of(made), {"suppressAlerts": False}).data
    assert changed == {**made, "suppressAlerts": False, "updatedAt": "2026-03-01T12:01:00Z"}


def test_an_active_window_is_ended_once(deps: FakeDeps, owner: Api) -> None:
    made = make(owner)
    deps.at += timedelta(seconds=90, milliseconds=400)
    answer = end(owner, made)
    at = "2026-03-01T12:01:30Z"
    assert (answer.status, answer.data) == (200, {**made, "endedEarlyAt": at, "updatedAt": at})
    assert owner.get(path_of(made)).data == answer.data
    assert refused(end(owner, made)) == (400, "ALREADY_ENDED")


def test_what_is_over_or_not_begun_cannot_be_ended(deps: FakeDeps, owner: Api) -> None:
    assert refused(end(owner, owner.make(PATH, PAST))) == (400, "ALREADY_ENDED")
    upcoming = owner.make(PATH, UPCOMING)
    deps.at = START + timedelta(minutes=30, seconds=-1)
    assert refused(end(owner, upcoming)) == (400, "NOT_STARTED")
    deps.at = START + timedelta(minutes=30)
    assert end(owner, upcoming).status == 200
    running = make(owner)
    deps.at = START + timedelta(hours=1, seconds=-1)
    assert end(owner, running).status == 200
    assert refused(end(owner, upcoming)) == (400, "ALREADY_ENDED")


def test_the_body_of_an_end_is_ignored(owner: Api) -> None:
    answer = owner.send("POST", f"{path_of(make(owner))}/end", b"[")
    assert answer.status == 200


def test_a_deleted_window_is_gone(owner: Api) -> None:
    made = make(owner)
    answer = owner.delete(path_of(made))
    assert (answer.status, answer.raw) == (204, b"")
    assert listed(owner) == []
    for answer in (owner.get(path_of(made)), owner.put(path_of(made), {}), owner.delete(path_of(made))):
        assert refused(answer) == (404, "NOT_FOUND")
    assert refused(end(owner, made)) == (404, "NOT_FOUND")


def test_a_window_is_bound_to_an_http_monitor_and_freed_again(owner: Api) -> None:
    one, two = owner.create()["id"], owner.create()["id"]
    made = make(owner, monitorId=one)
    assert made["monitorId"] == one
    assert owner.put(path_of(made), {"name": "x"}).data["monitorId"] == one
    assert owner.put(path_of(made), {"monitorId": two}).data["monitorId"] == two
    assert owner.put(path_of(made), {"monitorId": None}).data["monitorId"] is None


def unknown_ids(people: People) -> list[str]:
    mine = people.owner.create()["id"]
    others = [kind.make(people.owner)["id"] for kind in (DNS, TCP)]
    job = people.owner.make("/v1/cron-jobs", {"name": "x", "cronExpression": "@daily"})["id"]
    gone = people.owner.create()["id"]
    assert people.owner.delete(f"/v1/monitors/{gone}").status == 204
    odd = [
        "",
        "mon_",
        "x",
        mine.upper(),
        f"{mine}0",
        f"{mine}\n",
        "mon_" + "0" * 5000,
        "\0",
        "mon_" + "٠" * 32,
    ]
    return [UNKNOWN, people.stranger.create()["id"], *others, job, gone, make(people.owner)["id"], *odd]


def test_what_is_no_http_monitor_of_the_team_is_404(people: People) -> None:
    ids = unknown_ids(people)
    made = make(people.owner)
    before = listed(people.owner)
    for id in ids:
        for answer in (
            people.owner.post(PATH, {**MINIMAL, "monitorId": id}),
            people.owner.put(path_of(made), {"monitorId": id}),
        ):
            assert refused(answer) == (404, "NOT_FOUND"), id
    assert listed(people.owner) == before


def test_the_order_of_refusals(owner: Api) -> None:
    made = make(owner)
    unknown = {"monitorId": UNKNOWN}
    backwards = {"startsAt": MINIMAL["endsAt"], "endsAt": MINIMAL["startsAt"]}

    def create(fields: dict[str, str]) -> Answer:
        return owner.post(PATH, {**MINIMAL, **fields})

    def update(fields: dict[str, str]) -> Answer:
        return owner.put(path_of(made), fields)

    for send in (create, update):
        assert send({**unknown, **backwards, "name": ""}).fields == ["name"]
        assert send({**unknown, **backwards}).code == "INVALID_DATE_RANGE"
        assert send(unknown).code == "NOT_FOUND"
    nowhere = f"{PATH}/mnt_{'0' * 32}"
    assert owner.put(nowhere, {"name": ""}).code == "NOT_FOUND"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.prefix)
def test_windows_go_with_their_monitor_and_no_others(owner: Api, kind: Kind) -> None:
    monitor = kind.make(owner)
    other = HTTP.make(owner)
    kept = [make(owner), make(owner, monitorId=other["id"])]
    doomed = [make(owner, monitorId=monitor["id"]) for _ in range(3 * (kind is HTTP))]
    assert owner.delete(kind.path_of(monitor)).status == 204
    assert sorted(listed(owner), key=id_in) == sorted(kept, key=id_in)
    for window in doomed:
        assert refused(owner.get(path_of(window))) == (404, "NOT_FOUND")
        assert refused(owner.put(path_of(window), {"monitorId": None})) == (404, "NOT_FOUND")
        assert refused(end(owner, window)) == (404, "NOT_FOUND")


def id_in(window: Any) -> str:
    return str(window["id"])


def test_a_repeated_create_is_one_window(owner: Api) -> None:
    def send() -> Answer:
        return owner.send("POST", PATH, json.dumps(MINIMAL).encode(), headers={"Idempotency-Key": "k"})

    first, again = send(), send()
    assert (first.status, again.status, again.raw) == (201, 201, first.raw)
    assert again.headers["idempotency-replayed"] == "true"
    assert listed(owner) == [first.data]


def test_the_stranger_sees_changes_and_ends_nothing(people: People) -> None:
    made = make(people.owner, monitorId=people.owner.create()["id"])
    stranger = people.stranger
    assert listed(stranger) == []
    for answer in (
        stranger.get(path_of(made)),
        stranger.put(path_of(made), {"name": "Mine"}),
        stranger.delete(path_of(made)),
        end(stranger, made),
        stranger.post(PATH, {**MINIMAL, "monitorId": made["monitorId"]}),
    ):
        assert refused(answer) == (404, "NOT_FOUND")
    assert listed(people.owner) == [made]


def test_reading_and_writing_are_two_scopes(deps: FakeDeps, people: People) -> None:
    made = make(people.owner)
    reader = caller(deps, people.owner.team_id, ["maintenance:read"])
    writer = caller(deps, people.owner.team_id, ["maintenance:write"])
    assert listed(reader) == [made]
    assert refused(end(reader, made)) == (403, "FORBIDDEN")
    assert refused(writer.get(path_of(made))) == (403, "FORBIDDEN")
    assert end(writer, made).status == 200
    rest = caller(deps, people.owner.team_id, [s for s in SCOPES if not s.startswith("maintenance:")])
    assert refused(rest.get(PATH)) == (403, "FORBIDDEN")


def test_on_the_real_stores_a_list_is_one_query_of_half_a_unit(edges: RealEdges, real: People) -> None:
    owner = real.owner
    monitor = owner.create()
    made = [make(owner, monitorId=id) for id in (monitor["id"], None) for _ in range(4)]
    assert owner.put(path_of(made[0]), {"name": "Other", "monitorId": None}).status == 200
    assert end(owner, made[1]).status == 200
    edges.meter.reset()
    assert len(listed(owner)) == 8
    assert [call for call in edges.meter.calls if call[0] == "Query"] == [
        ("Query", (edges.settings.teams_table,))
    ]
    assert edges.meter.read_units == 0.5
    assert owner.delete(f"/v1/monitors/{monitor['id']}").status == 204
    assert {window["monitorId"] for window in listed(owner)} == {None}
    assert len(listed(owner)) == 5
