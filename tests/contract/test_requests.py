import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain.idempotency import RETAINED_SECONDS, Begun, StoredAnswer
from chalicelib.domain.origin import origin_of

from .conftest import Edges
from .makers import NOW

ANSWER, OTHER_ANSWER = StoredAnswer(201, '{"data":{"id":"mon_1"}}'), StoredAnswer(201, "{}")
SAME_STORE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)

_numbers = itertools.count()


def begun(seed: int = 1, after: float = 0, id: str = "a" * 64, fingerprint: bytes = b"f" * 32) -> Begun:
    return Begun(id, fingerprint, origin_of(NOW + timedelta(seconds=after), seed))


def test_the_first_try_of_a_request_is_kept(edges: Edges) -> None:
    assert edges.requests.begin(begun()) == begun()


def test_later_tries_are_given_the_first(edges: Edges) -> None:
    edges.requests.begin(begun())
    for after in (-5, 0, 1, RETAINED_SECONDS - 1):
        assert edges.requests.begin(begun(2, after, fingerprint=b"other")) == begun()


def test_a_try_that_meets_what_it_wrote_itself_goes_on(edges: Edges) -> None:
    assert [edges.requests.begin(begun()) for _ in range(2)] == [begun()] * 2


def test_the_first_answer_is_kept_and_given_to_all(edges: Edges) -> None:
    edges.requests.begin(begun())
    assert edges.requests.finish(begun(), ANSWER) == ANSWER
    assert edges.requests.finish(begun(), OTHER_ANSWER) == ANSWER
    assert edges.requests.begin(begun(2, 60)) == replace(begun(), answer=ANSWER)


@pytest.mark.parametrize("is_answered", [False, True])
def test_after_24_hours_the_key_begins_another_request(edges: Edges, is_answered: bool) -> None:
    edges.requests.begin(begun())
    if is_answered:
        edges.requests.finish(begun(), ANSWER)
    later = begun(2, RETAINED_SECONDS, fingerprint=b"other")
    assert edges.requests.begin(later) == later
    assert edges.requests.begin(begun(3, RETAINED_SECONDS + 1)) == later


def test_a_request_that_began_within_a_second_is_kept_to_its_end(edges: Edges) -> None:
    edges.requests.begin(begun(1, 0.001))
    assert edges.requests.begin(begun(2, RETAINED_SECONDS)) == begun(1, 0.001)
    later = begun(2, RETAINED_SECONDS + 1)
    assert edges.requests.begin(later) == later


def test_a_try_that_ends_after_the_day_answers_for_itself_and_leaves_the_new_request_alone(
    edges: Edges,
) -> None:
    edges.requests.begin(begun())
    later = edges.requests.begin(begun(2, RETAINED_SECONDS))
    assert edges.requests.finish(begun(), ANSWER) == ANSWER
    assert edges.requests.begin(begun(3, RETAINED_SECONDS)) == later
    assert edges.requests.finish(later, OTHER_ANSWER) == OTHER_ANSWER


def test_what_was_never_begun_is_not_made_by_its_end(edges: Edges) -> None:
    assert edges.requests.finish(begun(), ANSWER) == ANSWER
    assert edges.requests.begin(begun(2)) == begun(2)


def test_other_requests_know_nothing_of_each_other(edges: Edges) -> None:
    edges.requests.begin(begun())
    other = begun(2, id="b" * 64)
    assert edges.requests.begin(other) == other
    edges.requests.finish(other, ANSWER)
    assert edges.requests.begin(begun(3)) == begun()


@SAME_STORE
@given(
    fingerprint=st.binary(min_size=1, max_size=32),
    now=st.timedeltas(timedelta(0), timedelta(days=9999)).map(lambda later: NOW + later),
    bits=st.integers(0, 2**256 - 1),
    answer=st.builds(StoredAnswer, st.integers(200, 599), st.text(st.characters(exclude_categories=["Cs"]))),
)
def test_everything_comes_back_as_it_was(
    edges: Edges, fingerprint: bytes, now: datetime, bits: int, answer: StoredAnswer
) -> None:
    first = Begun(str(next(_numbers)), fingerprint, origin_of(now, bits))
    assert edges.requests.begin(first) == first
    assert edges.requests.finish(first, answer) == answer
    assert edges.requests.begin(first) == replace(first, answer=answer)
