"""The container: edges on first use, and swapped for a while."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from chalicelib import wiring
from chalicelib.mailing import NoMailer, SesMailer, SmtpMailer
from chalicelib.queues import SqsDeliveries, SqsQueue
from chalicelib.services.deps import Deps
from chalicelib.settings import BadSetting, Settings, SmtpServer
from chalicelib.store.keys import KeyStore
from chalicelib.store.tables import TeamItem
from chalicelib.wiring import Edges
from tests.fakes import FakeDeps

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EDGES = [
    *("key_uses", "buckets", "requests", "shards", "states", "members", "ticks", "texts"),
    *("monitors", "keys", "teams", "reference", "metrics"),
    *("heartbeats", "beats", "cron_jobs", "push_monitors", "ping_keys", "maintenance"),
    *("alerts", "outbox", "courses", "channels", "mailer"),
]


@pytest.fixture(autouse=True)
def _fresh_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "_current", None)


def test_the_container_is_made_from_the_environment_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPTIME_TEAMS_TABLE", "from-the-environment")
    first = wiring.deps()
    assert first.settings.teams_table == "from-the-environment"
    monkeypatch.setenv("UPTIME_TEAMS_TABLE", "changed")
    assert wiring.deps() is first


def test_a_wrong_setting_is_an_error_each_time_and_leaves_no_container(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UPTIME_REGION", "moon")
    for _ in range(2):
        with pytest.raises(BadSetting):
            wiring.deps()


def test_an_override_holds_for_its_block_and_nests() -> None:
    outer, inner = FakeDeps(), FakeDeps()
    with wiring.override(outer):
        with wiring.override(inner):
            assert wiring.deps() is inner
        assert wiring.deps() is outer
    assert wiring.deps() is not outer


def fail_inside(deps: Deps) -> None:
    with wiring.override(deps):
        raise RuntimeError


def test_an_override_ends_when_its_block_fails() -> None:
    fake = FakeDeps()
    with pytest.raises(RuntimeError):
        fail_inside(fake)
    assert wiring.deps() is not fake


@pytest.mark.parametrize("name", EDGES)
def test_every_edge_is_built_on_first_use_and_once(
    settings: Settings, client: "DynamoDBClient", name: str
) -> None:
    edges = Edges(settings)
    edges.dynamodb = client
    assert name not in vars(edges)
    assert getattr(edges, name) is getattr(edges, name)


def test_the_first_model_edge_binds_the_models_to_the_containers_tables(
    settings: Settings, client: "DynamoDBClient"
) -> None:
    TeamItem.Meta.table_name = "somewhere else"
    edges = Edges(settings)
    edges.dynamodb = client
    assert isinstance(edges.keys, KeyStore)
    assert settings.teams_table == TeamItem.Meta.table_name


def test_the_clock_is_the_walls_and_aware() -> None:
    now = Edges(Settings()).now()
    assert now.tzinfo is UTC
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)


def test_random_bits_fit_their_count_and_differ() -> None:
    edges = Edges(Settings())
    drawn = [edges.random_bits(74) for _ in range(50)]
    assert len(set(drawn)) == 50
    assert all(0 <= bits < 1 << 74 for bits in drawn)


def test_checks_are_built_with_the_settings_allowances() -> None:
    edges = Edges(Settings(egress_allow="127.0.0.0/8"))
    assert edges.checks is edges.checks
    with pytest.raises(ValueError, match="nonsense"):
        _ = Edges(Settings(egress_allow="nonsense")).checks


def test_each_queue_has_its_own_address() -> None:
    edges = Edges(Settings(probe_queue_url="https://sqs/probe", delivery_queue_url="https://sqs/delivery"))
    assert isinstance(edges.queue, SqsQueue)
    assert isinstance(edges.deliveries, SqsDeliveries)
    assert (edges.queue._url, edges.deliveries._url) == ("https://sqs/probe", "https://sqs/delivery")
    assert edges.queue._client is edges.deliveries._client


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (Settings(), NoMailer),
        (Settings(mail_from="a@example.com"), SesMailer),
        (Settings(mail_from="a@example.com", smtp=SmtpServer("mail.example", 25, False)), SmtpMailer),
    ],
)
def test_mail_goes_where_the_settings_say(settings: Settings, kind: type) -> None:
    assert isinstance(Edges(settings).mailer, kind)
