"""The edges that services are given, as protocols. `wiring` builds the real ones, tests the fakes.

Losing a race is a return value here; an exception is a storage failure that nobody expected.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.domain.api_key import ApiKey, KeyUse
from chalicelib.domain.counts import Counts
from chalicelib.domain.extras import Extras
from chalicelib.domain.idempotency import Begun, StoredAnswer
from chalicelib.domain.job import ProbeJob
from chalicelib.domain.member import Member, Pack
from chalicelib.domain.monitor import Leftover, Locator, Monitor, Spec
from chalicelib.domain.monitor_write import MonitorWrite, Written
from chalicelib.domain.outcome import Outcome
from chalicelib.domain.shard import Shard
from chalicelib.domain.state import Entry, State, Transition
from chalicelib.domain.team import Team
from chalicelib.domain.text import TextRef
from chalicelib.domain.tick import Tick
from chalicelib.settings import Settings

if TYPE_CHECKING:  # the authorizer imports this module, and has no use for these
    from chalicelib.domain.alarm import Turn
    from chalicelib.domain.alert import Alert, Health
    from chalicelib.domain.alert_event import AlertEvent
    from chalicelib.domain.beat import Beat
    from chalicelib.domain.certificate import CertificateReading
    from chalicelib.domain.course import Course
    from chalicelib.domain.cron_job import CronJob, CronJobWrite
    from chalicelib.domain.heartbeat import Caller, Heartbeat, Place
    from chalicelib.domain.incident import OutboxRow
    from chalicelib.domain.known_time import Tally
    from chalicelib.domain.maintenance import Window
    from chalicelib.domain.message import Verdict
    from chalicelib.domain.notice import Notice
    from chalicelib.domain.push_monitor import PushMonitor, PushMonitorWrite
    from chalicelib.domain.ssl_readings import CertificateTarget, SslReading, SslReadings


class Shards(Protocol):
    """The registry of shards."""

    def all(self) -> list[Shard]: ...
    def get(self, shard: str) -> Shard | None: ...
    def create(self, shard: Shard, swept: int) -> bool:
        """Registry entry and empty STATE in one transaction; False if the id is taken."""

    def take_position(self, shard: str) -> int | None:
        """The next position, never given twice; None when the shard has given them all."""


class States(Protocol):
    """STATE of a shard."""

    def get(self, shard: str, *, consistent: bool) -> State | None: ...
    def commit(
        self,
        shard: str,
        read: State,
        entries: Mapping[int, Entry],
        swept: int,
        transitions: Sequence[Transition],
    ) -> bool:
        """ONE transaction: STATE on (version, config_version) as read, and for each transition its
        incident and its outbox row. False when the condition was lost. Raises Contended."""


class Members(Protocol):
    """Members, their extras, and the pack that caches them."""

    def all(self, shard: str) -> dict[int, Member]:
        """Strongly consistent."""

    def extras(self, shard: str, revs: Mapping[int, int], *, consistent: bool) -> dict[int, Spec]:
        """Of these positions, those whose extras are stored under this `extras_rev`."""

    def pack(self, shard: str) -> Pack | None:
        """Eventually consistent."""

    def save_pack(self, shard: str, pack: Pack) -> None:
        """Only over an older pack; losing is of no interest to anybody."""


class Ticks(Protocol):
    """Tick items, and the cumulative counts made from them."""

    def put(self, shard: str, tick: Tick) -> Tick:
        """Put if absent. Returns what is stored: this tick, or the one that was first (adopt it)."""

    def is_overtaken(self, shard: str, slot: int) -> bool:
        """Whether a main tick of a newer slot is stored. Eventually consistent."""

    def since(self, shard: str, slot: int, *, consistent: bool, until_slot: int | None = None) -> list[Tick]:
        """Every tick item of slots >= `slot` (and < `until_slot`), oldest first."""

    def newest(self, shard: str, limit: int, *, consistent: bool) -> list[Tick]:
        """The `limit` newest tick items, newest first."""

    def pick(
        self, shard: str, parts: Iterable[tuple[int, str]], *, consistent: bool
    ) -> dict[tuple[int, str], Tick]:
        """The tick items of these (slot, part); absent ones are absent."""

    def note_retries(self, shard: str, slot: int, positions: Collection[int]) -> None:
        """Note that these are checked outside their rhythm; adds to what is noted of the slot."""

    def retried(self, shard: str, position: int, from_slot: int, to_slot: int) -> list[int]:
        """The slots in [from_slot, to_slot) noted for a position, oldest first. Eventually consistent."""

    def counts(self, shard: str, not_after_hour: int | None = None) -> Counts | None:
        """The newest cumulative counts (of an hour index not after the one given)."""

    def save_counts(self, shard: str, hour: int, counts: Counts) -> None: ...


class Texts(Protocol):
    """Texts of results, each stored once and referred to by ticks."""

    def save(self, texts: Mapping[TextRef, str], now: datetime) -> None:
        """Afterwards each is stored and has at least `LEAST_LIFE` to live. Those that are and have, are only
        read. What a text's reference says never changes, so losing a race is of no interest to anybody."""

    def pick(self, refs: Iterable[TextRef], *, consistent: bool) -> dict[TextRef, str]:
        """These texts; absent ones are absent."""


class SslStore(Protocol):
    """Certificates as they were last read."""

    def get(self, shard: str, *, consistent: bool) -> "SslReadings":
        """Version 0 when there is nothing."""

    def save(
        self,
        shard: str,
        read: "SslReadings",
        readings: Mapping[int, "SslReading"],
        rows: "Sequence[OutboxRow]" = (),
    ) -> bool:
        """In the place of what was read, with these rows in the same transaction; False when that is no
        longer stored. Raises Contended."""


class Monitors(Protocol):
    """Monitors of a team."""

    def get(self, team_id: str, monitor_id: str, *, consistent: bool) -> Monitor | None: ...
    def extras(self, team_id: str, monitor_id: str) -> Extras:
        """Strongly consistent. Empty for a monitor that has none, or is not there."""

    def of_team(self, team_id: str, kind: str) -> list[Monitor]:
        """Newest `created_at` first."""

    def write(self, change: MonitorWrite, limit: int) -> Written:
        """Apply a change atomically, on `rev` as read (or absence). `limit` is the team's, on a create.
        Raises Contended."""

    def leftovers(self, team_id: str) -> list[Leftover]:
        """The team's deletions whose incidents and outbox rows are still there. Every delete notes its own
        in its transaction, so that none is lost when the process ends after it."""

    def forget(self, leftover: Leftover) -> None:
        """Remove what a deleted monitor left outside its transaction, and then the note of it."""

    def locator(self, monitor_id: str) -> Locator | None: ...


class Heartbeats(Protocol):
    """The items that pings change and deadlines are judged by, of every kind."""

    def get(self, place: "Place", *, consistent: bool) -> "Heartbeat[Any, Any] | None": ...
    def of_partition(self, partition: int) -> "Iterable[Heartbeat[Any, Any]]":
        """Eventually consistent."""

    def of_places(self, places: "Iterable[Place]") -> "dict[Place, Heartbeat[Any, Any]]":
        """Absent ones are absent. Eventually consistent."""

    def save(self, heartbeat: "Heartbeat[Any, Any]", turn: "Turn | None") -> bool:
        """Put it over the version before its own, with the incident and the outbox row of its turn in the
        same transaction. False when that version is not stored. Raises Contended."""


class Beats(Protocol):
    """The history of beats, by owner and number."""

    def put_block(self, owner_id: str, first: int, beats: "Sequence[Beat]") -> None:
        """The beats from this number on, for a year. Kept unless a block as long begins there: beats never
        change. Raises Contended."""

    def blocks(self, owner_id: str, until: int, now: datetime) -> "Iterable[tuple[int, Sequence[Beat]]]":
        """(number of the first, beats) of the blocks that begin at `until` or before, newest first, strongly
        consistent, read as they are asked for."""

    def oldest(self, owner_id: str, now: datetime) -> "tuple[int, Sequence[Beat]] | None":
        """The oldest block that has not expired."""

    def keep_caller(self, owner_id: str, number: int, caller: "Caller", now: datetime) -> None:
        """For 30 days, of the newest 100 beats: each takes the place of the one 100 before it."""

    def callers(self, owner_id: str, numbers: Iterable[int], now: datetime) -> "dict[int, Caller]":
        """Eventually consistent."""

    def keep_body(self, owner_id: str, number: int, body: bytes, now: datetime) -> None:
        """Compressed, of the newest 100 beats."""

    def body(self, owner_id: str, number: int, now: datetime) -> bytes | None: ...
    def bodies(self, wanted: Iterable[tuple[str, int]], now: datetime) -> dict[tuple[str, int], bytes]:
        """By owner and number; absent ones are absent."""

    def put_tally(self, owner_id: str, hour: int, tally: "Tally") -> None:
        """The known time as it was in this hour of the epoch, for 32 days; put if absent. Raises
        Contended."""

    def tallies(self, wanted: Iterable[tuple[str, int]], now: datetime) -> "dict[tuple[str, int], Tally]":
        """By owner and hour; absent ones are absent. Eventually consistent."""

    def nearest_tally(self, owner_id: str, hour: int, now: datetime) -> "Tally | None":
        """The first of this hour or later, else the last before it. Eventually consistent."""

    def forget(self, owner_id: str) -> None:
        """Remove everything of an owner that is gone."""


class CronJobs(Protocol):
    """Cron jobs of a team."""

    def get(self, team_id: str, job_id: str, *, consistent: bool) -> "CronJob | None": ...
    def of_team(self, team_id: str) -> "list[CronJob]":
        """Newest `created_at` first."""

    def write(self, change: "CronJobWrite", limit: int) -> Written:
        """Apply a change atomically, on `rev` and on the heartbeat's version as read (or absence). `limit`
        is the team's, on a create. A delete notes what it leaves behind (`Monitors.leftovers`). Raises
        Contended."""

    def with_slug(self, team_id: str, slug: str) -> "list[Place]":
        """Where the jobs of this slug lie, at most two; strongly consistent."""


class PushMonitors(Protocol):
    """Push monitors of a team."""

    def get(self, team_id: str, monitor_id: str, *, consistent: bool) -> "PushMonitor | None": ...
    def of_team(self, team_id: str) -> "list[PushMonitor]":
        """Newest `created_at` first."""

    def write(self, change: "PushMonitorWrite", limit: int) -> Written:
        """As `CronJobs.write` does. LOST also when another has the new token."""


class PingKeys(Protocol):
    """A team's ping key, with which its jobs may be pinged by slug."""

    def of_team(self, team_id: str) -> str | None:
        """Strongly consistent."""

    def team_of(self, ping_key: str) -> str | None: ...
    def replace(self, team_id: str, before: str | None, after: str) -> bool:
        """False when `before` is not the team's key any more. Raises Contended."""


class Maintenance(Protocol):
    """Maintenance windows of a team."""

    def get(self, team_id: str, window_id: str) -> "Window | None":
        """Strongly consistent. Also one whose monitor is gone, until `forget_monitor`."""

    def of_team(self, team_id: str, *, consistent: bool) -> "list[Window]":
        """Newest `created_at` first; none whose monitor is gone."""

    def write(self, before: "Window | None", after: "Window | None") -> bool:
        """Create, change or delete, atomically, on `rev` as read (or absence), and on the monitor that it
        is newly bound to. False when either is not there. Raises Contended."""

    def forget_monitor(self, team_id: str, monitor_id: str) -> None:
        """Remove every window that is bound to a monitor that is gone."""


class Alerts(Protocol):
    """Alerts of a team."""

    def get(self, team_id: str, alert_id: str) -> "Alert | None":
        """Strongly consistent. Also one whose monitor is gone, until `forget_monitor`."""

    def of_team(self, team_id: str, *, consistent: bool) -> "list[Alert]":
        """Newest `created_at` first; none whose monitor is gone."""

    def write(self, before: "Alert | None", after: "Alert | None", limit: int) -> Written:
        """Create, change or delete, atomically, on `rev` as read (or absence), and on the monitor that it is
        newly bound to. `limit` is the team's, on a create. A delete notes what it leaves behind
        (`Monitors.leftovers`). Raises Contended."""

    def forget_monitor(self, team_id: str, monitor_id: str) -> None:
        """Delete every alert that is bound to a monitor that is gone, as `write` does."""


class Outbox(Protocol):
    """The rows that transitions leave, until all who are to hear of them have."""

    def of_shard(self, shard: str, limit: int, after: "OutboxRow | None" = None) -> "list[OutboxRow]":
        """Strongly consistent, by subject and then by seq; those that come after one, or all."""

    def remove(self, rows: "Iterable[OutboxRow]") -> None: ...
    def is_anything_due(self, shard: str, now: datetime) -> bool:
        """Whether there is any row, or any course to look at by now. Eventually consistent, 1 RRU at most
        when there is nothing."""


class Courses(Protocol):
    """What alerts have told about monitors, the records of it, and when to look again."""

    def get(self, alert_id: str, subject: str) -> "Course | None":
        """Strongly consistent."""

    def of_alert(self, alert_id: str) -> "list[Course]":
        """Strongly consistent."""

    def due(
        self, shard: str, now: datetime, limit: int, after: tuple[str, str, int] | None = None
    ) -> list[tuple[str, str, int]]:
        """(alert, subject, second) of the courses to look at by now, those of longest ago first; those that
        come after one, or all. Strongly consistent."""

    def save(
        self, before: "Course | None", after: "Course | None", events: "Sequence[AlertEvent]" = ()
    ) -> bool:
        """One transaction: the course on its version as read (or absence), the time of its next look, and
        the records of what it tells. False when that version is not stored. Raises Contended."""

    def drop_look(self, shard: str, alert_id: str, subject: str, second: int) -> None:
        """Remove the note of a look whose course is gone."""

    def events(self, alert_id: str, limit: int, now: datetime, *, with_skipped: bool) -> "list[AlertEvent]":
        """The newest of an alert, newest first."""

    def events_about(
        self, monitor_id: str, limit: int, now: datetime, *, with_skipped: bool
    ) -> "list[AlertEvent]":
        """The newest about a monitor (its certificate's too), newest first; of alerts that are there."""

    def healths(self, alert_ids: Iterable[str]) -> "dict[str, Health]":
        """Those that have a failure to their name; the others are healthy. Eventually consistent."""

    def save_health(self, alert_id: str, health: "Health") -> None: ...
    def forget(self, alert_id: str) -> None:
        """Remove everything of an alert that is gone. Notes of looks go when they are due."""


class Deliveries(Protocol):
    """The queue to the delivery."""

    def send(self, shards: Collection[str]) -> None:
        """Have these shards' outboxes looked at now."""


class Channels(Protocol):
    """Every way to be told."""

    def send(self, wanted: "Sequence[tuple[str, Mapping[str, Any], Notice]]") -> "list[Verdict]":
        """Tell each (strategy, configuration, notice), all at a time; verdicts in their order. A bug of ours
        in one of them is its verdict."""


class KeyUses(Protocol):
    def use(self, digest: str, now: datetime) -> KeyUse | None:
        """Authenticate, count and stamp in one conditional write; None for any key that is not valid."""


class Buckets(Protocol):
    def count(self, name: str, window: int) -> int:
        """Count a request; how many of this bucket there are in this window, this one included."""


class Requests(Protocol):
    """Requests with an Idempotency-Key. Both verbs raise Contended and may be called again."""

    def begin(self, begun: Begun) -> Begun:
        """Put if absent or expired when `begun` began. What is stored: this one, or the one that was first,
        with its answer if it has one."""

    def finish(self, begun: Begun, answer: StoredAnswer) -> StoredAnswer:
        """Keep the first answer of a request; the answer that is kept. `answer` itself when the request is
        no longer stored."""


class Keys(Protocol):
    """Keys as objects of a team."""

    def mint(self, key: ApiKey) -> bool:
        """Store a key in a free one of the team's ten slots; False when none is free."""

    def of_team(self, team_id: str) -> list[ApiKey]:
        """Newest `created_at` first, each with its last use."""

    def revoke(self, team_id: str, key_id: str) -> bool:
        """Remove a key, refused from the next request on; False when the team has no such key."""


class Teams(Protocol):
    def create(self, team: Team) -> None: ...
    def get(self, team_id: str) -> Team | None: ...
    def all(self) -> list[Team]: ...


class Queue(Protocol):
    def send(self, jobs: Sequence[tuple[ProbeJob, int]]) -> None:
        """Hand over jobs, each with its delay in seconds (0 to 900)."""


class CheckRun(Protocol):
    """Checks under way; answers come out judged."""

    @property
    def pending(self) -> int: ...
    def collect(self, until_seconds: float | None = None) -> dict[int, Outcome]:
        """Run until every check has ended or the run is that old; what arrived since the last call."""

    def close(self) -> None: ...


class Checks(Protocol):
    def start(self, members: Sequence[Member], extras: Mapping[int, Mapping[str, Any]]) -> CheckRun:
        """Start checking, in this order, paced."""


class Certificates(Protocol):
    def read(self, targets: Mapping[int, "CertificateTarget"]) -> Mapping[int, "CertificateReading"]:
        """By the keys of `targets`, paced. One that failed inside our own code is left out."""


class Reference(Protocol):
    """The reference hosts, asked when every check of a run has failed alike."""

    def is_reachable(self) -> bool:
        """Whether we have a network, as far as they can tell. Takes seconds."""


class Metrics(Protocol):
    def count(self, name: str, at: datetime) -> None:
        """Count one, of which an alarm may tell the operator."""


class Adhoc(Protocol):
    def ping(self, kind: str, spec: Mapping[str, Any], extras: Mapping[str, Any]) -> Outcome | None:
        """One check right now, in the function that has no rights. None when it failed inside our code."""


class Deps(Protocol):
    """Everything a service may reach. A container holds one; edges are built on first use."""

    @property
    def settings(self) -> Settings: ...
    def now(self) -> datetime:
        """Aware UTC. Read once per operation."""

    def random_bits(self, count: int) -> int: ...
    def wait(self, seconds: float) -> None:
        """Pause between two tries of a lost race."""

    @property
    def packs(self) -> dict[str, Pack]:
        """Packs kept in the warm container, by shard."""

    @property
    def saved_texts(self) -> dict[TextRef, float]:
        """When the warm container last saw to it that a text is stored, in seconds of the epoch."""

    @property
    def shards(self) -> Shards: ...
    @property
    def states(self) -> States: ...
    @property
    def members(self) -> Members: ...
    @property
    def ticks(self) -> Ticks: ...
    @property
    def texts(self) -> Texts: ...
    @property
    def ssl_readings(self) -> SslStore: ...
    @property
    def monitors(self) -> Monitors: ...
    @property
    def heartbeats(self) -> Heartbeats: ...
    @property
    def beats(self) -> Beats: ...
    @property
    def cron_jobs(self) -> CronJobs: ...
    @property
    def push_monitors(self) -> PushMonitors: ...
    @property
    def maintenance(self) -> Maintenance: ...
    @property
    def alerts(self) -> Alerts: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def courses(self) -> Courses: ...
    @property
    def deliveries(self) -> Deliveries: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def ping_keys(self) -> PingKeys: ...
    @property
    def key_uses(self) -> KeyUses: ...
    @property
    def buckets(self) -> Buckets: ...
    @property
    def requests(self) -> Requests: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def teams(self) -> Teams: ...
    @property
    def queue(self) -> Queue: ...
    @property
    def checks(self) -> Checks: ...
    @property
    def certificates(self) -> Certificates: ...
    @property
    def adhoc(self) -> Adhoc: ...
    @property
    def reference(self) -> Reference: ...
    @property
    def metrics(self) -> Metrics: ...
