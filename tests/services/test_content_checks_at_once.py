"""Content checks added in real parallel, each in a container of its own, over the real stores."""

from typing import TYPE_CHECKING

from chalicelib.domain.extras import MAX_CONTENT_CHECKS
from chalicelib.errors import LimitExceeded
from chalicelib.services.content_checks import ContentCheckDraft, add_content_check, list_content_checks
from chalicelib.services.idempotency import fresh_origin
from chalicelib.services.monitors import Draft, create_monitor, get_monitor
from chalicelib.settings import Settings
from tests.services.test_idempotency_at_once import container
from tests.store.builders import at_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TEAM, KIND = "team-1", "http"
DRAFT = Draft(KIND, "Page", {"url": "https://example.com/"}, 60, 10.0, is_enabled=True, is_public=False)


def test_of_many_adders_at_once_ten_succeed(settings: Settings, client: "DynamoDBClient") -> None:
    containers = [container(settings, client) for _ in range(20)]
    monitor = create_monitor(containers[0], TEAM, "mon", DRAFT)

    def add(number: int) -> str | None:
        try:
            draft = ContentCheckDraft("contains", f"text {number}")
            return add_content_check(containers[number], TEAM, KIND, monitor.id, draft).id
        except LimitExceeded:
            return None

    added = [check_id for check_id in at_once(20, add) if check_id]
    assert len(added) == MAX_CONTENT_CHECKS
    listed = list_content_checks(containers[0], TEAM, KIND, monitor.id)
    assert {check.id for check in listed} == set(added)
    stored = get_monitor(containers[0], TEAM, KIND, monitor.id)
    assert (stored.rev, stored.updated_at) == (
        1 + MAX_CONTENT_CHECKS,
        stored.created_at.replace(microsecond=0),
    )
    place = stored.placement
    spec = containers[0].members.extras(place.shard, {place.position: stored.rev}, consistent=True)
    assert len(spec[place.position]["contentChecks"]) == MAX_CONTENT_CHECKS


def test_tries_of_one_origin_at_once_add_one(settings: Settings, client: "DynamoDBClient") -> None:
    containers = [container(settings, client) for _ in range(8)]
    monitor = create_monitor(containers[0], TEAM, "mon", DRAFT)
    origin, draft = fresh_origin(containers[0]), ContentCheckDraft("contains", "Welcome")
    added = at_once(8, lambda n: add_content_check(containers[n], TEAM, KIND, monitor.id, draft, origin))
    assert added == list_content_checks(containers[0], TEAM, KIND, monitor.id) * 8
