"""The edges in memory, for the services' tests. The contract tests hold them to what the real stores do.

Every verb of a store is one atomic call, around which `on_call(verb, phase)` runs: raising there kills
the process (`Killed`), collides (`Contended` before) or loses the answer (`Contended` after).
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from chalicelib.domain.api_key import MAX_KEYS_PER_TEAM, ApiKey, KeyUse
from chalicelib.domain.certificate import CertificateReading
from chalicelib.domain.counts import Counts
from chalicelib.domain.extras import NO_EXTRAS, Extras
from chalicelib.domain.idempotency import Begun, StoredAnswer
from chalicelib.domain.incident import SSL, IncidentChange, OutboxRow, incident_of, outbox_row_of
from chalicelib.domain.job import ProbeJob
from chalicelib.domain.member import Member, Pack, encode_member, member_of
from chalicelib.domain.message import DELIVERED, Verdict
from chalicelib.domain.monitor import Leftover, Locator, Monitor, Spec
from chalicelib.domain.monitor_write import MonitorWrite, Written
from chalicelib.domain.notice import Notice
from chalicelib.domain.outcome import Outcome, Status
from chalicelib.domain.shard import MAX_BYTES, MAX_MEMBERS, MAX_POSITIONS, Shard
from chalicelib.domain.ssl_readings import CertificateTarget, SslReading, SslReadings
from chalicelib.domain.state import Entry, State, Transition
from chalicelib.domain.team import Team
from chalicelib.domain.text import LEAST_LIFE, LIFE, TextRef, text_bytes
from chalicelib.domain.tick import Tick
from chalicelib.settings import Settings

T = TypeVar("T")
Kind = str | tuple[str, str]
Change = tuple[Kind, Any, Any]
"""Kind, key and new value of an item; None deletes it."""
DoneChange = tuple[Kind, Any, Any, Any]
BEFORE, AFTER = "before", "after"


class Killed(BaseException):
    """The process ended here. No handler of ours may catch it."""


class FakeStore:
    """Linearizable items by kind and key. `on_write` sees every write as (kind, key, old, new).

    `lag` answers how many versions behind an eventually consistent read is.
    """

    def __init__(self) -> None:
        self.items: defaultdict[Kind, dict[Any, Any]] = defaultdict(dict)
        self.history: defaultdict[tuple[Kind, Any], list[Any]] = defaultdict(list)
        self.on_call: Callable[[str, str], None] = lambda verb, phase: None
        self.on_write: Callable[[Sequence[DoneChange]], None] = lambda changes: None
        self.lag: Callable[[], int] = lambda: 0

    def call(self, verb: str, action: Callable[[], T]) -> T:
        self.on_call(verb, BEFORE)
        result = action()
        self.on_call(verb, AFTER)
        return result

    def get(self, kind: Kind, key: Any, *, consistent: bool = True) -> Any:
        if consistent or not (lag := self.lag()):
            return self.items[kind].get(key)
        return ([None] * (lag + 1) + self.history[kind, key])[-1 - lag]

    def write(self, *changes: Change) -> None:
        """All or nothing; conditions are the caller's, within the same call."""
        merged = {(kind, key): value for kind, key, value in changes}
        done = [(kind, key, self.items[kind].get(key), value) for (kind, key), value in merged.items()]
        for (kind, key), value in merged.items():
            self.history[kind, key].append(value)
            if value is None:
                self.items[kind].pop(key, None)
            else:
                self.items[kind][key] = value
        self.on_write(done)


@dataclass(frozen=True)
class _Edge:
    store: FakeStore


class FakeShards(_Edge):
    def all(self) -> list[Shard]:
        return self.store.call(
            "shards.all", lambda: sorted(self.store.items["shard"].values(), key=lambda s: str(s.id))
        )

    def get(self, shard: str) -> Shard | None:
        found: Shard | None = self.store.call("shards.get", lambda: self.store.get("shard", shard))
        return found

    def create(self, shard: Shard, swept: int) -> bool:
        def action() -> bool:
            if self.store.get("shard", shard.id):
                return False
            self.store.write(("shard", shard.id, shard), ("state", shard.id, State(0, 0, swept, {})))
            return True

        return self.store.call("shards.create", action)

    def take_position(self, shard: str) -> int | None:
        def action() -> int | None:
            stored: Shard | None = self.store.get("shard", shard)
            if stored is None or stored.last_position >= MAX_POSITIONS:
                return None
            taken = replace(stored, last_position=stored.last_position + 1)
            self.store.write(("shard", shard, taken))
            return taken.last_position

        return self.store.call("shards.take_position", action)


class FakeStates(_Edge):
    def get(self, shard: str, *, consistent: bool) -> State | None:
        state: State | None = self.store.call(
            "states.get", lambda: self.store.get("state", shard, consistent=consistent)
        )
        return state

    def commit(
        self,
        shard: str,
        read: State,
        entries: Mapping[int, Entry],
        swept: int,
        transitions: Sequence[Transition],
    ) -> bool:
        def action() -> bool:
            stored: State | None = self.store.get("state", shard)
            as_read = (read.version, read.config_version)
            if stored is None or (stored.version, stored.config_version) != as_read:
                return False
            changes: list[Change] = []
            for transition in transitions:
                left = alarm_changes(self.store, incident_of(transition), outbox_row_of(shard, transition))
                if left is None:
                    return False
                changes += left
            new = State(read.version + 1, read.config_version, swept, dict(entries))
            self.store.write(*changes, ("state", shard, new))
            return True

        return self.store.call("states.commit", action)


def alarm_changes(store: FakeStore, incident: IncidentChange, row: OutboxRow) -> list[Change] | None:
    """None when a condition of theirs is lost."""
    opened = store.get("incident", (incident.monitor_id, incident.opened_seq))
    is_new = incident.is_opening and not incident.is_resolving
    if is_new is not (opened is None) or store.get("outbox", (row.subject, row.seq)):
        return None
    return [
        ("incident", (incident.monitor_id, incident.opened_seq), incident),
        ("outbox", (row.subject, row.seq), row),
    ]


class FakeMembers(_Edge):
    def all(self, shard: str) -> dict[int, Member]:
        """In two calls, since a query is no snapshot: what it reads first may be older."""

        def of(remainder: int) -> dict[int, Member]:
            return {p: m for p, m in self.store.items["member", shard].items() if p % 2 == remainder}

        return {
            **self.store.call("members.all", lambda: of(1)),
            **self.store.call("members.all", lambda: of(0)),
        }

    def extras(self, shard: str, revs: Mapping[int, int], *, consistent: bool) -> dict[int, Spec]:
        def action() -> dict[int, Spec]:
            read = {p: self.store.get(("extras", shard), p, consistent=consistent) for p in revs}
            return {p: stored[1] for p, stored in read.items() if stored and stored[0] == revs[p]}

        return self.store.call("members.extras", action)

    def pack(self, shard: str) -> Pack | None:
        pack: Pack | None = self.store.call(
            "members.pack", lambda: self.store.get("pack", shard, consistent=False)
        )
        return pack

    def save_pack(self, shard: str, pack: Pack) -> None:
        def action() -> None:
            stored: Pack | None = self.store.get("pack", shard)
            if stored is None or stored.config_version < pack.config_version:
                self.store.write(("pack", shard, pack))

        self.store.call("members.save_pack", action)


class FakeTicks(_Edge):
    def put(self, shard: str, tick: Tick) -> Tick:
        def action() -> Tick:
            stored: Tick | None = self.store.get(("tick", shard), (tick.slot, tick.part))
            if stored is None:
                self.store.write((("tick", shard), (tick.slot, tick.part), tick))
            return stored or tick

        return self.store.call("ticks.put", action)

    def is_overtaken(self, shard: str, slot: int) -> bool:
        def action() -> bool:
            return not self.store.lag() and any(t.is_main and t.slot > slot for t in self._of(shard))

        return self.store.call("ticks.is_overtaken", action)

    def since(self, shard: str, slot: int, *, consistent: bool, until_slot: int | None = None) -> list[Tick]:
        def action() -> list[Tick]:
            found = [
                t for t in self._of(shard) if slot <= t.slot and (until_slot is None or t.slot < until_slot)
            ]
            return found if consistent or not self.store.lag() else found[:-1]

        return self.store.call("ticks.since", action)

    def newest(self, shard: str, limit: int, *, consistent: bool) -> list[Tick]:
        return self.store.call("ticks.newest", lambda: self._of(shard)[::-1][:limit])

    def pick(
        self, shard: str, parts: Iterable[tuple[int, str]], *, consistent: bool
    ) -> dict[tuple[int, str], Tick]:
        stored, wanted = self.store.items["tick", shard], list(parts)
        return self.store.call(
            "ticks.pick", lambda: {part: stored[part] for part in wanted if part in stored}
        )

    def note_retries(self, shard: str, slot: int, positions: Collection[int]) -> None:
        def action() -> None:
            noted: frozenset[int] = self.store.get(("retries", shard), slot) or frozenset()
            self.store.write((("retries", shard), slot, noted | set(positions)))

        self.store.call("ticks.note_retries", action)

    def retried(self, shard: str, position: int, from_slot: int, to_slot: int) -> list[int]:
        def action() -> list[int]:
            noted = self.store.items["retries", shard]
            return [slot for slot in sorted(noted) if from_slot <= slot < to_slot and position in noted[slot]]

        return self.store.call("ticks.retried", action)

    def counts(self, shard: str, not_after_hour: int | None = None) -> Counts | None:
        def action() -> Counts | None:
            stored = self.store.items["counts", shard]
            hours = [hour for hour in stored if not_after_hour is None or hour <= not_after_hour]
            return stored[max(hours)] if hours else None

        return self.store.call("ticks.counts", action)

    def save_counts(self, shard: str, hour: int, counts: Counts) -> None:
        self.store.call("ticks.save_counts", lambda: self.store.write((("counts", shard), hour, counts)))

    def _of(self, shard: str) -> list[Tick]:
        return [tick for _, tick in sorted(self.store.items["tick", shard].items())]


class FakeTexts(_Edge):
    """Items are (text, when it ends)."""

    def save(self, texts: Mapping[TextRef, str], now: datetime) -> None:
        """A look, and then a call for each that is missing or has lived long."""

        def look() -> set[TextRef]:
            items = {ref: self._get(ref, consistent=False) for ref in texts}
            return {ref for ref, item in items.items() if item and item[1] >= now + LEAST_LIFE}

        lasting = self.store.call("texts.look", look)
        for ref, text in texts.items():
            if ref not in lasting:
                self._save(ref, text, now + LIFE)

    def pick(self, refs: Iterable[TextRef], *, consistent: bool) -> dict[TextRef, str]:
        def action() -> dict[TextRef, str]:
            items = {ref: self._get(ref, consistent=consistent) for ref in refs}
            return {ref: item[0] for ref, item in items.items() if item}

        return self.store.call("texts.pick", action)

    def _get(self, ref: TextRef, *, consistent: bool) -> tuple[str, datetime] | None:
        item: tuple[str, datetime] | None = self.store.get("text", ref, consistent=consistent)
        return item

    def _save(self, ref: TextRef, text: str, until: datetime) -> None:
        item = (text_bytes(text).decode(), until)
        self.store.call("texts.save", lambda: self.store.write(("text", ref, item)))


class FakeSslStore(_Edge):
    def get(self, shard: str, *, consistent: bool) -> SslReadings:
        def action() -> SslReadings:
            return self.store.get("ssl", shard, consistent=consistent) or SslReadings()

        return self.store.call("ssl_readings.get", action)

    def save(
        self,
        shard: str,
        read: SslReadings,
        readings: Mapping[int, SslReading],
        rows: Sequence[OutboxRow] = (),
    ) -> bool:
        def action() -> bool:
            stored: SslReadings = self.store.get("ssl", shard) or SslReadings()
            left: list[Change] = [("outbox", (row.subject, row.seq), row) for row in rows]
            if stored.version != read.version or any(self.store.get(kind, key) for kind, key, _ in left):
                return False
            self.store.write(*left, ("ssl", shard, SslReadings(read.version + 1, dict(readings))))
            return True

        return self.store.call("ssl_readings.save", action)


class FakeMonitors(_Edge):
    def get(self, team_id: str, monitor_id: str, *, consistent: bool) -> Monitor | None:
        def action() -> Monitor | None:
            monitor: Monitor | None = self.store.get("monitor", monitor_id, consistent=consistent)
            return monitor if monitor and monitor.team_id == team_id else None

        return self.store.call("monitors.get", action)

    def extras(self, team_id: str, monitor_id: str) -> Extras:
        def action() -> Extras:
            stored: Extras | None = self.store.get("monitor_extras", (team_id, monitor_id))
            return stored or NO_EXTRAS

        return self.store.call("monitors.extras", action)

    def of_team(self, team_id: str, kind: str) -> list[Monitor]:
        def action() -> list[Monitor]:
            monitors = self.store.items["monitor"].values()
            found = [m for m in monitors if (m.team_id, m.kind) == (team_id, kind)]
            return sorted(found, key=lambda m: (m.created_at, m.id), reverse=True)

        return self.store.call("monitors.of_team", action)

    def write(self, change: MonitorWrite, limit: int) -> Written:
        return self.store.call("monitors.write", lambda: self._write(change, limit))

    def _write(self, change: MonitorWrite, limit: int) -> Written:
        before, after, get = change.before, change.after, self.store.get
        some = after or before
        assert some is not None
        stored: Monitor | None = get("monitor", some.id)
        if (stored.rev if stored else None) != (before.rev if before else None):
            return Written.LOST
        shards: dict[str, Shard] = {}
        states: dict[str, State] = {}
        changes: list[Change] = [
            ("monitor", some.id, after),
            ("locator", some.id, after and locator_of(after)),
            *_extras_changes(change),
        ]
        if after is None:
            shards_lived_in = tuple(sorted({p.shard for p in some.placements}))
            changes.append(("leftover", some.id, Leftover(some.id, some.team_id, shards_lived_in)))
        for monitor, sign in ((before, -1), (after, +1)):
            if monitor is None:
                continue
            name, size = monitor.placement.shard, len(encode_member(member_of(monitor)))
            state: State = states.get(name) or get("state", name)
            states[name] = replace(state, config_version=get("state", name).config_version + 1)
            shard: Shard = shards.get(name) or get("shard", name)
            shards[name] = replace(shard, members=shard.members + sign, bytes=shard.bytes + sign * size)
            member = member_of(monitor) if sign > 0 else None
            changes.append((("member", name), monitor.placement.position, member))
        if before is None or after is None:
            key = (some.team_id, some.kind)
            taken = (get("limit", key) or 0) + (1 if before is None else -1)
            if before is None and taken > limit:
                return Written.LIMIT
            changes.append(("limit", key, taken))
        if len(states) == 2 and before and after and change.states:
            if any(get("state", n).version != s.version for n, s in zip(states, change.states, strict=True)):
                return Written.LOST
            (old_name, old), (new_name, new) = states.items()
            left = dict(old.entries)
            left.pop(before.placement.position, None)
            entry = change.states[0].entries.get(before.placement.position)
            joined = {**new.entries, **({after.placement.position: entry} if entry else {})}
            states[old_name] = replace(old, version=old.version + 1, entries=left)
            states[new_name] = replace(new, version=new.version + 1, entries=joined)
        if after and (before is None or len(states) == 2):
            entered = shards[after.placement.shard]
            if entered.members > MAX_MEMBERS or entered.bytes > MAX_BYTES:
                return Written.NO_ROOM
        changes += [("shard", name, shard) for name, shard in shards.items()]
        changes += [("state", name, state) for name, state in states.items()]
        self.store.write(*changes)
        return Written.YES

    def leftovers(self, team_id: str) -> list[Leftover]:
        def action() -> list[Leftover]:
            return [left for left in self.store.items["leftover"].values() if left.team_id == team_id]

        return self.store.call("monitors.leftovers", action)

    def forget(self, leftover: Leftover) -> None:
        def action() -> None:
            subjects = (leftover.monitor_id, f"{SSL}#{leftover.monitor_id}")
            its = [
                (kind, key)
                for kind in ("incident", "outbox")
                for key in self.store.items[kind]
                if key[0] in subjects
            ]
            self.store.write(
                *((kind, key, None) for kind, key in its), ("leftover", leftover.monitor_id, None)
            )

        self.store.call("monitors.forget", action)

    def locator(self, monitor_id: str) -> Locator | None:
        locator: Locator | None = self.store.call(
            "monitors.locator", lambda: self.store.get("locator", monitor_id, consistent=False)
        )
        return locator


def _extras_changes(change: MonitorWrite) -> list[Change]:
    """All deletes and puts when they change or move; the later of two at one place holds."""
    before, after, extras = change.before, change.after, change.extras
    some = after or before
    assert some is not None
    changes: list[Change] = []
    if not change.changes_extras and not change.states:
        return changes
    if change.changes_extras:
        is_there = after is not None and after.has_extras
        changes.append(("monitor_extras", (some.team_id, some.id), extras if is_there else None))
    if before and before.has_extras:
        changes.append((("extras", before.placement.shard), before.placement.position, None))
    if after and after.has_extras:
        assert extras is not None
        stored = (after.extras_rev, extras.as_spec())
        changes.append((("extras", after.placement.shard), after.placement.position, stored))
    return changes


def locator_of(m: Monitor) -> Locator:
    return Locator(m.id, m.team_id, m.kind, m.is_public, m.is_enabled, m.placements)


class FakeKeys(_Edge):
    def mint(self, key: ApiKey) -> bool:
        def action() -> bool:
            held = {k.id for k in self.store.items["key"].values() if k.team_id == key.team_id}
            if key.id not in held and len(held) < MAX_KEYS_PER_TEAM:
                self.store.write(("key", key.digest, key))
                return True
            return key.id in held

        return self.store.call("keys.mint", action)

    def of_team(self, team_id: str) -> list[ApiKey]:
        def action() -> list[ApiKey]:
            held = [
                replace(key, last_used_at=self.store.get("key_used_at", key.digest))
                for key in self.store.items["key"].values()
                if key.team_id == team_id
            ]
            return sorted(held, key=lambda key: (key.created_at, key.id), reverse=True)

        return self.store.call("keys.of_team", action)

    def revoke(self, team_id: str, key_id: str) -> bool:
        def action() -> bool:
            keys = self.store.items["key"].values()
            found = [key.digest for key in keys if (key.team_id, key.id) == (team_id, key_id)]
            for digest in found:
                self.store.write(("key", digest, None))
            return bool(found)

        return self.store.call("keys.revoke", action)


class FakeKeyUses(_Edge):
    def use(self, digest: str, now: datetime) -> KeyUse | None:
        def action() -> KeyUse | None:
            key: ApiKey | None = self.store.get("key", digest)
            if key is None or (key.expires_at is not None and key.expires_at <= now):
                return None
            mine = int(now.timestamp()) // 60 * 60
            window, used = self.store.get("key_use", digest) or (0, 0)
            window, used = (window, used + 1) if window >= mine else (mine, 1)
            second = now.replace(microsecond=0)
            self.store.write(("key_use", digest, (window, used)), ("key_used_at", digest, second))
            return KeyUse(key.id, key.team_id, key.scopes, used, window + 60)

        return self.store.call("key_uses.use", action)


class FakeBuckets(_Edge):
    def count(self, name: str, window: int) -> int:
        def action() -> int:
            used: int = (self.store.get("bucket", (name, window)) or 0) + 1
            self.store.write(("bucket", (name, window), used))
            return used

        return self.store.call("buckets.count", action)


class FakeRequests(_Edge):
    def begin(self, begun: Begun) -> Begun:
        def action() -> Begun:
            stored: Begun | None = self.store.get("request", begun.id)
            if stored is not None and stored.expires_at > int(begun.origin.at.timestamp()):
                return stored
            self.store.write(("request", begun.id, begun))
            return begun

        return self.store.call("requests.begin", action)

    def finish(self, begun: Begun, answer: StoredAnswer) -> StoredAnswer:
        def action() -> StoredAnswer:
            stored: Begun | None = self.store.get("request", begun.id)
            if stored is None or stored.origin.seed != begun.origin.seed:
                return answer
            kept = stored.answer or answer
            self.store.write(("request", begun.id, replace(stored, answer=kept)))
            return kept

        return self.store.call("requests.finish", action)


class FakeTeams(_Edge):
    def create(self, team: Team) -> None:
        self.store.call("teams.create", lambda: self.store.write(("team", team.id, team)))

    def get(self, team_id: str) -> Team | None:
        team: Team | None = self.store.call("teams.get", lambda: self.store.get("team", team_id))
        return team

    def all(self) -> list[Team]:
        return self.store.call("teams.all", lambda: [t for _, t in sorted(self.store.items["team"].items())])


@dataclass
class FakeQueue:
    sent: list[tuple[ProbeJob, int]] = field(default_factory=list)

    def send(self, jobs: Sequence[tuple[ProbeJob, int]]) -> None:
        self.sent += jobs


UP = Outcome(Status.UP, status_code=200, response_ms=20)


@dataclass
class FakeChecks:
    """Scripted answers by monitor id; whatever is not scripted is up. Those in `late` answer only to the
    second `collect`. `on_collect(is_second)` runs first, so that time can pass there."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    on_collect: Callable[[bool], object] = lambda is_second: None
    started: list[list[str]] = field(default_factory=list)
    extras: list[Mapping[int, Mapping[str, Any]]] = field(default_factory=list)
    closed: int = 0

    def start(self, members: Sequence[Member], extras: Mapping[int, Mapping[str, Any]]) -> "FakeCheckRun":
        self.started.append([member.monitor_id for member in members])
        self.extras.append(extras)
        answers = {m.position: self.outcomes.get(m.monitor_id, UP) for m in members}
        late = {m.position for m in members if m.monitor_id in self.late}
        return FakeCheckRun(self, answers, late)


@dataclass
class FakeCheckRun:
    checks: FakeChecks
    answers: dict[int, Outcome]
    late: set[int]

    @property
    def pending(self) -> int:
        return len(self.answers)

    def collect(self, until_seconds: float | None = None) -> dict[int, Outcome]:
        self.checks.on_collect(until_seconds is None)
        held_back = self.late if until_seconds is not None else set()
        return {p: self.answers.pop(p) for p in sorted(self.answers) if p not in held_back}

    def close(self) -> None:
        self.checks.closed += 1


GOOD = CertificateReading(not_after=datetime(2026, 9, 1, tzinfo=UTC), issuer="R11")


@dataclass
class FakeCertificates:
    """Scripted readings by host; whatever is not scripted is good, and None stands for a bug of ours.
    `on_read` runs first."""

    readings: dict[str, CertificateReading | None] = field(default_factory=dict)
    asked: list[dict[int, CertificateTarget]] = field(default_factory=list)
    on_read: Callable[[], object] = lambda: None

    def read(self, targets: Mapping[int, CertificateTarget]) -> Mapping[int, CertificateReading]:
        self.on_read()
        self.asked.append(dict(targets))
        found = {position: self.readings.get(target.host, GOOD) for position, target in targets.items()}
        return {position: reading for position, reading in found.items() if reading is not None}


@dataclass
class FakeAdhoc:
    """Answers every ping alike; None stands for a bug of ours. `asked` holds (kind, spec, extras)."""

    outcome: Outcome | None = UP
    asked: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = field(default_factory=list)

    def ping(self, kind: str, spec: Mapping[str, Any], extras: Mapping[str, Any]) -> Outcome | None:
        self.asked.append((kind, spec, extras))
        return self.outcome


@dataclass
class FakeReference:
    """`asked` counts the questions; `on_ask` runs first."""

    answers: bool = True
    asked: int = 0
    on_ask: Callable[[], object] = lambda: None

    def is_reachable(self) -> bool:
        self.asked += 1
        self.on_ask()
        return self.answers


@dataclass
class FakeMetrics:
    counted: list[tuple[str, datetime]] = field(default_factory=list)

    def count(self, name: str, at: datetime) -> None:
        self.counted.append((name, at))


class FakeDeliveries:
    """Remembers the shards it was asked to have looked at."""

    def __init__(self) -> None:
        self.shards: list[str] = []

    def send(self, shards: Collection[str]) -> None:
        self.shards.extend(shards)


class FakeChannels:
    """Remembers every attempt; `verdict_of` decides, and may raise as a killed process does."""

    def __init__(self) -> None:
        self.attempts: list[tuple[str, Notice]] = []
        self.verdict_of: Callable[[str, Notice], Verdict] = lambda strategy, notice: DELIVERED

    def send(self, wanted: Sequence[tuple[str, Mapping[str, Any], Notice]]) -> list[Verdict]:
        verdicts = []
        for strategy, _, notice in wanted:
            self.attempts.append((strategy, notice))
            verdicts.append(self.verdict_of(strategy, notice))
        return verdicts


@dataclass
class FakeDeps:
    """One container. Two over the same store are two Lambda instances."""

    store: FakeStore = field(default_factory=FakeStore)
    settings: Settings = field(default_factory=Settings)
    at: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    queue: FakeQueue = field(default_factory=FakeQueue)
    checks: FakeChecks = field(default_factory=FakeChecks)
    deliveries: "FakeDeliveries" = field(default_factory=lambda: FakeDeliveries())
    channels: "FakeChannels" = field(default_factory=lambda: FakeChannels())
    adhoc: FakeAdhoc = field(default_factory=FakeAdhoc)
    certificates: FakeCertificates = field(default_factory=FakeCertificates)
    reference: FakeReference = field(default_factory=FakeReference)
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    packs: dict[str, Pack] = field(default_factory=dict)
    saved_texts: dict[TextRef, float] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    counter: "itertools.count[int]" = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        from tests.fake_alerts import FakeAlerts
        from tests.fake_courses import FakeCourses, FakeOutbox
        from tests.fake_heartbeats import (
            FakeBeats,
            FakeCronJobs,
            FakeHeartbeats,
            FakePingKeys,
            FakePushMonitors,
        )
        from tests.fake_maintenance import FakeMaintenance

        self.alerts, self.courses = FakeAlerts(self.store), FakeCourses(self.store)
        self.outbox = FakeOutbox(self.store)
        self.heartbeats, self.beats = FakeHeartbeats(self.store), FakeBeats(self.store)
        self.maintenance = FakeMaintenance(self.store)
        self.cron_jobs, self.ping_keys = FakeCronJobs(self.store), FakePingKeys(self.store)
        self.push_monitors = FakePushMonitors(self.store)
        self.shards, self.states = FakeShards(self.store), FakeStates(self.store)
        self.members, self.ticks = FakeMembers(self.store), FakeTicks(self.store)
        self.monitors, self.teams = FakeMonitors(self.store), FakeTeams(self.store)
        self.keys, self.key_uses = FakeKeys(self.store), FakeKeyUses(self.store)
        self.buckets, self.texts = FakeBuckets(self.store), FakeTexts(self.store)
        self.requests, self.ssl_readings = FakeRequests(self.store), FakeSslStore(self.store)

    def now(self) -> datetime:
        return self.at

    def random_bits(self, count: int) -> int:
        return next(self.counter) % (1 << count)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += timedelta(seconds=seconds)
