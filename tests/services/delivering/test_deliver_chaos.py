"""Random episodes: whatever ends, collides, is lost, doubled, throttled or changed in between, and all at
once, what holds of delivery holds.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from chalicelib.domain.alert import Alert, is_about
from chalicelib.domain.alert_event import AlertEvent
from chalicelib.domain.course import Course
from chalicelib.domain.event_type import EventType
from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.monitor import Monitor
from chalicelib.errors import Contended
from chalicelib.services.delivering.nudging import nudge
from chalicelib.services.delivering.run import deliver
from chalicelib.services.monitors import Change, delete_monitor, update_monitor
from tests.fake_courses import FakeCourses, FakeOutbox
from tests.fakes import FakeMonitors, FakeStore

from .world import (
    DEGRADED,
    DOWN,
    EVENTS,
    HOUR,
    MINUTE,
    OTHERS,
    TEAM,
    UP,
    Container,
    Faults,
    Stage,
    Throttled,
    World,
    away,
    deaf,
    enable,
    failing,
    good,
    leaves,
)

EPISODES = 70
SEEDS = 100
CHUNKS = 10
MINUTES = 14


class Episode:
    """Some minutes in a storm, and the calm after it. In a `plain` one nobody changes anything."""

    def __init__(self, seed: int, break_it: Callable[[Container], None] = lambda deps: None) -> None:
        self.world = World(seed, break_it)
        self.random = self.world.random
        scale = self.random.choice((0.5, 1.5, 4.0))
        self.faults = Faults(0.004 * scale, 0.03 * scale, 0.02 * scale, 0.01 * scale, 0.02 * scale)
        self.stage = Stage(self.world, self.faults)
        self.is_plain = self.chance(0.4)
        self.monitors = [self.world.monitor(), self.world.monitor(), self.world.monitor(OTHERS)]
        flapping = self.random.choice((None, None, 3)) if not self.is_plain else None
        self.alerts = [
            self.world.alert(cooldown_minutes=self.random.choice((0, 5, 60)), flapping_after=flapping),
            self.world.alert(monitor_id=self.monitors[0], cooldown_minutes=0),
        ]
        self.edited: dict[str, datetime] = {}
        self.gone: dict[str, datetime] = {}
        self.loss, self.doubling = self.random.choice((0, 0.2, 0.7)), self.random.choice((0.0, 0.3))
        self.world.is_sent = lambda shard: not self.chance(self.loss)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def play(self) -> None:
        self.world.minute(2)
        for _ in range(MINUTES):
            self.change_the_weather()
            self.minute()
            self.check()
        self.calm()

    def change_the_weather(self) -> None:
        for monitor_id in self.monitors:
            if self.chance(0.35):
                self.world.goes(self.random.choice((UP, UP, DOWN, DOWN, DEGRADED)), monitor_id)
        for alert in self.alerts:
            if self.chance(0.2):
                answers = (good, good, away, deaf) if self.is_plain else (good, good, away, deaf, failing())
                self.world.sink.answers[alert.id] = self.random.choice(answers)

    def minute(self) -> None:
        """Everything of a minute at once, some of it twice, and then what was left in the queue."""
        world = self.world
        world.at = max(world.at, world.at.replace(second=0, microsecond=0) + MINUTE)
        duties = list(world.duties())
        again = [duty for duty in duties if self.chance(self.doubling)]
        shards = [
            s for s in world.messages.shards if not self.chance(0.1)
        ]  # others come later, or not at all
        world.messages.shards.clear()
        messages = [self._delivery(shard) for shard in shards]
        messages += [self._delivery(s) for s in self._shards() if self.chance(self.doubling)]
        changes = [] if self.is_plain or not self.chance(0.5) else [self.random.choice(self.verbs())]
        bodies = [*duties, *again, *messages, *changes]
        self.random.shuffle(bodies)
        self.stage.play([lambda body=body: self._guarded(body) for body in bodies])  # type: ignore[misc]
        self.stage.play([lambda body=body: self._guarded(body) for body in world.duties()])  # type: ignore[misc]

    def _guarded(self, body: Callable[[], object]) -> None:
        """Only what was thrown in may come out."""
        try:
            body()
        except ExceptionGroup as group:
            if not all(isinstance(leaf, (Throttled, Contended)) for leaf in leaves(group)):
                raise AssertionError("an error of our own") from group
            raise

    def _delivery(self, shard: str) -> Callable[[], object]:
        return lambda: deliver(self.world.container(), shard)

    def _shards(self) -> list[str]:
        return sorted(self.world.store.items["shard"])

    # What people do meanwhile

    def verbs(self) -> list[Callable[[], object]]:
        return [
            self.edit,
            self.rebind,
            self.remove,
            self.enable,
            self.enable,
            self.window,
            lambda: self.switch(is_on=False),
            lambda: self.switch(is_on=True),
            lambda: self.switch(is_on=True),
            self.move,
            self.delete,
            self.join,
        ]

    def edit(self) -> None:
        alert = self._some_alert()
        if alert is not None:
            self._rewrite(alert, cooldown_minutes=self.random.choice((0, 5, 10, 60)))

    def rebind(self) -> None:
        alert = self._some_alert()
        there = [id for id in self.monitors[:2] if id in self.world.store.items["monitor"]]
        if alert is not None and there:
            self._rewrite(alert, monitor_id=self.random.choice((None, self.random.choice(there))))

    def remove(self) -> None:
        alert = self._some_alert()
        if alert is not None and self.chance(0.3):
            self.world.remove(alert)

    def enable(self) -> None:
        alert = self._some_alert()
        if alert is not None:
            self.world.sink.answers[alert.id] = good
            enable(self.world, alert)
            nudge(self.world.container(), alert.id)

    def join(self) -> None:
        if len(self.alerts) < 4:
            self.alerts.append(self.world.alert(cooldown_minutes=0))

    def window(self) -> None:
        bound_to = self.random.choice((None, self.monitors[0]))
        if bound_to is None or bound_to in self.world.store.items["monitor"]:
            self.world.window(MINUTE * self.random.randrange(1, 8), monitor_id=bound_to)

    def switch(self, *, is_on: bool) -> None:
        self._update(Change(is_enabled=is_on))

    def move(self) -> None:
        self._update(Change(timeout_seconds=self.random.choice((10.0, 30.0))))

    def delete(self) -> None:
        monitor_id = self.random.choice(self.monitors)
        if monitor_id in self.world.store.items["monitor"] and self.chance(0.3):
            delete_monitor(self.world.container(), self._team(monitor_id), "http", monitor_id)
            self.gone[monitor_id] = self.world.at

    def _update(self, change: Change) -> None:
        monitor_id = self.random.choice(self.monitors)
        if monitor_id in self.world.store.items["monitor"]:
            update_monitor(self.world.container(), self._team(monitor_id), "http", monitor_id, change)

    def _rewrite(self, alert: Alert, **fields: object) -> None:
        self.world.change(alert, **fields)
        self.edited[alert.id] = self.world.at
        nudge(self.world.container(), alert.id)

    def _some_alert(self) -> Alert | None:
        there: dict[str, Alert] = self.world.store.items["alert"]
        return self.random.choice(list(there.values())) if there else None

    def _team(self, monitor_id: str) -> str:
        return OTHERS if monitor_id == self.monitors[2] else TEAM

    # What holds

    def check(self) -> None:
        self.world.check()
        for _, notice, at in self.world.sink.arrivals:
            gone_at = self.gone.get(notice.monitor_id)
            assert gone_at is None or at < gone_at + 2 * MINUTE, "told of what was gone"
            assert notice.monitor_id != self.monitors[2], "told of what is none of theirs"

    def calm(self) -> None:
        """What is wrong now is known to whom it concerns; then all is well, and that is known too."""
        world = self.world
        for alert in list(world.store.items["alert"].values()):
            self.world.sink.answers[alert.id] = good
            enable(world, alert)
            nudge(world.deps, alert.id)
        for monitor_id in self.monitors:
            if monitor_id in world.store.items["monitor"]:
                change = Change(is_enabled=True)
                update_monitor(world.deps, self._team(monitor_id), "http", monitor_id, change)
        world.quiet(4)
        world.at += HOUR  # by now every window is over
        world.minute(2)
        world.quiet(6)
        self.check()
        world.check_quiet()
        self._check_known()
        world.goes(UP, *self.monitors)
        world.minute(3)
        world.at += HOUR
        world.quiet(3)
        self.check()
        world.check_quiet()
        assert not [c for c in world.courses if c.incident is not None and c.alert_id in self._there]
        if self.is_plain:
            for alert in self.alerts:
                world.check_complete(alert)

    @property
    def _there(self) -> dict[str, Alert]:
        return self.world.store.items["alert"]

    def _check_known(self) -> None:
        newest = {row.subject: row for row in self.world.rows}
        for alert in self._there.values():
            for monitor_id, row in newest.items():
                event, at = EVENTS[row.after], datetime.fromtimestamp(row.at, UTC)
                is_old = at < max(alert.created_at, self.edited.get(alert.id, alert.created_at))
                is_gone = monitor_id not in self.world.store.items["monitor"]
                if event is EventType.UP or is_old or is_gone or not is_about(alert, monitor_id):
                    continue
                if row.team_id != alert.team_id:
                    continue
                told = {
                    self.world.told[a.notice.event_id][1:4]
                    for a in self.world.sink.arrivals
                    if a.alert_id == alert.id
                }
                assert (row.subject, row.opened_seq, event) in told, (alert, row)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_invariant_holds_in_every_episode(chunk: int) -> None:
    arrivals = rows = 0
    for seed in range(chunk, EPISODES, CHUNKS):
        episode = Episode(seed)
        try:
            episode.play()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        arrivals += len(episode.world.sink.arrivals)
        rows += len(episode.world.rows)
    assert arrivals > 5 * EPISODES / CHUNKS
    assert rows > 5 * EPISODES / CHUNKS


class AnyVersion(FakeCourses):
    """A save that does not ask whether the course is as read."""

    def save(self, before: Course | None, after: Course | None, events: Sequence[AlertEvent] = ()) -> bool:
        some = after or before
        assert some is not None
        stored: Course | None = self.store.get("course", (some.alert_id, some.subject))
        return super().save(stored, after, events)


class NotesNoLook(FakeCourses):
    """A save that does not note when to look again."""

    def save(self, before: Course | None, after: Course | None, events: Sequence[AlertEvent] = ()) -> bool:
        is_saved = super().save(before, after, events)
        self.store.items["look"].clear()
        return is_saved


class KeepsNoRecords(FakeCourses):
    """A save that leaves the records as they are."""

    def save(self, before: Course | None, after: Course | None, events: Sequence[AlertEvent] = ()) -> bool:
        return super().save(before, after, [e for e in events if e.id not in self.store.items["event"]])


class NewestFirst(FakeOutbox):
    """Rows in the wrong order."""

    def of_shard(self, shard: str, limit: int, after: OutboxRow | None = None) -> list[OutboxRow]:
        return super().of_shard(shard, limit, after)[::-1]


class RemovesAll(FakeOutbox):
    """What is removed before everybody has heard it."""

    def of_shard(self, shard: str, limit: int, after: OutboxRow | None = None) -> list[OutboxRow]:
        rows = super().of_shard(shard, limit, after)
        self.remove(rows)
        return rows


class NeverForgets(FakeMonitors):
    """A monitor that is there although it has been deleted."""

    def get(self, team_id: str, monitor_id: str, *, consistent: bool) -> Monitor | None:
        found = super().get(team_id, monitor_id, consistent=consistent)
        known = [m for m in self.store.history["monitor", monitor_id] if m is not None]
        return found or (known[-1] if known else None)


BROKEN = [
    ("courses", AnyVersion),
    ("courses", NotesNoLook),
    ("courses", KeepsNoRecords),
    ("outbox", NewestFirst),
    ("outbox", RemovesAll),
    ("monitors", NeverForgets),
]


@pytest.mark.parametrize(("name", "edge"), BROKEN, ids=[edge.__name__ for _, edge in BROKEN])
def test_a_broken_rule_is_noticed(name: str, edge: Callable[[FakeStore], object]) -> None:
    def break_it(deps: Container) -> None:
        setattr(deps, name, edge(deps.store))

    assert any(is_broken(Episode(seed, break_it)) for seed in range(SEEDS))


def is_broken(episode: Episode) -> bool:
    """What is broken may also trip over itself."""
    try:
        episode.play()
    except (AssertionError, IndexError, KeyError):
        return True
    return False
