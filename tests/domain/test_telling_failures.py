"""When an alert tells what: attempts that fail, and the order in which what waits arrives."""

from datetime import timedelta
from itertools import cycle, islice

import pytest

from chalicelib.domain.alert_event import EventStatus, Skip
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import DELIVERED, failed, retry
from chalicelib.domain.telling import LEASE, MAX_NEWS, RETRIED_FOR, Policy, hear, look, sent_next

from .teller import DAY, DEGRADED, DOWN, MINUTE, NOON, UP, Teller, every, minutes_of


def test_failed_sends_do_not_start_the_cooldown_and_the_next_minute_tries_again() -> None:
    teller = Teller()
    answers = iter([failed("HTTP status 404"), DELIVERED])
    teller.answer = lambda waiting, at: next(answers, DELIVERED)
    teller.turn(DOWN)
    teller.wait(60)
    assert teller.tried == ["0 down", "1 down"]
    assert teller.told == ["1 down"]
    teller.wait(1)
    assert teller.told == ["1 down", "61 down"]
    first, second = (attempt.waiting.event_id for attempt in teller.attempts[:2])
    assert first != second
    assert teller.records[first].status is EventStatus.FAILED
    assert teller.records[first].problem == "HTTP status 404"


def test_a_repeat_that_fails_for_good_is_tried_again_a_minute_later_and_not_at_once() -> None:
    teller = Teller()
    teller.answer = lambda waiting, at: failed("HTTP status 410") if waiting.number else DELIVERED
    teller.turn(DOWN)
    teller.wait(64)
    assert teller.tried == ["0 down", "60 down", "61 down", "62 down", "64 down"]
    teller.answer = lambda waiting, at: DELIVERED
    teller.wait(120)
    assert minutes_of(teller.told, DOWN) == [0, 68, 128]


def test_an_attempt_to_be_made_again_keeps_its_id_and_starts_no_other() -> None:
    teller = Teller(every(5))
    teller.answer = lambda waiting, at: DELIVERED if at >= NOON + 120 * MINUTE else retry("timeout")
    teller.turn(DOWN)
    teller.wait(119)
    (record,) = teller.records.values()
    assert (record.status, record.problem) == (EventStatus.FAILED, "timeout")
    assert record.attempts == len(teller.attempts)
    assert record.next_attempt_at == teller.course.next_at
    assert len({attempt.waiting.event_id for attempt in teller.attempts}) == 1
    teller.wait(60)
    (arrived,) = (event for event in teller.records.values() if event.id == record.id)
    assert (arrived.status, arrived.problem, arrived.next_attempt_at) == (EventStatus.DELIVERED, "", None)
    assert arrived.sent_at is not None


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_pauses_grow_to_an_hour_within_the_bounds_of_chance(chance: float) -> None:
    teller = Teller()
    teller.chance = chance
    teller.answer = lambda waiting, at: retry("timeout")
    teller.turn(DOWN)
    pauses = []
    for _ in range(12):
        next_at = teller.course.next_at
        assert next_at is not None
        pauses.append((next_at - teller.now).total_seconds())
        teller.now = next_at
        teller.look()
    longest = [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600, 3600]
    assert pauses == pytest.approx([pause * (1 + chance) / 2 for pause in longest], abs=0.01)


def test_a_pause_is_as_long_as_the_other_side_asks_and_never_shorter_than_ours() -> None:
    for asked, pause in ((600, 600), (1, 22.5), (None, 22.5)):
        teller = Teller()
        teller.answer = lambda waiting, at, asked=asked: retry("HTTP status 429", asked)  # type: ignore[misc]
        teller.turn(DOWN)
        assert teller.course.next_at == NOON + timedelta(seconds=pause)


def test_an_attempt_is_made_for_a_day_and_then_given_up_with_its_reason() -> None:
    teller = Teller(every(1440))
    teller.answer = lambda waiting, at: retry("timeout")
    teller.turn(DOWN)
    teller.wait(25 * 60)
    first = teller.attempts[0].waiting.event_id
    its_own = [attempt for attempt in teller.attempts if attempt.waiting.event_id == first]
    assert RETRIED_FOR <= (its_own[-1].minute - its_own[0].minute) * MINUTE < RETRIED_FOR + 62 * MINUTE
    assert teller.records[first].status is EventStatus.FAILED
    assert teller.records[first].next_attempt_at is None
    assert len(teller.attempts) > len(its_own), "it is still down, and told anew"


def test_what_is_retried_is_repeated_a_whole_cooldown_after_it_has_arrived() -> None:
    teller = Teller(every(5))
    teller.turn(DOWN)
    teller.answer = lambda waiting, at: DELIVERED if waiting.attempts > 1 else retry("timeout", 40)
    teller.wait(5)
    assert teller.course.next_at is not None
    teller.now = teller.course.next_at
    teller.look()
    assert teller.delivered[-1].minute == 5 + 40 / 60
    assert teller.course.next_at == teller.now + 5 * MINUTE


def test_a_lost_attempt_is_made_again_when_its_lease_is_over() -> None:
    """Whoever began it is gone. The id is the same."""
    teller = Teller()
    teller.now += timedelta(microseconds=123_456)
    news = teller.unheard(DOWN)
    teller.take(hear(teller.course, teller.policy, news, teller.scene))
    teller.take(look(teller.course, teller.policy, teller.scene))
    begun = sent_next(teller.course, teller.now)
    assert begun is not None
    assert teller.course.leased_until == teller.course.next_at
    assert teller.course.leased_until == NOON + timedelta(milliseconds=123) + LEASE
    teller.wait(1)
    assert teller.tried == []
    teller.wait(1)
    assert teller.told == ["2 down"]
    again = teller.delivered[0].waiting
    assert (again.event_id, again.attempts) == (begun.event_id, 2)


def test_a_lease_is_the_same_after_it_was_stored() -> None:
    """Whoever settles compares it."""
    teller = Teller()
    teller.now += timedelta(microseconds=999_999)
    step = hear(teller.course, teller.policy, teller.unheard(DOWN), teller.scene)
    begun = look(step.course, teller.policy, teller.scene)
    teller.take(begun)
    assert teller.course.leased_until == begun.course.leased_until


def test_a_recovery_never_overtakes_its_down_while_the_channel_is_away() -> None:
    """An hour in which the monitor flaps."""
    teller = Teller(every(0))
    teller.answer = lambda waiting, at: retry("timeout") if at < NOON + 60 * MINUTE else DELIVERED
    for _ in range(5):
        for event in (DEGRADED, DOWN, UP):
            teller.turn(event)
            teller.wait(2)
    teller.wait(DAY)
    events = [attempt.waiting.finding.event for attempt in teller.delivered]
    assert events == [DEGRADED, DOWN, UP] * 5
    assert len({attempt.waiting.event_id for attempt in teller.delivered}) == 15
    opened = [attempt.waiting.opened_seq for attempt in teller.delivered]
    assert opened == sorted(opened)


def test_a_channel_that_is_away_for_long_is_told_no_more_than_so_many_and_the_truth_at_last() -> None:
    teller = Teller(every(0))
    teller.answer = lambda waiting, at: retry("timeout") if at < NOON + 300 * MINUTE else DELIVERED
    for _ in range(40):
        teller.turn(DOWN)
        teller.wait(2)
        teller.turn(UP)
        teller.wait(2)
        assert len(teller.course.waiting) <= 21
    teller.turn(DOWN)
    teller.wait(DAY)
    words = [attempt.waiting.finding.event for attempt in teller.delivered]
    assert words[:20] == [DOWN, UP] * 10
    assert set(words[20:]) == {DOWN}
    assert teller.skips()[Skip.BACKLOG] == [1] * 31


def test_a_recovery_after_a_backlog_still_comes() -> None:
    """That of the incident whose down was the last to find room."""
    teller = Teller(every(0))
    teller.answer = lambda waiting, at: retry("timeout") if at < NOON + 300 * MINUTE else DELIVERED
    teller.turn(DEGRADED)
    for _ in range(40):
        for event in (DOWN, UP):
            teller.turn(event)
            teller.wait(1)
    teller.wait(DAY)
    assert teller.delivered[-1].waiting.finding.event is UP
    assert teller.course.waiting == ()


@pytest.mark.parametrize("is_suppressed", [False, True])
@pytest.mark.parametrize("events", [(DOWN, UP), (UP, DOWN), (DEGRADED, DOWN, UP)])
@pytest.mark.parametrize("policy", [every(1440), every(1440, flapping_after=3), every(0, flapping_after=2)])
def test_what_comes_of_news_heard_in_one_step_fits_one_transaction(
    policy: Policy, events: tuple[EventType, ...], is_suppressed: bool
) -> None:
    """Of 100 items: two an event, the course, and the note of its look before and after."""
    teller = Teller(policy)
    for event in (DOWN, UP, DOWN):
        teller.turn(event)
    teller.is_suppressed = is_suppressed
    news = []
    for event in islice(cycle(events), MAX_NEWS):
        news.append(teller.unheard(event))
        teller.now += 3 * MINUTE
    teller.records.clear()
    teller.hear(*news)
    assert 2 * len(teller.records) + 3 < 100
