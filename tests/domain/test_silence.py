"""The rule of push monitors against a short model of Uptime Kuma's."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.known_time import UNKNOWN, KnownTime, Tally, counted, percent, stopped, window_begins
from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.silence import (
    Pulse,
    Push,
    PushStatus,
    Rules,
    Saying,
    begin,
    deadline,
    hear,
    judge,
    known_until,
    reschedule,
    silences,
    stop,
)
from chalicelib.domain.silence_json import decode_pulse, decode_rules, encode_pulse, encode_rules

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
UP, DOWN, PENDING = PushStatus.UP, PushStatus.DOWN, PushStatus.PENDING
SECOND = timedelta(seconds=1)


@dataclass
class Kuma:
    """`server/routers/api-router.js` and the timer of `server/model/monitor.js`, one second a step. `beats`
    are (second, status) of all that is stored."""

    rules: Rules
    status: PushStatus | None = None
    retries: int = 0
    due: int = 0
    beats: list[tuple[int, PushStatus]] = field(default_factory=list)
    alerts: list[tuple[int, PushStatus]] = field(default_factory=list)
    up_seconds: int = 0
    known_seconds: int = 0

    def __post_init__(self) -> None:
        self.due = self.rules.interval_seconds

    def tick(self, second: int) -> None:
        """What was due when the last second ended happens, and another second passes."""
        if second - 1 == self.due:
            self._silent(self.due)
        if self.status is not None:
            self.known_seconds += 1
            self.up_seconds += self.status is UP

    def _silent(self, second: int) -> None:
        self._beat(second, UP if self.rules.is_upside_down else DOWN)
        wait = self.rules.retry_interval_seconds or self.rules.interval_seconds
        self.due = second + (wait if self.status is PENDING else self.rules.interval_seconds)

    def push(self, second: int, *, is_up: bool) -> None:
        self._beat(second, UP if is_up is not self.rules.is_upside_down else DOWN)
        self.due = second + self.rules.interval_seconds + (self.status is UP)

    def _beat(self, second: int, found: PushStatus) -> None:
        before, most = self.status, self.rules.retries
        if found is UP:
            status, self.retries = UP, 0
        elif before is not DOWN and self.retries < most:
            status, self.retries = PENDING, self.retries + 1
        else:
            status = DOWN
        self.beats.append((second, status))
        if (status is DOWN and before is not DOWN) or (status is UP and before is DOWN):
            self.alerts.append((second, status))
        self.status = status


RULES = st.builds(
    Rules,
    interval_seconds=st.integers(20, 40),
    retries=st.integers(0, 4),
    retry_interval_seconds=st.none() | st.integers(20, 50),
    is_upside_down=st.booleans(),
)
STEPS = st.lists(st.tuples(st.integers(1, 100), st.booleans()), max_size=12)


@settings(max_examples=150, deadline=None)
@given(RULES, STEPS, st.integers(1, 200), st.integers(1, 7))
def test_it_is_kumas_rule_whoever_looks_how_often(
    rules: Rules, steps: list[tuple[int, bool]], tail: int, look_every: int
) -> None:
    """Also: what has been judged on the way makes no difference, nor has being stored."""
    kuma, second = Kuma(rules), 0
    pulse = looked = begin(rules, Pulse(), START)
    alerts: list[tuple[int, PushStatus]] = []

    def note(before: Pulse, after: Pulse) -> None:
        if before.alarm.seq != after.alarm.seq:
            assert after.alarm.seq == before.alarm.seq + 1
            assert after.alarm.since is not None
            since = (after.alarm.since - START) // SECOND
            alerts.append((since, DOWN if after.alarm.status is Status.DOWN else UP))

    ways: list[tuple[int, bool | None]] = [*steps, (tail, None)]
    for gap, is_up in ways:
        for _ in range(gap):
            second += 1
            kuma.tick(second)
            now = START + second * SECOND
            if second % look_every == 0:
                stored = decode_pulse(encode_pulse(looked))
                assert stored == looked
                looked = judge(rules, stored, now)
            current = judge(rules, pulse, now)
            assert current.status is (PENDING if kuma.status is None else kuma.status), second
            assert judge(rules, looked, now) == current
        now = START + second * SECOND
        for found in silences(rules, pulse, now):
            note(pulse, found.pulse)
            pulse = found.pulse
        if is_up is None:
            break
        kuma.push(second, is_up=is_up)
        after = hear(rules, pulse, Push(is_up, now))
        assert after == hear(rules, looked, Push(is_up, now))
        note(pulse, after)
        pulse = looked = after
        assert pulse.status is kuma.status
    assert alerts == kuma.alerts
    tally = known_until(pulse, START + second * SECOND).tally
    assert (tally.up_ms, tally.known_ms) == (kuma.up_seconds * 1000, kuma.known_seconds * 1000)


def pushed(rules: Rules, *pushes: tuple[int, bool]) -> Pulse:
    pulse = begin(rules, Pulse(), START)
    for second, is_up in pushes:
        pulse = hear(rules, pulse, Push(is_up, START + second * SECOND))
    return pulse


@pytest.mark.parametrize(
    ("retries", "expected"), [(0, [DOWN] * 4), (1, [PENDING, DOWN, DOWN, DOWN]), (3, [PENDING] * 3 + [DOWN])]
)
def test_down_comes_with_the_failure_after_the_last_retry(retries: int, expected: list[PushStatus]) -> None:
    for first in ([], [(0, True)]):
        rules = Rules(retries=retries)
        found = [pushed(rules, *first, *((n, False) for n in range(1, 1 + k))).status for k in range(1, 5)]
        assert found == expected


def test_after_down_it_is_down_directly_and_up_resets() -> None:
    rules = Rules(retries=1)
    assert pushed(rules, (0, True), (1, False), (2, False), (3, False)).status is DOWN
    back = pushed(rules, (1, False), (2, False), (3, True), (4, False))
    assert (back.status, back.failures) == (PENDING, 1)


def test_silence_begins_an_interval_after_enable_and_a_second_later_after_up() -> None:
    rules = Rules(interval_seconds=60)
    fresh, up = begin(rules, Pulse(), START), pushed(rules, (0, True))
    for pulse, last in ((fresh, 60), (up, 61)):
        assert deadline(rules, pulse) == START + last * SECOND
        assert judge(rules, pulse, START + last * SECOND) == pulse
        fallen = judge(rules, pulse, START + last * SECOND + timedelta(milliseconds=1))
        assert (fallen.status, fallen.reason, fallen.saying) == (DOWN, Reason.SILENT, Saying.SILENCE)
        assert fallen.changed_at == fallen.alarm.since == START + last * SECOND


def test_silence_goes_on_by_the_retry_interval_while_pending() -> None:
    rules = Rules(interval_seconds=60, retries=2, retry_interval_seconds=20)
    found = list(silences(rules, pushed(rules, (0, True)), START + timedelta(days=400)))
    seconds = [((silence.at - START) // SECOND, silence.pulse.status, silence.is_change) for silence in found]
    assert seconds == [(61, PENDING, True), (81, PENDING, False), (101, DOWN, True)]


def test_upside_down_silence_is_up_at_once_and_a_push_is_a_failure() -> None:
    rules = Rules(interval_seconds=60, is_upside_down=True)
    down = pushed(rules, (0, True))
    assert (down.status, down.alarm.status, down.reason) == (DOWN, Status.DOWN, Reason.PUSHED_DOWN)
    risen = judge(rules, down, START + 61 * SECOND)
    assert (risen.status, risen.alarm.status, risen.changed_at) == (UP, Status.UP, START + 60 * SECOND)
    assert deadline(rules, risen) is None
    assert pushed(rules, (0, False)).status is UP


def test_the_first_up_ever_is_told_nobody_and_a_first_down_is() -> None:
    assert pushed(Rules(), (0, True)).alarm.seq == 0
    assert pushed(Rules(), (0, False)).alarm.status is Status.DOWN
    assert pushed(Rules(retries=1), (0, False)).alarm.seq == 0


def test_a_disabled_monitor_is_never_silent_and_its_time_is_unknown() -> None:
    rules = Rules()
    up = pushed(rules, (0, True))
    off = replace(rules, is_enabled=False)
    stopped_at = START + 30 * SECOND
    disabled = stop(up, stopped_at)
    later = START + timedelta(days=3)
    assert judge(off, disabled, later) == disabled
    assert known_until(disabled, later).tally == Tally(30_000, 30_000)
    again = begin(rules, disabled, later)
    assert (again.status, again.due_at, again.changed_at) == (PENDING, later + 60 * SECOND, later)
    heard = hear(rules, again, Push(True, later + 10 * SECOND))
    assert known_until(heard, later + 20 * SECOND).tally == Tally(40_000, 40_000)
    assert stop(begin(rules, Pulse(), START), later).known == UNKNOWN


def test_enabling_ends_no_incident_and_the_next_good_push_does() -> None:
    """Nobody is told of a recovery that nothing has shown."""
    down = stop(pushed(Rules(), (0, False)), START)
    assert down.alarm.status is Status.DOWN
    again = begin(Rules(), down, START + SECOND)
    assert (again.status, again.alarm) == (PushStatus.PENDING, down.alarm)
    silent = judge(Rules(), again, START + 300 * SECOND)
    assert (silent.status, silent.alarm.seq) == (PushStatus.DOWN, down.alarm.seq)
    up = hear(Rules(), again, Push(True, START + 2 * SECOND))
    assert (up.alarm.status, up.alarm.seq) == (Status.UP, down.alarm.seq + 1)


def test_changed_rules_begin_an_interval_from_now() -> None:
    rules = Rules(interval_seconds=300)
    assert reschedule(rules, pushed(Rules(), (0, True)), START + 50 * SECOND).due_at == START + 350 * SECOND


def test_what_is_stored_comes_back() -> None:
    for rules in (Rules(), Rules(86400, 100, 20, True, False)):
        assert decode_rules(encode_rules(rules)) == rules
    pulse = hear(Rules(), Pulse(), Push(False, START, 17, True))
    assert decode_pulse(encode_pulse(pulse)) == pulse
    assert decode_pulse(encode_pulse(Pulse())) == Pulse()


def test_known_time_never_goes_back() -> None:
    known = counted(UNKNOWN, START, was_up=False)
    assert known == KnownTime(Tally(), START, START)
    assert counted(known, START - SECOND, was_up=True) == known
    known = stopped(counted(known, START + SECOND, was_up=True))
    assert counted(known, START + 9 * SECOND, was_up=True).tally == Tally(1000, 1000)


def test_windows_begin_at_a_full_hour() -> None:
    assert window_begins(START, 1) == START - timedelta(days=1)
    assert window_begins(START + SECOND, 7) == START - timedelta(days=7) + timedelta(hours=1)


def test_percents_have_two_decimals_and_nothing_known_is_none() -> None:
    assert percent(Tally(5, 5), Tally(5, 5)) is None
    assert percent(Tally(1, 3), Tally()) == 33.33
    assert percent(Tally(10, 10), Tally(5, 5)) == 100
