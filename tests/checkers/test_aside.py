"""Judging aside: nothing waits for it, the cheapest come first, memory and time are bounded."""

import threading
from dataclasses import dataclass

import pytest

from chalicelib.checkers import aside
from chalicelib.checkers.aside import Aside
from chalicelib.domain.outcome import Outcome, Status

UP = Outcome(Status.UP)


@dataclass(frozen=True)
class Sent:
    body: bytes = b"x"


class Judging:
    """Judges when it is told to, in the order of `judged`."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.has_begun = threading.Event()
        self.judged: list[int] = []

    def __call__(self, position: int, answer: Sent) -> Outcome | None:
        self.has_begun.set()
        assert self.may_go_on.wait(10)
        self.judged.append(position)
        return UP


def test_answers_are_judged_while_others_are_given() -> None:
    judging = Judging()
    judge = Aside(judging)
    assert judge.give(1, Sent(), cost=1)
    assert judging.has_begun.wait(10)
    assert judge.give(2, Sent(), cost=1)
    assert (judge.left, judge.take()) == (2, {})
    judging.may_go_on.set()
    judge.wait(10)
    assert (judge.left, judge.take(), judge.take()) == (0, {1: UP, 2: UP}, {})
    judge.close()


def test_the_cheapest_come_first() -> None:
    judging = Judging()
    judge = Aside(judging)
    judge.give(1, Sent(), cost=1)
    assert judging.has_begun.wait(10)
    for position, cost in ((2, 900), (3, 5), (4, 70), (5, 5)):
        judge.give(position, Sent(), cost)
    judging.may_go_on.set()
    judge.wait(10)
    assert judging.judged == [1, 3, 5, 4, 2]
    judge.close()


def test_nobody_waits_longer_than_he_says() -> None:
    judging = Judging()
    judge = Aside(judging)
    judge.give(1, Sent(), cost=1)
    judge.wait(0.01)
    assert judge.left == 1
    judging.may_go_on.set()
    judge.close()


def test_bodies_beyond_what_may_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "HELD_BYTES", 10)
    judging = Judging()
    judge = Aside(judging)
    assert judge.give(1, Sent(b"x" * 10), cost=1)
    assert not judge.give(2, Sent(b"x"), cost=1)
    judging.may_go_on.set()
    judge.wait(10)
    assert judge.give(3, Sent(b"x"), cost=1)
    judge.wait(10)
    assert judge.take() == {1: UP, 3: UP}
    judge.close()


def test_after_the_end_none_is_begun() -> None:
    judging = Judging()
    judge = Aside(judging)
    judge.give(1, Sent(), cost=1)
    assert judging.has_begun.wait(10)
    judge.give(2, Sent(), cost=1)
    judge.close()
    judging.may_go_on.set()
    judge.wait(10)
    assert judging.judged == [1]


def test_what_cannot_be_judged_is_no_result() -> None:
    judge = Aside(lambda position, answer: None)
    judge.give(1, Sent(), cost=1)
    judge.wait(10)
    assert (judge.left, judge.take()) == (0, {})
    judge.close()
