"""Random episodes against the invariants, and proof that the invariants bite."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.confirmation import NO_STREAK
from chalicelib.domain.member import Member, Pack
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.monitor_write import MonitorWrite, Written
from chalicelib.domain.state import Entry, State, Transition
from chalicelib.domain.text import TextRef
from chalicelib.domain.tick import Tick
from tests.fakes import FakeMembers, FakeMonitors, FakeStates, FakeTexts, FakeTicks

from .episode import Episode
from .world import Container

EPISODES = 120
SEEDS = 300
CHUNKS = 10


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_invariant_holds_in_every_episode(request: pytest.FixtureRequest, chunk: int) -> None:
    episodes = request.config.getoption("--chaos-episodes", default=None) or EPISODES
    rows = waited = texts = confirmed = compared = retries = 0
    for seed in range(chunk, episodes, CHUNKS):
        episode = Episode(seed)
        episode.play()
        assert not episode.invariants.broken, f"seed {seed}: {episode.invariants.broken[:3]}"
        waited += episode.waited_for_sweep
        rows += sum(map(len, episode.invariants.rows.values()))
        texts += episode.invariants.texts
        confirmed += episode.invariants.confirmed
        compared += episode.invariants.compared
        retries += episode.invariants.retries
    assert rows > episodes / CHUNKS
    assert texts > episodes / CHUNKS
    assert confirmed > episodes / CHUNKS / 20
    assert compared > episodes / CHUNKS / 10
    assert retries
    assert waited <= episodes / CHUNKS / 200


class AnyRev(FakeMonitors):
    """A write that does not ask whether the monitor is as read."""

    def _write(self, change: MonitorWrite, limit: int) -> Written:
        after = change.after or change.before
        stored: Monitor | None = self.store.get("monitor", after.id) if after else None
        return super()._write(replace(change, before=change.before and stored), limit)


class NoBump(FakeMonitors):
    """A configuration write that leaves `config_version` as it is."""

    def _write(self, change: MonitorWrite, limit: int) -> Written:
        before = dict(self.store.items["state"])
        written = super()._write(change, limit)
        for name, state in self.store.items["state"].items():
            self.store.items["state"][name] = replace(state, config_version=before[name].config_version)
        return written


class LeavesTheEntryBehind(FakeMonitors):
    """A move that does not take the entry along."""

    def _write(self, change: MonitorWrite, limit: int) -> Written:
        if change.states and change.before:
            name, position = change.before.placement.shard, change.before.placement.position
            state: State = self.store.items["state"][name]
            left = {p: e for p, e in state.entries.items() if p != position}
            self.store.items["state"][name] = replace(state, entries=left)
        return super()._write(change, limit)


class LeavesTheStreakBehind(FakeMonitors):
    """A move whose entry begins without a streak."""

    def _write(self, change: MonitorWrite, limit: int) -> Written:
        if change.states:
            old, new = change.states
            change = replace(change, states=(replace(old, entries=without_streaks(old.entries)), new))
        return super()._write(change, limit)


def without_streaks(entries: Mapping[int, Entry]) -> dict[int, Entry]:
    return {position: replace(entry, streak=NO_STREAK) for position, entry in entries.items()}


class ForgetsStreaks(FakeStates):
    """A commit that stores no streak."""

    def commit(
        self,
        shard: str,
        read: State,
        entries: Mapping[int, Entry],
        swept: int,
        transitions: Sequence[Transition],
    ) -> bool:
        return super().commit(shard, read, without_streaks(entries), swept, transitions)


class CountsAgain(FakeStates):
    """A commit that does not store up to which slot a streak was counted."""

    def commit(
        self,
        shard: str,
        read: State,
        entries: Mapping[int, Entry],
        swept: int,
        transitions: Sequence[Transition],
    ) -> bool:
        kept = {
            position: replace(entry, slot=read.entries[position].slot)
            if entry.streak and position in read.entries
            else entry
            for position, entry in entries.items()
        }
        return super().commit(shard, read, kept, swept, transitions)


class AnyVersion(FakeStates):
    """A commit that does not ask whether STATE is as read."""

    def commit(
        self,
        shard: str,
        read: State,
        entries: Mapping[int, Entry],
        swept: int,
        transitions: Sequence[Transition],
    ) -> bool:
        stored: State = self.store.get("state", shard)
        return super().commit(shard, replace(read, version=stored.version), entries, swept, transitions)


class AnyConfiguration(FakeStates):
    """A commit that does not ask whether the configuration is as read."""

    def commit(
        self,
        shard: str,
        read: State,
        entries: Mapping[int, Entry],
        swept: int,
        transitions: Sequence[Transition],
    ) -> bool:
        stored: State = self.store.get("state", shard)
        as_stored = replace(read, config_version=stored.config_version)
        return super().commit(shard, as_stored, entries, swept, transitions)


class NoLookback(FakeTicks):
    """A commit that sees its own tick only."""

    def since(self, shard: str, slot: int, *, consistent: bool, until_slot: int | None = None) -> list[Tick]:
        super().since(shard, slot, consistent=consistent)
        return []


class LastTickWins(FakeTicks):
    """A tick that replaces the one before it."""

    def put(self, shard: str, tick: Tick) -> Tick:
        self.store.call(
            "ticks.put", lambda: self.store.write((("tick", shard), (tick.slot, tick.part), tick))
        )
        return tick


class LoserKeepsItsOwn(FakeTicks):
    """A run that lost the race for its slot and goes on with what it saw itself."""

    def put(self, shard: str, tick: Tick) -> Tick:
        super().put(shard, tick)
        return tick


class NotesNothing(FakeTicks):
    """A run that leaves no note of its retries."""

    def note_retries(self, shard: str, slot: int, positions: Collection[int]) -> None:
        super().note_retries(shard, slot, ())


class SavesNothing(FakeTexts):
    """A container that says it has saved its texts."""

    def save(self, texts: Mapping[TextRef, str], now: datetime) -> None:
        super().save({}, now)


class EndTooSoon(FakeTexts):
    """Texts that are gone before their ticks are."""

    def save(self, texts: Mapping[TextRef, str], now: datetime) -> None:
        super().save(texts, now - timedelta(days=60))


class DropsDisabled(FakeMembers):
    """A pack without the disabled members."""

    def all(self, shard: str) -> dict[int, Member]:
        return {p: m for p, m in super().all(shard).items() if m.is_enabled}


class AnyPack(FakeMembers):
    """A stored pack that passes for the newest one."""

    def pack(self, shard: str) -> Pack | None:
        pack, state = super().pack(shard), self.store.get("state", shard)
        return pack and replace(pack, config_version=state.config_version)


BROKEN: list[tuple[str, type[FakeMonitors | FakeStates | FakeTicks | FakeTexts | FakeMembers]]] = [
    ("monitors", AnyRev),
    ("monitors", NoBump),
    ("monitors", LeavesTheEntryBehind),
    ("monitors", LeavesTheStreakBehind),
    ("states", ForgetsStreaks),
    ("states", CountsAgain),
    ("states", AnyVersion),
    ("states", AnyConfiguration),
    ("ticks", NoLookback),
    ("ticks", LastTickWins),
    ("ticks", LoserKeepsItsOwn),
    ("ticks", NotesNothing),
    ("texts", SavesNothing),
    ("texts", EndTooSoon),
    ("members", DropsDisabled),
    ("members", AnyPack),
]


@pytest.mark.parametrize(("name", "edge"), BROKEN, ids=[edge.__name__ for _, edge in BROKEN])
def test_a_broken_rule_is_noticed(name: str, edge: type[FakeMonitors | FakeStates]) -> None:
    def break_it(deps: Container) -> None:
        setattr(deps, name, edge(deps.store))

    assert any(is_broken(Episode(seed, break_it)) for seed in range(SEEDS))


def is_broken(episode: Episode) -> bool:
    """A broken edge may also trip over what it did itself."""
    try:
        episode.play()
    except AssertionError:
        return True
    return bool(episode.invariants.broken)
