"""Query strings that no client library writes: a plain answer, or a 400 that names the parameter."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.routes.operation import Operation
from chalicelib.routes.query import Whole
from chalicelib.settings import Settings
from tests.fakes import FakeDeps
from tests.routes.client import Answer, installed
from tests.routes.furnish import every_route, furnish, path_of

GETS = [o for method, o in every_route() if method == "GET" and not o.is_writing]
NUMBERS = [(o, p) for o in GETS for p in o.query if isinstance(p, Whole)]
EVERY_GET = pytest.mark.parametrize("operation", GETS, ids=[operation.path for operation in GETS])
EVERY_NUMBER = pytest.mark.parametrize(
    ("operation", "number"), NUMBERS, ids=[f"{o.path} {p.name}" for o, p in NUMBERS]
)
MANY = "&".join(f"a{i}={i}" for i in range(10_000))


Ask = Callable[[Operation, str], Answer]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """The owner's questions, about what is there. Reading changes nothing: one team is enough for all."""
    deps = FakeDeps(settings=Settings(requests_per_minute=100_000))
    with installed(deps) as people:
        ids = furnish(deps, people.owner)
        yield lambda operation, query: people.owner.get(path_of(operation, ids), query)


@EVERY_NUMBER
@pytest.mark.parametrize(
    "value",
    [
        *("%D9%A1", "%EF%BC%95", "%C2%B2", "%E0%A5%AB", "%F0%9D%9F%8F"),  # digits, but not ours
        *("+5", "%2B5", "5%00", "%005", "5%0A", "5%0D%0A", "%095", "5%20", "%C2%A05", "%E2%80%8B5"),
        *(
            "1e1",
            "1E1",
            "5.0",
            "5.",
            ".5",
            "0x5",
            "0b1",
            "0o7",
            "1_0",
            "5L",
            "5,0",
            "5;offset=1",
            "5#x",
            "5?x=1",
        ),
        *("%FF", "5%FF", "%ED%A0%80", "%C0%B5", "%2535", "%", "%5", "%zz", "'5'", "%5B5%5D", "--5", "-", "+"),
        *("NaN", "Infinity", "None", "null", "true", "%F0%9F%8E%89", "9" * 101, "9" * 5_000, "-" + "9" * 100),
    ],
)
def test_what_is_no_whole_number_names_its_parameter(
    ask: Ask, operation: Operation, number: Whole, value: str
) -> None:
    assert ask(operation, f"{number.name}={value}").fields == [number.name]


@EVERY_NUMBER
def test_a_number_outside_its_range_names_its_parameter(
    ask: Ask, operation: Operation, number: Whole
) -> None:
    outside = [number.least - 1, -(10**99), *([number.most + 1, 10**99] if number.most is not None else [])]
    for value in outside:
        assert ask(operation, f"{number.name}={value}").fields == [number.name]


@EVERY_NUMBER
@pytest.mark.parametrize("times", [2, 10_000])
def test_a_repeated_number_names_its_parameter_once(
    ask: Ask, operation: Operation, number: Whole, times: int
) -> None:
    again = "&".join([f"{number.name}={number.default}"] * times)
    escaped = f"{number.name}={number.default}&%{ord(number.name[0]):02x}{number.name[1:]}={number.default}"
    empty = f"{number.name}={number.default}&{number.name}"
    for query in (again, escaped, empty):
        assert ask(operation, query).fields == [number.name]


@EVERY_GET
@pytest.mark.parametrize(
    "query",
    [
        MANY,
        "&" * 10_000,
        "=" * 10_000,
        "%FF=%FE&%ED%A0%80=%C0%80",
        "%00=%00&limit%00=x&%0D%0ASet-Cookie:+a=b",
        "limit[]=x&limit%20=x&LIMIT=x&+limit=x&limit.=x&limi%74%E2%80%8B=x",
        "teamId=team_1&team=team_1&id=x&auth=ok&scopes=x&__proto__=x&constructor=x",
        "?limit=x",
        "a" * 50_000,
        "%" * 50_000,
        "%25" * 10_000,
    ],
    ids=range(11),
)
def test_parameters_that_nobody_declared_change_nothing(ask: Ask, operation: Operation, query: str) -> None:
    assert ask(operation, query).seen == ask(operation, "").seen


PIECES = st.sampled_from(
    ["limit", "offset", "label", "=", "&", ";", "%", "%00", "%ff", "5", "-", "+", "1e1", "²"]
)


@settings(max_examples=50)
@given(st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join), st.sampled_from(GETS))
def test_no_query_is_ever_a_500(ask: Ask, query: str, operation: Operation) -> None:
    answer = ask(operation, query)
    assert answer.status == 200 or set(answer.fields) <= {parameter.name for parameter in operation.query}
