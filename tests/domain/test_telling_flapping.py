"""When an alert tells what: monitors that flap."""

from datetime import timedelta
from itertools import pairwise

import pytest

from chalicelib.domain.alert_event import EventStatus, Skip
from chalicelib.domain.message import DELIVERED, failed
from chalicelib.domain.telling import Policy

from .teller import DAY, DOWN, UP, Teller, every


def flapping(teller: Teller, times: int, minutes: int = 1) -> None:
    """So often down and up, each for so long."""
    for _ in range(times):
        for event in (DOWN, UP):
            teller.turn(event)
            teller.wait(minutes)


def marked(teller: Teller) -> list[tuple[str, int]]:
    return [(attempt.word, attempt.waiting.flips) for attempt in teller.delivered if attempt.waiting.flips]


def after(flips: int, cooldown: int = 0) -> Policy:
    return every(cooldown, flapping_after=flips)


def test_without_a_number_nothing_flaps() -> None:
    teller = Teller(every(0))
    flapping(teller, 10)
    assert len(teller.told) == 20
    assert marked(teller) == []
    assert teller.course.flips == ()


def test_one_marked_notice_at_once_and_then_the_floor() -> None:
    teller = Teller(after(5))
    flapping(teller, 20)
    teller.wait(DAY)
    assert teller.told[:5] == ["0 down", "1 up", "2 down", "3 up", "4 down"]
    assert marked(teller) == [("4 down", 5)]
    later = [attempt.minute for attempt in teller.delivered[4:]]
    assert all(after - before >= 5 for before, after in pairwise(later))
    assert teller.delivered[-1].waiting.is_recovery
    assert later[-1] <= 45


def test_the_marked_notice_may_be_a_recovery() -> None:
    """It is not told less often itself."""
    teller = Teller(after(4))
    flapping(teller, 10)
    teller.wait(DAY)
    assert teller.told[:4] == ["0 down", "1 up", "2 down", "3 up"]
    assert marked(teller) == [("3 up", 4)]


@pytest.mark.parametrize("cooldown", [0, 5, 60])
@pytest.mark.parametrize("flips", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("minutes", [1, 2, 4, 7])
@pytest.mark.parametrize("is_down_at_last", [False, True])
def test_there_is_one_marked_notice_and_the_last_word_is_the_truth(
    cooldown: int, flips: int, minutes: int, is_down_at_last: bool
) -> None:
    teller = Teller(after(flips, cooldown))
    flapping(teller, 12, minutes)
    if is_down_at_last:
        teller.turn(DOWN)
    teller.wait(12 * 60)
    assert len(marked(teller)) == 1
    assert teller.delivered[-1].waiting.is_recovery is not is_down_at_last


def test_a_marked_recovery_that_is_dropped_leaves_the_mark_to_the_next_notice() -> None:
    teller = Teller(after(4, cooldown=60))
    flapping(teller, 2)
    (held,) = teller.course.waiting
    assert (held.is_recovery, held.flips) == (True, 4)
    teller.turn(DOWN)
    assert teller.told == ["0 down", "1 up", "2 down", "4 down"]
    assert marked(teller) == [("4 down", 4)]


def test_a_marked_notice_that_fails_for_good_leaves_the_mark_to_the_next() -> None:
    teller = Teller(after(3))
    flapping(teller, 1)
    teller.answer = lambda waiting, at: failed("HTTP status 400")
    teller.turn(DOWN)
    teller.answer = lambda waiting, at: DELIVERED
    teller.wait(1)
    assert marked(teller) == [("3 down", 3)]


def test_what_is_not_told_while_it_flaps_is_a_skip() -> None:
    teller = Teller(after(3))
    flapping(teller, 3)
    assert teller.told == ["0 down", "1 up", "2 down"]
    assert teller.skips()[Skip.FLAPPING] == [1]
    assert teller.skips()[Skip.COOLDOWN] == [1], "the recovery that was overtaken"


def test_a_down_that_stays_is_told_when_the_floor_is_over() -> None:
    teller = Teller(after(4))
    flapping(teller, 2)
    teller.turn(DOWN)
    teller.wait(20)
    assert teller.told == ["0 down", "1 up", "2 down", "3 up", "8 down", "13 down", "18 down", "23 down"]


def test_a_quiet_day_ends_it() -> None:
    teller = Teller(after(4))
    flapping(teller, 4)
    teller.wait(DAY)
    quiet_from = len(teller.told)
    flapping(teller, 1)
    assert len(teller.told) == quiet_from + 2
    assert len(marked(teller)) == 1
    flapping(teller, 1)
    teller.wait(10)
    assert len(marked(teller)) == 2


def test_flips_of_a_window_count_and_the_notice_comes_after_it() -> None:
    teller = Teller(after(4))
    teller.is_suppressed = True
    flapping(teller, 4)
    teller.turn(DOWN)
    assert teller.tried == []
    teller.is_suppressed = False
    teller.wait(1)
    assert marked(teller) == [("9 down", 4)]
    assert Skip.MAINTENANCE in teller.skips()


def test_one_who_disables_an_alert_meanwhile_hears_of_it_later() -> None:
    teller = Teller(after(4, cooldown=60))
    flapping(teller, 2)
    teller.policy = every(60, flapping_after=4, is_muted=True)
    teller.look()
    assert teller.with_status(EventStatus.FAILED) == []  # the end of what was told is told thereafter
    teller.policy = after(4, cooldown=60)
    teller.now += timedelta(minutes=1)
    teller.turn(DOWN)
    assert len(marked(teller)) == 1
