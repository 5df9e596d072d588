import re
from contextlib import suppress
from datetime import datetime

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.cron_expression import MACROS, MAX_LENGTH, BadExpression, normalize, to_cronsim

from .cron_texts import expressions

POSITIONS = {"minute": 0, "hour": 1, "day of month": 2, "month": 3, "weekday": 4}
BOUNDS = [("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("weekday", 0, 7)]
FIVE = "where there should be five: minute, hour, day of month, month, weekday"
NEW_YEAR = datetime(2026, 1, 1)  # noqa: DTZ001 (wall time)


def with_field(name: str, value: str) -> str:
    fields = ["*"] * 5
    fields[POSITIONS[name]] = value
    return " ".join(fields)


def minutes_of(text: str) -> set[int]:
    """What `cronsim` makes of the minute field."""
    return set(CronSim(to_cronsim(text), NEW_YEAR).minutes)


def weekdays_of(value: str) -> set[int]:
    found = CronSim(to_cronsim(with_field("weekday", value)), NEW_YEAR).weekdays
    return {day % 7 for day in found if isinstance(day, int)}


@pytest.mark.parametrize(("name", "low", "high"), BOUNDS)
def test_a_field_takes_its_bounds_and_nothing_past_them(name: str, low: int, high: int) -> None:
    for good in (low, high):
        assert to_cronsim(with_field(name, str(good))) == with_field(name, str(good))
    for bad in (low - 1, high + 1):
        with pytest.raises(BadExpression, match=f"^{name}: "):
            to_cronsim(with_field(name, str(bad)))


@pytest.mark.parametrize(("name", "low", "high"), BOUNDS)
@pytest.mark.parametrize(
    "form", ["*", "{low}-{high}", "{low}-{low}", "*/1", "*/{high}", "{low}/2", "{high}/2", "{low}-{high}/3"]
)
def test_a_field_takes_stars_ranges_and_steps(name: str, low: int, high: int, form: str) -> None:
    text = with_field(name, form.format(low=low, high=high))
    assert normalize(text) == text


@pytest.mark.parametrize("name", POSITIONS)
@pytest.mark.parametrize(
    "bad",
    [
        ",", "1,", ",1", "1,,2", "-", "1-", "-1", "1--2", "1-2-3", "/", "/2", "1/", "*/", "*/*", "1/2/3",
        "**", "*1", "1*", "*-2", "1-*", "+1", "1.0", "1_0", "0x1", "1e0", "a", "FOO", "2-1", "*/0",
        "1/0", "1-2/0", "1/-1", "1/x", "L", "W", "LW", "?", "1#1", "1L", "1W", "L-1", "@", "H", "~",
        "1~2", "99", "1-99", "99-1", "9" * 200, '"', "'1'", "(1)", "1;2", "\\1", "$(1)", "=1",
    ],
)  # fmt: skip
def test_what_is_no_field_is_refused_by_name(name: str, bad: str) -> None:
    with pytest.raises(BadExpression, match=f"^{name}: |^@ is none of"):
        to_cronsim(with_field(name, bad))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("60 * * * *", "minute: 60 is not within 0 to 59"),
        ("* 22-2 * * *", "hour: the range 22-2 is reversed"),
        ("* * * * FRI-SUN", "weekday: the range FRI-SUN is reversed"),
        ("*/0 * * * *", "minute: a step of 0 leads nowhere"),
        ("* * L * *", "day of month: L: L, W, # and ? are not supported"),
        ("* * 15W * *", "day of month: 15W: L, W, # and ? are not supported"),
        ("* * * * MON#2", "weekday: MON#2: L, W, # and ? are not supported"),
        ("* * * * FRIL", "weekday: FRIL: L, W, # and ? are not supported"),
        ("* * ? * *", "day of month: ?: L, W, # and ? are not supported"),
        ("* MON * * *", "hour: MON is not a number"),
        ("* * * * JAN", "weekday: JAN is not a number or SUN to SAT"),
        ("* * * MONDAY *", "month: MONDAY is not a number or JAN to DEC"),
        ("* * 30 2 *", "day of month: none of the months has a day 30"),
        ("", f"0 fields, {FIVE}"),
        (" \t\n", f"0 fields, {FIVE}"),
        ("* * * *", f"4 fields, {FIVE}"),
        ("* * * * * *", "6 fields: seconds are not supported, the first of five fields is the minute"),
        ("* * * * * * 2026", f"7 fields, {FIVE}"),
        ("@reboot", "@reboot is not supported: it names no time"),
        ("@REBOOT", "@reboot is not supported: it names no time"),
        ("@Daily x", "@daily stands for a whole expression: nothing may follow it"),
        ("* * * * @daily", "weekday: @daily is not a number or SUN to SAT"),
    ],
)  # fmt: skip
def test_the_reason_is_for_people(text: str, message: str) -> None:
    with pytest.raises(BadExpression) as caught:
        normalize(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["@", "@every", "@every 5m", "@dail", "@dailyy", "@ daily"])
def test_an_unknown_macro_is_told_those_that_are_known(text: str) -> None:
    with pytest.raises(BadExpression, match="is none of @annually, @daily, @hourly, @midnight, @monthly"):
        to_cronsim(text)


@pytest.mark.parametrize("name", MACROS)
def test_a_macro_is_echoed_as_written_and_expanded_for_cronsim(name: str) -> None:
    for text in (name, name.upper(), name.title()):
        assert normalize(f" {text}\n") == text
        assert to_cronsim(text) == MACROS[name]


def test_the_names_of_months_and_weekdays_are_those_of_their_numbers() -> None:
    months = "jan Feb MAR aPR MAY JUN JUL AUG SEP OCT NOV DEC".split()  # noqa: SIM905
    assert CronSim(to_cronsim(with_field("month", ",".join(months))), NEW_YEAR).months == set(range(1, 13))
    assert CronSim(to_cronsim("* * * feb-APR *"), NEW_YEAR).months == {2, 3, 4}
    assert [weekdays_of(name) for name in ("Sun", "MON", "tue", "WED", "THU", "fRI", "SAT")] == [
        {number} for number in range(7)
    ]


@pytest.mark.parametrize(
    ("value", "days"),
    [
        ("0", {0}),
        ("7", {0}),
        ("5-7", {5, 6, 0}),
        ("0-7", set(range(7))),
        ("MON-FRI/2", {1, 3, 5}),
        ("sun-2", {0, 1, 2}),
        ("SUN/3", {0, 3, 6}),
        ("MON/2", {1, 3, 5, 0}),
        ("7/2", {0}),
        ("5-5/2", {5}),
        ("tue-TUE/2", {2}),
        ("*/7", {0}),
        ("MON,3,fri-6", {1, 3, 5, 6}),
    ],
)
def test_weekdays(value: str, days: set[int]) -> None:
    assert weekdays_of(value) == days


@pytest.mark.parametrize(
    ("field", "minutes"),
    [
        ("10/15", {10, 25, 40, 55}),
        ("59/5", {59}),
        ("5-5/2", {5}),
        ("05-005/2", {5}),
        ("59-59", {59}),
        ("0-0/30", {0}),
        ("5-5/2,7/30", {5, 7, 37}),
        ("*/60", {0}),
        ("*/59", {0, 59}),
        (f"*/{'9' * 200}", {0}),
        ("1-10/4", {1, 5, 9}),
        ("007", {7}),
        ("*,5", set(range(60))),
    ],
)
def test_steps(field: str, minutes: set[int]) -> None:
    assert minutes_of(f"{field} * * * *") == minutes


@pytest.mark.parametrize("name", POSITIONS)
@pytest.mark.parametrize("value", ["*", "*/2", "*,5", "5,*", "1-5", "5-5", "5-5/2", "5/2"])
def test_a_field_begins_with_a_star_for_cronsim_exactly_when_it_was_written_so(name: str, value: str) -> None:
    field = to_cronsim(with_field(name, value)).split()[POSITIONS[name]]
    assert field.startswith("*") is value.startswith("*")


@pytest.mark.parametrize(
    ("day", "month", "weekday", "is_good"),
    [
        ("29", "2", "*", True),
        ("30", "2", "*", False),
        ("30", "FEB", "*", False),
        ("30,31", "2", "*", False),
        ("30-31", "2", "*", False),
        ("30/1", "2", "*", False),
        ("29,30", "2", "*", True),
        ("*/29", "2", "*", True),
        ("30", "2-3", "*", True),
        ("30", "2/1", "*", True),
        ("30", "2-2/1", "*", False),
        ("30", "*/2", "*", True),
        ("30", "4", "*", True),
        ("31", "4", "*", False),
        ("31", "2,4,6,9,11", "*", False),
        ("31", "4,5", "*", True),
        ("30", "2", "1", True),
        ("30", "2", "0-7", True),
        ("30", "2", "1,*", True),
        ("30", "2", "*/2", False),
        ("30", "2", "*,1", False),
    ],
)
def test_a_date_that_no_year_contains_needs_a_weekday(
    day: str, month: str, weekday: str, is_good: bool
) -> None:
    text = f"0 0 {day} {month} {weekday}"
    if is_good:
        assert next(CronSim(to_cronsim(text), NEW_YEAR)) > NEW_YEAR
    else:
        with pytest.raises(BadExpression, match=r"^day of month: none of the months has a day 3"):
            to_cronsim(text)


def test_whitespace_of_any_kind_is_collapsed() -> None:
    assert normalize("\r\n */5\t\t1 \x0b 2\x0c JAN \n MON ") == "*/5 1 2 JAN MON"


@pytest.mark.parametrize(
    "character",
    [
        "\0", "\x07", "\x1b", "\x1c", "\x1f", "\x7f", "\x85", "\xa0", "\xb2", "\xe9", "\u0131", "\u0130",
        "\u017f", "\u0663", "\u200b", "\u2003", "\u2028", "\u3000", "\uff0a", "\uff11", "\ud800",
        "\U0001d7cf",
    ],
)  # fmt: skip
def test_what_is_not_printable_ascii_is_refused(character: str) -> None:
    for text in (f"{character} * * * *", f"1{character}2 * * * *", f"* * * * *{character}"):
        with pytest.raises(BadExpression, match="has no place in an expression") as caught:
            normalize(text)
        assert str(caught.value).isascii()
        assert str(caught.value).isprintable()


def test_the_length_has_a_bound() -> None:
    text = "* * * * " + ",".join(["1"] * 124)
    assert len(text) == MAX_LENGTH
    assert normalize(text) == text
    with pytest.raises(BadExpression, match="longer than 255 characters"):
        normalize(text + " ")
    with pytest.raises(BadExpression, match="longer than 255 characters"):
        normalize("*" * 10_000_000)


def test_a_long_value_is_shown_in_part() -> None:
    with pytest.raises(BadExpression, match=re.escape(f"minute: {'7' * 20}... is not within 0 to 59")):
        normalize(f"{'7' * 200} * * * *")


@given(expressions())
def test_cronsim_takes_whatever_the_grammar_takes(text: str) -> None:
    CronSim(to_cronsim(text), NEW_YEAR).explain()


@given(expressions(), st.lists(st.sampled_from(" \t\r\n\f\v"), min_size=1, max_size=3).map("".join))
def test_the_echo_means_the_same_and_is_its_own_echo(text: str, space: str) -> None:
    echo = normalize(text.replace(" ", space))
    assert normalize(echo) == echo == text
    assert to_cronsim(echo) == to_cronsim(text)
    assert to_cronsim(to_cronsim(text)) == to_cronsim(text)


@given(st.text("0123456789*,-/ LW#?@JANMOjan", max_size=30) | st.text(max_size=30))
def test_any_text_is_taken_by_both_or_refused(text: str) -> None:
    with suppress(BadExpression):
        CronSim(to_cronsim(text), NEW_YEAR)
