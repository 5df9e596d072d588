"""The edges of what reports in by itself, in memory, over the store of `tests/fakes.py`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Generic

from chalicelib.domain import cron_job, push_monitor
from chalicelib.domain.alarm import Turn
from chalicelib.domain.beat import Beat, decode_beats, encode_beats
from chalicelib.domain.cron_job import CronJob
from chalicelib.domain.heartbeat import (
    Caller,
    Heartbeat,
    Place,
    incident_of_turn,
    outbox_row_of_turn,
)
from chalicelib.domain.heartbeat_write import HeartbeatWrite, OwnerT
from chalicelib.domain.known_time import Tally
from chalicelib.domain.monitor import Leftover, Locator
from chalicelib.domain.monitor_write import Written
from chalicelib.domain.push_monitor import PushMonitor
from tests.fakes import Change, FakeStore, _Edge, alarm_changes

PAGE = 2
"""So few a page, that something can always happen between two."""
RING = 100
YEAR, MONTH = timedelta(days=365), timedelta(days=30)


class FakeHeartbeats(_Edge):
    def get(self, place: Place, *, consistent: bool) -> Heartbeat[Any, Any] | None:
        found: Heartbeat[Any, Any] | None = self.store.call(
            "heartbeats.get", lambda: self.store.get("heartbeat", place, consistent=consistent)
        )
        return found

    def of_partition(self, partition: int) -> Iterator[Heartbeat[Any, Any]]:
        """In pages, each as it is when it is asked for."""
        last = ""
        while True:
            page = self.store.call("heartbeats.of_partition", partial(self._page, partition, last))
            yield from (found for _, found in page if found is not None)
            if len(page) < PAGE:
                return
            last = page[-1][0]

    def of_places(self, places: Iterable[Place]) -> dict[Place, Heartbeat[Any, Any]]:
        def action() -> dict[Place, Heartbeat[Any, Any]]:
            found = {place: self.store.get("heartbeat", place, consistent=False) for place in wanted}
            return {place: heartbeat for place, heartbeat in found.items() if heartbeat is not None}

        wanted = list(places)
        return self.store.call("heartbeats.of_places", action) if wanted else {}

    def save(self, heartbeat: Heartbeat[Any, Any], turn: Turn | None) -> bool:
        def action() -> bool:
            stored: Heartbeat[Any, Any] | None = self.store.get("heartbeat", heartbeat.place)
            if stored is None or stored.version != heartbeat.version - 1:
                return turn is None and stored == heartbeat
            left = turn_changes(self.store, heartbeat, turn)
            if left is None:
                return False
            self.store.write(*left, ("heartbeat", heartbeat.place, heartbeat))
            return True

        return self.store.call("heartbeats.save", action)

    def _page(self, partition: int, last: str) -> list[tuple[str, Heartbeat[Any, Any] | None]]:
        places: list[Place] = sorted(
            (
                place
                for kind, place in self.store.history
                if kind == "heartbeat" and place.partition == partition and place.digest > last
            ),
            key=lambda place: place.digest,
        )
        return [(p.digest, self.store.get("heartbeat", p, consistent=False)) for p in places[:PAGE]]


def turn_changes(store: FakeStore, heartbeat: Heartbeat[Any, Any], turn: Turn | None) -> list[Change] | None:
    if turn is None:
        return []
    return alarm_changes(store, incident_of_turn(heartbeat, turn), outbox_row_of_turn(heartbeat, turn))


class FakeBeats(_Edge):
    """Items of a ring are (number, value, when it ends)."""

    def put_block(self, owner_id: str, first: int, beats: Sequence[Beat]) -> None:
        def action() -> None:
            stored: Sequence[Beat] = self.store.get(("block", owner_id), first) or ()
            if len(stored) < len(beats):
                self.store.write((("block", owner_id), first, decode_beats(encode_beats(beats))))

        self.store.call("beats.put_block", action)

    def blocks(self, owner_id: str, until: int, now: datetime) -> Iterator[tuple[int, Sequence[Beat]]]:
        while True:
            page = self.store.call("beats.blocks", partial(self._living, owner_id, now, until))[::-1][:PAGE]
            yield from page
            if len(page) < PAGE:
                return
            until = page[-1][0] - 1

    def oldest(self, owner_id: str, now: datetime) -> tuple[int, Sequence[Beat]] | None:
        return self.store.call("beats.oldest", lambda: next(iter(self._living(owner_id, now)), None))

    def keep_caller(self, owner_id: str, number: int, caller: Caller, now: datetime) -> None:
        self.store.call(
            "beats.keep_caller", lambda: self._keep("caller", owner_id, number, caller, now + MONTH)
        )

    def callers(self, owner_id: str, numbers: Iterable[int], now: datetime) -> dict[int, Caller]:
        def action() -> dict[int, Caller]:
            found = {number: self._kept("caller", owner_id, number, now) for number in numbers}
            return {number: caller for number, caller in found.items() if caller is not None}

        return self.store.call("beats.callers", action)

    def keep_body(self, owner_id: str, number: int, body: bytes, now: datetime) -> None:
        self.store.call("beats.keep_body", lambda: self._keep("body", owner_id, number, body, now + YEAR))

    def body(self, owner_id: str, number: int, now: datetime) -> bytes | None:
        body: bytes | None = self.store.call("beats.body", lambda: self._kept("body", owner_id, number, now))
        return body

    def bodies(self, wanted: Iterable[tuple[str, int]], now: datetime) -> dict[tuple[str, int], bytes]:
        def action() -> dict[tuple[str, int], bytes]:
            found = {(owner, n): self._kept("body", owner, n, now) for owner, n in wanted}
            return {key: body for key, body in found.items() if body is not None}

        return self.store.call("beats.bodies", action)

    def put_tally(self, owner_id: str, hour: int, tally: Tally) -> None:
        def action() -> None:
            if self.store.get(("tally", owner_id), hour) is None:
                self.store.write((("tally", owner_id), hour, tally))

        self.store.call("beats.put_tally", action)

    def tallies(self, wanted: Iterable[tuple[str, int]], now: datetime) -> dict[tuple[str, int], Tally]:
        def action() -> dict[tuple[str, int], Tally]:
            kept = {key: self._tallies(key[0], now).get(key[1]) for key in wanted}
            return {key: tally for key, tally in kept.items() if tally is not None}

        return self.store.call("beats.tallies", action)

    def nearest_tally(self, owner_id: str, hour: int, now: datetime) -> Tally | None:
        def action() -> Tally | None:
            kept = self._tallies(owner_id, now)
            nearest = min((h for h in kept if h >= hour), default=max(kept, default=None))
            return None if nearest is None else kept[nearest]

        return self.store.call("beats.nearest_tally", action)

    def forget(self, owner_id: str) -> None:
        def action() -> None:
            kinds = [(kind, owner_id) for kind in ("block", "caller", "body", "tally")]
            self.store.write(*((kind, key, None) for kind in kinds for key in self.store.items[kind]))

        self.store.call("beats.forget", action)

    def _living(
        self, owner_id: str, now: datetime, until: int | None = None
    ) -> list[tuple[int, Sequence[Beat]]]:
        blocks: list[tuple[int, Sequence[Beat]]] = sorted(self.store.items["block", owner_id].items())
        return [
            (first, beats)
            for first, beats in blocks
            if (until is None or first <= until) and _seconds(beats[-1].at + YEAR) > _seconds(now)
        ]

    def _tallies(self, owner_id: str, now: datetime) -> dict[int, Tally]:
        found: dict[int, Tally] = self.store.items["tally", owner_id]
        return {h: tally for h, tally in found.items() if h * 3600 + 32 * 86_400 > _seconds(now)}

    def _keep(self, ring: str, owner_id: str, number: int, value: object, until: datetime) -> None:
        stored = self.store.get((ring, owner_id), number % RING)
        if stored is None or stored[0] <= number:
            self.store.write(((ring, owner_id), number % RING, (number, value, _seconds(until))))

    def _kept(self, ring: str, owner_id: str, number: int, now: datetime) -> Any:
        stored = self.store.get((ring, owner_id), number % RING)
        is_it = stored is not None and stored[0] == number and stored[2] > _seconds(now)
        return stored[1] if is_it else None


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


@dataclass(frozen=True)
class _FakeOwners(_Edge, Generic[OwnerT]):
    """What reports in by itself, of one sort: the name of its verbs and items, and its kind."""

    name: ClassVar[str]
    items: ClassVar[str]
    kind: ClassVar[str]

    def get(self, team_id: str, owner_id: str, *, consistent: bool) -> OwnerT | None:
        def action() -> OwnerT | None:
            owner: OwnerT | None = self.store.get(self.items, owner_id, consistent=consistent)
            return owner if owner and owner.team_id == team_id else None

        return self.store.call(f"{self.name}.get", action)

    def of_team(self, team_id: str) -> list[OwnerT]:
        def action() -> list[OwnerT]:
            found = [owner for owner in self.store.items[self.items].values() if owner.team_id == team_id]
            return sorted(found, key=lambda owner: (owner.created_at, owner.id), reverse=True)

        return self.store.call(f"{self.name}.of_team", action)

    def write(self, change: HeartbeatWrite[OwnerT], limit: int) -> Written:
        return self.store.call(f"{self.name}.write", lambda: self._write(change, limit))

    def pointers(self, owner: OwnerT) -> list[Change]:
        """What it is found by beside its locator."""
        return []

    def _write(self, change: HeartbeatWrite[OwnerT], limit: int) -> Written:
        before, after, owner, get = change.before, change.after, change.owner, self.store.get
        stored: OwnerT | None = get(self.items, owner.id)
        if (stored.rev if stored else None) != (before.rev if before else None):
            return Written.LOST
        changes = self._heartbeat_changes(change)
        if changes is None:
            return Written.LOST
        if change.turn is not None:
            assert change.heartbeat is not None
            left = turn_changes(self.store, change.heartbeat, change.turn)
            if left is None:
                return Written.LOST
            changes += left
        if before is None or after is None:
            key = (owner.team_id, self.kind)
            taken = (get("limit", key) or 0) + (1 if before is None else -1)
            if before is None and taken > limit:
                return Written.LIMIT
            changes.append(("limit", key, taken))
        if after is None:
            note = Leftover(owner.id, owner.team_id, owner.partitions)
            changes.append(("leftover", owner.id, note))
        changes += [(kind, key, None) for kind, key, _ in self._found_by(before)]
        changes += self._found_by(after)
        self.store.write(*changes, (self.items, owner.id, after))
        return Written.YES

    def _heartbeat_changes(self, change: HeartbeatWrite[OwnerT]) -> list[Change] | None:
        """None when the heartbeat is not as it was read."""
        before, after, new = change.before, change.after, change.heartbeat
        if after is None:
            assert before is not None
            return [("heartbeat", before.place, None)]
        if new is None:
            return []
        there: Heartbeat[Any, Any] | None = self.store.get("heartbeat", new.place)
        if change.read is None:
            return None if there else [("heartbeat", new.place, new)]
        read: Heartbeat[Any, Any] | None = self.store.get("heartbeat", change.read.place)
        if read is None or read.version != change.read.version:
            return None
        if new.place == change.read.place:
            return [("heartbeat", new.place, new)]
        return None if there else [("heartbeat", read.place, None), ("heartbeat", new.place, new)]

    def _found_by(self, owner: OwnerT | None) -> list[Change]:
        if owner is None:
            return []
        is_public, is_enabled = owner.is_public, owner.is_enabled
        locator = Locator(owner.id, owner.team_id, self.kind, is_public, is_enabled, (), owner.place)
        return [("locator", owner.id, locator), *self.pointers(owner)]


class FakeCronJobs(_FakeOwners[CronJob]):
    name, items, kind = "cron_jobs", "cron_job", cron_job.KIND

    def with_slug(self, team_id: str, slug: str) -> list[Place]:
        def action() -> list[Place]:
            pointers = sorted(self.store.items["pointer", team_id].items())
            return [place for (its, _), place in pointers if its == slug][:2]

        return self.store.call("cron_jobs.with_slug", action)

    def pointers(self, owner: CronJob) -> list[Change]:
        return [(("pointer", owner.team_id), (owner.slug, owner.id), owner.place)] if owner.slug else []


class FakePushMonitors(_FakeOwners[PushMonitor]):
    name, items, kind = "push_monitors", "push_monitor", push_monitor.KIND


class FakePingKeys(_Edge):
    def of_team(self, team_id: str) -> str | None:
        key: str | None = self.store.call("ping_keys.of_team", lambda: self.store.get("ping_key", team_id))
        return key

    def team_of(self, ping_key: str) -> str | None:
        def action() -> str | None:
            return next((team for team, key in self.store.items["ping_key"].items() if key == ping_key), None)

        return self.store.call("ping_keys.team_of", action)

    def replace(self, team_id: str, before: str | None, after: str) -> bool:
        def action() -> bool:
            others = {key for team, key in self.store.items["ping_key"].items() if team != team_id}
            if self.store.get("ping_key", team_id) != before or after in others:
                return False
            self.store.write(("ping_key", team_id, after))
            return True

        return self.store.call("ping_keys.replace", action)
