"""What must hold at every write of the protocol, and when all is quiet (design, section 3).

I1  transitions: seq counts on by one, each row starts where the last one ended, one incident a time
I2  evidence: a row and an entry tell of a stored result, and slots only go forward
I3  at rest STATE agrees with every monitor's newest stored result
I4  nothing is written for a monitor that is deleted, disabled or elsewhere, and no member outlives it
I5  a pack is never older than its label, and at rest holds exactly the members
I6  a tick never changes, and a monitor has one result a slot
I7  without faults a monitor is checked in its anchor's slot
I8  every write of entries raises the version, and `swept` and positions only grow
I9  at rest registry, limits and locators agree with the monitors
I10 a monitor, its extras, its member and the probe's copy of them change together or not at all
I11 a stored tick refers to stored texts, which outlive it
I12 where changes need confirmation, every write is what the results make of it that its writer saw, in the
    order of their slots, and at rest none is left that would make another; where the results were also
    stored in that order, the transitions are those of who sees all results
I13 a result of a sparse monitor outside its rhythm is noted before it is stored, and its stretch says so
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from chalicelib.domain.confirmation import NO_STREAK, Confirmations, Streak, confirmations_of
from chalicelib.domain.extras import NO_EXTRAS, Extras
from chalicelib.domain.incident import SSL, IncidentChange, OutboxRow
from chalicelib.domain.member import Member, Pack, encode_member, member_of
from chalicelib.domain.monitor import Monitor, Placement
from chalicelib.domain.outcome import Status
from chalicelib.domain.schedule import SPARSE_SLOTS, is_due
from chalicelib.domain.shard import Shard, speed_class_of
from chalicelib.domain.state import Entry, State
from chalicelib.domain.text import TextRef
from chalicelib.domain.tick import Tick, first_run_part
from chalicelib.store.ticks import TICK_TTL
from tests.domain.confirmed import changes
from tests.fakes import DoneChange, FakeStore, locator_of

Place = tuple[str, int]
Told = tuple[Place, int, Status]
"""A stored result: where, of which slot, what."""


class Invariants:
    """Watches a store; `broken` collects (name, what happened)."""

    def __init__(self, store: FakeStore) -> None:
        self.store = store
        self.broken: list[tuple[str, str]] = []
        self.owner: dict[Place, str] = {}
        self.rows: defaultdict[str, list[OutboxRow]] = defaultdict(list)
        self.results: dict[tuple[str, int], tuple[Status, Place, str]] = {}
        self.newest: dict[Place, int] = {}
        self.texts = self.retries = 0
        self.told: list[Told] = []
        self.confirmed = self.compared = 0
        """How many transitions needed more than one result, and how many lives were compared as a whole."""
        self.told_at_query: Callable[[], int] = lambda: len(self.told)
        """How many results were stored when whoever writes now last asked for ticks."""
        self.newest_at_query: Callable[[], Mapping[Place, int]] = dict
        """The newest stored slots when whoever writes now last asked for ticks."""
        self.now: Callable[[], float] = lambda: 0.0
        self._last: dict[str, Entry] = {}
        self._moved: Monitor | None = None
        """As it was before the configuration write under way."""
        self._disturbed: set[str] = set()
        self._seeded: set[str] = set()
        self._members_at: defaultdict[str, dict[int, dict[int, Member]]] = defaultdict(dict)
        store.on_write = self.written

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.broken}

    def written(self, changes: Sequence[DoneChange]) -> None:
        """Members first (they tell whose a position is), STATE after the rows that explain it."""
        for kind, key, old, new in changes:
            if kind[0] == "member" and new is not None:
                self._member((kind[1], key), new)
            elif kind[0] == "tick":
                self._tick(kind[1], old, new)
            elif kind == "outbox" and new is not None and new.kind != SSL:
                self._row(old, new)
            elif kind == "incident" and new is not None:
                self._incident(old, new)
            elif kind == "pack":
                self._pack(key, new)
            elif kind == "monitor" and new is not None:
                self._anchor(old, new)
                if old is not None:
                    self._disturbed.add(new.id)
            elif kind == "shard":
                self._check("I8", old is None or new.last_position >= old.last_position, f"positions {new}")
        self._moved = next((old for kind, _, old, new in changes if kind == "monitor" and old and new), None)
        for kind, key, old, new in changes:
            if kind == "state":
                self._state(key, old, new)
        self._extras(changes)

    def _check(self, name: str, holds: bool, what: str) -> None:
        if not holds:
            self.broken.append((name, what))

    def _monitor(self, monitor_id: str) -> Monitor | None:
        monitor: Monitor | None = self.store.items["monitor"].get(monitor_id)
        return monitor

    def _is_at(self, monitor_id: str | None, place: Place) -> bool:
        monitor = self._monitor(monitor_id or "")
        return monitor is not None and _place(monitor) == place

    def _member(self, place: Place, member: Member) -> None:
        taken = self.owner.setdefault(place, member.monitor_id)
        self._check("I8", taken == member.monitor_id, f"{place} of {taken} given to {member.monitor_id}")
        self._check("I4", self._is_at(member.monitor_id, place), f"zombie member {place} {member}")

    def _anchor(self, old: Monitor | None, new: Monitor) -> None:
        place = new.placement
        is_new = old is None or (old.placement.anchor, _place(old)) != (place.anchor, _place(new))
        if is_new and new.is_enabled:
            self._check("I7", place.anchor > self.now(), f"anchor {place.anchor} set at {self.now()}")

    def _tick(self, shard: str, old: Tick | None, tick: Tick) -> None:
        self._check("I6", old is None, f"tick {shard} {tick.slot} {tick.part} changed")
        for position, outcome in tick.outcomes():
            place = (shard, position)
            monitor_id = self.owner[place]
            key = (monitor_id, tick.slot)
            first = self.results.setdefault(key, (outcome.status, place, tick.part))
            self._check("I6", first[1:] == (place, tick.part), f"{key} in {first} and {place} {tick.part}")
            if tick.slot < self.newest.get(place, 0):
                self._disturbed.add(monitor_id)
            self.newest[place] = max(self.newest.get(place, 0), tick.slot)
            self.told.append((place, tick.slot, outcome.status))
            self._rhythm(monitor_id, place, tick)
            if id := tick.text_id(position):
                self._text(TextRef(shard, position, id), tick)

    def _rhythm(self, monitor_id: str, place: Place, tick: Tick) -> None:
        monitor, seconds = self._monitor(monitor_id), speed_class_of(place[0]).slot_seconds
        if monitor is None or tick.part == first_run_part(place[1]):
            return
        noted = self.store.items["retries", place[0]].get(tick.slot, ())
        for p in monitor.placements:
            ends = tick.slot + 1 if p.to_slot is None else p.to_slot
            is_there = (p.shard, p.position) == place and p.from_slot <= tick.slot < ends
            if is_there and not _is_due(p, tick.slot, seconds):
                self.retries += 1
                is_found = p.interval_seconds < SPARSE_SLOTS * seconds or place[1] in noted
                self._check("I13", p.has_retries and is_found, f"{p} {tick.slot} {noted}")

    def _extras(self, changes: Sequence[DoneChange]) -> None:
        """After a write everything that it touched is looked at, so that no half of it is ever stored."""
        places = {(kind[1], key) for kind, key, _, _ in changes if kind[0] in ("member", "extras")}
        for shard, position in places:
            member: Member | None = self.store.items["member", shard].get(position)
            stored = self.store.items["extras", shard].get(position)
            monitor = self._monitor(member.monitor_id) if member else None
            extras = self._extras_of(monitor) if monitor else NO_EXTRAS
            wanted = (member.extras_rev, extras.as_spec()) if member and member.has_extras else None
            self._check("I10", stored == wanted, f"extras at {shard} {position}: {stored} not {wanted}")

    def _extras_of(self, monitor: Monitor) -> Extras:
        extras: Extras = self.store.items["monitor_extras"].get((monitor.team_id, monitor.id), NO_EXTRAS)
        facts = (extras.header_names, extras.body is not None, extras != NO_EXTRAS)
        told = (monitor.header_names, monitor.has_body, monitor.has_extras)
        self._check("I10", facts == told, f"{monitor.id} tells {told} of {facts}")
        return extras

    def _text(self, ref: TextRef, tick: Tick) -> None:
        stored: tuple[str, datetime] | None = self.store.items["text"].get(ref)
        self.texts += 1
        ends = datetime.fromtimestamp(tick.slot, UTC) + TICK_TTL
        self._check("I11", stored is not None and stored[1] > ends, f"{ref} of {tick.slot} is {stored}")

    def _row(self, old: OutboxRow | None, row: OutboxRow) -> None:
        rows, monitor = self.rows[row.monitor_id], self._monitor(row.monitor_id)
        self._check("I1", old is None, f"row {row} written again")
        self._check("I4", monitor is not None and monitor.is_enabled, f"{row} of a gone or disabled monitor")
        self._check("I1", row.seq == len(rows) + 1, f"{row} after {len(rows)} rows")
        self._check("I1", row.before is not row.after, f"{row} changes nothing")
        if rows:
            self._check("I1", row.before is rows[-1].after, f"{row} after {rows[-1]}")
            self._check("I2", row.slot > rows[-1].slot, f"{row} after {rows[-1]}")
        else:
            self._check("I1", row.before in (None, Status.UP), f"first row {row}")
            self._check("I1", not row.after.is_healthy, f"first row {row}")
        evidence = self.results.get((row.monitor_id, row.slot))
        needed = confirmations_of(monitor.spec) if monitor else Confirmations()
        if evidence is not None and needed.is_needed and row.before is not None:
            is_worse = row.after > row.before
            is_told = evidence[0] >= row.after if is_worse else evidence[0] <= row.after
            self._check("I12", is_told, f"{row} but {evidence}")
            self.confirmed += (needed.worse if is_worse else needed.better) > 1
        else:
            self._check("I2", evidence is not None and evidence[0] is row.after, f"{row} but {evidence}")
        if monitor is not None and not needed.is_needed:
            known = self.newest_at_query().get(_place(monitor), 0)
            self._check("I2", known <= row.slot, f"{row} is history: {known} was stored before the query")
        rows.append(row)

    def _incident(self, old: IncidentChange | None, new: IncidentChange) -> None:
        key = new.monitor_id
        others: list[IncidentChange] = [i for (m, _), i in self.store.items["incident"].items() if m == key]
        others = [i for i in others if i.opened_seq != new.opened_seq]
        self._check("I1", all(i.is_resolving for i in others), f"{new} beside an open incident")
        self._check("I1", old is None or not old.is_resolving, f"{new} after the end")

    def _state(self, shard: str, old: State | None, new: State) -> None:
        before = old or State(0, -1, 0, {})
        if new.config_version != before.config_version:
            members = self.store.items["member", shard]
            self._members_at[shard][new.config_version] = dict(members)
        if new.entries != before.entries:
            self._check("I8", new.version == before.version + 1, f"entries of {shard} without a version")
        self._check("I8", new.swept >= before.swept, f"{shard} swept goes back")
        for position in before.entries.keys() - new.entries.keys():
            is_member = position in self.store.items["member", shard]
            self._check("I4", not is_member, f"entry of member {shard} {position} lost")
        for position, entry in new.entries.items():
            if before.entries.get(position) != entry:
                self._entry((shard, position), entry)

    def _entry(self, place: Place, entry: Entry) -> None:
        monitor_id = self.owner.get(place, "")
        self._check("I4", self._is_at(monitor_id, place), f"entry {place} {entry} of gone {monitor_id}")
        last, rows = self._last.get(monitor_id), self.rows[monitor_id]
        if last:
            self._check("I2", entry.slot >= last.slot, f"{monitor_id} {last} -> {entry}")
            self._check("I1", entry.seq >= last.seq, f"{monitor_id} {last} -> {entry}")
        self._check("I1", entry.seq == len(rows), f"{monitor_id} {entry} with {len(rows)} rows")
        status = rows[-1].after if rows else Status.UP
        self._check("I1", entry.status is status, f"{monitor_id} {entry} after {rows[-1:]}")
        monitor = self._monitor(monitor_id)
        if (monitor_id, entry.slot) not in self.results:
            self._seeded.add(monitor_id)
        elif monitor is not None:
            self._confirm(monitor, place, last, entry)
        self._last[monitor_id] = entry

    def _confirm(self, monitor: Monitor, place: Place, last: Entry | None, entry: Entry) -> None:
        """I12 of one write. Its writer saw all that was stored when it asked, of five slots at least."""
        moved = self._moved
        member = member_of(moved or monitor)
        if not member.confirmations.is_needed:
            is_over = not entry.streak or (
                last is not None and last.streak == entry.streak and moved is not None
            )
            self._check("I12", is_over, f"{monitor.id} {entry} has a streak")
            return
        place = _place(moved) if moved else place
        seen = [told for told in self.told[: self.told_at_query()] if told[0] == place]
        low = self.now() - 4 * speed_class_of(place[0]).slot_seconds
        begins = {0, *(slot + 1 for _, slot, _ in seen if slot < low)}
        most = (last.seq if last else 0) + (moved is None)
        ends = [
            [s for s in standings(member, last, (t for t in seen if t[1] >= begin)) if s.seq <= most][-1:]
            for begin in begins
        ]
        if moved and last:
            ends.append([_standing(last)])
        told = f"{monitor.id} {member.confirmations} {last} -> {entry} of {seen}"
        self._check("I12", [_standing(entry)] in ends, told)

    def _pack(self, shard: str, pack: Pack) -> None:
        now = self.store.items["member", shard]
        later = [m for version, m in self._members_at[shard].items() if version >= pack.config_version]
        for position in pack.members.keys() | now.keys():
            held = pack.members.get(position)
            is_fresh = any(members.get(position) == held for members in (*later, now))
            self._check("I5", is_fresh, f"pack {shard} {pack.config_version}: {held} is older")

    def at_rest(self) -> None:
        """After two runs of every shard that met no fault."""
        items = self.store.items
        monitors: dict[str, Monitor] = items["monitor"]
        for monitor in monitors.values():
            self._monitor_at_rest(monitor)
        self._check("I9", items["locator"] == {i: locator_of(m) for i, m in monitors.items()}, "locators")
        taken = Counter((m.team_id, m.kind) for m in monitors.values())
        self._check("I9", {k: n for k, n in items["limit"].items() if n} == taken, f"limits {items['limit']}")
        own = {(m.team_id, m.id) for m in monitors.values() if m.has_extras}
        self._check("I10", items["monitor_extras"].keys() == own, "extras of management")
        for name, shard in items["shard"].items():
            self._shard_at_rest(name, shard)

    def _monitor_at_rest(self, monitor: Monitor) -> None:
        shard, position = _place(monitor)
        entry: Entry | None = self.store.items["state"][shard].entries.get(position)
        rows = self.rows[monitor.id]
        self._check("I1", (entry.seq if entry else 0) == len(rows), f"{monitor.id} {entry} rows {rows}")
        open_now = {
            seq
            for (m, seq), i in self.store.items["incident"].items()
            if m == monitor.id and not i.is_resolving
        }
        opened = {entry.opened_seq} if entry and entry.opened_seq else set()
        self._check("I1", open_now == opened, f"{monitor.id} {entry} open {open_now}")
        here = [
            (s, r)
            for (m, s), (r, place, _) in self.results.items()
            if (m, place) == (monitor.id, (shard, position))
        ]
        if monitor.is_enabled and here:
            slot, status = max(here)
            agrees = entry is not None and (entry.status is status or slot <= entry.slot)
            member = member_of(monitor)
            if entry is not None and member.confirmations.is_needed:
                left = standings(member, entry, [((shard, position), s, r) for s, r in here])
                agrees = not left or left[-1]._replace(slot=entry.slot) == _standing(entry)
            self._check("I3", agrees, f"{monitor.id} newest {slot} {status!r} STATE {entry}")
            if monitor.id not in self._disturbed and member.confirmations.is_needed:
                self._all_told(monitor, [r for _, r in sorted(here)])

    def _all_told(self, monitor: Monitor, told: Sequence[Status]) -> None:
        """I12 of a monitor's life: one place, one configuration, and results stored in their order."""
        if monitor.id in self._seeded:
            told = [Status.UP, *told]
        needed = member_of(monitor).confirmations
        wanted = changes(told, needed.worse, needed.better)
        rows = [row.after for row in self.rows[monitor.id]]
        self.compared += 1
        self._check("I12", rows == wanted, f"{monitor.id} {needed} {rows} not {wanted} of {told}")

    def _shard_at_rest(self, name: str, shard: Shard) -> None:
        members: dict[int, Member] = self.store.items["member", name]
        monitors: dict[str, Monitor] = self.store.items["monitor"]
        wanted = {m.placement.position: member_of(m) for m in monitors.values() if m.placement.shard == name}
        self._check("I5", members == wanted, f"members of {name}: {members} not {wanted}")
        pack: Pack | None = self.store.items["pack"].get(name)
        self._check("I5", (pack.members if pack else {}) == members, f"pack of {name}: {pack}")
        size = sum(len(encode_member(m)) for m in members.values())
        self._check("I9", (shard.members, shard.bytes) == (len(members), size), f"registry {shard}")
        extras = {p: rev for p, (rev, _) in self.store.items["extras", name].items()}
        own = {p: m.extras_rev for p, m in members.items() if m.has_extras}
        self._check("I10", extras == own, f"extras of {name}: {extras} not {own}")


def _is_due(p: Placement, slot: int, seconds: int) -> bool:
    return is_due(slot, anchor=p.anchor, interval_seconds=p.interval_seconds or 1, slot_seconds=seconds)


def _place(monitor: Monitor) -> Place:
    return monitor.placement.shard, monitor.placement.position


class Standing(NamedTuple):
    """What of an entry its results decide."""

    status: Status
    streak: Streak
    slot: int
    seq: int


def standings(member: Member, last: Entry | None, told: Iterable[Told]) -> list[Standing]:
    """After each result that is newer than the entry."""
    found: list[Standing] = []
    now, streak = None, list[Status]()
    slot, seq, needed = 0, 0, member.confirmations
    if last is not None:
        now, slot, seq = last.status, last.slot, last.seq
        streak = [last.streak.status] * last.streak.count
    for _, at, result in sorted(told, key=lambda t: t[1]):
        if at <= slot:
            continue
        if slot < member.enabled_slot <= at:
            streak = []
        before, slot = Status.UP if now is None else now, at
        streak = [s for s in (*streak, result) if (s > before) == (result > before) and result is not before]
        is_worse = result > before
        is_first = now is None and bool(streak)
        now = before
        enough = 1 if is_first else needed.worse if is_worse else needed.better
        if len(streak) >= enough:
            now, seq, streak = (min if is_worse else max)(streak[-enough:]), seq + 1, []
        extreme = min if streak and streak[0] > now else max
        standing = Streak(len(streak), extreme(streak)) if streak else NO_STREAK
        found.append(Standing(now, standing, slot, seq))
    return found


def _standing(entry: Entry) -> Standing:
    return Standing(entry.status, entry.streak, entry.slot, entry.seq)
