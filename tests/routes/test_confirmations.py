"""`confirmations`, `recoveryConfirmations` and `retryIntervalSeconds` of every kind of monitor."""

from typing import Any

import pytest

from chalicelib.domain.outcome import Outcome, Reason, Status
from tests.fakes import UP, FakeDeps
from tests.routes.client import Api
from tests.routes.kinds import DNS, HTTP, KINDS, TCP, Kind, live

every_kind = pytest.mark.parametrize("kind", KINDS, ids=[kind.prefix for kind in KINDS])
FIELDS = ("confirmations", "recoveryConfirmations")
DOWN = Outcome(Status.DOWN, Reason.TIMEOUT, 0, 9_000)
WORDS = {
    HTTP.prefix: ("status", "up", "down"),
    TCP.prefix: ("lastStatus", "up", "timeout"),
    DNS.prefix: ("lastStatus", "ok", "error"),
}


def numbers(shown: Any) -> tuple[int, int]:
    return shown["confirmations"], shown["recoveryConfirmations"]


@every_kind
def test_without_them_they_are_one_and_nothing_is_stored(deps: FakeDeps, owner: Api, kind: Kind) -> None:
    made = kind.make(owner)
    assert numbers(made) == (1, 1)
    assert not deps.store.items["monitor"][made["id"]].spec.keys() & set(FIELDS)


@every_kind
def test_they_are_shown_as_set_kept_by_other_updates_and_gone_with_one(
    deps: FakeDeps, owner: Api, kind: Kind
) -> None:
    made = kind.make(owner, confirmations=3.0, recoveryConfirmations=10)
    assert numbers(made) == (3, 10)
    assert numbers(owner.put(kind.path_of(made), {"name": "Other"}).data) == (3, 10)
    assert numbers(owner.put(kind.path_of(made), {"confirmations": 1}).data) == (1, 10)
    assert numbers(owner.put(kind.path_of(made), {"confirmations": 2}).data) == (2, 10)
    plain = owner.put(kind.path_of(made), dict.fromkeys(FIELDS, 1)).data
    assert numbers(plain) == numbers(owner.get(kind.path_of(made)).data) == (1, 1)
    assert numbers(owner.get(kind.path).data[0]) == (1, 1)
    assert not deps.store.items["monitor"][made["id"]].spec.keys() & set(FIELDS)


@every_kind
@pytest.mark.parametrize("bad", [0, 11, -1, 1.5, "2", True, None])
def test_they_are_whole_numbers_from_one_to_ten(owner: Api, kind: Kind, bad: Any) -> None:
    made = kind.make(owner)
    wrong = dict.fromkeys(FIELDS, bad)
    for answer in (
        owner.post(kind.path, {**kind.minimal, **wrong}),
        owner.put(kind.path_of(made), wrong),
    ):
        assert answer.status == 400
        assert {detail["field"] for detail in answer.json["error"]["details"]} == set(FIELDS)


@every_kind
def test_the_shown_status_waits_and_the_values_of_the_newest_result_do_not(
    deps: FakeDeps, owner: Api, kind: Kind
) -> None:
    made = kind.make(owner, confirmations=2, recoveryConfirmations=2)
    key, up, down = WORDS[kind.prefix]
    shown, checked = [], []
    live(deps, made, [UP])
    for outcome in (DOWN, DOWN, UP, UP):
        live(deps, made, [outcome])
        monitor = owner.get(kind.path_of(made)).data
        shown.append(monitor[key])
        checked.append(monitor["lastCheckedAt"])
    assert [word == up for word in shown] == [True, False, False, True]
    assert shown[1] == down
    assert len(set(checked)) == 4
    words = [result["status"] for result in kind.results(owner, made).data]
    assert words == [up, up, down, down, up]


def test_a_tcp_monitor_shows_no_response_time_of_a_failure_that_waits_for_confirmation(
    deps: FakeDeps, owner: Api
) -> None:
    made = TCP.make(owner, confirmations=2, recoveryConfirmations=2)
    seen = []
    for outcome in (UP, DOWN, DOWN, UP):
        live(deps, made, [outcome])
        shown = owner.get(TCP.path_of(made)).data
        seen.append((shown["lastStatus"], shown["lastResponseTimeMs"]))
    assert seen == [("up", 20), ("up", None), ("timeout", None), ("down", 20)]


RETRY = "retryIntervalSeconds"
BOUNDS = {HTTP.prefix: (60, 3600), DNS.prefix: (60, 3600), TCP.prefix: (10, 86400)}


@every_kind
def test_seconds_between_retries_are_shown_as_set_kept_by_other_updates_and_cleared_by_null(
    deps: FakeDeps, owner: Api, kind: Kind
) -> None:
    plain = kind.make(owner)
    assert plain[RETRY] is None
    assert RETRY not in deps.store.items["monitor"][plain["id"]].spec
    made = kind.make(owner, **{RETRY: 60.0})
    assert (made[RETRY], type(made[RETRY]), *numbers(made)) == (60, int, 1, 1)
    assert owner.put(kind.path_of(made), {"name": "Other"}).data[RETRY] == 60
    assert owner.put(kind.path_of(made), {RETRY: 120}).data[RETRY] == 120
    cleared = owner.put(kind.path_of(made), {RETRY: None}).data
    assert cleared[RETRY] is owner.get(kind.path_of(made)).data[RETRY] is None
    assert [shown[RETRY] for shown in owner.get(kind.path).data] == [None, None]
    assert RETRY not in deps.store.items["monitor"][made["id"]].spec


@every_kind
def test_what_is_cleared_or_set_already_changes_nothing(owner: Api, kind: Kind) -> None:
    plain, made = kind.make(owner), kind.make(owner, **{RETRY: 60})
    assert owner.put(kind.path_of(plain), {RETRY: None}).data == plain
    assert owner.put(kind.path_of(made), {RETRY: 60}).data == made


@every_kind
def test_seconds_between_retries_have_bounds_and_may_exceed_the_interval(owner: Api, kind: Kind) -> None:
    least, most = BOUNDS[kind.prefix]
    made = kind.make(owner)
    for good in (least, most):
        assert kind.make(owner, **{RETRY: good})[RETRY] == good
        assert owner.put(kind.path_of(made), {RETRY: good}).data[RETRY] == good
    wrong: list[Any] = [least - 1, most + 1, 0, -60, 60.5, "60", True, [60], {}]
    for bad in wrong:
        assert owner.post(kind.path, {**kind.minimal, RETRY: bad}).fields == [RETRY]
        assert owner.put(kind.path_of(made), {RETRY: bad}).fields == [RETRY]
    assert owner.get(kind.path_of(made)).data[RETRY] == most


@every_kind
def test_a_monitor_of_ten_minutes_is_down_after_three_minutes_and_its_results_are_all_listed(
    deps: FakeDeps, owner: Api, kind: Kind
) -> None:
    made = kind.make(owner, intervalSeconds=600, confirmations=3, **{RETRY: 60})
    key, up, down = WORDS[kind.prefix]
    live(deps, made, [UP] * 5)
    shown: list[tuple[str, bool]] = []
    while len(shown) < 4:
        live(deps, made, [DOWN])
        results = kind.results(owner, made)
        if any(result["status"] == down for result in results.data):
            monitor = owner.get(kind.path_of(made)).data
            shown.append((monitor[key], monitor["lastCheckedAt"] == results.data[0]["checkedAt"]))
    assert shown == [(up, True), (up, True), (down, True), (down, True)]
    assert [result["status"] for result in results.data] == [down] * 3 + [up]
    if "pagination" in results.json:
        assert results.json["pagination"]["total"] == 4
