"""An alert that is changed: its courses are looked at by what it says now."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.domain.alert import Alert, Health
from chalicelib.domain.event_type import EventType
from chalicelib.services.delivering.nudging import nudge
from tests.fakes import AFTER, BEFORE

from .world import DOWN, MINUTE, START, UP, World, enable

DOWN_, UP_ = EventType.DOWN, EventType.UP


class Scene:
    """A monitor that has been down since 12:03, of which an alert has told with a cooldown of an hour."""

    def __init__(self, minutes: int = 10) -> None:
        self.world = World()
        self.monitor_id = self.world.monitor()
        self.alert: Alert = self.world.alert()
        self.world.minute(2)
        self.world.goes(DOWN, self.monitor_id)
        self.world.minute(minutes)

    def edit(self, **fields: object) -> None:
        self.alert = self.world.change(self.alert, **fields)
        nudge(self.world.container(), self.alert.id)

    @property
    def minutes(self) -> list[int]:
        """When it was told, from 12:00 on."""
        return [round((at - START) / MINUTE) for _, at in self.world.arrived(self.alert)]


def test_a_shorter_cooldown_holds_from_now_on() -> None:
    scene = Scene()
    scene.edit(cooldown_minutes=5)
    scene.world.drain()
    assert scene.minutes == [3, 12]
    scene.world.minute(11)
    assert scene.minutes == [3, 12, 17, 22]


def test_without_a_nudge_it_would_be_the_old_one_until_the_next_look() -> None:
    scene = Scene()
    scene.world.change(scene.alert, cooldown_minutes=5)
    scene.world.minute(20)
    assert scene.minutes == [3]


def test_a_longer_cooldown_holds_without_being_told_of() -> None:
    scene = Scene()
    scene.world.change(scene.alert, cooldown_minutes=120)
    scene.world.minute(160)
    assert scene.minutes == [3, 123]


def test_an_alert_that_is_deleted_is_not_heard_of_again() -> None:
    scene = Scene()
    scene.world.remove(scene.alert)
    nudge(scene.world.container(), scene.alert.id)
    scene.world.minute(120)
    assert scene.minutes == [3]
    assert not scene.world.courses
    assert not scene.world.store.items["look"]


def test_an_alert_that_is_about_another_monitor_now_tells_nothing_more_of_the_first() -> None:
    scene = Scene()
    other = scene.world.monitor()
    scene.edit(monitor_id=other)
    scene.world.goes(UP, scene.monitor_id)
    scene.world.minute(70)
    assert scene.minutes == [3]
    assert not scene.world.courses


def test_an_alert_that_comes_back_to_a_monitor_tells_its_next_transition() -> None:
    scene = Scene()
    other = scene.world.monitor()
    scene.edit(monitor_id=other)
    scene.world.minute(2)
    scene.edit(monitor_id=scene.monitor_id)
    scene.world.minute(70)
    assert scene.world.words(scene.alert) == [DOWN_]
    for outcome in (UP, DOWN, UP):
        scene.world.goes(outcome, scene.monitor_id)
        scene.world.minute(2)
    assert scene.world.words(scene.alert) == [DOWN_, DOWN_, UP_]


def test_at_rest_there_is_nothing_to_look_at() -> None:
    scene = Scene()
    scene.world.goes(UP, scene.monitor_id)
    scene.world.minute()
    before = scene.world.courses
    nudge(scene.world.container(), scene.alert.id)
    assert scene.world.courses == before
    assert not scene.world.messages.shards


def test_a_nudge_whose_message_is_lost_is_found_by_the_sweep() -> None:
    scene = Scene()
    scene.edit(cooldown_minutes=5)
    scene.world.messages.shards.clear()
    scene.world.minute()
    assert scene.minutes == [3, 13]


def test_enabled_again_it_tells_what_it_has_missed() -> None:
    scene = Scene(minutes=0)
    scene.world.deps.courses.save_health(scene.alert.id, Health(5, START, "gone"))
    scene.world.minute(5)
    assert scene.minutes == []
    enable(scene.world, scene.alert)
    nudge(scene.world.container(), scene.alert.id)
    scene.world.drain()
    assert scene.minutes == [7]


Act = Callable[[Scene], object]


def shorten(scene: Scene) -> None:
    scene.edit(cooldown_minutes=5)


def enable_again(scene: Scene) -> None:
    enable(scene.world, scene.alert)
    nudge(scene.world.container(), scene.alert.id)


def repeated() -> Scene:
    """A repeat is due in the next minute."""
    scene = Scene(minutes=1)
    scene.world.at += timedelta(minutes=59)
    return scene


def muted() -> Scene:
    """A disabled alert hears in the next minute that it is down."""
    scene = Scene(minutes=0)
    scene.world.deps.courses.save_health(scene.alert.id, Health(5, START, "gone"))
    return scene


@pytest.mark.parametrize(("build", "act", "most"), [(repeated, shorten, 8), (muted, enable_again, 8)])
def test_changed_while_it_is_being_told_it_holds_soon(
    build: Callable[[], Scene], act: Act, most: int
) -> None:
    """Whoever is at it has read the alert as it was."""
    scene = build()
    scene.world.disturb((0, ""), lambda: None)
    scene.world.minute()
    numbers = range(scene.world.calls.index("outbox.of_shard") + 1, len(scene.world.calls) + 1)
    for point in [(number, phase) for number in numbers for phase in (BEFORE, AFTER)]:
        scene = build()

        def change(scene: Scene = scene) -> None:
            scene.world.at += timedelta(milliseconds=300)
            act(scene)

        scene.world.disturb(point, change)
        scene.world.minute()
        told = len(scene.minutes)
        scene.world.minute(most)
        assert len(scene.minutes) > told or (act is enable_again and told == 1), (point, scene.world.calls)


def test_a_course_that_is_being_sent_is_looked_at_when_that_is_over() -> None:
    scene = repeated()

    def edit(verb: str, phase: str) -> None:
        if (verb, phase) == ("channels.send", BEFORE):
            scene.world.store.on_call = lambda verb, phase: None
            scene.edit(cooldown_minutes=5)

    scene.world.store.on_call = edit
    scene.world.minute()
    assert [a.notice.event_id for a in scene.world.sink.arrivals] == list(scene.world.told)
    scene.world.minute(6)
    assert scene.minutes == [3, 63, 68]
