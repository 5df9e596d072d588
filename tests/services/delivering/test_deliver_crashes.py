"""The path from the tick to the sink, ended, refused, throttled and interrupted at each of its calls.

Always: one transition, at least one delivery, one id, a down before its recovery, and nothing about what was
gone before.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from chalicelib.domain.alert import Alert
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import retry
from chalicelib.errors import Contended
from chalicelib.services.delivering.run import deliver
from chalicelib.services.monitors import Change, delete_monitor, update_monitor
from tests.fakes import AFTER, BEFORE, Killed

from .world import (
    DEGRADED,
    DOWN,
    HOUR,
    MINUTE,
    PER_PARTITION,
    TEAM,
    TRANSACTIONS,
    UP,
    Throttled,
    World,
    good,
)

Point = tuple[int, str]


@dataclass
class Case:
    """Two monitors and two alerts, one of which is bound to the first monitor. In the next minute the first
    monitor's status changes, or a repeat is due."""

    world: World
    monitor_id: str
    alerts: list[Alert]

    def run(self, at: Point, what: Callable[[], object]) -> None:
        self.world.disturb(at, what)
        self.world.minute()

    def settle(self) -> None:
        self.world.quiet()
        self.world.check_quiet()

    def words(self) -> list[list[EventType]]:
        return [self.world.words(alert, self.monitor_id) for alert in self.alerts]


def fresh() -> Case:
    world = World()
    first, _ = world.monitor(), world.monitor()
    case = Case(world, first, [world.alert(), world.alert(monitor_id=first)])
    world.minute(2)
    return case


def goes_down() -> Case:
    case = fresh()
    case.world.goes(DOWN, case.monitor_id)
    return case


def gets_worse() -> Case:
    case = fresh()
    case.world.goes(DEGRADED, case.monitor_id)
    case.world.minute()
    case.world.goes(DOWN, case.monitor_id)
    return case


def recovers() -> Case:
    case = goes_down()
    case.world.minute(3)
    case.world.goes(UP, case.monitor_id)
    return case


def is_repeated() -> Case:
    case = goes_down()
    case.world.minute()
    case.world.at += HOUR - 2 * MINUTE
    case.world.minute()
    return case


def is_tried_again() -> Case:
    case = goes_down()
    for alert in case.alerts:
        case.world.sink.answers[alert.id] = lambda notice: (False, retry("timeout"))
    case.world.minute()
    for alert in case.alerts:
        case.world.sink.answers[alert.id] = good
    return case


CASES = [goes_down, gets_worse, recovers, is_repeated, is_tried_again]
DOWN_, DEGRADED_, UP_ = EventType.DOWN, EventType.DEGRADED, EventType.UP
WORDS = {
    goes_down: [DOWN_],
    gets_worse: [DEGRADED_, DOWN_],
    recovers: [DOWN_, UP_],
    is_repeated: [DOWN_, DOWN_],
    is_tried_again: [DOWN_],
}
Build = Callable[[], Case]


def calls_of(build: Build) -> list[str]:
    case = build()
    case.run((0, ""), lambda: None)
    return case.world.calls


def points(build: Build) -> list[Point]:
    """Before and after every call; of those that are made alike for every partition, the first."""
    calls = calls_of(build)
    alike = {verb: calls.index(verb) + 1 for verb in PER_PARTITION if verb in calls}
    numbers = [n for n, verb in enumerate(calls, 1) if alike.get(verb, n) == n]
    return [(number, phase) for number in numbers for phase in (BEFORE, AFTER)]


def die() -> None:
    raise Killed


def throttle() -> None:
    raise Throttled


def collide() -> None:
    raise Contended("another transaction")


@pytest.mark.parametrize("build", CASES)
def test_undisturbed_it_is_told_in_the_same_minute(build: Build) -> None:
    case = build()
    case.run((0, ""), lambda: None)
    assert case.words() == [WORDS[build]] * 2
    assert all(at == case.world.at for _, at in [case.world.arrived(a)[-1] for a in case.alerts])
    case.settle()
    assert len(case.world.sink.arrivals) == sum(map(len, case.words()))


@pytest.mark.parametrize("build", CASES)
def test_killed_anywhere_it_is_told_in_the_end_and_recovers(build: Build) -> None:
    for at in points(build):
        case = build()
        case.run(at, die)
        case.settle()
        assert case.words() == [WORDS[build]] * 2, at
        case.world.goes(UP, case.monitor_id)
        case.world.minute(2)
        case.settle()
        assert case.words() == [[*[w for w in WORDS[build] if w is not UP_], UP_]] * 2, at
        for alert in case.alerts:
            case.world.check_complete(alert)


@pytest.mark.parametrize("build", [goes_down, recovers])
def test_killed_twice_it_is_told_in_the_end(build: Build) -> None:
    for one in points(build)[::5]:
        for other in points(build)[::7]:
            case = build()
            case.run(one, die)
            case.world.disturb(other, die)
            case.world.minute()
            case.settle()
            assert case.words() == [WORDS[build]] * 2, (one, other)


@pytest.mark.parametrize("build", CASES)
def test_throttled_anywhere_it_is_told_in_the_end(build: Build) -> None:
    """What is refused for longer than the client's own tries ends one piece of work, and no other."""
    for number, verb in enumerate(calls_of(build), 1):
        if verb == "channels.send":
            continue
        case = build()
        case.run((number, BEFORE), throttle)
        case.settle()
        assert case.words() == [WORDS[build]] * 2, (number, verb)


@pytest.mark.parametrize("phase", [BEFORE, AFTER])
@pytest.mark.parametrize("build", CASES)
def test_a_collision_or_a_lost_answer_holds_nothing_up_for_more_than_a_lease(
    build: Build, phase: str
) -> None:
    for number, verb in enumerate(calls_of(build), 1):
        if verb not in TRANSACTIONS:
            continue
        case = build()
        case.run((number, phase), collide)
        due_at = case.world.at
        assert case.words() == [WORDS[build]] * 2 or verb == "states.commit", (number, verb)
        case.settle()
        assert case.words() == [WORDS[build]] * 2, (number, verb)
        assert all(a.at - due_at <= MINUTE for a in case.world.sink.arrivals), (number, verb)


@pytest.mark.parametrize("build", CASES)
def test_interrupted_anywhere_by_the_same_message_it_arrives_once(build: Build) -> None:
    """Nothing that is under way is sent by anybody else, and nothing is left undone."""
    for at in points(build):
        case = build()
        shard = case.world.shard(case.monitor_id)

        def again(case: Case = case, shard: str = shard) -> None:
            deliver(case.world.container(), shard)

        case.run(at, again)
        assert not case.world.errors, at
        assert case.words() == [WORDS[build]] * 2, at
        case.settle()
        assert case.words() == [WORDS[build]] * 2, at
        assert len(case.world.sink.arrivals) == sum(map(len, case.words())), at


@pytest.mark.parametrize("build", CASES)
def test_interrupted_by_the_same_message_that_is_killed_in_its_turn_it_is_told_in_the_end(
    build: Build,
) -> None:
    for at in points(build)[::3]:
        for number in range(1, 24, 7):
            case = build()

            def again(case: Case = case, number: int = number) -> None:
                world = case.world
                world.disturb((number, AFTER), die)
                world.invoke(lambda: deliver(world.container(), world.shard(case.monitor_id)))
                world.store.on_call = lambda verb, phase: None

            case.run(at, again)
            case.settle()
            assert case.words() == [WORDS[build]] * 2, (at, number)


@pytest.mark.parametrize("build", CASES)
def test_with_every_message_lost_the_sweep_of_the_next_minute_tells_it(build: Build) -> None:
    """Nothing but the sweep's own message arrives."""
    case = build()
    case.world.messages.shards.clear()
    case.world.is_sent = lambda shard: False
    case.world.minute()
    assert case.words() == [WORDS[build][:-1]] * 2
    case.settle()
    assert case.words() == [WORDS[build]] * 2


def test_killed_while_it_recovers_before_the_down_was_told_both_come_in_order() -> None:
    for at in points(goes_down):
        case = goes_down()
        case.run(at, die)
        case.world.goes(UP, case.monitor_id)
        case.world.quiet(1)
        case.settle()
        assert case.words() in ([[DOWN_, UP_]] * 2, [[], []]), at
        is_known = len(case.world.rows) > 0
        assert is_known is (case.words() != [[], []])


def delete(case: Case) -> None:
    delete_monitor(case.world.container(), TEAM, "http", case.monitor_id)


def disable(case: Case) -> None:
    update_monitor(case.world.container(), TEAM, "http", case.monitor_id, Change(is_enabled=False))


def remove_alert(case: Case) -> None:
    case.world.remove(case.alerts[0])


def rebind(case: Case) -> None:
    other = next(id for id in case.world.store.items["monitor"] if id != case.monitor_id)
    case.world.change(case.alerts[0], monitor_id=other)


def window(case: Case) -> None:
    case.world.window(HOUR / 2)


@pytest.mark.parametrize("intruder", [delete, disable, remove_alert, rebind, window])
@pytest.mark.parametrize("build", CASES)
def test_what_is_not_to_be_told_any_more_is_not_from_the_next_run_on(
    build: Build, intruder: Callable[[Case], None]
) -> None:
    """What is on its way when somebody says so may still arrive, in the run that has it."""
    for at in points(build)[::3]:
        case = build()
        case.run(at, lambda: intruder(case))  # noqa: B023
        case.world.errors.clear()
        case.world.check()
        in_its_run = len(case.world.sink.arrivals)
        case.world.minute(6)
        case.world.check()
        alert = case.alerts[0]
        later = [
            a
            for a in case.world.sink.arrivals[in_its_run:]
            if a.alert_id == alert.id and a.notice.monitor_id == case.monitor_id
        ]
        assert not later, at
        if intruder is delete:
            case.world.at += 2 * HOUR
            case.world.minute()
            assert not case.world.store.items["outbox"], at
            assert not [c for c in case.world.courses if c.next_at and c.monitor_id == case.monitor_id], at


@pytest.mark.parametrize("build", CASES)
def test_disabled_for_a_while_it_is_told_afterwards_if_it_still_is_wrong(build: Build) -> None:
    for at in points(build)[::2]:
        case = build()
        case.run(at, lambda: disable(case))  # noqa: B023
        case.world.minute(2)
        update_monitor(case.world.deps, TEAM, "http", case.monitor_id, Change(is_enabled=True))
        case.world.minute(4)
        case.settle()
        last = [WORDS[build][-1]] * 2
        assert [words[-1] for words in case.words()] == last, (at, case.words())
