"""Uptime of push monitors against one second after the other."""

import random
from datetime import timedelta

import pytest

from chalicelib.domain.known_time import window_begins
from chalicelib.domain.push_monitor import PushMonitor
from chalicelib.domain.silence import PushStatus, Rules
from chalicelib.services.deadlines import find_deadlines
from chalicelib.services.push_monitors import (
    Change,
    Draft,
    create_push_monitor,
    show_push_monitor,
    update_push_monitor,
)
from chalicelib.services.pushing import Said, take_push
from tests.fakes import BEFORE, FakeDeps

TEAM = "team-1"
MINUTE = timedelta(minutes=1)


class Life:
    """A monitor, minute by minute; what it was in each of them is written down beside."""

    def __init__(self) -> None:
        self.deps = FakeDeps()
        self.monitor: PushMonitor = create_push_monitor(
            self.deps, TEAM, Draft("x", Rules(interval_seconds=600))
        ).monitor
        self.minutes: list[tuple[object, bool]] = []
        self.is_known = False

    def minute(self, status: str | None, *, is_watched: bool = True) -> None:
        if status is not None:
            take_push(self.deps, self.monitor.push_token, Said(status))
            self.is_known = True
        if is_watched:
            find_deadlines(self.deps)
        if self.is_known:
            shown = show_push_monitor(self.deps, TEAM, self.monitor.id)
            self.minutes.append((self.deps.at, shown.pulse.status is PushStatus.UP))
        self.deps.at += MINUTE

    def switch(self, is_enabled: bool) -> None:
        update_push_monitor(self.deps, TEAM, self.monitor.id, Change({}, {"is_enabled": is_enabled}))
        self.is_known = False

    def expected(self, days: int) -> float | None:
        begin = window_begins(self.deps.at, days)
        found = [is_up for at, is_up in self.minutes if at >= begin]  # type: ignore[operator]
        return round(100 * sum(found) / len(found), 2) if found else None

    @property
    def uptime(self) -> list[float | None]:
        return list(show_push_monitor(self.deps, TEAM, self.monitor.id).uptime)


def test_uptime_is_the_share_of_known_time_in_each_window() -> None:
    life, chance = Life(), random.Random(7)
    assert life.uptime == [None] * 3
    status: str | None = "up"
    for number in range(9 * 1440):
        if number % 11 == 0:
            status = chance.choice(("up", "up", "up", "down"))
        if number in (2000, 9000):
            life.switch(False)
        if number in (2500, 9700):
            life.switch(True)
        is_on = not (2000 <= number < 2500 or 9000 <= number < 9700)
        life.minute(status if is_on and number % 5 == 0 else None)
        if number % 997 == 0:
            assert life.uptime[:2] == [life.expected(1), life.expected(7)]
    whole = [is_up for _, is_up in life.minutes]
    assert life.uptime[2] == pytest.approx(100 * sum(whole) / len(whole), abs=0.01)


def test_an_outage_of_the_scheduler_only_cuts_the_far_end() -> None:
    life = Life()
    for number in range(30 * 60):
        life.minute("up" if number < 100 else "down", is_watched=not 300 <= number < 700)
    assert life.uptime[0] == pytest.approx(0)
    life = Life()
    for number in range(30 * 60):
        life.minute("up" if number % 2 else "down", is_watched=number < 200)
    assert life.uptime[0] == pytest.approx(50, abs=1)


def test_a_month_of_tallies_is_an_item_an_hour_and_three_reads() -> None:
    life = Life()
    for _ in range(35 * 24):
        life.minute("up")
        life.deps.at += 59 * MINUTE
    tallies = life.deps.store.items["tally", life.monitor.id]
    assert len(tallies) == 35 * 24 - 1
    calls: list[str] = []
    life.deps.store.on_call = lambda verb, phase: calls.append(verb) if phase == BEFORE else None
    assert life.uptime[0] is not None
    assert calls == ["push_monitors.get", "heartbeats.get", "beats.tallies"]


@pytest.mark.parametrize(("pushed_after", "known_ms"), [(None, 3_600_000), (10, 3_610_000)])
def test_a_tally_is_as_of_the_hour_or_of_the_push_after_it(pushed_after: int | None, known_ms: int) -> None:
    deps = FakeDeps()
    monitor = create_push_monitor(deps, TEAM, Draft("x", Rules(interval_seconds=86_400))).monitor
    begin = deps.at
    take_push(deps, monitor.push_token, Said())
    find_deadlines(deps)
    assert not deps.store.items["tally", monitor.id]
    if pushed_after is not None:
        deps.at = begin + timedelta(hours=1, seconds=pushed_after)
        take_push(deps, monitor.push_token, Said())
    for seconds in (40, 100):
        deps.at = begin + timedelta(hours=1, seconds=seconds)
        find_deadlines(deps)
    (tally,) = deps.store.items["tally", monitor.id].values()
    assert (tally.up_ms, tally.known_ms) == (known_ms, known_ms)
