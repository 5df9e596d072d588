"""/v1/monitors/{id}/content-checks (contract, sections 3.3 and 4.4)."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import UP, FakeDeps
from tests.routes.bounds import NO_BOOLEAN, NO_STRING, id_of, pairs
from tests.routes.client import Answer, Api, People, RealEdges
from tests.routes.kinds import DNS, TCP, live

MINIMAL = {"type": "contains", "value": "In stock"}
GOOD: dict[str, list[Any]] = {
    "type": ["contains", "not_contains", "regex"],
    "value": ["a", "a" * 4096, "😀" * 4096, " ", "(", "\n"],
    "caseSensitive": [True, False],
    "isEnabled": [True, False],
}
BAD: dict[str, list[Any]] = {
    "type": ["", "Contains", "equals", *NO_STRING],
    "value": ["", "a" * 4097, "😀" * 4097, *NO_STRING],
    "caseSensitive": NO_BOOLEAN,
    "isEnabled": NO_BOOLEAN,
}
BAD_PATTERNS = ["(", "[", "a{2,1}", "*", "\\", "(?=a)", r"(a)\1", "(?P<a", "a{1001}", "(.{0,900}){9}"]
UNTOUCHABLE = {"id": "cc_1", "monitorId": "mon_1", "createdAt": None, "case_sensitive": 5, "": 1}
NO_CHECK = "cc_" + "0" * 32


class Page:
    """A monitor with its content checks, in its owner's hands."""

    def __init__(self, api: Api, **fields: Any) -> None:
        self.api = api
        self.monitor = api.create(**fields)
        self.path = f"/v1/monitors/{self.monitor['id']}/content-checks"

    def add(self, **fields: Any) -> dict[str, Any]:
        return self.api.make(self.path, {**MINIMAL, **fields})

    def path_of(self, check: Any) -> str:
        return f"{self.path}/{check['id']}"

    def change(self, check: Any, **fields: Any) -> Answer:
        return self.api.put(self.path_of(check), fields)

    def holds(self, *checks: Any) -> bool:
        """These and no others, in any order: made in one millisecond, none is newer."""
        return {check["id"]: check for check in self.checks} == {check["id"]: check for check in checks}

    @property
    def checks(self) -> Any:
        answer = self.api.get(self.path)
        assert set(answer.json) == {"data"}
        return answer.data


@pytest.fixture
def page(owner: Api) -> Page:
    return Page(owner)


def test_a_monitor_has_none_at_first(page: Page) -> None:
    assert page.api.get(page.path).raw == b'{"data":[]}'


def test_the_smallest_body_gets_the_defaults_and_an_answer_has_the_contracts_keys(
    deps: FakeDeps, page: Page
) -> None:
    deps.at += timedelta(microseconds=999_999)
    made = page.add()
    assert re.fullmatch("cc_[0-9a-f]{32}", made["id"])
    assert made == {
        **MINIMAL,
        "id": made["id"],
        "monitorId": page.monitor["id"],
        "caseSensitive": False,
        "isEnabled": True,
        "createdAt": "2026-03-01T12:00:00Z",
        "updatedAt": "2026-03-01T12:00:00Z",
    }
    assert page.checks == [made]


@pytest.mark.parametrize(("field", "value"), pairs(GOOD), ids=id_of)
def test_a_value_inside_its_bounds_is_taken_on_create_and_on_update(
    page: Page, field: str, value: Any
) -> None:
    made = page.add(**{field: value})
    updated = page.change(page.add(), **{field: value})
    assert updated.status == 200
    assert (made[field], updated.data[field]) == (value, value)
    assert page.holds(updated.data, made)


@pytest.mark.parametrize(("field", "value"), pairs(BAD), ids=id_of)
def test_a_value_outside_its_bounds_is_400_on_its_field_on_create_and_on_update(
    page: Page, field: str, value: Any
) -> None:
    assert page.api.post(page.path, {**MINIMAL, field: value}).fields == [field]
    made = page.add()
    assert page.change(made, **{field: value}).fields == [field]
    assert page.checks == [made]


def test_all_bad_and_missing_fields_are_named_at_once(page: Page) -> None:
    assert page.api.post(page.path, {}).fields == ["type", "value"]
    bad = {field: values[0] for field, values in BAD.items()}
    assert page.api.post(page.path, bad).fields == sorted(bad)
    assert page.change(page.add(), **bad).fields == sorted(bad)


def test_unknown_and_read_only_keys_are_ignored(page: Page) -> None:
    odd = page.add(**UNTOUCHABLE)
    assert odd["id"] != UNTOUCHABLE["id"]
    assert odd["monitorId"] == page.monitor["id"]
    assert page.change(odd, **UNTOUCHABLE).data == odd


@pytest.mark.parametrize("pattern", BAD_PATTERNS, ids=id_of)
def test_a_pattern_that_does_not_compile_is_400_on_value(page: Page, pattern: str) -> None:
    refused = page.api.post(page.path, {"type": "regex", "value": pattern})
    assert refused.fields == ["value"]
    text, regex = page.add(value=pattern), page.add(type="regex", value="a+")
    assert page.change(text, type="regex").fields == ["value"]
    assert page.change(text, type="regex", caseSensitive=True).fields == ["value"]
    assert page.change(regex, value=pattern).fields == ["value"]
    assert page.change(regex, value=pattern, type="regex", isEnabled=False).fields == ["value"]
    assert page.holds(regex, text)
    assert page.change(regex, value=pattern, type="contains").status == 200
    assert page.change(text, type="regex", value="a+").status == 200


def test_a_pattern_and_another_field_are_named_together(page: Page) -> None:
    body = {"type": "regex", "value": "(", "isEnabled": 1}
    assert page.api.post(page.path, body).fields == ["isEnabled", "value"]


def test_an_update_is_partial_and_moves_updated_at_only_when_something_changes(
    deps: FakeDeps, page: Page
) -> None:
    made = page.add(caseSensitive=True)
    deps.at += timedelta(minutes=1)
    for same in ({}, MINIMAL, {"caseSensitive": True, "isEnabled": True}):
        answer = page.change(made, **same)
        assert (answer.status, answer.json) == (200, {"data": made})
    changed = page.change(made, isEnabled=False).data
    assert changed == {**made, "isEnabled": False, "updatedAt": "2026-03-01T12:01:00Z"}
    assert page.checks == [changed]


def test_the_monitor_itself_stays_as_it_is(deps: FakeDeps, page: Page) -> None:
    path = f"/v1/monitors/{page.monitor['id']}"
    deps.at += timedelta(minutes=1)
    page.change(page.add(), value="b")
    assert page.api.get(path).data == page.monitor


def test_the_list_is_newest_first(deps: FakeDeps, page: Page) -> None:
    made = []
    for number in range(5):
        deps.at += timedelta(seconds=number % 2, milliseconds=1)
        made.append(page.add(value=str(number)))
    assert page.checks == made[::-1]


def test_deleting_is_204_with_an_empty_body_and_then_404(page: Page) -> None:
    made, other = page.add(), page.add()
    answer = page.api.delete(page.path_of(made))
    assert (answer.status, answer.raw) == (204, b"")
    assert page.api.delete(page.path_of(made)).code == "NOT_FOUND"
    assert page.change(made, value="x").code == "NOT_FOUND"
    assert page.checks == [other]


def test_the_tenth_is_the_last_and_deleting_frees_a_place(page: Page) -> None:
    made = [page.add(value=str(number), isEnabled=number % 2 == 0) for number in range(10)]
    refused = page.api.post(page.path, MINIMAL)
    assert (refused.status, refused.code) == (400, "LIMIT_EXCEEDED")
    assert page.api.post(page.path, {"type": "regex", "value": "("}).fields == ["value"]
    assert page.change(made[0], value="x").status == 200
    Page(page.api).add()
    assert page.api.delete(page.path_of(made[0])).status == 204
    assert [page.api.post(page.path, MINIMAL).status for _ in range(2)] == [201, 400]
    assert len(page.checks) == 10


def test_of_16_creates_at_once_exactly_10_succeed(real: People) -> None:
    page = Page(real.owner)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: page.api.post(page.path, MINIMAL), range(16)))
    assert sorted(answer.status for answer in answers) == [201] * 10 + [400] * 6
    assert {answer.code for answer in answers if answer.status == 400} == {"LIMIT_EXCEEDED"}
    assert page.holds(*(answer.data for answer in answers if answer.status == 201))


def test_a_repeated_create_is_one_check(page: Page) -> None:
    raw, headers = b'{"type":"contains","value":"a"}', {"Idempotency-Key": "one"}
    first, again = (page.api.send("POST", page.path, raw, headers=headers) for _ in range(2))
    assert (first.status, again.status, again.raw) == (201, 201, first.raw)
    assert page.checks == [first.data]


def asks(api: Api, list_path: str, check_id: str) -> dict[str, Answer]:
    """Everything that can be asked about a content check, bodies good and bad."""
    path = f"{list_path}/{check_id}"
    return {
        "list": api.get(list_path),
        "create": api.post(list_path, MINIMAL),
        "bad create": api.post(list_path, {}),
        "no json": api.send("POST", list_path, b"{"),
        "update": api.put(path, {"value": "x"}),
        "empty update": api.put(path, {}),
        "bad update": api.put(path, {"value": 5}),
        "delete": api.delete(path),
    }


@pytest.mark.parametrize("monitor_id", ["mon_" + "0" * 32, "mon_1", "x", "dns_" + "0" * 32])
def test_an_unknown_monitor_is_404_before_the_400_of_the_body(page: Page, monitor_id: str) -> None:
    made = page.add()
    answers = asks(page.api, f"/v1/monitors/{monitor_id}/content-checks", made["id"])
    assert {name: answer.code for name, answer in answers.items()} == dict.fromkeys(answers, "NOT_FOUND")
    assert page.checks == [made]


@pytest.mark.parametrize("check_id", [NO_CHECK, "cc_1", "x", "mon_" + "0" * 32])
def test_an_unknown_check_is_404_before_the_400_of_the_body(page: Page, check_id: str) -> None:
    answers = asks(page.api, page.path, check_id)
    missing = {name for name, answer in answers.items() if answer.status == 404}
    assert missing == {"update", "empty update", "bad update", "delete"}


def test_a_check_of_another_monitor_is_404(page: Page) -> None:
    other = Page(page.api)
    made = other.add()
    answers = asks(page.api, page.path, made["id"])
    missing = {name for name, answer in answers.items() if answer.status == 404}
    assert missing == {"update", "empty update", "bad update", "delete"}
    assert other.checks == [made]


def test_another_team_sees_and_changes_nothing(people: People) -> None:
    page = Page(people.owner)
    made = page.add()
    foreign = asks(people.stranger, page.path, made["id"])
    assert {name: answer.code for name, answer in foreign.items()} == dict.fromkeys(foreign, "NOT_FOUND")
    own = Page(people.stranger)
    answers = asks(people.stranger, own.path, made["id"])
    assert {answers[name].code for name in ("update", "bad update", "delete")} == {"NOT_FOUND"}
    assert page.checks == [made]


def test_a_read_only_key_lists_and_never_writes(people: People) -> None:
    page = Page(people.owner)
    made = page.add()
    answers = asks(people.teammate, page.path, made["id"])
    assert answers.pop("list").data == [made]
    assert {answer.code for answer in answers.values()} == {"FORBIDDEN"}


@pytest.mark.parametrize("kind", [DNS, TCP], ids=["dns", "tcp"])
def test_only_http_monitors_have_them(owner: Api, kind: Any) -> None:
    made = kind.make(owner)
    assert owner.get(f"{kind.path_of(made)}/content-checks").status == 404
    assert owner.get(f"/v1/monitors/mon_{made['id'].partition('_')[2]}/content-checks").status == 404


def test_one_check_alone_cannot_be_read(page: Page) -> None:
    answer = page.api.get(page.path_of(page.add()))
    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
    assert sorted(answer.headers["allow"].split(", ")) == ["DELETE", "PUT"]


def test_they_go_with_their_monitor(page: Page) -> None:
    made = page.add()
    page.api.delete(f"/v1/monitors/{page.monitor['id']}")
    answers = asks(page.api, page.path, made["id"])
    assert {answer.code for answer in answers.values()} == {"NOT_FOUND"}


def test_the_next_check_of_the_monitor_is_given_them(edges: RealEdges, real: People) -> None:
    """On the real stores, also after the monitor has moved to another shard."""
    page = Page(real.owner)
    made = page.add(type="regex", value="in\\s+stock", isEnabled=False)
    rule = {name: made[name] for name in ("type", "value", "caseSensitive", "isEnabled")}
    for change in ({}, {"timeoutSeconds": 60}):
        page.api.put(f"/v1/monitors/{page.monitor['id']}", change)
        assert page.checks == [made]
        live(edges, page.monitor, [UP] * 2)
        (given,) = edges.fake_checks.extras[-1].values()
        assert given == {"contentChecks": [rule]}
