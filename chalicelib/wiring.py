"""The only place where edges are built, each on first use, and swapped for tests and the local runner."""

import logging
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, cast

from chalicelib.domain.member import Pack
from chalicelib.domain.text import TextRef
from chalicelib.services.deps import (
    Adhoc,
    Alerts,
    Beats,
    Buckets,
    Certificates,
    Channels,
    Checks,
    Courses,
    CronJobs,
    Deliveries,
    Deps,
    Heartbeats,
    Keys,
    KeyUses,
    Maintenance,
    Members,
    Metrics,
    Monitors,
    Outbox,
    PingKeys,
    PushMonitors,
    Queue,
    Reference,
    Requests,
    Shards,
    SslStore,
    States,
    Teams,
    Texts,
    Ticks,
)
from chalicelib.settings import Settings, from_environment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

    from chalicelib.mailing import Mailer
    from chalicelib.net.engine import Engine


class Edges:
    """The real `Deps`. Heavy modules are imported by the edge that needs them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.packs: dict[str, Pack] = {}
        self.saved_texts: dict[TextRef, float] = {}
        self._is_bound = False

    def now(self) -> datetime:
        return datetime.now(UTC)

    def random_bits(self, count: int) -> int:
        return secrets.randbits(count)

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        from chalicelib.store.client import dynamodb_client

        return dynamodb_client(self.settings)

    def _bind_models(self) -> None:
        from chalicelib.store.tables import bind

        if not self._is_bound:
            bind(self.settings, self.dynamodb)
            self._is_bound = True

    @cached_property
    def key_uses(self) -> KeyUses:
        from chalicelib.store.key_uses import KeyUseStore

        return KeyUseStore(self.settings, self.dynamodb)

    @cached_property
    def buckets(self) -> Buckets:
        from chalicelib.store.buckets import BucketStore

        return BucketStore(self.settings, self.dynamodb)

    @cached_property
    def requests(self) -> Requests:
        from chalicelib.store.requests import RequestStore

        return RequestStore(self.settings, self.dynamodb)

    @cached_property
    def shards(self) -> Shards:
        from chalicelib.store.shards import ShardStore

        self._bind_models()
        return ShardStore()

    @cached_property
    def states(self) -> States:
        from chalicelib.store.states import StateStore

        self._bind_models()
        return StateStore()

    @cached_property
    def members(self) -> Members:
        from chalicelib.store.members import MemberStore

        self._bind_models()
        return MemberStore()

    @cached_property
    def ticks(self) -> Ticks:
        from chalicelib.store.ticks import TickStore

        self._bind_models()
        return TickStore(self.settings, self.dynamodb)

    @cached_property
    def texts(self) -> Texts:
        from chalicelib.store.texts import TextStore

        self._bind_models()
        return TextStore()

    @cached_property
    def ssl_readings(self) -> SslStore:
        from chalicelib.store.ssl_readings import SslReadingStore

        self._bind_models()
        return SslReadingStore()

    @cached_property
    def monitors(self) -> Monitors:
        from chalicelib.store.monitors import MonitorStore

        self._bind_models()
        return MonitorStore()

    @cached_property
    def heartbeats(self) -> Heartbeats:
        from chalicelib.store.heartbeats import HeartbeatStore

        self._bind_models()
        return HeartbeatStore(self.settings, self.dynamodb)

    @cached_property
    def beats(self) -> Beats:
        from chalicelib.store.beats import BeatStore

        self._bind_models()
        return BeatStore(self.settings, self.dynamodb)

    @cached_property
    def cron_jobs(self) -> CronJobs:
        from chalicelib.store.cron_jobs import CronJobStore

        self._bind_models()
        return CronJobStore()

    @cached_property
    def push_monitors(self) -> PushMonitors:
        from chalicelib.store.push_monitors import PushMonitorStore

        self._bind_models()
        return PushMonitorStore()

    @cached_property
    def maintenance(self) -> Maintenance:
        from chalicelib.store.maintenance import MaintenanceStore

        self._bind_models()
        return MaintenanceStore()

    @cached_property
    def alerts(self) -> Alerts:
        from chalicelib.store.alerts import AlertStore

        self._bind_models()
        return AlertStore()

    @cached_property
    def outbox(self) -> Outbox:
        from chalicelib.store.outbox import OutboxStore

        self._bind_models()
        return OutboxStore()

    @cached_property
    def courses(self) -> Courses:
        from chalicelib.store.courses import CourseStore

        self._bind_models()
        return CourseStore()

    @cached_property
    def ping_keys(self) -> PingKeys:
        from chalicelib.store.ping_keys import PingKeyStore

        self._bind_models()
        return PingKeyStore()

    @cached_property
    def keys(self) -> Keys:
        from chalicelib.store.keys import KeyStore

        self._bind_models()
        return KeyStore()

    @cached_property
    def teams(self) -> Teams:
        from chalicelib.store.teams import TeamStore

        self._bind_models()
        return TeamStore()

    @cached_property
    def queue(self) -> Queue:
        from chalicelib.queues import SqsQueue

        return SqsQueue(self._sqs, self.settings.probe_queue_url)

    @cached_property
    def deliveries(self) -> Deliveries:
        from chalicelib.queues import SqsDeliveries

        return SqsDeliveries(self._sqs, self.settings.delivery_queue_url)

    @cached_property
    def channels(self) -> Channels:
        from chalicelib.channels.sender import Sender
        from chalicelib.net.post import Poster

        at_once = replace(self.settings, starts_per_second=None)
        return Sender(Poster(self.build_engine(at_once)), self.mailer)

    @cached_property
    def mailer(self) -> "Mailer":
        from chalicelib.mailing import mailer

        return mailer(self.settings)

    @cached_property
    def _sqs(self) -> "SQSClient":
        import botocore.session
        from botocore.config import Config

        # A ping that turns an alarm waits for it, and the minute's runs make good what is not sent.
        patience = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 3})
        session = botocore.session.get_session()
        client = session.create_client("sqs", region_name=self.settings.aws_region, config=patience)
        return cast("SQSClient", client)

    @cached_property
    def adhoc(self) -> Adhoc:
        import botocore.session
        from botocore.config import Config

        from chalicelib.invocation import LambdaAdhoc

        patience = Config(read_timeout=28, retries={"total_max_attempts": 1})  # a ping is not made twice
        session = botocore.session.get_session()
        client = session.create_client("lambda", region_name=self.settings.aws_region, config=patience)
        return LambdaAdhoc(cast("LambdaClient", client), self.settings.adhoc_function)

    @cached_property
    def checks(self) -> Checks:
        return self.build_checks(self.settings)

    @cached_property
    def certificates(self) -> Certificates:
        from chalicelib.checkers.certificate import CertificateReader

        return CertificateReader(self.build_engine(self.settings))

    @cached_property
    def reference(self) -> Reference:
        from chalicelib.checkers.reference import ReferenceHosts

        at_once = replace(self.settings, starts_per_second=None)
        return ReferenceHosts(self.build_engine(at_once), self.settings.reference_hosts)

    @cached_property
    def metrics(self) -> Metrics:
        from chalicelib.metrics import PrintedMetrics

        return PrintedMetrics(self.settings.function_name)

    @classmethod
    def build_checks(cls, settings: Settings) -> Checks:
        from chalicelib.checkers.runner import CheckRunner

        return CheckRunner(cls.build_engine(settings))

    @staticmethod
    def build_engine(settings: Settings) -> "Engine":
        from chalicelib.net.engine import Engine, EngineOptions
        from chalicelib.net.policy import Policy, parse_allowances

        options = EngineOptions(
            policy=Policy(parse_allowances(settings.egress_allow)),
            nameserver=settings.dns_server,
            ca_file=settings.ca_file,
            starts_per_second=settings.starts_per_second,
        )
        return Engine(options)


_current: Deps | None = None


def deps() -> Deps:
    """This container's edges, from the environment on first use."""
    global _current
    if _current is None:
        logging.getLogger("chalicelib").setLevel(logging.INFO)
        _current = Edges(from_environment(environment()))
    return _current


def environment() -> Mapping[str, str]:
    """For `settings` to read: by `deps`, and before there are any edges, when routes are declared."""
    return os.environ


@contextmanager
def override(other: Deps) -> Iterator[None]:
    """Use other edges for a while: the tests' fakes, the local runner's."""
    global _current
    before, _current = _current, other
    try:
        yield
    finally:
        _current = before
