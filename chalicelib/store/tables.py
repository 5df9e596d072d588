"""The three tables as PynamoDB models: one class an item kind, one table a lifetime.

    teams   T#<team>      TEAM | MON#<monitor> | EXT#<monitor> | KEY#<slot> | LIMIT#<kind> | GONE#<monitor>
                          | CRON#<job> | PUSH#<monitor>   cron jobs and push monitors
                          | HEAR#<alert>          alerts
                          | MNT#<window>          maintenance windows
                          | PINGKEY               the key that pings by slug
            K#<digest>    K                       the key as the authorizer finds it
            PK#<digest>   K                       a ping key as a ping finds it
            TEAMS         T#<team>                the list of teams
    checks  REG           S#<shard>               registry of shards
            S#<shard>     STATE | PACK | SSL | M#<position> | B#<position> | T#<slot>#<part> | C#<hour>
                          | X#<position>#<id>     text of results
                          | R#<slot>              retries of sparse monitors
            M#<monitor>   L                       locator, of a cron job too
            HB#<part>     <digest>                heartbeats, by the digest of the ping or push token
            J#<owner>     H#<number>              blocks of beats, by the number of the first
                          | W#<nn> | D#<nn>       callers and bodies of the newest hundred
                          | U#<hour>              tallies of known time
            P#<team>      <slug>#<job>            where the cron jobs of a slug lie
            A#<bucket>    W#<window>              requests in a minute (`store/buckets.py`)
            I#<request>   I                       requests with an Idempotency-Key (`store/requests.py`)
    alerts  M#<monitor>   I#<seq>                 incidents
                          | E#<at>#<event>        whose the events about it are
            AL#<alert>    C#<subject>             courses: what it has told of a monitor or a certificate
                          | E#<at>#<event>        its events
                          | HEALTH                how its channel is doing
            OUT#<shard>   <subject>#<seq>         outbox
            DUE#<shard>   <second>#<alert>#<subject>  when to look at a course again

Attribute names are short because every byte of an item is paid for. TTL deletes days late, so readers of
items that expire filter on `ttl` themselves.
"""

from typing import TYPE_CHECKING, Any, cast

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    NumberAttribute,
    NumberSetAttribute,
    UnicodeAttribute,
)
from pynamodb.models import Model

from chalicelib.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TeamItem(Model):
    class Meta:
        table_name = "teams"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="TEAM")
    name = UnicodeAttribute()
    slug = UnicodeAttribute()
    owner_id = UnicodeAttribute()
    owner_email = UnicodeAttribute()
    created_at = NumberAttribute()


class TeamListItem(Model):
    class Meta:
        table_name = "teams"

    pk = UnicodeAttribute(hash_key=True, default="TEAMS")
    sk = UnicodeAttribute(range_key=True)


class MonitorItem(Model):
    class Meta:
        table_name = "teams"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    kind = UnicodeAttribute(attr_name="k")
    name = UnicodeAttribute(attr_name="n")
    spec = UnicodeAttribute(attr_name="s")
    interval_seconds = NumberAttribute(attr_name="iv")
    timeout_seconds = NumberAttribute(attr_name="to")
    is_enabled = BooleanAttribute(attr_name="on")
    is_public = BooleanAttribute(attr_name="pub")
    enabled_at = NumberAttribute(attr_name="en", null=True)
    created_at = NumberAttribute(attr_name="cr")
    updated_at = NumberAttribute(attr_name="up")
    rev = NumberAttribute(attr_name="r")
    token = UnicodeAttribute(attr_name="t")
    placements = UnicodeAttribute(attr_name="pl")
    header_names = UnicodeAttribute(attr_name="hn", null=True)
    has_body = BooleanAttribute(attr_name="hb", null=True)
    extras_rev = NumberAttribute(attr_name="x", null=True)


class MonitorExtrasItem(Model):
    """A monitor's extras as its team manages them; its own sort key keeps them out of every list."""

    class Meta:
        table_name = "teams"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    data = BinaryAttribute(attr_name="d", legacy_encoding=False)


class LeftoverItem(Model):
    """A deletion that still owes the removal of incidents and outbox rows."""

    class Meta:
        table_name = "teams"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    shards = UnicodeAttribute(attr_name="sh")


class LimitItem(Model):
    """How many of a kind a team has; the transaction that adds one carries the limit as a condition."""

    class Meta:
        table_name = "teams"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    taken = NumberAttribute(attr_name="c", default=0)


class CronJobItem(Model):
    class Meta:
        table_name = "teams"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    name = UnicodeAttribute(attr_name="n")
    description = UnicodeAttribute(attr_name="d", null=True)
    slug = UnicodeAttribute(attr_name="sl", null=True)
    rules = UnicodeAttribute(attr_name="ru")
    ping_token = UnicodeAttribute(attr_name="pt")
    alert_on_late = BooleanAttribute(attr_name="al")
    is_public = BooleanAttribute(attr_name="pub")
    enabled_at = NumberAttribute(attr_name="en", null=True)
    created_at = NumberAttribute(attr_name="cr")
    updated_at = NumberAttribute(attr_name="up")
    rev = NumberAttribute(attr_name="r")
    token = UnicodeAttribute(attr_name="t")


class PushMonitorItem(Model):
    class Meta:
        table_name = "teams"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    name = UnicodeAttribute(attr_name="n")
    rules = UnicodeAttribute(attr_name="ru")
    push_token = UnicodeAttribute(attr_name="pt")
    partitions = UnicodeAttribute(attr_name="hb")
    is_public = BooleanAttribute(attr_name="pub")
    enabled_at = NumberAttribute(attr_name="en", null=True)
    created_at = NumberAttribute(attr_name="cr")
    updated_at = NumberAttribute(attr_name="up")
    rev = NumberAttribute(attr_name="r")
    token = UnicodeAttribute(attr_name="t")


class MaintenanceItem(Model):
    """Attribute names that no neighbour has: a list reads the items between `GONE#` and these, alerts too."""

    class Meta:
        table_name = "teams"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    name = UnicodeAttribute(attr_name="wn")
    monitor_id = UnicodeAttribute(attr_name="wm", null=True)
    starts_at = NumberAttribute(attr_name="ws")
    ends_at = NumberAttribute(attr_name="we")
    ended_early_at = NumberAttribute(attr_name="wx", null=True)
    is_silencing = BooleanAttribute(attr_name="wq")
    is_on_pages = BooleanAttribute(attr_name="wp")
    created_at = NumberAttribute(attr_name="wc")
    updated_at = NumberAttribute(attr_name="wu")
    rev = NumberAttribute(attr_name="wr")
    token = UnicodeAttribute(attr_name="wt")


class AlertItem(Model):
    """Attribute names that no neighbour has, as those of windows."""

    class Meta:
        table_name = "teams"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    name = UnicodeAttribute(attr_name="an")
    strategy = UnicodeAttribute(attr_name="as")
    config = UnicodeAttribute(attr_name="ac")
    monitor_id = UnicodeAttribute(attr_name="am", null=True)
    notifies_on_recovery = BooleanAttribute(attr_name="ar")
    cooldown_minutes = NumberAttribute(attr_name="ad")
    flapping_after = NumberAttribute(attr_name="af", null=True)
    created_at = NumberAttribute(attr_name="ab")
    updated_at = NumberAttribute(attr_name="au")
    rev = NumberAttribute(attr_name="av")
    token = UnicodeAttribute(attr_name="at")


class PingKeyItem(Model):
    """A team's ping key, which its members may read again."""

    class Meta:
        table_name = "teams"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="PINGKEY")
    ping_key = UnicodeAttribute(attr_name="v")


class PingKeyTeamItem(Model):
    """Whose a ping key is."""

    class Meta:
        table_name = "teams"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="K")
    team = UnicodeAttribute(attr_name="t")


class KeySlotItem(Model):
    """One of a team's ten key slots; the list of keys is the list of taken slots."""

    class Meta:
        table_name = "teams"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    id = UnicodeAttribute()
    name = UnicodeAttribute()
    digest = UnicodeAttribute()
    prefix = UnicodeAttribute()
    scopes = UnicodeAttribute()
    created_at = NumberAttribute()
    expires_at = NumberAttribute(null=True)
    created_by = UnicodeAttribute(null=True)


class KeyItem(Model):
    """A key as a request finds it. `store/key_uses.py` reads and writes it without PynamoDB."""

    class Meta:
        table_name = "teams"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="K")
    id = UnicodeAttribute()
    team = UnicodeAttribute()
    scopes = UnicodeAttribute()
    is_disabled = BooleanAttribute(attr_name="dis", default=False)
    expires_at = NumberAttribute(attr_name="exp", null=True)
    window = NumberAttribute(attr_name="w", default=0)
    used = NumberAttribute(attr_name="n", default=0)
    last_used_at = NumberAttribute(attr_name="lu", null=True)


class ShardItem(Model):
    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True, default="REG")
    sk = UnicodeAttribute(range_key=True)
    team = UnicodeAttribute(attr_name="t")
    members = NumberAttribute(attr_name="m", default=0)
    bytes = NumberAttribute(attr_name="b", default=0)
    last_position = NumberAttribute(attr_name="next", default=0)


class StateItem(Model):
    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="STATE")
    version = NumberAttribute(attr_name="v", default=0)
    config_version = NumberAttribute(attr_name="c", default=0)
    swept = NumberAttribute(attr_name="w")
    entries = BinaryAttribute(attr_name="e", legacy_encoding=False, default=b"")


class PackItem(Model):
    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="PACK")
    config_version = NumberAttribute(attr_name="c")
    data = BinaryAttribute(attr_name="d", legacy_encoding=False)


class MemberItem(Model):
    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    data = BinaryAttribute(attr_name="d", legacy_encoding=False)


class ExtrasItem(Model):
    """A monitor's extras as its check is given them; `rev` is the `extras_rev` of their member."""

    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    rev = NumberAttribute(attr_name="r")
    data = BinaryAttribute(attr_name="d", legacy_encoding=False)


class TickItem(Model):
    """Put by the plain client (`store/ticks.py`): PynamoDB cannot return the item a condition met."""

    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    data = BinaryAttribute(attr_name="d", legacy_encoding=False)
    ttl = NumberAttribute()


class CountsItem(Model):
    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    upto = NumberAttribute(attr_name="u")
    data = BinaryAttribute(attr_name="d", legacy_encoding=False)
    ttl = NumberAttribute()


class RetriesItem(Model):
    """Positions that a run checked outside their rhythm."""

    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    positions = NumberSetAttribute(attr_name="p")
    ttl = NumberAttribute()


class TextItem(Model):
    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    data = BinaryAttribute(attr_name="d", legacy_encoding=False)
    ttl = NumberAttribute()


class SslItem(Model):
    """The shard's certificates as they were last read."""

    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="SSL")
    version = NumberAttribute(attr_name="v")
    data = BinaryAttribute(attr_name="d", legacy_encoding=False)


class LocatorItem(Model):
    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="L")
    team = UnicodeAttribute(attr_name="t")
    kind = UnicodeAttribute(attr_name="k")
    is_public = BooleanAttribute(attr_name="pub")
    is_enabled = BooleanAttribute(attr_name="on")
    placements = UnicodeAttribute(attr_name="pl")
    place = UnicodeAttribute(attr_name="p", null=True)


class HeartbeatItem(Model):
    """Put by the plain client (`store/heartbeats.py`) where it changes alone: every ping does."""

    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    id = UnicodeAttribute(attr_name="i")
    team = UnicodeAttribute(attr_name="t")
    kind = UnicodeAttribute(attr_name="k")
    rules = UnicodeAttribute(attr_name="r")
    pulse = UnicodeAttribute(attr_name="p")
    version = NumberAttribute(attr_name="v")
    beats = NumberAttribute(attr_name="c")
    recent = BinaryAttribute(attr_name="b", legacy_encoding=False)


class BlockItem(Model):
    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    data = BinaryAttribute(attr_name="d", legacy_encoding=False)
    ttl = NumberAttribute()


class CallerItem(Model):
    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    number = NumberAttribute(attr_name="n")
    data = UnicodeAttribute(attr_name="d")
    ttl = NumberAttribute()


class BodyItem(Model):
    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    number = NumberAttribute(attr_name="n")
    data = BinaryAttribute(attr_name="d", legacy_encoding=False)
    ttl = NumberAttribute()


class TallyItem(Model):
    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    up_ms = NumberAttribute(attr_name="u")
    known_ms = NumberAttribute(attr_name="k")
    ttl = NumberAttribute()


class SlugItem(Model):
    """Points from a slug to a heartbeat."""

    class Meta:
        table_name = "checks"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    place = UnicodeAttribute(attr_name="p")


class IncidentItem(Model):
    class Meta:
        table_name = "alerts"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    team = UnicodeAttribute(attr_name="t")
    opened_at = NumberAttribute(attr_name="o")
    resolved_at = NumberAttribute(attr_name="re", null=True)
    status = NumberAttribute(attr_name="st")
    reason = NumberAttribute(attr_name="rs")
    status_code = NumberAttribute(attr_name="sc")
    ttl = NumberAttribute(null=True)


class OutboxItem(Model):
    class Meta:
        table_name = "alerts"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    team = UnicodeAttribute(attr_name="t")
    kind = UnicodeAttribute(attr_name="k")
    opened_seq = NumberAttribute(attr_name="op")
    before = NumberAttribute(attr_name="b", null=True)
    after = NumberAttribute(attr_name="a")
    slot = NumberAttribute(attr_name="s")
    at = NumberAttribute()
    reason = NumberAttribute(attr_name="rs")
    status_code = NumberAttribute(attr_name="sc")
    response_ms = NumberAttribute(attr_name="ms")
    ttl = NumberAttribute()


class CourseItem(Model):
    class Meta:
        table_name = "alerts"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    version = NumberAttribute(attr_name="v")
    data = UnicodeAttribute(attr_name="d")
    ttl = NumberAttribute(null=True)


class LookItem(Model):
    """Says with its key when to look at which course again, and nothing else."""

    class Meta:
        table_name = "alerts"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)


class EventItem(Model):
    class Meta:
        table_name = "alerts"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    data = UnicodeAttribute(attr_name="d")
    is_skip = BooleanAttribute(attr_name="k")
    ttl = NumberAttribute()


class EventPointerItem(Model):
    """Whose an event about a monitor is."""

    class Meta:
        table_name = "alerts"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    alert_id = UnicodeAttribute(attr_name="a")
    is_skip = BooleanAttribute(attr_name="k")
    ttl = NumberAttribute()


class HealthItem(Model):
    """Of an alert's channel; absent while it is fine."""

    class Meta:
        table_name = "alerts"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="HEALTH")
    failures = NumberAttribute(attr_name="f")
    failing_since = NumberAttribute(attr_name="s", null=True)
    disabled_at = NumberAttribute(attr_name="x", null=True)
    problem = UnicodeAttribute(attr_name="p")


TEAMS: tuple[type[Model], ...] = (
    TeamItem,
    TeamListItem,
    MonitorItem,
    MonitorExtrasItem,
    LeftoverItem,
    LimitItem,
    CronJobItem,
    PushMonitorItem,
    MaintenanceItem,
    AlertItem,
    PingKeyItem,
    PingKeyTeamItem,
    KeySlotItem,
    KeyItem,
)
CHECKS: tuple[type[Model], ...] = (
    ShardItem,
    StateItem,
    PackItem,
    MemberItem,
    ExtrasItem,
    TickItem,
    CountsItem,
    RetriesItem,
    TextItem,
    SslItem,
    LocatorItem,
    HeartbeatItem,
    BlockItem,
    CallerItem,
    BodyItem,
    TallyItem,
    SlugItem,
)
ALERTS: tuple[type[Model], ...] = (
    IncidentItem,
    OutboxItem,
    CourseItem,
    LookItem,
    EventItem,
    EventPointerItem,
    HealthItem,
)


def bind(settings: Settings, client: "DynamoDBClient") -> None:
    """Point every model at the deployment's tables and at the process's one client.

    PynamoDB reads `Meta` at class definition and would make a client (45 ms) per class; its connections
    are made here once and handed ours.
    """
    for models, name in (
        (TEAMS, settings.teams_table),
        (CHECKS, settings.checks_table),
        (ALERTS, settings.alerts_table),
    ):
        for model in models:
            model.Meta.table_name = name
            model.Meta.region = settings.aws_region
            model._connection = None
            model._get_connection().connection._client = cast(Any, client)


def create_tables(settings: Settings, client: "DynamoDBClient") -> None:
    """Make missing tables: the local engine's and the tests'. Deployed, the template makes them."""
    pages = client.get_paginator("list_tables").paginate()
    existing = {name for page in pages for name in page["TableNames"]}
    for name in (settings.teams_table, settings.checks_table, settings.alerts_table):
        if name in existing:
            continue
        client.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
