"""Every field of a cron job: its bounds, its types, and what null means (contract 3.6 and 4.7)."""

import json
from typing import Any

import pytest

from tests.declared import check_schema
from tests.routes.bounds import NO_BOOLEAN, NO_INTEGER, NO_STRING, id_of, pairs
from tests.routes.client import Api

PATH = "/v1/cron-jobs"
NAMED = {"name": "Backup"}
MINIMAL = {**NAMED, "cronExpression": "0 3 * * *"}
NULLABLE = {"slug", "runGraceSeconds", "minimumIntervalSeconds"}

GOOD: dict[str, list[Any]] = {
    "name": ["x", "x" * 100, "é" * 100, "\U0001f40d" * 100, " "],
    "description": ["", "x" * 500, "\U0001f40d" * 500],
    "gracePeriodSeconds": [60, 86_400, 60.0],
    "runGraceSeconds": [60, 86_400, None],
    "failuresBeforeAlert": [1, 10],
    "minimumIntervalSeconds": [1, 31_536_000, None],
    "timezone": ["UTC", "Europe/Riga", "America/Argentina/Buenos_Aires"],
    "alertOnLate": [True, False],
    "public": [True, False],
    "slug": ["a", "_-9", "x" * 100, None],
    "cronExpression": ["* * * * *", "@DAILY", "0 0 29 2 *", "0 0 30 2 MON", "*/7 1-5/2 1,15 jan-mar SUN"],
}
BAD: dict[str, list[Any]] = {
    "name": ["", "x" * 101, *NO_STRING],
    "description": ["x" * 501, 1, True, [], {}],
    "gracePeriodSeconds": [59, 86_401, *NO_INTEGER],
    "runGraceSeconds": [59, 86_401, "60", True, 60.5, []],
    "failuresBeforeAlert": [0, 11, *NO_INTEGER],
    "minimumIntervalSeconds": [0, 31_536_001, "60", True, 60.5, []],
    "timezone": ["", "utc", "Europe/Nowhere", "+02:00", "../etc/passwd", "x" * 5000, *NO_STRING],
    "alertOnLate": NO_BOOLEAN,
    "enabled": NO_BOOLEAN,
    "public": NO_BOOLEAN,
    "slug": ["", "x" * 101, "A", "a b", "a/b", "é", "a\n", 1, True, [], {}],
    "cronExpression": [
        "",
        " ",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "@reboot",
        "0 0 L * *",
        "5-1 * * * *",
        "*/0 * * * *",
        "0 0 30 2 *",
        "* * * * *" + " " * 300,
        *NO_STRING,
    ],
    "onCalendar": ["", "\n", "never", "*-*-* *:*:*", "x" * 1001, *NO_STRING],
    "periodSeconds": [59, 31_536_001, *NO_INTEGER],
}
SCHEDULES = ("cronExpression", "onCalendar", "periodSeconds")
GIVEN: dict[str, Any] = {"cronExpression": "0 3 * * *", "onCalendar": "Mon 03:00", "periodSeconds": 300}


def shown(value: Any) -> Any:
    return int(value) if isinstance(value, float) else value


@pytest.mark.parametrize(("field", "value"), pairs(GOOD), ids=id_of)
def test_a_value_at_its_bound_is_taken_and_shown_again(owner: Api, field: str, value: Any) -> None:
    made = owner.make(PATH, {**MINIMAL, field: value})
    assert made[field] == shown(value)
    assert owner.get(f"{PATH}/{made['id']}").data == made
    other = owner.make(PATH, MINIMAL)
    assert owner.put(f"{PATH}/{other['id']}", {field: value}).data[field] == shown(value)
    assert owner.get(f"{PATH}/{other['id']}").data[field] == shown(value)


ODD = {
    "cronExpression": ["\t*/7  1-5/2 1,15 jan-mar SUN\n", "@Daily ", "007 3 * * *"],
    "onCalendar": ["Mon..Fri 03:00", "\n 3:00 Asia/Tokyo\r\n\r\nSat,Sun *-*-1..7 03:00", "*-*~1 3:00"],
}


@pytest.mark.parametrize(("field", "value"), [*pairs(GOOD), *pairs(ODD)], ids=id_of)
def test_what_is_taken_is_right_by_the_document_too(owner: Api, field: str, value: Any) -> None:
    body = {**(NAMED if field in SCHEDULES else MINIMAL), field: value}
    owner.make(PATH, body)
    check_schema({"$ref": "#/components/schemas/CronJobCreate"}, json.dumps(body).encode(), "POST")


@pytest.mark.parametrize(("field", "value"), pairs(BAD), ids=id_of)
def test_a_value_past_its_bound_is_refused_by_name(owner: Api, field: str, value: Any) -> None:
    base = NAMED if field in SCHEDULES else MINIMAL
    assert owner.post(PATH, {**base, field: value}).fields == [field]
    made = owner.make(PATH, MINIMAL)
    assert owner.put(f"{PATH}/{made['id']}", {field: value}).fields == [field]
    assert owner.get(PATH).data == [made]


def test_the_defaults(owner: Api) -> None:
    made = owner.make(PATH, MINIMAL)
    assert {name: made[name] for name in made if name not in ("id", "pingUrl")} == {
        "name": "Backup",
        "cronExpression": "0 3 * * *",
        "onCalendar": None,
        "periodSeconds": None,
        "scheduleDescription": "At 03:00 every day",
        "description": None,
        "gracePeriodSeconds": 300,
        "runGraceSeconds": None,
        "timezone": "UTC",
        "alertOnLate": False,
        "status": "new",
        "statusReason": None,
        "lastPingAt": None,
        "nextExpectedAt": "2026-03-02T03:00:00Z",
        "enabledAt": "2026-03-01T12:00:00Z",
        "slug": None,
        "failuresBeforeAlert": 1,
        "minimumIntervalSeconds": None,
        "slugUrl": None,
        "public": False,
        "createdAt": "2026-03-01T12:00:00Z",
        "updatedAt": "2026-03-01T12:00:00Z",
    }


def test_every_bad_field_is_named_at_once(owner: Api) -> None:
    body = {"name": "", "gracePeriodSeconds": 1, "timezone": "x", "slug": "A", "onCalendar": "x"}
    assert owner.post(PATH, body).fields == sorted(body)
    assert owner.post(PATH, {}).fields == ["cronExpression", "name"]


@pytest.mark.parametrize("field", [*BAD, "unknown"])
def test_null_is_taken_only_where_it_says_so(owner: Api, field: str) -> None:
    answer = owner.post(PATH, {**MINIMAL, field: None})
    if field in NULLABLE or field == "unknown":
        assert answer.status == 201
    else:
        assert answer.fields == [field]


def test_null_clears_the_description_and_what_may_be_null(owner: Api) -> None:
    fields = {"description": "x", "slug": "a", "runGraceSeconds": 60, "minimumIntervalSeconds": 1}
    made = owner.make(PATH, {**MINIMAL, **fields})
    cleared = owner.put(f"{PATH}/{made['id']}", dict.fromkeys(fields)).data
    assert {field: cleared[field] for field in fields} == dict.fromkeys(fields)
    assert cleared["slugUrl"] is None


@pytest.mark.parametrize("fields", [SCHEDULES[:2], SCHEDULES[1:], SCHEDULES[::2], SCHEDULES])
def test_only_one_sort_of_schedule_can_be_given(owner: Api, fields: tuple[str, ...]) -> None:
    given = {field: GIVEN[field] for field in fields}
    assert owner.post(PATH, {**NAMED, **given}).fields == sorted(fields)
    made = owner.make(PATH, MINIMAL)
    assert owner.put(f"{PATH}/{made['id']}", given).fields == sorted(fields)


@pytest.mark.parametrize("first", SCHEDULES)
@pytest.mark.parametrize("second", SCHEDULES)
def test_a_schedule_of_one_sort_takes_the_place_of_another(owner: Api, first: str, second: str) -> None:
    made = owner.make(PATH, {**NAMED, first: GIVEN[first], "timezone": "Europe/Riga"})
    changed = owner.put(f"{PATH}/{made['id']}", {second: GIVEN[second]}).data
    expected = {field: GIVEN[field] if field == second else None for field in SCHEDULES}
    assert {field: changed[field] for field in SCHEDULES} == expected
    assert changed["timezone"] == "Europe/Riga"
    assert changed["scheduleDescription"]


@pytest.mark.parametrize(
    ("given", "echoed"),
    [(" 0\t3 *  * * ", "0 3 * * *"), ("@Daily", "@Daily"), ("0 3 * * mon", "0 3 * * mon")],
)
def test_an_expression_is_shown_as_it_was_given_but_for_blanks(owner: Api, given: str, echoed: str) -> None:
    assert owner.make(PATH, {**NAMED, "cronExpression": given})["cronExpression"] == echoed


def test_lines_of_a_calendar_are_kept(owner: Api) -> None:
    made = owner.make(PATH, {**NAMED, "onCalendar": " Mon  03:00\r\n\r\nTue 04:00 Europe/Riga\n"})
    assert made["onCalendar"] == "Mon 03:00\nTue 04:00 Europe/Riga"


def test_a_schedule_that_never_comes_again_is_refused(owner: Api) -> None:
    past = "2026-03-01 11:59"
    assert owner.post(PATH, {**NAMED, "onCalendar": past}).fields == ["onCalendar"]
    made = owner.make(PATH, {**NAMED, "onCalendar": "2026-03-01 13:00"})
    assert owner.put(f"{PATH}/{made['id']}", {"onCalendar": past}).fields == ["onCalendar"]
    assert owner.put(f"{PATH}/{made['id']}", {"timezone": "Europe/Riga"}).fields == ["timezone"]
    assert owner.get(f"{PATH}/{made['id']}").data == made


def test_the_message_says_what_is_wrong_with_an_expression(owner: Api) -> None:
    error = owner.post(PATH, {**NAMED, "cronExpression": "0 25 * * *"}).json["error"]
    assert error["details"] == [{"field": "cronExpression", "message": "hour: 25 is not within 0 to 23"}]


def test_unknown_keys_are_ignored(owner: Api) -> None:
    made = owner.make(PATH, {**MINIMAL, "id": "cron_1", "status": "healthy", "pingUrl": "x", "x": {}})
    assert made["status"] == "new"
    assert owner.put(f"{PATH}/{made['id']}", {"pingUrl": "x", "status": "missed"}).data == made
